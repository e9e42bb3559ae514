"""`maw review` against a scripted runner: what is sent, what is printed, how it exits."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from maw.attendant import client
from tests.fixtures.cli import Maw
from tests.fixtures.fake_runner import FakeRunner, finding, result, script
from tests.fixtures.git import Repository

THREE = "one = 1\ntwo = 2\nthree = 3\n"
KEYS = [
    "v",
    "task",
    "verdict",
    "status",
    "reason",
    "findings",
    "rejected",
    "dismissed",
    "skipped",
    "units",
    "model",
    "profile",
    "stats",
    "known",
]


@pytest.fixture
def project(repo: Repository, fake_runner: FakeRunner) -> Repository:
    repo.commit("first", a__py=THREE)
    repo.commit("second", a__py=THREE + "four = 4\n")
    return repo


def _stage(project: Repository) -> None:
    project.write("a.py", THREE + "staged = 1\n")
    project.git("add", "a.py")


def _sent(fake_runner: FakeRunner) -> str:
    return fake_runner.diffs[-1].decode()


def test_staged_is_the_default(project: Repository, fake_runner: FakeRunner, maw: Maw) -> None:
    _stage(project)
    for arguments in ((), ("--staged", "--fresh")):
        done = maw("review", *arguments, cwd=project.path)
        assert (done.code, done.out) == (0, "")
        assert done.err == "maw: asking local\nmaw: pass: nothing found in 1 unit; by fake on local\n"
        assert "+staged = 1" in _sent(fake_runner)
    project.write("sub/x.py", "")
    assert maw("review", "--fresh", cwd=project.path / "sub").code == 0
    assert len(fake_runner.submits) == 3
    assert "+staged = 1" in _sent(fake_runner)
    assert fake_runner.submits[-1]["payload"]["head"] is None


def test_a_commit_is_reviewed_against_its_parent_and_recorded(
    project: Repository, fake_runner: FakeRunner, maw: Maw
) -> None:
    fake_runner.plays(finding(line=4, severity="warning"))
    done = maw("review", "HEAD", cwd=project.path)
    assert done.code == 0
    assert "a.py\n  warning  line 4  divides by zero  (dbf3f824)\n" in done.out
    assert "+four = 4" in _sent(fake_runner)
    (line,) = project.git("notes", "--ref=maw/review", "show", "HEAD").splitlines()
    record = json.loads(line)
    assert (record["verdict"], record["head"]) == ("warn", project.git("rev-parse", "HEAD"))
    assert record["tree"] == project.git("rev-parse", "HEAD^{tree}")
    assert record["patch_id"]
    assert record["has_binary"] is False


@pytest.mark.parametrize("arguments", [("HEAD", "--no-record"), ("HEAD~1..HEAD",), ("HEAD~1...HEAD",), ("--staged",)])
def test_what_is_not_recorded(project: Repository, fake_runner: FakeRunner, maw: Maw, arguments: tuple[str]) -> None:
    _stage(project)
    assert maw("review", *arguments, cwd=project.path).code == 0
    assert len(fake_runner.submits) == 1
    assert project.git("notes", "--ref=maw/review", "list", check=False) == ""


def test_what_the_node_would_answer_otherwise_now_is_asked_again(
    project: Repository, fake_runner: FakeRunner, maw: Maw, home: Path
) -> None:
    for _ in range(2):
        maw("review", "HEAD", cwd=project.path)
    assert len(fake_runner.submits) == 1
    hello = home / "state" / "runner" / "hello.json"
    hello.write_text(json.dumps({"v": 1, "profiles": {"review": "0123456789abcdef"}}))
    assert "known since" in maw("review", "HEAD", cwd=project.path).err
    hello.write_text(json.dumps({"v": 1, "profiles": {"review": "fedcba9876543210"}}))  # its settings changed
    assert "known since" not in maw("review", "HEAD", cwd=project.path).err
    assert len(fake_runner.submits) == 2


def test_the_first_commit_and_a_range(project: Repository, fake_runner: FakeRunner, maw: Maw) -> None:
    assert maw("review", "HEAD~1", cwd=project.path).code == 0
    assert "new file mode" in _sent(fake_runner)
    project.commit("third", b__py="b = 1\n")
    assert maw("review", "HEAD~2..", cwd=project.path).code == 0
    assert "+four = 4" in _sent(fake_runner)
    assert "+b = 1" in _sent(fake_runner)


def test_a_patch_from_standard_input(project: Repository, fake_runner: FakeRunner, maw: Maw, home: Path) -> None:
    patch = "some mail text\n\n--- a/x.c\n+++ b/x.c\n@@ -1 +1 @@\n-old\n+new\n"
    (home / "nowhere").mkdir()
    done = maw("review", "-", cwd=home / "nowhere", stdin=patch)
    assert done.code == 0, done.err
    assert _sent(fake_runner) == patch
    payload = fake_runner.submits[-1]["payload"]
    assert (payload["tree"], payload["base"], payload["head"]) == (None, None, None)


def test_a_patch_that_is_none(project: Repository, fake_runner: FakeRunner, maw: Maw) -> None:
    done = maw("review", "-", cwd=project.path, stdin="Dear all,\nhello\n")
    assert (done.code, done.out) == (2, "")
    assert "standard input is not a patch" in done.err
    assert "git diff | maw review -" in done.err
    assert fake_runner.submits == []


def test_nothing_to_review(project: Repository, fake_runner: FakeRunner, maw: Maw) -> None:
    for arguments in ((), ("-",), ("HEAD..HEAD",)):
        done = maw("review", *arguments, cwd=project.path)
        assert (done.code, done.out) == (0, "")
        assert done.err.startswith("maw: nothing to review in ")
    done = maw("review", "--json", cwd=project.path)
    assert done.json["verdict"] == "pass"
    assert list(done.json) == KEYS
    assert fake_runner.submits == []


def test_the_json_object(project: Repository, fake_runner: FakeRunner, maw: Maw) -> None:
    item = finding(line=4, severity="error", replacement="x = 1", confidence=0.5)
    fake_runner.plays(steps=script(item, skipped=[{"path": "l.lock", "reason": "lock file"}]))
    done = maw("review", "HEAD", "--json", cwd=project.path)
    assert done.code == 1
    assert done.out.count("\n") == 1
    told = done.json
    assert list(told) == KEYS
    assert (told["v"], told["task"], told["verdict"]) == (1, "t1", "block")
    expected = {**item, "id": told["findings"][0]["id"]}
    assert told["findings"] == [expected]
    assert len(told["findings"][0]["id"]) == 8
    assert told["skipped"] == [{"path": "l.lock", "reason": "lock file"}]
    assert told["units"] == {"total": 1, "done": 1, "failed": 0, "reused": 0}
    assert told["stats"] == result()["stats"]
    assert (told["model"], told["profile"]) == ("fake", "0123456789abcdef")


def test_the_json_stream(project: Repository, fake_runner: FakeRunner, maw: Maw) -> None:
    fake_runner.plays(finding(severity="info"))
    done = maw("review", "HEAD", "--json", "--stream", cwd=project.path)
    lines = [json.loads(line) for line in done.out.splitlines()]
    assert [line.get("event") for line in lines] == ["started", "plan", "finding", "unit", None]
    assert all(line["v"] == 1 for line in lines)
    assert all(line["task"] == "t1" and line["ts"] for line in lines[:-1])
    assert list(lines[-1]) == KEYS
    assert lines[-1]["verdict"] == "warn"


def test_findings_are_printed_as_they_come(project: Repository, fake_runner: FakeRunner) -> None:
    steps = script(finding(severity="info"))
    fake_runner.plays(steps=[*steps[:3], {"sleep": 60}])
    process = subprocess.Popen(
        [sys.executable, "-m", "maw", "review", "HEAD", "--json", "--stream"], cwd=project.path, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    while json.loads(process.stdout.readline())["event"] != "finding":
        pass
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 130
    fake_runner.wait_for(lambda: fake_runner.cancelled)
    process.stdout.close()


@pytest.mark.parametrize(
    ("settings", "arguments", "code"),
    [
        ({"steps": script()}, (), 0),
        ({"steps": script(finding(severity="warning"))}, (), 0),
        ({"steps": script(finding(severity="error"))}, (), 1),
        ({"steps": script(finding(severity="error"))}, ("--block-at", "critical"), 0),
        ({"steps": script(finding(severity="info"))}, ("--block-at", "info"), 1),
        ({"steps": script(failed=1)}, (), 3),
        ({"steps": script(finding(severity="error"), failed=1)}, (), 1),
        ({"submit_error": [503, {"v": 1, "error": {"code": "busy", "message": "no", "hint": None}}]}, (), 3),
        ({"steps": [{"sleep": 60}]}, ("--deadline", "300ms"), 3),
        ({}, ("--block-at", "awful"), 2),
        ({}, ("--deadline", "soon"), 2),
        ({}, ("--stream",), 2),
        ({}, ("--staged",), 2),
        ({}, ("--node", "unheard-of"), 2),
    ],
)
def test_exit_codes(
    project: Repository, fake_runner: FakeRunner, maw: Maw, settings: dict[str, Any], arguments: tuple[str], code: int
) -> None:
    fake_runner.plays(**settings)
    done = maw("review", "HEAD", *arguments, cwd=project.path)
    assert done.code == code, done.err
    assert "Traceback" not in done.err


def test_an_unreachable_node(project: Repository, fake_link: FakeRunner, maw: Maw, home: Path) -> None:
    (home / "config.toml").write_text('node = "pro"\n[nodes.pro]\nhost = "pro"\n')
    fake_link.plays(preface={"v": 1, "error": {"code": "refused", "message": "pro says no", "hint": "wake it"}})
    done = maw("review", "HEAD", cwd=project.path)
    assert (done.code, done.out) == (4, "")
    assert done.err == "maw: asking pro\nmaw: not reviewed: pro cannot be reached: pro says no (wake it)\n"
    assert maw("review", "HEAD", "--json", cwd=project.path).json["status"] == "unreviewed"
    assert project.git("notes", "--ref=maw/review", "list", check=False) == ""


def test_fresh_and_deadline_travel(project: Repository, fake_runner: FakeRunner, maw: Maw) -> None:
    maw("review", "HEAD", cwd=project.path)
    maw("review", "HEAD", "--fresh", "--deadline", "30s", cwd=project.path)
    first, second = fake_runner.submits
    assert "fresh" not in first
    assert "deadline" not in first
    assert second["fresh"] is True
    assert 0 < second["deadline"] <= 30.0  # what is left of it


def test_a_commit_nobody_made(project: Repository, fake_runner: FakeRunner, maw: Maw) -> None:
    for name in ("no-such-thing", "HEAD~9", "no..such"):
        done = maw("review", name, cwd=project.path)
        assert done.code == 2
        assert "no such commit" in done.err


def test_outside_of_a_repository(fake_runner: FakeRunner, maw: Maw, home: Path) -> None:
    done = maw("review", cwd=home)
    assert done.code == 2
    assert "not a git repository" in done.err


def test_escapes_never_reach_the_terminal(project: Repository, fake_runner: FakeRunner, maw: Maw) -> None:
    evil = "\x1b]0;owned\x07\x1b[31m\x9b2J\r\u202e[red]markup[/red]"
    texts = dict.fromkeys(("path", "title", "scenario", "suggestion", "quote", "replacement", "category"), evil)
    skipped = [{"path": evil, "reason": evil}]
    fake_runner.plays(steps=script(finding(**texts), skipped=skipped, model=evil))
    done = maw("review", "HEAD", cwd=project.path)
    assert done.code == 1
    assert "[red]markup[/red]" in done.out
    assert not [char for char in done.out + done.err if not char.isprintable() and char != "\n"]


@pytest.mark.parametrize("no_color", [False, True])
def test_on_a_terminal(project: Repository, fake_runner: FakeRunner, no_color: bool) -> None:
    fake_runner.plays(finding(severity="error"))
    env = {**os.environ, "TERM": "xterm", **({"NO_COLOR": "1"} if no_color else {})}
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "maw", "review", "HEAD"], cwd=project.path, env=env, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    said = b""
    try:
        while part := os.read(ours, 65536):
            said += part
    except OSError:
        pass  # how Linux tells the end of a terminal
    os.close(ours)
    assert process.wait(20) == 1
    assert b"maw: reading the change on local, 0/1 units" in said
    assert b"\r\x1b[K" in said  # the progress line is taken away again
    assert (b"\x1b[31m" in said) is not no_color
    assert said.rstrip().endswith(b"by fake on local")


@pytest.fixture(autouse=True)
def no_attendant_left() -> Any:
    yield
    client.ask({"v": 1, "op": "stop"})


def test_many_files_that_were_skipped_for_one_reason_are_one_line(
    project: Repository, fake_runner: FakeRunner, maw: Maw
) -> None:
    full = [{"path": f"{number}.py", "reason": "the review is full"} for number in range(9)]
    answer = script(done=500, failed=9, skipped=[*full, {"path": "l.lock", "reason": "lock file"}])
    fake_runner.plays(steps=answer)
    done = maw("review", "HEAD", cwd=project.path)
    assert done.code == 3
    assert done.err.splitlines() == [
        "maw: asking local",
        "maw: skipped 9 files (0.py, 1.py, 2.py, …): the review is full",
        "maw: skipped l.lock: lock file",
        "maw: incomplete: nothing found in 500 units; by fake on local; 9 of 509 units could not be reviewed",
    ]


def test_before_the_first_commit(repo: Repository, fake_runner: FakeRunner, maw: Maw) -> None:
    for command in (("review", "HEAD"), ("show",), ("generate", "changelog")):
        done = maw(*command, cwd=repo.path)
        assert (done.code, "no commits yet" in done.err, "rev-parse" in done.err) == (2, True, False)
