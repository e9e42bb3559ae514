"""What a review in the outbox meets when it comes: its commit, its node or its need may have changed meanwhile."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

from maw.attendant.work import deliver
from maw.git.notes import Notes
from maw.git.repo import discover
from maw.record import LINES_MAX, encode
from tests.fixtures.attendant import review_record, stop_attendant, wait_for
from tests.fixtures.cli import Maw
from tests.fixtures.fake_runner import FakeRunner, finding, result
from tests.hooks.conftest import Hooked
from tests.hooks.later import back, committed, late_review, waiting


@pytest.mark.parametrize("how", ["amend", "rebase", "reset"])
def test_a_commit_that_was_rewritten_meanwhile(hooked: Hooked, pro: FakeRunner, maw: Maw, how: str) -> None:
    committed(hooked)
    before = hooked.head
    if how == "amend":
        hooked.ok("commit", "-q", "--amend", "-m", "a better subject")
    elif how == "rebase":
        hooked.ok("switch", "-q", "-c", "side", "HEAD~1")
        hooked.write("c.py", "c = 1\n")
        hooked.ok("add", "c.py")
        hooked.ok("commit", "-q", "-n", "-m", "other")
        hooked.ok("rebase", "-q", "side", "main")
    else:
        hooked.ok("reset", "-q", "--hard", "HEAD~1")
    back(pro, finding(severity="info"))
    done = maw("outbox", "flush", cwd=hooked.path)
    wait_for(lambda: not waiting(hooked), "the delivery", 20)
    assert done.code == 0, done.err
    noted = str(before) if how == "reset" else "HEAD"  # a reflog may bring it back
    late = late_review(hooked, noted)
    assert late["head"] == before
    if how != "reset":
        assert hooked.head != before


def test_a_commit_that_is_gone_for_good(hooked: Hooked, pro: FakeRunner, maw: Maw) -> None:
    committed(hooked)
    stop_attendant()
    hooked.ok("reset", "-q", "--hard", "HEAD~1")
    hooked.ok("-c", "gc.reflogExpire=now", "reflog", "expire", "--expire=now", "--expire-unreachable=now", "--all")
    hooked.ok("gc", "-q", "--prune=now")
    back(pro)
    done = maw("outbox", "flush", "--json", cwd=hooked.path)
    assert done.code == 0
    assert waiting(hooked) == []


def test_a_node_that_nobody_has_any_more(hooked: Hooked, pro: FakeRunner, user: Path, maw: Maw) -> None:
    committed(hooked)
    stop_attendant()
    user.write_text('node = "max"\n')
    done = maw("outbox", "flush", cwd=hooked.path)
    assert (done.code, "there is no node called 'max'; `maw config set node NAME` names another" in done.err) == (
        3,
        True,
    )
    assert len(waiting(hooked)) == 1
    assert maw("outbox", "drop", "--all", cwd=hooked.path).code == 0
    assert waiting(hooked) == []


def test_what_waits_follows_the_setting(hooked: Hooked, pro: FakeRunner, user: Path, maw: Maw) -> None:
    """Whoever named another node at the commit, or has removed it since, is asked for no more."""
    committed(hooked)
    stop_attendant()
    user.write_text('node = "local"\n')
    hooked.runner.plays(finding(severity="info"))
    assert "for local (it was for pro)" in maw("outbox", cwd=hooked.path).out
    assert late_review(hooked)["node"] == "local"
    assert waiting(hooked) == []


def test_what_was_chosen_for_one_commit_stays(hooked: Hooked, pro: FakeRunner, user: Path, maw: Maw) -> None:
    user.write_text('node = "local"\n[nodes.pro]\nhost = "pro"\n')
    committed(hooked, MAW_NODE="pro")
    stop_attendant()
    (entry,) = map(json.loads, maw("outbox", "list", "--json", cwd=hooked.path).out.splitlines())
    assert (entry["node"], entry["goes_to"]) == ("pro", "pro")
    back(pro)
    maw("outbox", cwd=hooked.path)
    assert late_review(hooked)["node"] == "pro"


def test_what_was_reviewed_meanwhile_is_not_sent(hooked: Hooked, pro: FakeRunner, maw: Maw) -> None:
    """By another machine, say, whose notes were fetched."""
    committed(hooked)
    stop_attendant()
    commit, kernel = str(hooked.head), discover(str(hooked.path))
    Notes(kernel).append("review", commit, [encode(review_record(hooked.repository, commit))])
    submits = len(pro.submits)
    done = maw("outbox", "flush", cwd=hooked.path)
    assert (done.code, f"dropped: {commit[:10]} was reviewed meanwhile" in done.err) == (0, True)
    assert (len(pro.submits), waiting(hooked)) == (submits, [])


def test_what_is_dropped_came_to_its_end_too(hooked: Hooked, pro: FakeRunner) -> None:
    """So the attendant does not take the node for one that is away, and waits no longer for what comes next."""
    committed(hooked)
    kernel, first = discover(str(hooked.path)), str(hooked.head)
    for text in ("five = 5\n", "six = 6\n"):
        committed(hooked, text)
    stop_attendant()
    Notes(kernel).append("review", first, [encode(review_record(hooked.repository, first))])
    assert deliver(kernel, threading.Event()) == (1, 2)
    assert [entry.commit for entry in waiting(hooked)] == hooked.out("rev-list", "--reverse", "-2", "HEAD").split()


def test_a_note_that_cannot_be_read_keeps_no_other_review_waiting(
    hooked: Hooked, pro: FakeRunner, maw: Maw, tmp_path: Path
) -> None:
    """A stranger's, say, too large to be read, on the commit that waits the longest."""
    committed(hooked)
    committed(hooked, "five = 5\n")
    stop_attendant()
    note = tmp_path / "note"
    note.write_text("{}\n" * (LINES_MAX + 1))
    hooked.ok("notes", "--ref=maw/review", "add", "-f", "-F", str(note), "HEAD~1")
    back(pro, finding(severity="info"))
    done = maw("outbox", "flush", cwd=hooked.path)
    assert (done.code, waiting(hooked)) == (0, []), done.err
    assert late_review(hooked)["head"] == hooked.head


def test_a_node_with_another_profile_by_then(hooked: Hooked, pro: FakeRunner) -> None:
    committed(hooked)
    back(pro, steps=[{"event": "done", "data": {"result": result(profile="fedcba9876543210", model="other")}}])
    late = late_review(hooked)
    assert (late["profile"], late["model"]) == ("fedcba9876543210", "other")
