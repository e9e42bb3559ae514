"""Huge and hostile changes. The bounds on memory are those of docs/reliability.md.

The figures are printed (pytest -s); a bound is what was measured with room for another Python and another libc.
"""

from __future__ import annotations

import base64
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from maw import client, files, paths
from maw.review.request import DIFF_MAX
from tests.faults import memory
from tests.faults.conftest import Project, project
from tests.faults.memory import MB, Measured, high_water
from tests.faults.workload import kept_task, tasks
from tests.fixtures.fake_runner import FakeRunner, finding
from tests.fixtures.model import EmbeddedModel
from tests.fixtures.waiting import eventually

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="peaks are read from /proc"),
]

HOOK_BOUND = 256 * MB  # whatever is committed: the patch of 32 MiB at most, some copies of it, and its base64
RUNNER_BOUND = 448 * MB  # the runner without its worker, for a change of that size
SMALL_BOUND = 64 * MB  # where the change has no text to send
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


@pytest.fixture
def work(home: Path, fake_runner: FakeRunner) -> Project:
    (home / "config.toml").write_text('node = "local"\nreview.deadline = "120s"\n')
    return project(home / "project", fake_runner)


def commit(work: Project, bound: int) -> Measured:
    """Commit all there is; the hook's memory must stay within `bound` bytes."""
    work.ok("add", "-A")
    done = memory.run(["git", "commit", "-q", "-m", "change"], "maw_hooks", cwd=work.path)
    print(f"hook: {done.peak / MB:.0f} MB")
    assert done.code == 0, done.err
    assert 5 * MB < done.peak <= bound, f"{done.peak / MB:.0f} MB"
    assert not CONTROL.search(done.err), repr(done.err)
    return done


def skipped(work: Project) -> dict[str, str]:
    record = work.record()
    assert record is not None
    return {item["path"]: item["reason"] for item in record["skipped"]}


# Huge


def test_ten_thousand_files(work: Project) -> None:
    for number in range(10_000):
        work.write(f"d{number % 100}/f{number}.py", f"value = {number}\n")
    commit(work, HOOK_BOUND)
    assert work.sent.count("diff --git ") == 10_000


def test_text_file_of_100_mb(work: Project) -> None:
    """It is left out by its size, before any text of it is made; the rest is reviewed."""
    with open(work.path / "big.txt", "wb") as file:
        for number in range(100):
            file.write(b"%08d some text of a line\n" % number * (MB // 30))
    work.write("a.py", "small = 1\n")
    commit(work, SMALL_BOUND)
    assert "too large" in skipped_by_sender(work)["big.txt"]
    assert "small = 1" in work.sent and len(work.sent) < 10_000


def skipped_by_sender(work: Project) -> dict[str, str]:
    return {item["path"]: item["reason"] for item in work.runner.submits[-1]["payload"]["skipped"]}


def test_line_of_5_mb(work: Project) -> None:
    work.write("line.js", "x" * (5 * MB) + "\n")
    commit(work, HOOK_BOUND)
    assert "too large" in skipped(work)["line.js"]


def test_as_much_text_as_one_review_takes(work: Project) -> None:
    """Many files just below the limit of one: cut at DIFF_MAX, the others told."""
    for number in range(60):
        work.write(f"f{number}.txt", f"line of file {number}\n" * 45_000)
    commit(work, HOOK_BOUND)
    assert len(work.runner.diffs[-1]) <= DIFF_MAX
    assert any(f"larger than {DIFF_MAX} bytes" in reason for reason in skipped_by_sender(work).values())


def test_utf_16(work: Project) -> None:
    """git takes it for binary, so there are no lines to judge; it is sent as such, and nothing breaks."""
    work.write("wide.txt", "zwölf Boxkämpfer\n".encode("utf-16"))
    commit(work, SMALL_BOUND)
    assert "Binary files /dev/null and b/wide.txt differ" in work.sent


@pytest.fixture
def runner_pid(embedded_model: EmbeddedModel) -> Iterator[int]:
    subprocess.run([sys.executable, "-m", "maw_remote", "start"], check=True, capture_output=True)
    pid = files.lock_holder(os.path.join(paths.runner_dir(), "lock"))
    assert pid is not None
    yield pid
    subprocess.run([sys.executable, "-m", "maw_remote", "stop"], check=False, capture_output=True)


def many_files() -> str:
    return "".join(
        f"diff --git a/f{n}.py b/f{n}.py\n--- a/f{n}.py\n+++ b/f{n}.py\n@@ -0,0 +1,40000 @@\n"
        + f"+value = {n}\n" * 40_000
        for n in range(60)
    )


def one_line() -> str:
    return "diff --git a/l.js b/l.js\n--- a/l.js\n+++ b/l.js\n@@ -0,0 +1 @@\n+" + "x = 1; " * (5 * MB // 7) + "\n"


@pytest.mark.model
@pytest.mark.parametrize("make", [many_files, one_line])
def test_runner_with_a_huge_change(make: object, runner_pid: int) -> None:
    """It works on as much as a review takes, or refuses it; another task comes to its turn afterwards."""
    assert callable(make)
    patch = make().encode()[:DIFF_MAX]
    request = kept_task("huge")
    request["payload"] |= {"diff": base64.b64encode(patch).decode(), "max_file_bytes": DIFF_MAX}
    request |= {"keep": False, "deadline": 20}
    task = client.submit("local", request, timeout=60)["id"]
    state = Path(paths.state_dir())
    ended = eventually(lambda: tasks(state)[task], lambda found: found.finished is not None, 90)
    peak = high_water(runner_pid)
    print(f"runner: {peak / MB:.0f} MB, {ended.state}")
    assert peak <= RUNNER_BOUND, f"{peak / MB:.0f} MB"
    assert files.lock_holder(os.path.join(paths.runner_dir(), "lock")) == runner_pid
    later = client.submit("local", kept_task("later"))["id"]
    assert eventually(lambda: tasks(state)[later], lambda found: found.finished is not None, 90).state == "done"


# No patch


NO_PATCHES = {
    "words": b"this is no patch\n",
    "noise": os.urandom(MB),
    "zeros": bytes(64 * MB),
    "lies": b"diff --git a/a b/a\n--- a/a\n+++ b/a\n@@ -1,999999999999 +1,999999999999 @@\n+x\n",
    "header only": b"--- a\n+++ b\n",
    "one line": b"+" * (64 * MB),
}


@pytest.mark.parametrize("what", NO_PATCHES)
def test_no_patch_on_standard_input(what: str, work: Project, home: Path) -> None:
    source = home / "input"
    source.write_bytes(NO_PATCHES[what])
    command = [sys.executable, "-m", "maw", "review", "-"]
    done = memory.run(command, "review", cwd=work.path, stdin=source)
    print(f"maw review -: {done.peak / MB:.0f} MB: {done.err.strip()[:200]}")
    assert done.code not in (0, 1), done
    assert "Traceback" not in done.err and "defect" not in done.err, done.err
    assert len(done.err.splitlines()) <= 2 and len(done.err) < 1000, done.err
    assert not CONTROL.search(done.err), repr(done.err)
    assert done.peak <= 512 * MB, f"{done.peak / MB:.0f} MB"
    assert not work.runner.submits


# What a terminal would obey


EVIL = "\x1b]0;owned\x07\x1b[2J\x9b31m\x08\u202e"


def test_escapes_in_names_code_and_answers(work: Project) -> None:
    name = f"evil{EVIL}.py"
    work.write(name, f"x = 1  # {EVIL}\n")
    work.runner.plays(
        finding(path=name, title=f"title {EVIL}", scenario=EVIL, suggestion=EVIL, quote=EVIL, severity="warning")
    )
    done = commit(work, SMALL_BOUND)
    assert "title" in done.err and "evil" in done.err
    for arguments in (["history"], ["show", "HEAD"], ["review", "HEAD"]):
        shown = subprocess.run(
            [sys.executable, "-m", "maw", *arguments], cwd=work.path, capture_output=True, check=False, timeout=60
        )
        text = (shown.stdout + shown.stderr).decode("utf-8", "replace")
        assert not CONTROL.search(text), (arguments, text)


# Paths


@pytest.mark.parametrize("path", ["../../outside", "/etc/passwd", ".git/config", ".git/hooks/pre-commit", "a/../../b"])
def test_path_tricks_in_patches(path: str, work: Project, home: Path) -> None:
    """A path is a name to show: nothing is opened by it, neither for reading nor for writing."""
    before = snapshot(home)
    patch = f"diff --git a/{path} b/{path}\n--- a/{path}\n+++ b/{path}\n@@ -1 +1 @@\n-old\n+new\n"
    source = home / "patch"
    source.write_text(patch)
    work.runner.plays(finding(path=path, severity="warning", replacement="new"))
    done = memory.run([sys.executable, "-m", "maw", "review", "-"], "review", cwd=work.path, stdin=source)
    assert "Traceback" not in done.err + done.out, done
    assert done.code in (0, 2), done
    source.unlink()
    assert snapshot(home) == before


def snapshot(home: Path) -> dict[str, bytes]:
    """The content of every file there is outside of maw's own state and the stand-in's log."""
    kept = [path for path in home.rglob("*") if path.is_file() and not {"state", "fake", "maw"} & set(path.parts[3:])]
    return {str(path): path.read_bytes() for path in kept}
