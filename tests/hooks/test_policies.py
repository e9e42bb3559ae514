"""What a commit does when there are findings, and when there is no review."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.fixtures.fake_runner import FakeRunner, finding, result, script
from tests.hooks.conftest import Hooked

THREE = "one = 1\ntwo = 2\nthree = 3\n"
DIVIDES = "dbf3f824"  # the id of `finding()`
PLAN = [{"event": "started", "data": {"attempt": 1}}, {"event": "plan", "data": {"units": 2, "skipped": []}}]
UNIT_DONE = {"event": "unit", "data": {"unit": "u1", "path": "a.py", "state": "done", "done": 1, "total": 2}}


@pytest.fixture
def changed(hooked: Hooked) -> Hooked:
    """A change to a.py is staged."""
    hooked.write("a.py", THREE + "four = 4\n")
    hooked.ok("add", "a.py")
    return hooked


def _blocked(hooked: Hooked, **environment: str) -> str:
    before = hooked.head
    done = hooked.git("commit", "-q", "-m", "change", **environment)
    assert done.returncode == 1, done.stderr
    assert hooked.head == before
    return done.stderr


def test_a_finding_blocks_and_nothing_is_committed(changed: Hooked) -> None:
    changed.runner.plays(finding(line=4, severity="error"))
    said = _blocked(changed)
    assert said.splitlines() == [
        "a.py",
        f"  error  line 4  divides by zero  ({DIVIDES})",
        "    | return total / len(items)",
        "    An empty list makes the length 0.",
        "    suggestion: Return 0 for an empty list.",
        "maw: commit blocked: 1 finding at or above error (review.block_at)",
        "     `maw dismiss ID` for one that is wrong, `maw fix ID` to apply its replacement",
        "     `git commit -n` commits it as it is (recorded as bypassed); MAW_SKIP=1 skips maw alone",
    ]
    assert changed.out("diff", "--cached", "--name-only") == "a.py"


def test_a_finding_below_the_threshold_warns(changed: Hooked) -> None:
    changed.runner.plays(finding(severity="warning"), finding(line=2, severity="info", title="naming"))
    said = changed.commit()
    assert "maw: 2 findings: 1 warning, 1 info; below error, so the commit passes" in said
    record = changed.record()
    assert record is not None
    assert (record["verdict"], record["block_at"], len(record["findings"])) == ("warn", "error", 2)


def test_the_same_tree_passes_after_a_change_of_configuration(changed: Hooked, user: Path) -> None:
    changed.runner.plays(finding(severity="error"), finished=True)
    _blocked(changed)
    user.write_text('[review]\nblock_at = "critical"\n')
    said = changed.commit()
    assert "below critical, so the commit passes" in said
    record = changed.record()
    assert record is not None
    assert (record["verdict"], record["block_at"], record.get("bypassed")) == ("warn", "critical", None)
    assert changed.pending == []


def test_a_repository_may_tighten_the_gate_but_not_send_elsewhere(changed: Hooked) -> None:
    changed.write(".maw.toml", 'node = "evil"\n[review]\nblock_at = "info"\non_unreachable = "block"\n')
    changed.runner.plays(finding(severity="info"))
    said = _blocked(changed)
    assert "warning: " in said
    assert "'node' may not be set by a repository" in said
    assert len(changed.runner.submits) == 1


def test_unknown_keys_are_warnings_in_hooks(changed: Hooked, user: Path) -> None:
    user.write_text("[review]\nblockat = 'error'\n")
    said = changed.commit()
    assert "maw: warning: " in said
    assert "did you mean 'review.block_at'?" in said
    assert "nothing found" in said


def test_a_node_nobody_added(changed: Hooked) -> None:
    said = changed.commit(MAW_NODE="pro")
    assert said == "maw: there is no node called 'pro' (`maw node add pro HOST`); the commit goes unreviewed\n"
    record = changed.record()
    assert record is not None
    assert record["status"] == "unreviewed"


UNREACHABLE = {"v": 1, "error": {"code": "refused", "message": "pro: connection refused", "hint": "is it on?"}}


@pytest.mark.parametrize("setting", ["allow", "block"])
def test_unreachable(changed: Hooked, fake_link: FakeRunner, user: Path, setting: str) -> None:
    user.write_text(f'node = "pro"\n[nodes.pro]\nhost = "pro"\n[review]\non_unreachable = "{setting}"\n')
    fake_link.plays(preface=UNREACHABLE)
    if setting == "block":
        said = _blocked(changed)
        assert "commit blocked: pro cannot be reached: pro: connection refused (is it on?), and " in said
        assert "git commit -n" in said
    else:
        said = changed.commit()
        assert said.splitlines() == [
            "maw: pro cannot be reached: pro: connection refused (is it on?); the commit goes unreviewed",
            "     it is reviewed when pro is back (`maw outbox`)",
        ]
        record = changed.record()
        assert record is not None
        assert (record["status"], record["verdict"], record["node"]) == ("unreviewed", "incomplete", "pro")
        assert "refused" in record["reason"]


def test_through_a_link(changed: Hooked, fake_link: FakeRunner, user: Path) -> None:
    user.write_text('node = "pro"\n[nodes.pro]\nhost = "pro"\n')
    changed.commit()
    assert len(fake_link.submits) == 1
    assert changed.runner.submits == []


@pytest.mark.parametrize("failed", [0, 1])
def test_a_blocked_change_stays_blocked_when_the_node_goes_away(
    changed: Hooked, fake_link: FakeRunner, user: Path, failed: int
) -> None:
    user.write_text('node = "pro"\n[nodes.pro]\nhost = "pro"\n')
    hello = {"v": 1, "hello": {"v": 1, "protocol": [1, 1]}}
    fake_link.plays(preface=hello, steps=script(finding(severity="error"), failed=failed))
    _blocked(changed)
    fake_link.plays(preface=UNREACHABLE)
    said = _blocked(changed)
    assert "divides by zero" in said
    assert ("pro does not answer now" if failed else "known since") in said
    changed.write("a.py", THREE + "four = 44\n")  # another change is not known
    changed.ok("add", "a.py")
    assert "goes unreviewed" in changed.commit()


@pytest.mark.parametrize("setting", ["allow", "block"])
def test_deadline(changed: Hooked, user: Path, setting: str) -> None:
    user.write_text(f'[review]\ndeadline = "1500ms"\non_timeout = "{setting}"\n')
    changed.runner.plays(steps=[PLAN[0], {"sleep": 30}])
    began = time.monotonic()
    said = _blocked(changed) if setting == "block" else changed.commit()
    assert time.monotonic() - began < 10
    assert "the review took longer than 1.5 s (review.deadline)" in said
    if setting == "block":
        changed.runner.wait_for(lambda: changed.runner.cancelled)
        assert 0 < changed.runner.submits[0]["deadline"] <= 1.5
    else:
        assert "; the commit goes unreviewed\n" in said
        assert "the review goes on" in said
        assert "deadline" not in changed.runner.submits[0]
        assert not changed.runner.cancelled
        record = changed.record()
        assert record is not None
        assert (record["status"], record["reason"]) == ("unreviewed", "the deadline passed")


def test_deadline_before_the_acknowledgement(changed: Hooked) -> None:
    changed.runner.plays(submit_delay=5)
    said = changed.commit(MAW_REVIEW_DEADLINE="1500ms")
    assert "the review took longer than 1.5 s" in said


def test_a_finding_that_came_before_the_deadline_counts(changed: Hooked) -> None:
    event = {"event": "finding", "data": {"finding": finding(severity="error")}}
    changed.runner.plays(steps=[*PLAN, event, UNIT_DONE, {"sleep": 30}])
    said = _blocked(changed, MAW_REVIEW_DEADLINE="1500ms")
    assert "divides by zero" in said
    assert "commit blocked: 1 finding" in said


@pytest.mark.parametrize("setting", ["allow", "block"])
def test_incomplete(changed: Hooked, setting: str) -> None:
    changed.runner.plays(done=1, failed=1, steps=[*PLAN, _done(result(done=1, failed=1))])
    if setting == "block":
        said = _blocked(changed, MAW_REVIEW_ON_INCOMPLETE="block")
        assert "commit blocked: 1 of 2 units could not be reviewed, and review.on_incomplete is block" in said
    else:
        said = changed.commit()
        assert said == "maw: 1 of 2 units could not be reviewed; the commit goes reviewed in part\n"
        record = changed.record()
        assert record is not None
        assert (record["status"], record["verdict"]) == ("incomplete", "incomplete")


@pytest.mark.parametrize(
    "ending",
    [
        {"event": "failed", "data": {"error": {"code": "model_missing", "message": "no model \x1b[2J here"}}},
        {"event": "dead", "data": {"error": {"code": "worker_lost", "message": "the worker died 3 times"}}},
        {"event": "cancelled", "data": {"reason": "client"}},
        {"event": "done", "data": {"result": "fine, believe me"}},
        {"event": "done", "data": {}},
        {"event": "done", "data": {"result": {"findings": []}}},
        {"event": "done", "data": {"result": {"findings": [], "units": {"total": 2, "done": 1, "failed": 0}}}},
        {"event": "done", "data": {"result": {"findings": [], "units": {"total": -1, "done": True, "failed": 0}}}},
    ],
    ids=["failed", "dead", "cancelled", "text", "nothing", "no-units", "unit-missing", "bad-units"],
)
def test_an_ending_that_is_no_review_is_never_clean(changed: Hooked, ending: dict[str, object]) -> None:
    changed.runner.plays(steps=[*PLAN, ending])
    said = _blocked(changed, MAW_REVIEW_ON_INCOMPLETE="block")
    assert "\x1b" not in said
    changed.commit()
    record = changed.record()
    assert record is not None
    assert record["status"] in ("unreviewed", "incomplete")
    assert record["verdict"] == "incomplete"


@pytest.mark.parametrize(
    "bad", ["text", {"severity": "horrible"}, {**finding(), "line": "4"}, {**finding(), "path": 3}]
)
@pytest.mark.parametrize("where", ["event", "result"])
def test_a_finding_that_cannot_be_read_makes_its_unit_fail(changed: Hooked, bad: object, where: str) -> None:
    events = [{"event": "finding", "data": {"finding": bad}}] if where == "event" else []
    found = result() | ({"findings": [bad]} if where == "result" else {})
    changed.runner.plays(steps=[*PLAN, *events, _done(found)])
    said = changed.commit()
    assert "1 of 1 units could not be reviewed" in said
    record = changed.record()
    assert record is not None
    assert record["status"] == "incomplete"
    assert record["units"] == {"total": 1, "done": 0, "failed": 1, "reused": 0}


def test_nonsense_between_events_is_passed_over(changed: Hooked) -> None:
    changed.runner.plays(
        steps=[
            {"raw": ": keep-alive\n\n"},
            {"raw": "id: x\nevent: done\ndata: {}\n\n"},
            {"raw": "event: done\ndata: [1,\n\n"},
            {"event": "unheard-of", "data": {"anything": 1}},
            {"event": "plan", "data": {"units": "many", "skipped": 3}},
            {"event": "unit", "data": {"state": ["done"]}},
            {"event": "restarted", "data": {}},
            *script(),
        ]
    )
    assert changed.commit().endswith("maw: nothing found in 1 unit\n")


def test_a_stream_that_is_cut_is_taken_up_again_without_doubles(changed: Hooked) -> None:
    first, second = finding(line=1, severity="warning"), finding(line=2, severity="warning", title="second")
    steps = script(first, second)
    steps.insert(3, {"cut": True})
    changed.runner.plays(steps=steps)
    said = changed.commit()
    assert said.count("divides by zero") == 1
    assert said.count("second") == 1
    streams = [request for request in changed.runner.requests if request["path"].endswith("/events")]
    assert [request["headers"].get("last-event-id") for request in streams] == [None, "3"]
    record = changed.record()
    assert record is not None
    assert len(record["findings"]) == 2


def test_a_restart_voids_what_was_found(changed: Hooked) -> None:
    void, kept = finding(line=1, severity="critical", title="void"), finding(line=2, severity="warning", title="kept")
    again = [{"event": "restarted", "data": {"attempt": 2}}, *script(kept)]
    changed.runner.plays(
        steps=[
            *PLAN,
            *({"event": "finding", "data": {"finding": item}} for item in (void, kept)),
            *again,
        ]
    )
    said = changed.commit()
    assert "the runner started the review over" in said
    assert said.count("kept") == 1
    assert "1 finding above does not count" in said
    record = changed.record()
    assert record is not None
    assert [item["title"] for item in record["findings"]] == ["kept"]
    assert record["verdict"] == "warn"


@pytest.mark.parametrize("status", [400, 413, 500, 503])
def test_a_runner_that_refuses(changed: Hooked, status: int) -> None:
    error = {"v": 1, "error": {"code": "busy", "message": "not now", "hint": None}}
    changed.runner.plays(submit_error=[status, error])
    assert changed.commit() == "maw: local refused the review: not now; the commit goes unreviewed\n"


def test_a_runner_that_talks_no_json(changed: Hooked) -> None:
    changed.runner.plays(submit_error=[200, "hello"])
    assert "cannot be reached" in changed.commit()


def test_escapes_and_controls_never_reach_the_terminal(changed: Hooked) -> None:
    evil = "\x1b]0;owned\x07 \x1b[31mred\x9b2J \r\n\u202e reversed\ttab"
    changed.runner.plays(
        finding(
            severity="warning", path=f"a{evil}.py", title=evil, scenario=evil, suggestion=evil,
            quote=evil, replacement=evil, category=evil,
        )
    )  # fmt: skip
    said = changed.commit()
    assert "owned" in said
    assert not [char for char in said if not char.isprintable() and char != "\n"]


def test_a_block_stands_though_nothing_can_be_written(changed: Hooked) -> None:
    changed.runner.plays(finding(severity="error"))
    (changed.path / ".git" / "maw").write_text("a file in the way\n")
    said = _blocked(changed)
    assert "the outcome cannot be kept for the commit's note" in said
    assert "commit blocked: 1 finding" in said


def test_a_note_that_cannot_be_queued_is_one_line(changed: Hooked) -> None:
    (changed.path / ".git" / "maw").write_text("a file in the way\n")
    said = changed.commit()
    assert said.splitlines()[-1].endswith("; no note was written for this commit")
    assert "Traceback" not in said


def test_on_a_terminal_there_is_progress_and_colour(changed: Hooked) -> None:
    changed.runner.plays(finding(severity="warning"))
    ours, theirs = pty.openpty()
    env = {**os.environ, "TERM": "xterm"}
    process = subprocess.Popen(
        ["git", "commit", "-q", "-m", "c"], cwd=changed.path, env=env, stderr=theirs, stdin=theirs
    )
    os.close(theirs)
    said = b""
    try:
        while part := os.read(ours, 65536):
            said += part
    except OSError:
        pass  # how Linux tells the end of a terminal
    os.close(ours)
    assert process.wait(20) == 0
    assert b"maw: reviewing on local, 0/1 units" in said
    assert b"\x1b[33mwarning\x1b[0m" in said
    assert said.rstrip().endswith(b"below error, so the commit passes")


def test_interrupted(changed: Hooked) -> None:
    changed.runner.plays(steps=[PLAN[0], {"sleep": 30}])
    process = subprocess.Popen(
        ["git", "commit", "-q", "-m", "change"], cwd=changed.path, stderr=subprocess.PIPE, start_new_session=True
    )
    changed.runner.wait_for(lambda: any(r["path"].endswith("/events") for r in changed.runner.requests))
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    _, said = process.communicate(timeout=20)
    changed.runner.wait_for(lambda: changed.runner.cancelled)
    assert process.returncode != 0
    assert b"interrupted" in said
    assert changed.out("log", "--format=%s") == "first"


def test_what_was_skipped_is_told(changed: Hooked) -> None:
    skipped = [{"path": "yarn.lock", "reason": "lock file"}]
    changed.runner.plays(skipped=skipped, steps=[*PLAN, _done(result(skipped=skipped))])
    assert changed.commit() == "maw: nothing found in 1 unit, 1 file skipped\n"
    record = changed.record()
    assert record is not None
    assert record["skipped"] == skipped


def _done(found: object) -> dict[str, object]:
    return {"event": "done", "data": {"result": found}}


SABOTAGED = """\
import sys, maw_hooks.{hook} as module
def run(*_): raise ZeroDivisionError("sabotage")
module.run = run
from maw_hooks.main import main
sys.exit(main(["{name}"]))
"""


@pytest.mark.parametrize("name", ["pre-commit", "post-commit"])
@pytest.mark.parametrize("state", ["state", "config.toml/state"], ids=["kept", "nowhere"])
def test_a_defect_blocks_no_commit(hooked: Hooked, home: Path, name: str, state: str) -> None:
    """Nor does a report of it that cannot be written. What the hook frameworks start has no stub around it."""
    program = SABOTAGED.format(hook=name.replace("-", ""), name=name)
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=hooked.path, capture_output=True, text=True, timeout=60, check=False,
        env={**os.environ, "MAW_STATE_DIR": str(home / state)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr.startswith("maw: this is a defect in maw; please report it with ")
    assert (home / "state" / "defect.log").exists() is (state == "state")
    report = (home / "state" / "defect.log").read_text() if state == "state" else done.stderr
    assert "ZeroDivisionError" in report


@pytest.mark.timeout(30)
@pytest.mark.parametrize("setting", ["allow", "block"])
def test_the_deadline_bounds_git_too(changed: Hooked, slow_git: Path, setting: str) -> None:
    environment = {"MAW_REVIEW_DEADLINE": "1s", "MAW_REVIEW_ON_TIMEOUT": setting, "GIT_EXEC_PATH": str(slow_git)}
    said = _blocked(changed, **environment) if setting == "block" else changed.commit(**environment)
    assert "the review took longer than 1 s (review.deadline)" in said
    assert changed.runner.submits == []
    if setting == "allow":
        record = changed.record()
        assert record is not None
        assert (record["status"], record["reason"]) == (
            "unreviewed",
            "git had not told the change when the deadline passed",
        )
