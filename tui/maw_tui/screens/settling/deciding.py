"""What is done to findings, in workers: said, fixed, taken back. The same that the commands do. No widgets here."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from maw.attendant import client
from maw.errors import FatalError
from maw.git.repo import Repo
from maw.memory import arrivals, feedback
from maw.memory.dismissals import FIXED
from maw.memory.feedback import Place
from maw.memory.index import Index
from maw.record import Json
from maw.review import fixing
from maw.review.fixing import Fix
from maw.text import one_line
from maw_tui.messages import error_in_words
from maw_tui.settled import Settled

Told = Callable[[str], None]
Done = Callable[[], None]


def say(repo: Repo, ids: Sequence[str], status: str, reason: str, told: Told, *, done: Done) -> None:
    """Say the same of several findings. `done` is called after each: it can be taken back whatever comes then. Raises
    FatalError, before anything is said, where the only one cannot be found."""
    places = _places(repo, ids, told)
    with _telling_trouble(told):
        for place in places:
            feedback.say(repo, place, status, reason)
            done()
    _delivered(repo, told)


def _places(repo: Repo, ids: Sequence[str], told: Told) -> list[Place]:
    """Where they are. Of several, one that cannot be found, as a stranger wrote it, is told and left out."""
    with Index(repo) as index:
        if len(ids) == 1:
            return [feedback.find(repo, index, ids[0])]
        found = []
        for name in ids:
            with _telling_trouble(told):
                found.append(feedback.find(repo, index, name))
    return found


def prepare(repo: Repo, ids: Sequence[str]) -> list[Fix]:
    """What applying the replacements would write. Raises FatalError for one that does not fit."""
    with Index(repo) as index:
        return [fixing.prepare(repo, feedback.find(repo, index, found)) for found in ids]


def fix(repo: Repo, ids: Sequence[str], told: Told, *, done: Done) -> None:
    """Apply the replacements, each to what the one before left, and say so of the findings; `done` as of `say`."""
    with _telling_trouble(told), Index(repo) as index:
        for found in ids:
            place = feedback.find(repo, index, found)
            fixing.prepare(repo, place).write()
            feedback.say(repo, place, FIXED, "")
            done()
    _delivered(repo, told)


@contextmanager
def _telling_trouble(told: Told) -> Iterator[None]:
    """What goes wrong ends the block and is told; what was done before stays."""
    try:
        yield
    except (FatalError, OSError) as exc:
        told(error_in_words(exc))


def undo_last(repo: Repo, settled: Settled, told: Told) -> list[str]:
    """Take back the last decision of this person, of all findings it was about; each in words. Where that fails, the
    rest of it is what is taken back next. Raises FatalError and OSError."""
    undone: list[str] = []
    number = settled.last()
    try:
        _undo(repo, number, undone.append, told)
    except (FatalError, OSError):
        settled.note(number - len(undone))
        raise
    if undone:
        settled.note(0)
    _delivered(repo, told)
    return undone


def _undo(repo: Repo, number: int, undone: Callable[[str], None], told: Told) -> None:
    with Index(repo) as index:
        for _ in range(number):
            index.refresh()
            found = feedback.undo(repo, index)
            if found is None:
                break
            undone(_in_words(found.record))
            arrivals.deliver(repo, told)


def _in_words(record: Json) -> str:
    """`accepted, Fails when there are no rows (parser.py:17)`."""
    found = record["finding"]
    return one_line(f"{record['status']}, {found.get('title')} ({found.get('path')}:{found.get('line')})")


def _delivered(repo: Repo, told: Told) -> None:
    """Have it written into notes here, or, where that fails, by the attendant; then indexed."""
    arrivals.deliver(repo, told)
    client.poke(repo.common_dir)
    with Index(repo) as index:
        index.refresh()
