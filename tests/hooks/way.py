"""Ways of committing: what each does, and what is to come of it. ways_*.py have them, table.py shows them."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from tests.hooks.place import CHANGE, Place, Seen

TYPED = "pre-commit, prepare-commit-msg, commit-msg, post-commit"
BARE = "prepare-commit-msg, post-commit"  # as after --no-verify
REPLAYED = "prepare-commit-msg, (post-commit)"
EXACT, CARRIED, STALE = "reviewed, exact", "reviewed, carried", "reviewed, stale"
MISSED = "unreviewed, exact"

Go = Callable[[Place], Place | None]  # returns where to look when that is somewhere else


class Way(NamedTuple):
    """`name` is the table's. `under`: the hook frameworks that stand between git and maw; none without any."""

    name: str
    go: Go
    seen: Seen
    under: tuple[str, ...] = ()

    @property
    def row(self) -> str:
        return f"| {self.name} | {' | '.join(self.seen)} |\n"


WAYS: list[Way] = []


def way(
    name: str, *, ran: str = TYPED, sent: str = CHANGE, recorded: str = EXACT, under: tuple[str, ...] = ()
) -> Callable[[Go], Go]:
    """A function that goes a way of committing. It calls `watch` once all is ready for it."""

    def known(go: Go) -> Go:
        WAYS.append(Way(name, go, Seen(ran, sent, recorded), under))
        return go

    return known


PRE_COMMITS = ("pre-commit", "prek")
FRAMEWORKS = (*PRE_COMMITS, "lefthook")


def framed(name: str, under: tuple[str, ...] = FRAMEWORKS, **columns: str) -> Callable[[Go], Go]:
    """A way under hook frameworks."""
    return way(f"{', '.join(under)}: {name}", under=under, **columns)
