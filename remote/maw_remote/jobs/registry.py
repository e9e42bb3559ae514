"""The kinds of tasks this runner can do."""

from __future__ import annotations

from maw.config.load import Config
from maw_remote.jobs.changelog import ChangelogJob
from maw_remote.jobs.generate import GenerateJob
from maw_remote.jobs.interface import Job
from maw_remote.jobs.message import MessageJob
from maw_remote.jobs.pr import PrJob
from maw_remote.jobs.review import ReviewJob


def make_jobs(config: Config) -> dict[str, Job]:
    """The jobs by kind, as a runner with this configuration does them."""
    return {
        "review": ReviewJob(config),
        "message": MessageJob(config),
        "pr": PrJob(config),
        "changelog": ChangelogJob(config),
        "generate": GenerateJob(config),
    }
