"""The rows of the queue: tasks of all nodes, and reviews that wait for their node in the outbox."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from maw.attendant import delivery, outbox
from maw.config.load import load
from maw.git.repo import Repo
from maw.watch.board import Picture, Seen

ENDED_SHOWN = 200
LIVE_SHOWN = 1000


class Entry(NamedTuple):
    """Either a task or, with `waits`, a review in the outbox. `key` is the same as long as it is the same thing;
    `stale`: it had not ended when its node was lost."""

    key: str
    node: str
    task: Seen | None = None
    waits: outbox.Entry | None = None
    stale: bool = False

    @property
    def words(self) -> str:
        """What a filter looks at."""
        if self.task is not None:
            task = self.task.task
            return f"{task.state} {task.kind} {task.id} {self.node} {task.title} {self.task.model}".lower()
        assert self.waits is not None
        return f"outbox review {self.node} {self.waits.commit or ''}".lower()


def held(repo: Repo) -> list[Entry]:
    """The reviews in the outbox, each with the node that it goes to now. Blocks."""
    if not (waiting := outbox.entries(repo)):
        return []
    config = load(strict=False)  # as it is now: another node may have been named meanwhile
    return [Entry(f"outbox/{entry.id}", delivery.goes_to(entry, config), waits=entry) for entry in waiting]


def entries(pictures: Iterable[Picture], waiting: Sequence[Entry], wanted: str = "") -> list[Entry]:
    """What runs on any node, what waits, what is in the outbox, what ended; of these what has all `wanted` words."""
    groups: tuple[list[Entry], list[Entry], list[Entry]] = ([], [], [])
    for picture in pictures:
        for seen in picture.tasks:
            group = {"running": 0, "queued": 1}.get(seen.task.state, 2)
            stale = picture.away is not None and seen.live
            groups[group].append(Entry(f"{picture.node}/{seen.task.id}", picture.node, seen, stale=stale))
    running, queued, ended = groups
    ended.sort(key=_ended, reverse=True)
    found = [*(running + queued)[:LIVE_SHOWN], *waiting, *ended[:ENDED_SHOWN]]
    return [entry for entry in found if matches(entry, wanted)]


def matches(entry: Entry, wanted: str) -> bool:
    text = entry.words
    return all(word in text for word in wanted.lower().split())


def _ended(entry: Entry) -> str:
    return (entry.task.task.finished or "") if entry.task is not None else ""
