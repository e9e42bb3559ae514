"""Notes on commits, and what the index says of them."""

from __future__ import annotations

from typing import Any

from maw.git.notes import Notes
from maw.memory.index import Index
from maw.memory.query import Filters, Row
from maw.record import encode
from tests.fixtures.attendant import kernel_repo, review_record
from tests.fixtures.git import Repository


def note(repository: Repository, commit: str, **more: Any) -> str:
    """Note a review on a commit; its id."""
    data = review_record(repository, commit, **more)
    repo = kernel_repo(repository)
    if "patch_id" not in more:
        from maw.attendant.writer import completed

        data = completed(Notes(repo).objects, commit, data)
    Notes(repo).append(data["kind"], commit, [encode(data)])
    return str(data["id"])


def rows(repository: Repository, filters: Filters = Filters(), limit: int = 1000) -> list[Row]:  # noqa: B008
    with Index(kernel_repo(repository)) as index:
        index.refresh()
        return index.history(filters, limit).rows


def ids(repository: Repository, **filters: Any) -> list[str]:
    return [row.id for row in rows(repository, Filters(**filters))]
