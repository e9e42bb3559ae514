"""Commits that somebody types, everywhere that git makes them."""

from __future__ import annotations

import os
import shutil
import subprocess

from tests.fixtures.git import Repository, make_repository
from tests.hooks.place import ALL, INCREMENT, NOTHING, Place
from tests.hooks.way import BARE, EXACT, MISSED, STALE, way


@way("`git commit -m`")
def plain(at: Place) -> None:
    at.watch()
    at.commit()


@way("`git commit`, message in an editor")
def editor(at: Place) -> None:
    at.stage()
    at.watch()
    at.ok("commit", "-q", GIT_EDITOR="sh -c 'echo typed >$1' --")


@way("`git commit`, the first of all", sent=ALL)
def first(at: Place) -> Place:
    fresh = at.at(make_repository(at.spare / "fresh").path)
    fresh.hook()
    fresh.watch()
    fresh.commit()
    return fresh


@way("`git commit -a`")
def all_changes(at: Place) -> None:
    (at.path / "a.py").write_text("all = 1\n")
    at.watch()
    at.ok("commit", "-q", "-a", "-m", "all")


@way("`git commit -p`")
def by_hunk(at: Place) -> None:
    lines = "".join(f"line {number}\n" for number in range(30))
    at.commit("c.txt", lines)
    (at.path / "c.txt").write_text("first\n" + lines + "last\n")
    at.watch()
    command = ["git", "commit", "-q", "-p", "-m", "half"]
    environment = os.environ | {"GIT_TRACE2_EVENT": str(at.spare / "trace")}
    subprocess.run(command, cwd=at.path, input=b"y\nn\n", env=environment, check=True, capture_output=True)


@way("`git commit -i PATH`, others staged")
def include(at: Place) -> None:
    at.stage("a.py")
    (at.path / "b.py").write_text("b = 1\n")
    at.watch()
    at.ok("commit", "-q", "-m", "both", "-i", "b.py")


@way("`git commit -- PATH`, others staged")
def only(at: Place) -> None:
    at.stage("a.py")
    (at.path / "b.py").write_text("b = 1\n")
    at.watch()
    at.ok("commit", "-q", "-m", "one", "--", "b.py")


@way("`git commit`, others changed but not staged")
def partly_staged(at: Place) -> None:
    at.stage("a.py")
    (at.path / "b.py").write_text("b = 1\n")
    at.watch()
    at.ok("commit", "-q", "-m", "one")


@way("`git commit --allow-empty`", sent=NOTHING, recorded=NOTHING)
def empty(at: Place) -> None:
    at.watch()
    at.ok("commit", "-q", "--allow-empty", "-m", "empty")


@way("`git commit --amend` with more", sent=INCREMENT, recorded=f"{EXACT}; {STALE}")
def amend(at: Place) -> None:
    at.commit()
    at.stage("b.py")
    at.watch()
    at.ok("commit", "-q", "--amend", "--no-edit")


@way("`git commit --amend`, the message alone", sent=NOTHING)
def amend_message(at: Place) -> None:
    at.commit()
    at.watch()
    at.ok("commit", "-q", "--amend", "-m", "better words")


@way("`git commit --fixup`")
def fixup(at: Place) -> None:
    at.stage()
    at.watch()
    at.ok("commit", "-q", "--fixup", "HEAD")


@way("`git commit -n`", ran=BARE, sent=NOTHING, recorded=MISSED)
def no_verify(at: Place) -> None:
    at.stage()
    at.watch()
    at.ok("commit", "-q", "-n", "-m", "unseen")


@way("`git commit -n` of a change that was blocked", ran=BARE, sent=NOTHING, recorded="bypassed, exact")
def no_verify_after_a_block(at: Place) -> None:
    at.stage("a.py", "boom = 1\n")
    assert at.git("commit", "-q", "-m", "blocked").returncode == 1
    at.watch()
    at.ok("commit", "-q", "-n", "-m", "all the same")


@way(
    "`MAW_SKIP=1 git commit`",
    ran="(pre-commit), prepare-commit-msg, commit-msg, post-commit",
    sent=NOTHING,
    recorded=MISSED,
)
def skipped(at: Place) -> None:
    at.stage()
    at.watch()
    at.ok("commit", "-q", "-m", "skipped", MAW_SKIP="1")


@way("`CI=true git commit`", sent=NOTHING, recorded=NOTHING)
def in_ci(at: Place) -> None:
    at.stage()
    at.watch()
    done = at.git("commit", "-q", "-m", "by a machine", CI="true")
    assert (done.returncode, done.stderr.count("\n"), "CI is set" in done.stderr) == (0, 1, True), done.stderr


@way("`git commit` of a user without a configuration", sent=NOTHING, recorded=NOTHING)
def not_set_up(at: Place) -> None:
    at.stage()
    at.watch()
    done = at.git("commit", "-q", "-m", "a stranger's", HOME=str(at.spare))
    assert (done.returncode, done.stderr.count("\n"), "maw init" in done.stderr) == (0, 1, True), done.stderr


@way("`git commit` from a GUI: no `PATH`, no terminal, no standard input")
def from_a_gui(at: Place) -> None:
    at.stage()
    at.watch()
    command = [str(shutil.which("git")), "commit", "-q", "-m", "clicked"]
    environment = {key: value for key, value in os.environ.items() if key.startswith(("HOME", "MAW_", "GIT_CONFIG"))}
    environment |= {"PATH": "", "GIT_TRACE2_EVENT": str(at.spare / "trace")}
    subprocess.run(
        command, cwd=at.path, env=environment, check=True, capture_output=True, start_new_session=True,
        preexec_fn=lambda: os.close(0),
    )  # fmt: skip


@way("`git commit` with `commit.gpgsign`")
def signed(at: Place) -> None:
    key = at.spare / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    for name, value in (("gpg.format", "ssh"), ("user.signingKey", f"{key}.pub"), ("commit.gpgSign", "true")):
        at.ok("config", name, value)
    at.watch()
    at.commit()
    assert "-----BEGIN SSH SIGNATURE" in at.ok("cat-file", "commit", "HEAD")


@way("`git commit` in a subdirectory")
def subdirectory(at: Place) -> None:
    at.stage("deep/er/c.py")
    at.watch()
    at.at(at.path / "deep" / "er").ok("commit", "-q", "-m", "deep")


@way("`git commit` in a linked worktree")
def linked_worktree(at: Place) -> Place:
    at.ok("worktree", "add", "-q", str(at.spare / "linked"), "-b", "topic")
    linked = at.at(at.spare / "linked")
    linked.watch()
    linked.commit()
    return linked


@way("`git commit` in a worktree of a bare clone")
def bare_clone(at: Place) -> Place:
    at.ok("clone", "-q", "--bare", str(at.path), str(at.spare / "bare.git"))
    Repository(at.spare / "bare.git").git("worktree", "add", "-q", str(at.spare / "tree"), "main")
    tree = at.at(at.spare / "tree")
    tree.hook()
    tree.watch()
    tree.commit()
    return tree


@way("`git commit` in a submodule")
def submodule(at: Place) -> Place:
    inner = _with_submodule(at)
    inner.hook()
    inner.watch()
    inner.commit()
    return inner


@way("`git commit` of a submodule's new commit")
def submodule_pointer(at: Place) -> None:
    inner = _with_submodule(at)
    at.ok("commit", "-q", "-m", "with a submodule")
    inner.commit()
    at.watch()
    at.ok("commit", "-q", "-m", "a newer one", "lib")


def _with_submodule(at: Place) -> Place:
    other = make_repository(at.spare / "other")
    other.commit("first", a__py="one = 1\n")
    at.ok("-c", "protocol.file.allow=always", "submodule", "add", "-q", str(other.path), "lib")
    return at.at(at.path / "lib")


@way("`git commit` on a detached HEAD during a bisect")
def bisecting(at: Place) -> None:
    for number in range(4):
        at.ok("commit", "-q", "--allow-empty", "-m", f"number {number}")
    at.ok("bisect", "start", "HEAD", "HEAD~4")
    at.watch()
    at.commit()


@way("`git commit` with `core.autocrlf` and CRLF in the worktree")
def autocrlf(at: Place) -> None:
    at.ok("config", "core.autocrlf", "true")
    at.watch()
    at.commit("a.py", "one = 1\r\ntwo = 22\r\n")


@way("`git commit` with `core.hooksPath`")
def hooks_path(at: Place) -> None:
    shutil.rmtree(at.path / ".git" / "hooks")
    at.ok("config", "core.hooksPath", ".githooks")
    at.hook()
    assert (at.path / ".githooks" / "pre-commit").exists()
    at.watch()
    at.commit()
