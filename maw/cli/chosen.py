"""By what records are chosen: the same for each command that lists or counts them."""

from __future__ import annotations

import click

from maw.cli import completing
from maw.git.repo import Repo, commits_in
from maw.memory.query import Filters
from maw.times import moment

revisions = click.argument("revisions", required=False, metavar="[REVISION RANGE]", shell_complete=completing.revisions)
author = click.option("--author", metavar="TEXT", help="Part of the commit author's name or address.")
since = click.option("--since", metavar="WHEN", help="From then on: 2026-01-31, 2026-01-31T12:00Z, 7d, 2 weeks ago.")
until = click.option("--until", metavar="WHEN", help="Up to then.")


def narrowed(repo: Repo, filters: Filters, *, revisions: str | None, since: str | None, until: str | None) -> Filters:
    """With what has to be understood first: a range of revisions and times. Raises FatalError."""
    return filters._replace(
        since=moment(since) if since is not None else None,
        until=moment(until) if until is not None else None,
        commits=commits_in(repo, revisions) if revisions is not None else None,
    )
