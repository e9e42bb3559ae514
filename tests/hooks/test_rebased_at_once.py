"""git rewrites a commit before the attendant has written its note: the record is on the new commit all the same."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

import pytest

from maw import files
from maw.attendant import spool
from maw.git.notes import Notes
from maw.git.repo import discover
from maw.memory.linking import link
from maw.setup import gitconfig
from tests.fixtures.cli import Maw
from tests.fixtures.waiting import wait_for
from tests.hooks.conftest import Hooked

TIMES = 6
Rewrite = Callable[[Hooked, int], str]  # gives the commit that came of it


@pytest.fixture
def diverging(hooked: Hooked) -> Hooked:
    gitconfig.apply(discover(str(hooked.path)))
    hooked.ok("switch", "-q", "-c", "topic")
    return hooked


def _slow(hooked: Hooked) -> AbstractContextManager[None]:
    """The attendant cannot write: it waits for its turn."""
    return files.lock(str(hooked.path / ".git/maw/notes.lock"), 30.0)


def _rebase(hooked: Hooked, number: int) -> str:
    hooked.ok("rebase", "-q", "main")
    return "HEAD"


def _pull(hooked: Hooked, number: int) -> str:
    hooked.ok("pull", "-q", "--rebase", ".", "main")
    return "HEAD"


def _amend(hooked: Hooked, number: int) -> str:
    hooked.ok("commit", "-q", "--amend", "-m", f"amended {number}")
    return "HEAD"


def _pick(hooked: Hooked, number: int) -> str:
    hooked.ok("switch", "-q", "-c", f"picked{number}", "main")
    hooked.ok("cherry-pick", "topic")
    hooked.ok("switch", "-q", "topic")
    return f"picked{number}"


@pytest.mark.slow
@pytest.mark.parametrize("slow", [False, True])
@pytest.mark.parametrize("rewrite", [_rebase, _pull, _amend, _pick])
def test_no_record_is_lost(diverging: Hooked, maw: Maw, rewrite: Rewrite, slow: bool) -> None:
    for number in range(TIMES):
        diverging.ok("switch", "-q", "main")
        diverging.write("main.txt", f"{number}\n")
        diverging.ok("add", "main.txt")
        diverging.ok("commit", "-q", "-n", "-m", "main goes on")
        diverging.ok("switch", "-q", "topic")
        diverging.write(f"t{number}.py", "t = 1\n")
        diverging.ok("add", "-A")
        with _slow(diverging) if slow else nullcontext():
            diverging.commit()
            made = diverging.out("rev-parse", rewrite(diverging, number))
        maw("show", made, cwd=diverging.path)
        _reviewed(diverging, made)


def _reviewed(hooked: Hooked, commit: str) -> None:
    repo = discover(str(hooked.path))

    def settled() -> bool:
        spool.drain(repo)
        return not spool.waiting(repo)

    wait_for(settled, "the notes to stand")
    link(repo)
    found = [line.data for line in Notes(repo).read("review", commit)]
    assert [data["status"] for data in found if data is not None] == ["reviewed"], commit
