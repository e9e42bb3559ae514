"""Commits that git makes of others: merges, picks, reverts, rebases, mails, stashes; and what is pushed."""

from __future__ import annotations

from tests.fixtures.attendant import stop_attendant
from tests.fixtures.git import make_repository
from tests.hooks.place import NOTHING, Place
from tests.hooks.way import CARRIED, EXACT, REPLAYED, STALE, way


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
    stop_attendant()  # it looks after the notes of the commits before for seconds, and would find what is picked here
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
    stop_attendant()
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


@way("`git push` of two refs, one with a commit made by `-n`: it stops", ran="pre-push", sent=NOTHING)
def push_unreviewed(at: Place) -> None:
    second_ref_unseen(at)
    at.watch()
    done = at.git("push", "-q", "origin", "main", "side", MAW_PUSH_REQUIRE="reviewed")
    assert (done.returncode, "1 commit was not reviewed" in done.stdout + done.stderr) == (1, True), done.stderr


def second_ref_unseen(at: Place) -> None:
    """main and side, of which side has a commit that was not reviewed."""
    at.branch("side", "t.py")
    at.ok("switch", "-q", "side")
    at.stage("t.py")
    at.ok("commit", "-q", "-n", "-m", "unseen")
    at.ok("switch", "-q", "main")
    at.commit()
    _origin(at)


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
