"""Reviews that could not be had in time, or that nobody waits for: they come later, and the commit's note tells."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from maw.attendant import client, outbox
from maw.git.notes import Notes
from maw.git.repo import discover
from maw.record import encode
from tests.fixtures.attendant import review_record, stop_attendant, wait_for
from tests.fixtures.cli import Maw
from tests.fixtures.fake_runner import FakeRunner, finding, result
from tests.hooks.conftest import Hooked, Json

AWAY = {"v": 1, "error": {"code": "refused", "message": "pro: connection refused", "hint": "is it on?"}}
HERE = {"v": 1, "hello": {"v": 1, "protocol": [1, 1]}}
THREE = "one = 1\ntwo = 2\nthree = 3\n"


@pytest.fixture
def pro(hooked: Hooked, fake_link: FakeRunner, user: Path) -> FakeRunner:
    """The node is `pro`, and away."""
    user.write_text('node = "pro"\n[nodes.pro]\nhost = "pro"\n')
    fake_link.plays(preface=AWAY)
    return fake_link


def _commit(hooked: Hooked, text: str = "four = 4\n", *arguments: str, **environment: str) -> str:
    hooked.write("a.py", THREE + text)
    return hooked.commit("-a", *arguments, **environment)


def _waiting(hooked: Hooked) -> list[outbox.Entry]:
    return outbox.entries(discover(str(hooked.path)))


def _outbox(hooked: Hooked) -> Path:
    return hooked.path / ".git/maw/outbox"


def _late(hooked: Hooked, commit: str = "HEAD") -> Json:
    """The late review of a commit, once its note has it."""

    def found() -> Json | None:
        note = hooked.git("notes", "--ref=maw/review", "show", commit).stdout
        return next((line for line in map(json.loads, note.splitlines()) if line.get("late")), None)

    late: Json = wait_for(found, "the late review")
    return late


def _back(pro: FakeRunner, *findings: Json, **more: object) -> None:
    pro.plays(*findings, preface=HERE, **more)


def test_a_review_waits_and_becomes_a_note_when_the_node_is_back(hooked: Hooked, pro: FakeRunner, maw: Maw) -> None:
    said = _commit(hooked)
    assert "it is reviewed when pro is back (`maw outbox`)" in said
    commit = hooked.head
    (entry,) = _waiting(hooked)
    assert (entry.commit, entry.data["node"], entry.data["mode"]) == (commit, "pro", "late")
    assert maw("history", cwd=hooked.path).out.split()[2] == "pending"
    _back(pro, finding(line=4, severity="warning"))
    assert maw("outbox", cwd=hooked.path).code == 0  # who looks has it tried again
    late = _late(hooked)
    assert (late["status"], late["verdict"], late["head"]) == ("reviewed", "warn", commit)
    assert _waiting(hooked) == []
    (row,) = maw("history", "--json", cwd=hooked.path).out.splitlines()  # the record of before is superseded
    assert (json.loads(row)["late"], json.loads(row)["pending"]) == (True, False)
    assert "[late]" in maw("history", cwd=hooked.path).out
    last = pro.submits[-1]
    assert (last["keep"], last["priority"]) == (True, "background")
    said = _commit(hooked, "five = 5\n")
    assert f"maw: {str(commit)[:10]} was reviewed meanwhile: warn: 1 finding: 1 warning; `maw show" in said
    assert "meanwhile" not in _commit(hooked, "six = 6\n")


def test_what_came_late_is_known_from_then_on(hooked: Hooked, pro: FakeRunner) -> None:
    _commit(hooked)
    _back(pro, finding(line=4, severity="warning"))
    assert _late(hooked)["verdict"] == "warn"
    submits = len(pro.submits)
    hooked.ok("reset", "-q", "--soft", "HEAD~1")
    said = hooked.commit()
    assert "divides by zero" in said and "known since" in said
    assert len(pro.submits) == submits
    hooked.ok("reset", "-q", "--soft", "HEAD~1")
    assert "known since" not in hooked.commit(MAW_REVIEW_MAX_FILE_BYTES="999999")  # other terms: asked anew


def test_the_attendant_tries_again_by_itself(hooked: Hooked, pro: FakeRunner) -> None:
    _commit(hooked)
    _back(pro)
    assert _late(hooked)["status"] == "reviewed"


def test_what_waits_is_redacted_and_private(hooked: Hooked, pro: FakeRunner) -> None:
    hooked.write("b.py", "db_" + 'password = "' + "xk7!Q" + 'pl93z"\n')
    hooked.ok("add", "b.py")
    hooked.commit("-n")  # a secret that was there before
    hooked.write("b.py", "db_" + 'password = "' + "xk7!Q" + 'pl93z"\nx = 1\n')
    hooked.commit("-a")
    (payload,) = _outbox(hooked).glob("*.payload")
    assert stat.S_IMODE(payload.stat().st_mode) == 0o600
    assert stat.S_IMODE(_outbox(hooked).stat().st_mode) == 0o700
    data = json.loads(payload.read_text())
    assert data["redacted"] is True
    assert b"xk7!Q" not in payload.read_bytes()
    import base64

    assert b"[redacted]" in base64.b64decode(data["diff"])


def test_after_the_deadline_the_review_goes_on(hooked: Hooked, maw: Maw) -> None:
    hooked.runner.plays(steps=[{"event": "started", "data": {"attempt": 1}}, {"sleep": 30}])
    said = _commit(hooked, MAW_REVIEW_DEADLINE="1500ms")
    assert "the review goes on" in said
    assert not hooked.runner.cancelled
    hooked.runner.plays(finding(severity="info"), finished=True)
    assert _late(hooked)["verdict"] == "warn"


def test_in_the_background_a_commit_does_not_wait(hooked: Hooked, maw: Maw) -> None:
    hooked.runner.plays(finding(line=4, severity="error"), finished=True)
    said = _commit(hooked, MAW_REVIEW_MODE="background")
    assert said == "maw: local reviews it in the background; `maw history` tells what it finds\n"
    late = _late(hooked)
    assert late["verdict"] == "block"
    assert "was reviewed meanwhile: block: 1 finding: 1 error" in _commit(
        hooked, "five = 5\n", MAW_REVIEW_MODE="background"
    )


def test_a_secret_blocks_in_the_background_too(hooked: Hooked) -> None:
    hooked.write("a.py", THREE + "api_" + 'key = "' + "q8Zr2" + 'Lk0Wm4x"\n')
    done = hooked.git("commit", "-a", "-m", "secret", MAW_REVIEW_MODE="background")
    assert done.returncode == 1
    assert "critical  line 4  A secret is added" in done.stderr
    assert hooked.runner.submits == []
    assert _waiting(hooked) == []


def test_nothing_that_was_blocked_or_refused_waits(hooked: Hooked, pro: FakeRunner) -> None:
    hooked.write("a.py", THREE + "four = 4\n")
    assert hooked.git("commit", "-a", "-m", "c", MAW_REVIEW_ON_UNREACHABLE="block").returncode == 1
    assert _waiting(hooked) == []


def test_an_attempt_that_was_given_up_leaves_one_entry(hooked: Hooked, pro: FakeRunner) -> None:
    hooked.write("a.py", THREE + "four = 4\n")
    for _ in range(3):  # an empty message: git makes no commit
        assert hooked.git("commit", "-a", "-m", "").returncode == 1
    assert len(_waiting(hooked)) == 1
    hooked.commit("-a")
    (entry,) = _waiting(hooked)
    assert entry.commit == hooked.head


@pytest.mark.parametrize("how", ["amend", "rebase", "reset"])
def test_a_commit_that_was_rewritten_meanwhile(hooked: Hooked, pro: FakeRunner, maw: Maw, how: str) -> None:
    _commit(hooked)
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
    _back(pro, finding(severity="info"))
    done = maw("outbox", "flush", cwd=hooked.path)
    wait_for(lambda: not _waiting(hooked), "the delivery", 20)
    assert done.code == 0, done.err
    noted = str(before) if how == "reset" else "HEAD"  # a reflog may bring it back
    late = _late(hooked, noted)
    assert late["head"] == before
    if how != "reset":
        assert hooked.head != before


def test_a_commit_that_is_gone_for_good(hooked: Hooked, pro: FakeRunner, maw: Maw) -> None:
    _commit(hooked)
    stop_attendant()
    hooked.ok("reset", "-q", "--hard", "HEAD~1")
    hooked.ok("-c", "gc.reflogExpire=now", "reflog", "expire", "--expire=now", "--expire-unreachable=now", "--all")
    hooked.ok("gc", "-q", "--prune=now")
    _back(pro)
    done = maw("outbox", "flush", "--json", cwd=hooked.path)
    assert done.code == 0
    assert _waiting(hooked) == []


def test_full(hooked: Hooked, pro: FakeRunner, user: Path) -> None:
    user.write_text("outbox.max_bytes = 3000\n" + user.read_text())
    assert "it is reviewed when pro is back" in _commit(hooked)
    said = _commit(hooked, "".join(f"x{number} = {number}\n" for number in range(400)))
    assert "the outbox is full (outbox.max_bytes is 3000; `maw outbox` lists what waits); this one is not kept" in said
    assert len(_waiting(hooked)) == 1
    assert hooked.record()


def test_what_is_too_old_is_given_up(hooked: Hooked, pro: FakeRunner, user: Path, maw: Maw) -> None:
    _commit(hooked)
    stop_attendant()
    user.write_text('outbox.max_age = "0s"\n' + user.read_text())
    maw("outbox", "flush", cwd=hooked.path)
    assert _waiting(hooked) == []
    assert json.loads(maw("history", "--json", cwd=hooked.path).out)["status"] == "unreviewed"


@pytest.mark.parametrize("suffix", ["json", "payload"])
@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"v":1}', b"\xff\xfe", b"[" * 100_000])
def test_a_damaged_file_is_set_aside(hooked: Hooked, pro: FakeRunner, maw: Maw, suffix: str, content: bytes) -> None:
    _commit(hooked)
    stop_attendant()
    (path,) = _outbox(hooked).glob(f"*.{suffix}")
    path.write_bytes(content)
    _back(pro)
    assert maw("outbox", "flush", cwd=hooked.path).code == (3 if suffix == "payload" else 0)  # the other is no entry
    assert _waiting(hooked) == []
    assert (_outbox(hooked) / "bad" / path.name).exists()
    assert maw("history", cwd=hooked.path).code == 0


def test_a_node_that_nobody_has_any_more(hooked: Hooked, pro: FakeRunner, user: Path, maw: Maw) -> None:
    _commit(hooked)
    stop_attendant()
    user.write_text('node = "max"\n')
    done = maw("outbox", "flush", cwd=hooked.path)
    assert (done.code, "there is no node called 'max'; `maw config set node NAME` names another" in done.err) == (
        3,
        True,
    )
    assert len(_waiting(hooked)) == 1
    assert maw("outbox", "drop", "--all", cwd=hooked.path).code == 0
    assert _waiting(hooked) == []


def test_what_waits_follows_the_setting(hooked: Hooked, pro: FakeRunner, user: Path, maw: Maw) -> None:
    """Whoever named another node at the commit, or has removed it since, is asked for no more."""
    _commit(hooked)
    stop_attendant()
    user.write_text('node = "local"\n')
    hooked.runner.plays(finding(severity="info"))
    assert "for local (it was for pro)" in maw("outbox", cwd=hooked.path).out
    assert _late(hooked)["node"] == "local"
    assert _waiting(hooked) == []


def test_what_was_chosen_for_one_commit_stays(hooked: Hooked, pro: FakeRunner, user: Path, maw: Maw) -> None:
    user.write_text('node = "local"\n[nodes.pro]\nhost = "pro"\n')
    _commit(hooked, MAW_NODE="pro")
    stop_attendant()
    (entry,) = map(json.loads, maw("outbox", "list", "--json", cwd=hooked.path).out.splitlines())
    assert (entry["node"], entry["goes_to"]) == ("pro", "pro")
    _back(pro)
    maw("outbox", cwd=hooked.path)
    assert _late(hooked)["node"] == "pro"


def test_what_was_reviewed_meanwhile_is_not_sent(hooked: Hooked, pro: FakeRunner, maw: Maw) -> None:
    """By another machine, say, whose notes were fetched."""
    _commit(hooked)
    stop_attendant()
    commit, kernel = str(hooked.head), discover(str(hooked.path))
    Notes(kernel).append("review", commit, [encode(review_record(hooked.repository, commit))])
    submits = len(pro.submits)
    done = maw("outbox", "flush", cwd=hooked.path)
    assert (done.code, f"dropped: {commit[:10]} was reviewed meanwhile" in done.err) == (0, True)
    assert (len(pro.submits), _waiting(hooked)) == (submits, [])


def test_a_node_with_another_profile_by_then(hooked: Hooked, pro: FakeRunner) -> None:
    _commit(hooked)
    _back(pro, steps=[{"event": "done", "data": {"result": result(profile="fedcba9876543210", model="other")}}])
    late = _late(hooked)
    assert (late["profile"], late["model"]) == ("fedcba9876543210", "other")


@pytest.mark.parametrize("status", [503, 429])
def test_a_node_that_cannot_now_is_asked_again(hooked: Hooked, pro: FakeRunner, maw: Maw, status: int) -> None:
    _commit(hooked)
    stop_attendant()
    error = {"v": 1, "error": {"code": "busy", "message": "not now", "hint": None}}
    _back(pro, submit_error=[status, error])
    assert maw("outbox", "flush", cwd=hooked.path).code == 4
    assert len(_waiting(hooked)) == 1


def test_a_review_that_the_node_refuses_for_good(hooked: Hooked, pro: FakeRunner, maw: Maw) -> None:
    _commit(hooked)
    stop_attendant()
    error = {"v": 1, "error": {"code": "bad_input", "message": "not a \x1b[2J patch", "hint": None}}
    _back(pro, submit_error=[400, error])
    done = maw("outbox", "flush", cwd=hooked.path)
    assert (done.code, "\x1b" in done.err) == (0, False)
    late = _late(hooked)
    assert late["status"] == "unreviewed"
    assert "not a" in late["reason"]


def test_two_who_deliver_at_once_make_one_record(hooked: Hooked, pro: FakeRunner, maw: Maw) -> None:
    _commit(hooked)
    _back(pro, submit_delay=1)
    first = maw("outbox", "flush", cwd=hooked.path)
    second = maw("outbox", "flush", cwd=hooked.path)
    assert (first.code, second.code) == (0, 0)
    _late(hooked)
    note = hooked.out("notes", "--ref=maw/review", "show", "HEAD").splitlines()
    assert len([line for line in note if '"late":true' in line]) == 1


def test_killed_in_the_middle_the_next_one_delivers(hooked: Hooked, pro: FakeRunner, maw: Maw) -> None:
    from maw import paths

    _commit(hooked)
    _back(pro, steps=[{"event": "started", "data": {"attempt": 1}}, {"sleep": 1}])
    before = len(pro.submits)
    maw("outbox", cwd=hooked.path)
    wait_for(lambda: len(pro.submits) > before, "the attendant to submit")
    os.kill(int(Path(paths.attendant_lock()).read_text()), 9)
    assert len(_waiting(hooked)) == 1
    _back(pro)
    maw("outbox", cwd=hooked.path)
    assert _late(hooked)["status"] == "reviewed"
    assert _waiting(hooked) == []


def test_a_repository_that_was_moved_or_deleted(hooked: Hooked, pro: FakeRunner, maw: Maw, home: Path) -> None:
    _commit(hooked)
    hooked.path.rename(home / "moved")
    hooked.path = home / "moved"
    _back(pro)
    assert maw("outbox", "flush", cwd=hooked.path).code == 0
    assert _late_in(home / "moved")["status"] == "reviewed"


def _late_in(path: Path) -> Json:
    from tests.fixtures.git import Repository

    lines = Repository(path).git("notes", "--ref=maw/review", "show", "HEAD").splitlines()
    return next(line for line in map(json.loads, lines) if line.get("late"))


def test_the_attendant_leaves_though_a_review_waits(
    hooked: Hooked, pro: FakeRunner, attendant: Callable[[], None]
) -> None:
    """A node that stays away keeps nobody here: the next maw command goes on."""
    import subprocess
    import sys

    _commit(hooked)
    stop_attendant()
    command = [sys.executable, "-m", "maw.attendant", "--idle", "0.5", str(hooked.path / ".git")]
    assert subprocess.run(command, timeout=30, check=False, capture_output=True).returncode == 0
    assert len(_waiting(hooked)) == 1


def test_outbox_commands(hooked: Hooked, pro: FakeRunner, maw: Maw) -> None:
    assert "nothing waits" in maw("outbox", cwd=hooked.path).err
    _commit(hooked)
    told = json.loads(maw("outbox", "list", "--json", cwd=hooked.path).out)
    assert (told["v"], told["node"], told["commit"]) == (1, "pro", hooked.head)
    assert maw("outbox", "drop", cwd=hooked.path).code == 2
    assert "there is none that starts so" in maw("outbox", "drop", "zzz", cwd=hooked.path).err
    stop_attendant()
    flushed = maw("outbox", "flush", cwd=hooked.path)
    assert (flushed.code, "pro: connection refused" in flushed.err) == (4, True)
    assert maw("outbox", "drop", told["id"][:12], cwd=hooked.path).code == 0
    assert _waiting(hooked) == []
    assert maw("history", cwd=hooked.path).out.split()[2] == "unreviewed"


@pytest.mark.slow
def test_a_black_hole_and_back(hooked: Hooked, pro: FakeRunner, user: Path) -> None:
    """A node that takes connections and never answers, then does."""
    user.write_text('review.deadline = "1500ms"\n' + user.read_text())
    pro.plays(preface=HERE, submit_delay=60)
    assert "the review took longer" in _commit(hooked)
    assert len(_waiting(hooked)) == 1
    stop_attendant()
    _back(pro, finding(severity="info"))
    hooked.write("a.py", THREE + "another = 1\n")
    hooked.commit("-a")  # wakes the attendant
    assert _late(hooked, "HEAD~1")["verdict"] == "warn"


def test_no_room_in_the_repository(hooked: Hooked, pro: FakeRunner) -> None:
    """What cannot be kept is said in a line, and the commit is made."""
    (hooked.path / ".git/maw").mkdir(exist_ok=True)
    _outbox(hooked).write_text("in the way\n")
    said = _commit(hooked)
    assert "its review cannot be kept for later" in said
    assert hooked.record() is not None
    assert _waiting(hooked) == []


def test_a_repository_that_is_gone(hooked: Hooked, pro: FakeRunner, home: Path) -> None:
    _commit(hooked)
    hooked.path.rename(home / "elsewhere")
    _back(pro)
    assert client.ask({"v": 1, "op": "drain", "common_dir": str(hooked.path / ".git")}) == {"v": 1, "ok": True}
    wait_for(lambda: client.ask({"v": 1, "op": "ping"}), "the attendant to answer on")
    assert not hooked.path.exists()


def test_a_notification_is_made_of_arguments(
    hooked: Hooked, pro: FakeRunner, user: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program of that name takes them down; text of a model or a repository is never a part of a program."""
    told = home / "told"
    program = home / "bin" / "notify-send"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" >{told}.part\nmv {told}.part {told}\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    monkeypatch.setattr("sys.platform", "linux")
    user.write_text("notify = true\n" + user.read_text())
    _commit(hooked)
    _back(pro, finding(severity="warning"))
    _late(hooked)
    wait_for(told.exists, "the notification")
    assert told.read_text().splitlines() == [
        "--app-name=maw", "--", "maw: repo", f"{str(hooked.head)[:10]}: warn: 1 finding: 1 warning",
    ]  # fmt: skip
