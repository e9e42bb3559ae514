"""The kinds of tasks this runner can do."""

from __future__ import annotations

from maw_remote.jobs import review
from maw_remote.jobs.interface import Job

JOBS: dict[str, Job] = {"review": review}
