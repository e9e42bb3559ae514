"""Every way of committing: what each does, and what is to come of it. docs/hooks.md shows it as a table, which
`python -m tests.hooks.ways` writes; test_ways.py goes each way with real git and a real runner."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from tests.fixtures.git import Repository, make_repository
from tests.hooks.place import ALL, CHANGE, INCREMENT, NOTHING, Place, Seen

PAGE = Path(__file__).resolve().parents[2] / "docs" / "hooks.md"
BEGIN, END = "<!-- ways: made by `make docs` -->\n", "<!-- /ways -->\n"
HEAD = "| way | hooks that git starts | sent to the node | recorded on HEAD |\n|---|---|---|---|\n"

TYPED = "pre-commit, prepare-commit-msg, commit-msg, post-commit"
BARE = "prepare-commit-msg, post-commit"  # as after --no-verify
REPLAYED = "prepare-commit-msg, (post-commit)"
EXACT, CARRIED, STALE = "reviewed, exact", "reviewed, carried", "reviewed, stale"
MISSED = "unreviewed, exact"


class Way(NamedTuple):
    name: str  # as the table has it
    go: Callable[[Place], Place | None]
    seen: Seen

    @property
    def row(self) -> str:
        return f"| {self.name} | {' | '.join(self.seen)} |\n"


WAYS: list[Way] = []


def way(
    name: str, *, ran: str = TYPED, sent: str = CHANGE, recorded: str = EXACT
) -> Callable[[Callable[[Place], Place | None]], Callable[[Place], Place | None]]:
    """A function that goes a way of committing. It calls `watch` once all is ready for it, and returns where to look
    when that is somewhere else."""

    def known(go: Callable[[Place], Place | None]) -> Callable[[Place], Place | None]:
        WAYS.append(Way(name, go, Seen(ran, sent, recorded)))
        return go

    return known


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
    done = at.git("commit", "-q", "-m", "a stranger's", MAW_CONFIG=str(at.spare / "none.toml"))
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


@way("`git merge`, fast-forward", ran=NOTHING, sent=NOTHING)
def fast_forward(at: Place) -> None:
    at.branch("topic", "t.py")
    at.watch()
    at.ok("merge", "-q", "topic")


@way("`git merge`", ran="prepare-commit-msg, commit-msg", sent=NOTHING, recorded=NOTHING)
def merge(at: Place) -> None:
    _diverged(at)
    at.watch()
    at.ok("merge", "-q", "--no-edit", "topic")


@way(
    "`git merge` with a conflict, then `git commit`",
    ran="(pre-commit), prepare-commit-msg, commit-msg, post-commit",
    sent=NOTHING,
    recorded=NOTHING,
)
def merge_conflict(at: Place) -> None:
    _diverged(at, "a.py")
    assert at.git("merge", "topic").returncode == 1
    at.stage("a.py", "merged = 1\n")
    at.watch()
    at.ok("commit", "-q", "--no-edit")


@way("`git merge --squash`, then `git commit`")
def merge_squash(at: Place) -> None:
    at.branch("topic", "t.py", "u.py")
    at.ok("merge", "-q", "--squash", "topic")
    at.watch()
    at.ok("commit", "-q", "-m", "squashed")


@way("`git cherry-pick`", ran=REPLAYED, sent=NOTHING, recorded=NOTHING)
def cherry_pick(at: Place) -> None:
    _diverged(at)
    at.watch()
    at.ok("cherry-pick", "topic")


@way(
    "`git cherry-pick` with a conflict, then `git commit`",
    ran="(pre-commit), prepare-commit-msg, commit-msg, post-commit",
    sent=NOTHING,
    recorded=NOTHING,
)
def cherry_pick_conflict(at: Place) -> None:
    _diverged(at, "a.py")
    assert at.git("cherry-pick", "topic").returncode == 1
    at.stage("a.py", "picked = 1\n")
    at.watch()
    at.ok("commit", "-q", "--no-edit")


@way("`git revert`", ran=REPLAYED, sent=NOTHING, recorded=NOTHING)
def revert(at: Place) -> None:
    at.commit()
    at.watch()
    at.ok("revert", "--no-edit", "HEAD")


@way(
    "`git revert` with a conflict, then `--continue`",
    ran="(pre-commit), prepare-commit-msg, commit-msg, post-commit",
    sent=NOTHING,
    recorded=NOTHING,
)
def revert_conflict(at: Place) -> None:
    at.commit("a.py", "one = 2\n")
    at.commit("a.py", "one = 3\n")
    assert at.git("revert", "--no-edit", "HEAD~1").returncode == 1
    at.stage("a.py", "reverted = 1\n")
    at.watch()
    at.ok("revert", "--continue", GIT_EDITOR="true")


@way("`git rebase`, picks", ran=REPLAYED, sent=NOTHING, recorded=CARRIED)
def rebase(at: Place) -> None:
    _diverged(at)
    at.ok("switch", "-q", "topic")
    at.watch()
    at.ok("rebase", "-q", "main")


@way("`git rebase` with a conflict, then `--continue`", ran=REPLAYED, sent=NOTHING, recorded=STALE)
def rebase_conflict(at: Place) -> None:
    _diverged(at, "a.py")
    at.ok("switch", "-q", "topic")
    assert at.git("rebase", "main").returncode == 1
    at.stage("a.py", "rebased = 1\n")
    at.watch()
    at.ok("rebase", "--continue", GIT_EDITOR="true")


@way("`git rebase -i`, reword", ran="(pre-commit), prepare-commit-msg, commit-msg, (post-commit)", sent=NOTHING)
def reword(at: Place) -> None:
    at.commit()
    at.watch()
    _rebase_interactively(at, "s/^pick/reword/", "HEAD~1")


@way("`git rebase -i`, squash of two", ran=REPLAYED, sent=NOTHING, recorded=f"{EXACT}; {STALE}")
def squash(at: Place) -> None:
    at.commit("a.py")
    at.commit("b.py")
    at.watch()
    _rebase_interactively(at, "2s/^pick/squash/", "HEAD~2")


@way("`git rebase --autosquash` of a fixup", ran=REPLAYED, sent=NOTHING, recorded=f"{EXACT}; {STALE}")
def autosquash(at: Place) -> None:
    at.commit("a.py")
    at.stage("b.py")
    at.ok("commit", "-q", "--fixup", "HEAD")
    at.watch()
    _rebase_interactively(at, "", "--autosquash", "HEAD~2")


@way(
    "`git rebase -i`, edit, then `git commit --amend` with more",
    ran="(pre-commit), prepare-commit-msg, commit-msg, (post-commit)",
    sent=NOTHING,
    recorded=STALE,
)
def edit(at: Place) -> None:
    at.commit("a.py")
    _rebase_interactively(at, "s/^pick/edit/", "HEAD~1")
    at.stage("b.py")
    at.watch()
    at.ok("commit", "-q", "--amend", "--no-edit")


@way("`git am`", ran=NOTHING, sent=NOTHING, recorded=NOTHING)
def mailed(at: Place) -> None:
    _diverged(at)
    patch = at.spare / "mail.patch"
    patch.write_text(at.ok("format-patch", "--stdout", "-1", "topic") + "\n")
    at.watch()
    at.ok("am", "-q", str(patch))


@way("`git stash push`, `git stash pop`", ran=NOTHING, sent=NOTHING, recorded=EXACT)
def stash(at: Place) -> None:
    at.commit()
    at.stage("b.py")
    at.watch()
    at.ok("stash", "push", "-q")
    at.ok("stash", "pop", "-q", "--index")


@way("`git push` of two refs", ran="pre-push", sent=NOTHING)
def push(at: Place) -> None:
    """Each line is read: what is not reviewed on one of them keeps both here."""
    at.branch("side", "t.py")
    at.commit()
    _origin(at)
    at.watch()
    at.ok("push", "-q", "origin", "main", "side", MAW_PUSH_REQUIRE="reviewed")


@way("`git push` of two refs, one with a commit made by `-n`", ran="pre-push", sent=NOTHING, recorded=EXACT)
def push_unreviewed(at: Place) -> None:
    at.branch("side", "t.py")
    at.ok("switch", "-q", "side")
    at.stage("t.py")
    at.ok("commit", "-q", "-n", "-m", "unseen")
    at.ok("switch", "-q", "main")
    at.commit()
    _origin(at)
    at.watch()
    done = at.git("push", "-q", "origin", "main", "side", MAW_PUSH_REQUIRE="reviewed")
    assert (done.returncode, "1 commit was not reviewed" in done.stderr) == (1, True), done.stderr


def _origin(at: Place) -> None:
    """A remote that has the first commit."""
    make_repository(at.spare / "origin.git", "--bare")
    at.ok("remote", "add", "origin", str(at.spare / "origin.git"))
    at.ok("push", "-q", "--no-verify", "origin", "HEAD~1:refs/heads/main")


def _diverged(at: Place, file: str = "t.py") -> None:
    """main and topic with a reviewed commit each; of `a.py` they conflict."""
    at.branch("topic", file)
    at.commit("a.py" if file == "a.py" else "m.py", "main = 1\n")


def _rebase_interactively(at: Place, edit_list: str, *arguments: str) -> None:
    at.ok("rebase", "-q", "-i", *arguments, GIT_SEQUENCE_EDITOR=f"sed -i.old -e '{edit_list}'", GIT_EDITOR="true")


def table() -> str:
    return HEAD + "".join(way.row for way in WAYS)


def written(page: str) -> str:
    """The page with the table in its place."""
    pattern = re.escape(BEGIN) + ".*?" + re.escape(END)
    found, count = re.subn(pattern, lambda _: BEGIN + table() + END, page, flags=re.DOTALL)
    assert count == 1, f"{PAGE.name} has no place for the table"
    return found


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    sys.stderr.write(f"{len(WAYS)} ways in {PAGE.name}\n")
