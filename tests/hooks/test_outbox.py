"""Reviews that could not be had in time, or that nobody waits for: they come later, and the commit's note tells."""

from __future__ import annotations

import json
import os
import stat
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from maw.attendant import client
from maw.attendant.work import deliver
from maw.git.repo import discover
from tests.fixtures.attendant import stop_attendant, wait_for
from tests.fixtures.cli import Maw
from tests.fixtures.fake_runner import PLAN, FakeRunner, finding
from tests.hooks.conftest import Hooked, Json
from tests.hooks.later import HERE, THREE, back, committed, late_review, waiting


def _outbox(hooked: Hooked) -> Path:
    return hooked.path / ".git/maw/outbox"


def test_a_review_waits_and_becomes_a_note_when_the_node_is_back(hooked: Hooked, pro: FakeRunner, maw: Maw) -> None:
    said = committed(hooked)
    assert "it is reviewed when pro is back (`maw outbox`)" in said
    commit = hooked.head
    (entry,) = waiting(hooked)
    assert (entry.commit, entry.data["node"], entry.data["mode"]) == (commit, "pro", "late")
    assert maw("history", cwd=hooked.path).out.split()[2] == "pending"
    back(pro, finding(line=4, severity="warning"))
    assert maw("outbox", cwd=hooked.path).code == 0  # who looks has it tried again
    late = late_review(hooked)
    assert (late["status"], late["verdict"], late["head"]) == ("reviewed", "warn", commit)
    assert waiting(hooked) == []
    (row,) = maw("history", "--json", cwd=hooked.path).out.splitlines()  # the record of before is superseded
    assert (json.loads(row)["late"], json.loads(row)["pending"]) == (True, False)
    assert "[late]" in maw("history", cwd=hooked.path).out
    last = pro.submits[-1]
    assert (last["keep"], last["priority"]) == (True, "background")
    said = committed(hooked, "five = 5\n")
    assert f"maw: {str(commit)[:10]} was reviewed meanwhile: warn: 1 finding: 1 warning; `maw show" in said
    assert "meanwhile" not in committed(hooked, "six = 6\n")


def test_a_commit_without_a_model_is_reviewed_once_it_is_there(hooked: Hooked, pro: FakeRunner, maw: Maw) -> None:
    error = {"code": "model_missing", "message": "big is not on this node", "hint": "`maw model pull big`"}
    missing = {"v": 1, "name": "big", "state": "available", "roles": ["manager"]}
    back(pro, steps=[PLAN[0], {"event": "failed", "data": {"error": error}}], models=[missing])
    assert committed(hooked).splitlines() == [
        "maw: pro cannot review: big is not on this node (`maw model pull big`); the commit goes unreviewed",
        "     it is reviewed once that is mended (`maw outbox`)",
    ]
    assert ": pro cannot review: big is not " in maw("outbox", cwd=hooked.path).out
    flushed = maw("outbox", "flush", cwd=hooked.path)
    said = "maw: failed: pro cannot review: big is not there; `maw model pull big --node pro` gets it"
    assert (flushed.code, said in flushed.err) == (3, True), flushed.err
    stop_attendant()
    assert deliver(discover(str(hooked.path)), threading.Event()) == (0, 0)  # so nobody asks again by himself
    assert len(pro.submits) == 1  # nor is the node asked in vain
    assert "big is not there; `maw model pull big --node pro` gets it" in maw("outbox", cwd=hooked.path).out
    (check,) = [
        one for one in maw("doctor", "--offline", "--json", cwd=hooked.path).json["checks"] if one["what"] == "outbox"
    ]
    assert (check["state"], check["found"]) == ("warn", "waiting for a node: 1 review")
    back(pro, finding(line=4, severity="warning"), models=[missing | {"state": "installed"}])
    maw("config", "set", "roles.manager", "big", cwd=hooked.path)  # has what waits sent, as a pull does
    assert late_review(hooked)["verdict"] == "warn"
    assert waiting(hooked) == []


def test_what_nobody_waited_for_asks_a_node_without_a_model_once(hooked: Hooked, pro: FakeRunner, maw: Maw) -> None:
    error = {"code": "model_missing", "message": "big is not on this node"}
    missing = {"v": 1, "name": "big", "state": "available", "roles": ["manager"]}
    back(pro, steps=[PLAN[0], {"event": "failed", "data": {"error": error}}], models=[missing])
    committed(hooked, MAW_REVIEW_MODE="background")
    for _ in range(2):
        assert maw("outbox", "flush", cwd=hooked.path).code == 3
    assert len(pro.submits) == 1
    (entry,) = waiting(hooked)
    assert entry.to_mend


def test_what_came_late_is_known_from_then_on(hooked: Hooked, pro: FakeRunner) -> None:
    committed(hooked)
    back(pro, finding(line=4, severity="warning"))
    assert late_review(hooked)["verdict"] == "warn"
    submits = len(pro.submits)
    hooked.ok("reset", "-q", "--soft", "HEAD~1")
    said = hooked.commit()
    assert "divides by zero" in said and "known since" in said
    assert len(pro.submits) == submits
    hooked.ok("reset", "-q", "--soft", "HEAD~1")
    assert "known since" not in hooked.commit(MAW_REVIEW_MAX_FILE_BYTES="999999")  # other terms: asked anew


def test_the_attendant_tries_again_by_itself(hooked: Hooked, pro: FakeRunner) -> None:
    committed(hooked)
    back(pro)
    assert late_review(hooked)["status"] == "reviewed"


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
    said = committed(hooked, MAW_REVIEW_DEADLINE="1500ms")
    assert "the review goes on" in said
    assert not hooked.runner.cancelled
    hooked.runner.plays(finding(severity="info"), finished=True)
    assert late_review(hooked)["verdict"] == "warn"


def test_in_the_background_a_commit_does_not_wait(hooked: Hooked, maw: Maw) -> None:
    hooked.runner.plays(finding(line=4, severity="error"), finished=True)
    said = committed(hooked, MAW_REVIEW_MODE="background")
    assert said == "maw: local reviews it in the background; `maw history` tells what it finds\n"
    late = late_review(hooked)
    assert late["verdict"] == "block"
    assert "was reviewed meanwhile: block: 1 finding: 1 error" in committed(
        hooked, "five = 5\n", MAW_REVIEW_MODE="background"
    )


def test_a_secret_blocks_in_the_background_too(hooked: Hooked) -> None:
    hooked.write("a.py", THREE + "api_" + 'key = "' + "q8Zr2" + 'Lk0Wm4x"\n')
    done = hooked.git("commit", "-a", "-m", "secret", MAW_REVIEW_MODE="background")
    assert done.returncode == 1
    assert "critical  line 4  A secret is added" in done.stderr
    assert hooked.runner.submits == []
    assert waiting(hooked) == []


def test_nothing_that_was_blocked_or_refused_waits(hooked: Hooked, pro: FakeRunner) -> None:
    hooked.write("a.py", THREE + "four = 4\n")
    assert hooked.git("commit", "-a", "-m", "c", MAW_REVIEW_ON_UNREACHABLE="block").returncode == 1
    assert waiting(hooked) == []


def test_an_attempt_that_was_given_up_leaves_one_entry(hooked: Hooked, pro: FakeRunner) -> None:
    hooked.write("a.py", THREE + "four = 4\n")
    for _ in range(3):  # an empty message: git makes no commit
        assert hooked.git("commit", "-a", "-m", "").returncode == 1
    assert len(waiting(hooked)) == 1
    hooked.commit("-a")
    (entry,) = waiting(hooked)
    assert entry.commit == hooked.head


def test_full(hooked: Hooked, pro: FakeRunner, user: Path) -> None:
    user.write_text("outbox.max_bytes = 3000\n" + user.read_text())
    assert "it is reviewed when pro is back" in committed(hooked)
    said = committed(hooked, "".join(f"x{number} = {number}\n" for number in range(400)))
    assert "the outbox is full (outbox.max_bytes is 3000; `maw outbox` lists what waits); this one is not kept" in said
    assert len(waiting(hooked)) == 1
    assert hooked.record()


def test_what_is_too_old_is_given_up(hooked: Hooked, pro: FakeRunner, user: Path, maw: Maw) -> None:
    committed(hooked)
    stop_attendant()
    user.write_text('outbox.max_age = "0s"\n' + user.read_text())
    maw("outbox", "flush", cwd=hooked.path)
    assert waiting(hooked) == []
    assert json.loads(maw("history", "--json", cwd=hooked.path).out)["status"] == "unreviewed"


@pytest.mark.parametrize("suffix", ["json", "payload"])
@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"v":1}', b"\xff\xfe", b"[" * 100_000])
def test_a_damaged_file_is_set_aside(hooked: Hooked, pro: FakeRunner, maw: Maw, suffix: str, content: bytes) -> None:
    committed(hooked)
    stop_attendant()
    (path,) = _outbox(hooked).glob(f"*.{suffix}")
    path.write_bytes(content)
    back(pro)
    assert maw("outbox", "flush", cwd=hooked.path).code == (3 if suffix == "payload" else 0)  # the other is no entry
    assert waiting(hooked) == []
    assert (_outbox(hooked) / "bad" / path.name).exists()
    assert maw("history", cwd=hooked.path).code == 0


@pytest.mark.parametrize("status", [503, 429])
def test_a_node_that_cannot_now_is_asked_again(hooked: Hooked, pro: FakeRunner, maw: Maw, status: int) -> None:
    committed(hooked)
    stop_attendant()
    error = {"v": 1, "error": {"code": "busy", "message": "not now", "hint": None}}
    back(pro, submit_error=[status, error])
    assert maw("outbox", "flush", cwd=hooked.path).code == 4
    assert len(waiting(hooked)) == 1


def test_a_review_that_the_node_refuses_for_good(hooked: Hooked, pro: FakeRunner, maw: Maw) -> None:
    committed(hooked)
    stop_attendant()
    error = {"v": 1, "error": {"code": "bad_input", "message": "not a \x1b[2J patch", "hint": None}}
    back(pro, submit_error=[400, error])
    done = maw("outbox", "flush", cwd=hooked.path)
    assert (done.code, "\x1b" in done.err) == (0, False)
    late = late_review(hooked)
    assert late["status"] == "unreviewed"
    assert "not a" in late["reason"]


def test_two_who_deliver_at_once_make_one_record(hooked: Hooked, pro: FakeRunner, maw: Maw) -> None:
    committed(hooked)
    back(pro, submit_delay=1)
    first = maw("outbox", "flush", cwd=hooked.path)
    second = maw("outbox", "flush", cwd=hooked.path)
    assert (first.code, second.code) == (0, 0)
    late_review(hooked)
    note = hooked.out("notes", "--ref=maw/review", "show", "HEAD").splitlines()
    assert len([line for line in note if '"late":true' in line]) == 1


def test_killed_in_the_middle_the_next_one_delivers(hooked: Hooked, pro: FakeRunner, maw: Maw) -> None:
    from maw import paths

    committed(hooked)
    back(pro, steps=[{"event": "started", "data": {"attempt": 1}}, {"sleep": 1}])
    before = len(pro.submits)
    maw("outbox", cwd=hooked.path)
    wait_for(lambda: len(pro.submits) > before, "the attendant to submit")
    os.kill(int(Path(paths.attendant_lock()).read_text()), 9)
    assert len(waiting(hooked)) == 1
    back(pro)
    maw("outbox", cwd=hooked.path)
    assert late_review(hooked)["status"] == "reviewed"
    assert waiting(hooked) == []


def test_a_repository_that_was_moved_or_deleted(hooked: Hooked, pro: FakeRunner, maw: Maw, home: Path) -> None:
    committed(hooked)
    hooked.path.rename(home / "moved")
    hooked.path = home / "moved"
    back(pro)
    assert maw("outbox", "flush", cwd=hooked.path).code == 0
    assert _late_in(home / "moved")["status"] == "reviewed"


def _late_in(path: Path) -> Json:
    from tests.fixtures.git import Repository

    lines = Repository(path).git("notes", "--ref=maw/review", "show", "HEAD").splitlines()
    return next(line for line in map(json.loads, lines) if line.get("late"))


@pytest.mark.slow
def test_the_attendant_leaves_though_a_review_waits(
    hooked: Hooked, pro: FakeRunner, attendant: Callable[[], None]
) -> None:
    """A node that stays away keeps nobody here: the next maw command goes on."""
    import subprocess
    import sys

    committed(hooked)
    stop_attendant()
    command = [sys.executable, "-m", "maw.attendant", "--idle", "0.5", str(hooked.path / ".git")]
    assert subprocess.run(command, timeout=30, check=False, capture_output=True).returncode == 0
    assert len(waiting(hooked)) == 1


def test_outbox_commands(hooked: Hooked, pro: FakeRunner, maw: Maw) -> None:
    assert "nothing waits" in maw("outbox", cwd=hooked.path).err
    committed(hooked)
    told = json.loads(maw("outbox", "list", "--json", cwd=hooked.path).out)
    assert (told["v"], told["node"], told["commit"]) == (1, "pro", hooked.head)
    assert maw("outbox", "drop", cwd=hooked.path).code == 2
    assert "there is none that starts so" in maw("outbox", "drop", "zzz", cwd=hooked.path).err
    stop_attendant()
    flushed = maw("outbox", "flush", cwd=hooked.path)
    assert (flushed.code, "pro: connection refused" in flushed.err) == (4, True)
    assert maw("outbox", "drop", told["id"][:12], cwd=hooked.path).code == 0
    assert waiting(hooked) == []
    assert maw("history", cwd=hooked.path).out.split()[2] == "unreviewed"


@pytest.mark.slow
def test_a_black_hole_and_back(hooked: Hooked, pro: FakeRunner, user: Path) -> None:
    """A node that takes connections and never answers, then does."""
    user.write_text('review.deadline = "1500ms"\n' + user.read_text())
    pro.plays(preface=HERE, submit_delay=60)
    assert "the review took longer" in committed(hooked)
    assert len(waiting(hooked)) == 1
    stop_attendant()
    back(pro, finding(severity="info"))
    hooked.write("a.py", THREE + "another = 1\n")
    hooked.commit("-a")  # wakes the attendant
    assert late_review(hooked, "HEAD~1")["verdict"] == "warn"


def test_no_room_in_the_repository(hooked: Hooked, pro: FakeRunner) -> None:
    """What cannot be kept is said in a line, and the commit is made."""
    (hooked.path / ".git/maw").mkdir(exist_ok=True)
    _outbox(hooked).write_text("in the way\n")
    said = committed(hooked)
    assert "its review cannot be kept for later" in said
    assert hooked.record() is not None
    assert waiting(hooked) == []


def test_a_repository_that_is_gone(hooked: Hooked, pro: FakeRunner, home: Path) -> None:
    committed(hooked)
    hooked.path.rename(home / "elsewhere")
    back(pro)
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
    committed(hooked)
    back(pro, finding(severity="warning"))
    late_review(hooked)
    wait_for(told.exists, "the notification")
    assert told.read_text().splitlines() == [
        "--app-name=maw", "--", "maw: repo", f"{str(hooked.head)[:10]}: warn: 1 finding: 1 warning",
    ]  # fmt: skip
