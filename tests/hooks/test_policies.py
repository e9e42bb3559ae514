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

from tests.fixtures.fake_runner import PLAN, UNIT_DONE, FakeRunner, done_with, finding, result, script
from tests.hooks.conftest import Hooked

THREE = "one = 1\ntwo = 2\nthree = 3\n"
DIVIDES = "dbf3f824"  # the id of `finding()`


def test_a_finding_blocks_and_nothing_is_committed(changed: Hooked) -> None:
    changed.runner.plays(finding(line=4, severity="error"))
    said = changed.blocked()
    assert said.splitlines() == [
        "a.py",
        f"  error  line 4  divides by zero  ({DIVIDES})",
        "    | return total / len(items)",
        "    An empty list makes the length 0.",
        "    suggestion: Return 0 for an empty list.",
        "maw: commit blocked: 1 finding at or above error (review.block_at)",
        "     `maw dismiss ID` for one that is wrong",
        "     `git commit -n` commits it as it is (recorded as bypassed); MAW_SKIP=1 skips maw alone",
    ]
    assert changed.out("diff", "--cached", "--name-only") == "a.py"
    changed.runner.plays(finding(line=4, severity="error") | {"replacement": "return 0"})
    said = changed.blocked(MAW_REVIEW_MAX_FILE_BYTES="999999")  # other terms: asked anew
    assert "for one that is wrong, `maw fix ID` to apply its replacement" in said


def test_a_finding_below_the_threshold_warns(changed: Hooked) -> None:
    changed.runner.plays(finding(severity="warning"), finding(line=2, severity="info", title="naming"))
    said = changed.commit()
    assert "maw: 2 findings: 1 warning, 1 info; below error, so the commit passes" in said
    record = changed.record()
    assert record is not None
    assert (record["verdict"], record["block_at"], len(record["findings"])) == ("warn", "error", 2)


def test_the_same_tree_passes_after_a_change_of_configuration(changed: Hooked, user: Path) -> None:
    changed.runner.plays(finding(severity="error"), finished=True)
    changed.blocked()
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
    said = changed.blocked()
    assert "warning: " in said
    assert "'node' may not be set by a repository" in said
    assert len(changed.runner.submits) == 1


def test_a_file_that_is_no_toml_leaves_the_defaults_and_that_is_said(changed: Hooked, user: Path) -> None:
    user.write_text('node = "pro\n')
    said = changed.commit()
    assert "not TOML" in said
    assert "maw: none of your settings counts: the defaults do, on local\n" in said
    changed.write("a.py", THREE + "five = 5\n")
    said = changed.commit("-a", MAW_CONFIG=str(user.with_name("gone.toml")))
    assert "warning: " in said and "gone.toml: is not there, though MAW_CONFIG names it\n" in said
    assert "maw: none of your settings counts: the defaults do, on local\n" in said
    assert len(changed.runner.submits) == 2


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
        said = changed.blocked()
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
    changed.blocked()
    fake_link.plays(preface=UNREACHABLE)
    said = changed.blocked()
    assert "divides by zero" in said
    assert ("pro does not answer now" if failed else "known since") in said
    changed.write("a.py", THREE + "four = 44\n")  # another change is not known
    changed.ok("add", "a.py")
    assert "goes unreviewed" in changed.commit()


@pytest.mark.slow
@pytest.mark.timeout(30)
def test_what_is_known_keeps_no_commit_waiting_for_the_node(changed: Hooked, fake_link: FakeRunner, user: Path) -> None:
    user.write_text('node = "pro"\n[nodes.pro]\nhost = "pro"\n')
    changed.commit()
    hello = {"v": 1, "hello": {"v": 1, "protocol": [1, 1]}}
    fake_link.plays(preface=hello, trickle=0.4)  # far longer than anybody may wait, though never silent for long

    def again(**environment: str) -> int:
        """How often the node was asked what its profile is."""
        changed.ok("reset", "-q", "--soft", "HEAD~1")
        assert "known since" in changed.commit(**environment)
        return sum(request["path"] == "/api/v1/status" for request in fake_link.requests)

    assert again(MAW_REVIEW_MODE="background") == 0
    assert again(MAW_CONNECT_TIMEOUT="1s") == 1
    assert again(MAW_REVIEW_DEADLINE="1s", MAW_CONNECT_TIMEOUT="20s") == 2


@pytest.mark.parametrize("setting", ["allow", "block"])
def test_deadline(changed: Hooked, user: Path, setting: str) -> None:
    user.write_text(f'[review]\ndeadline = "1500ms"\non_timeout = "{setting}"\n')
    changed.runner.plays(steps=[PLAN[0], {"sleep": 30}])
    began = time.monotonic()
    said = changed.blocked() if setting == "block" else changed.commit()
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


@pytest.mark.slow
@pytest.mark.timeout(30)
@pytest.mark.parametrize("slow", [{"submit_delay": 60}, {"trickle": 0.4}], ids=["silent", "a-byte-at-a-time"])
def test_deadline_before_the_acknowledgement(changed: Hooked, slow: dict[str, float]) -> None:
    changed.runner.plays(**slow)
    said = changed.commit(MAW_REVIEW_DEADLINE="1500ms")
    assert "the review took longer than 1.5 s" in said


def test_a_finding_that_came_before_the_deadline_counts(changed: Hooked) -> None:
    event = {"event": "finding", "data": {"finding": finding(severity="error")}}
    changed.runner.plays(steps=[*PLAN, event, UNIT_DONE, {"sleep": 30}])
    said = changed.blocked(MAW_REVIEW_DEADLINE="1500ms")
    assert "divides by zero" in said
    assert "commit blocked: 1 finding" in said


def test_a_block_stands_though_nothing_can_be_written(changed: Hooked) -> None:
    changed.runner.plays(finding(severity="error"))
    (changed.path / ".git" / "maw").write_text("a file in the way\n")
    said = changed.blocked()
    assert "the outcome cannot be kept for the commit's note" in said
    assert "commit blocked: 1 finding" in said


def test_news_that_cannot_be_read_keep_no_commit_from_its_review(changed: Hooked) -> None:
    """As after a `sudo git commit`; a link to itself cannot be read even by root."""
    (changed.path / ".git" / "maw").mkdir()
    (changed.path / ".git" / "maw" / "news").symlink_to("news")
    assert changed.commit() == "maw: nothing found in 1 unit\n"


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
    assert b"maw: reading the change on local, 0/1 units" in said
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
    changed.runner.plays(skipped=skipped, steps=[*PLAN, done_with(result(skipped=skipped))])
    assert changed.commit() == "maw: nothing found in 1 unit, 1 file skipped\n"
    record = changed.record()
    assert record is not None
    assert record["skipped"] == skipped


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
    if setting == "block":
        said = changed.blocked(**environment)
    else:  # and commit-msg, for a message that only the change can prove right
        said = changed.ok("commit", "-q", "-m", "docs: tell of `four`", MAW_MESSAGE_DEADLINE="1s", **environment)
    assert "the review took longer than 1 s (review.deadline)" in said
    assert changed.runner.submits == []
    if setting == "allow":
        record = changed.record()
        assert record is not None
        assert (record["status"], record["reason"]) == (
            "unreviewed",
            "git had not told the change when the deadline passed",
        )
