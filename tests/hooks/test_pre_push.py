"""What may leave: `git push` with push.require, through the installed hook."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from maw.git.repo import discover
from maw_hooks import install
from tests.fixtures.attendant import stop_attendant, wait_for
from tests.fixtures.cli import Maw
from tests.fixtures.fake_runner import finding
from tests.fixtures.git import make_repository
from tests.hooks.conftest import Hooked


@pytest.fixture
def origin(hooked: Hooked, home: Path) -> Path:
    """A remote that has the first commit."""
    path = home / "origin.git"
    make_repository(path, "--bare")
    hooked.ok("remote", "add", "origin", str(path))
    hooked.ok("push", "-q", "--no-verify", "origin", "main")
    return path


def _require(user: Path, word: str) -> None:
    user.write_text(f'node = "local"\npush.require = "{word}"\n')


def _reviewed(hooked: Hooked, name: str = "b.py", *arguments: str) -> str:
    hooked.write(name, f"b = {len(hooked.runner.submits) + 7}\n")
    hooked.ok("add", name)
    hooked.commit(*arguments)
    assert hooked.head is not None
    return hooked.head


def _stopped(hooked: Hooked, *arguments: str) -> str:
    done = hooked.git("push", "-q", *arguments)
    assert done.returncode == 1, done.stderr
    return done.stderr


def test_off_by_default(hooked: Hooked, origin: Path) -> None:
    _reviewed(hooked, "b.py", "-n")
    assert hooked.ok("push", "-q", "origin", "main") == ""


def test_a_reviewed_commit_goes(hooked: Hooked, origin: Path, user: Path) -> None:
    _require(user, "reviewed")
    _reviewed(hooked)
    hooked.ok("push", "-q", "origin", "main")


def test_what_lacks_a_review_is_named(hooked: Hooked, origin: Path, user: Path, maw: Maw) -> None:
    _require(user, "reviewed")
    _reviewed(hooked)
    bare = _reviewed(hooked, "c.py", "-n")
    said = _stopped(hooked, "origin", "main")
    assert said.splitlines()[:3] == [
        "maw: push stopped: 1 commit was not reviewed (push.require is reviewed)",
        f"     {bare[:10]}  change",
        "     `maw review COMMIT` reviews one and records it; `git push --no-verify` pushes as it is",
    ]
    assert maw("review", bare[:10], cwd=hooked.path).code == 0
    hooked.ok("push", "-q", "origin", "main")


def test_a_blocked_commit_is_reviewed_but_has_not_passed(hooked: Hooked, origin: Path, user: Path) -> None:
    hooked.runner.plays(finding(severity="error"))
    hooked.write("b.py", "b = 1\n")
    hooked.ok("add", "b.py")
    assert hooked.git("commit", "-m", "blocked").returncode == 1
    hooked.commit("-n")  # the same change
    _require(user, "passed")
    said = _stopped(hooked, "origin", "main")
    assert "1 commit was blocked by the review (push.require is passed)" in said
    assert "`maw show COMMIT` tells why" in said
    user.write_text('push.require = "passed"\nreview.block_at = "critical"\n')  # the gate counts as it is now
    hooked.ok("push", "-q", "--dry-run", "origin", "main")
    _require(user, "reviewed")
    hooked.ok("push", "-q", "origin", "main")


def test_every_ref_line_is_read(hooked: Hooked, origin: Path, user: Path) -> None:
    _require(user, "reviewed")
    hooked.ok("branch", "side")
    _reviewed(hooked)
    hooked.ok("switch", "-q", "side")
    bare = _reviewed(hooked, "c.py", "-n")
    assert bare[:10] in _stopped(hooked, "origin", "main", "side")
    hooked.ok("push", "-q", "origin", "main")


def test_new_branches_deletions_and_tags(hooked: Hooked, origin: Path, user: Path) -> None:
    _require(user, "reviewed")
    hooked.ok("switch", "-q", "-c", "topic")
    hooked.ok("push", "-q", "origin", "topic")  # nothing that the remote does not have
    _reviewed(hooked)
    hooked.ok("tag", "-a", "-m", "annotated", "v1")
    hooked.ok("tag", "light")
    hooked.ok("push", "-q", "origin", "topic", "v1", "light")
    hooked.ok("push", "-q", "origin", ":topic")
    blob = hooked.out("hash-object", "-w", "a.py")
    hooked.ok("tag", "file", blob)
    hooked.ok("push", "-q", "origin", "file")
    bare = _reviewed(hooked, "c.py", "-n")
    hooked.ok("tag", "-a", "-m", "annotated", "v2")
    assert bare[:10] in _stopped(hooked, "origin", "v2")
    assert bare[:10] in _stopped(hooked, "origin", "HEAD^{/change|a b}:refs/heads/named-with-a-blank")


def test_many_refs_take_few_processes(hooked: Hooked, origin: Path, user: Path, home: Path) -> None:
    _require(user, "reviewed")
    bare = _reviewed(hooked, "b.py", "-n")
    refs = [f"refs/tags/t{number}" for number in range(100)]
    hooked.repository.git("update-ref", "--stdin", stdin="".join(f"create {ref} {bare}\n" for ref in refs).encode())
    trace = home / "trace"
    done = hooked.git("push", "-q", "--tags", "origin", GIT_TRACE2_EVENT=str(trace))
    assert (done.returncode, "1 commit was not reviewed" in done.stderr) == (1, True), done.stderr
    assert trace.read_text().count('"event":"start"') < 20


def test_a_forced_push_is_about_what_is_new(hooked: Hooked, origin: Path, user: Path) -> None:
    _reviewed(hooked, "b.py", "-n")
    hooked.ok("push", "-q", "origin", "main")
    _require(user, "reviewed")
    hooked.ok("reset", "-q", "--hard", "HEAD~1")
    hooked.ok("push", "-q", "--force", "origin", "main")
    bare = _reviewed(hooked, "c.py", "-n")
    assert bare[:10] in _stopped(hooked, "--force", "origin", "main")


def test_a_remote_whose_commit_we_do_not_have(hooked: Hooked, origin: Path, user: Path, home: Path) -> None:
    other = home / "other"
    subprocess.run(["git", "clone", "-q", str(origin), str(other)], check=True)
    for arguments in (["commit", "-q", "--allow-empty", "-m", "theirs"], ["push", "-q", "origin", "main"]):
        subprocess.run(["git", *arguments], cwd=other, check=True)
    _require(user, "reviewed")
    _reviewed(hooked)
    hooked.ok("push", "-q", "--force", "origin", "main")


def test_by_url_without_a_remote_s_name(hooked: Hooked, origin: Path, user: Path) -> None:
    _require(user, "reviewed")
    hooked.ok("fetch", "-q", "origin")
    bare = _reviewed(hooked, "b.py", "-n")
    said = _stopped(hooked, str(origin), "main:elsewhere")
    assert said.count("  change") == 1 and bare[:10] in said


@pytest.mark.slow
def test_many_commits_are_counted_and_some_named(hooked: Hooked, origin: Path, user: Path) -> None:
    _require(user, "reviewed")
    for number in range(15):
        hooked.ok("commit", "-q", "--allow-empty", "-m", f"number {number} \x1b[31m")
    said = _stopped(hooked, "origin", "main")
    assert "15 commits were not reviewed" in said
    assert (said.count("  number"), "and 5 more" in said, "\x1b" in said) == (10, True, False)


def test_a_shallow_clone(hooked: Hooked, origin: Path, user: Path, home: Path) -> None:
    _reviewed(hooked)
    hooked.ok("push", "-q", "origin", "main")
    shallow = home / "shallow"
    subprocess.run(["git", "clone", "-q", "--depth=1", f"file://{origin}", str(shallow)], check=True)
    install.install(discover(str(shallow)))
    _require(user, "reviewed")
    there = Hooked(type(hooked.repository)(shallow), hooked.runner)
    there.ok("push", "-q", "origin", "main")
    bare = _reviewed(there, "c.py", "-n")
    assert bare[:10] in _stopped(there, "origin", "main")


def test_a_rebased_commit_with_the_same_patch_counts(hooked: Hooked, origin: Path, user: Path) -> None:
    hooked.ok("config", "notes.rewriteRef", "refs/notes/maw/*")
    _reviewed(hooked)
    stop_attendant()  # the note is there
    hooked.ok("switch", "-q", "-c", "side", "HEAD~1")
    hooked.write("c.py", "c = 1\n")
    hooked.ok("add", "c.py")
    hooked.ok("commit", "-q", "-n", "-m", "other")
    hooked.ok("push", "-q", "origin", "side")
    hooked.ok("rebase", "-q", "side", "main")
    _require(user, "reviewed")
    hooked.ok("push", "-q", "origin", "main")
    hooked.write("b.py", "b = 'another change'\n")
    hooked.ok("commit", "-q", "-a", "-n", "--amend", "-m", "no longer what was reviewed")
    stop_attendant()
    assert "1 commit was not reviewed" in _stopped(hooked, "--force", "origin", "main")


def test_a_repository_may_ask_for_it(hooked: Hooked, origin: Path) -> None:
    hooked.write(".maw.toml", 'push.require = "reviewed"\n')
    hooked.ok("add", ".maw.toml")
    hooked.commit("-n")
    assert "1 commit was not reviewed" in _stopped(hooked, "origin", "main")
    hooked.ok("push", "-q", "origin", "main", MAW_SKIP="1")


def test_ci_and_no_configuration(hooked: Hooked, origin: Path, user: Path) -> None:
    hooked.write(".maw.toml", 'push.require = "reviewed"\n')
    hooked.ok("add", ".maw.toml")
    hooked.commit("-n")
    assert hooked.ok("push", "-q", "--dry-run", "origin", "main", CI="true") == (
        "maw: CI is set, so nothing is reviewed here\n"
    )
    user.unlink()
    assert "not set up for you" in hooked.ok("push", "-q", "origin", "main")


def test_a_hook_that_was_there_reads_the_same_lines(hooked: Hooked, origin: Path, user: Path) -> None:
    hook = hooked.path / ".git/hooks/pre-push"
    hook.rename(hook.with_name("pre-push.ours"))
    hook.write_text('#!/bin/sh\nwhile read -r a b c d; do echo "saved: $1 $a $c" >&2; done\n')
    hook.chmod(0o755)
    install.install(discover(str(hooked.path)))
    _require(user, "reviewed")
    _reviewed(hooked, "b.py", "-n")
    said = _stopped(hooked, "origin", "main")
    assert "saved: origin refs/heads/main refs/heads/main" in said
    assert "1 commit was not reviewed" in said


def test_without_a_path(hooked: Hooked, origin: Path, user: Path) -> None:
    """As from a GUI: the shell finds no program at all."""
    _require(user, "reviewed")
    bare = _reviewed(hooked, "b.py", "-n")
    line = f"refs/heads/main {bare} refs/heads/main {'0' * 40}\n"
    core = subprocess.run(["git", "--exec-path"], capture_output=True, text=True, check=True).stdout.strip()
    done = subprocess.run(
        [str(hooked.path / ".git/hooks/pre-push"), "origin", str(origin)], cwd=hooked.path, input=line, text=True,
        capture_output=True, check=False, timeout=30, env={**os.environ, "PATH": "", "GIT_EXEC_PATH": core},
    )  # fmt: skip
    assert (done.returncode, bare[:10] in done.stderr) == (1, True), done.stderr


def test_no_network_is_used(hooked: Hooked, origin: Path, user: Path) -> None:
    _require(user, "passed")
    _reviewed(hooked)
    asked = len(hooked.runner.submits)
    hooked.ok("push", "-q", "origin", "main")
    assert len(hooked.runner.submits) == asked


def test_notes_follow_a_push_that_may_go(hooked: Hooked, origin: Path, user: Path) -> None:
    user.write_text('node = "local"\nsync.on_push = true\npush.require = "reviewed"\n')
    commit = _reviewed(hooked)
    stop_attendant()  # the note is there
    hooked.ok("push", "-q", "origin", "main")
    there = type(hooked.repository)(origin)
    wait_for(
        lambda: commit in there.git("notes", "--ref=maw/review", "list", check=False), "the notes to reach the remote"
    )


def test_no_notes_follow_a_push_that_was_stopped(hooked: Hooked, origin: Path, user: Path, home: Path) -> None:
    user.write_text('node = "local"\nsync.on_push = true\npush.require = "reviewed"\n')
    _reviewed(hooked, "b.py", "-n")
    _stopped(hooked, "origin", "main")
    assert not (home / "state/sync.log").exists()
