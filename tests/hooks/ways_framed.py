"""The same under hook frameworks, which stand between git and maw."""

from __future__ import annotations

from tests.hooks import ways_replayed, ways_typed
from tests.hooks.place import INCREMENT, NOTHING, Place
from tests.hooks.way import BARE, CARRIED, EXACT, MISSED, PRE_COMMITS, STALE, framed


@framed("`git commit`, others changed but not staged")
def framed_partly_staged(at: Place) -> None:
    ways_typed.partly_staged(at)
    assert (at.path / "b.py").read_text() == "b = 1\n"


framed("`git commit -- PATH`, others staged")(ways_typed.only)
framed("`git commit --amend` with more", sent=INCREMENT, recorded=f"{EXACT}; {STALE}")(ways_typed.amend)
framed("`git commit -n`", ran=BARE, sent=NOTHING, recorded=MISSED)(ways_typed.no_verify)


@framed("`CI=true git commit`", sent=NOTHING, recorded=NOTHING)
def framed_in_ci(at: Place) -> None:
    at.stage()
    at.watch()
    done = at.git("commit", "-q", "-m", "by a machine", CI="true")
    assert (done.returncode, done.stderr.count("maw: ")) == (0, 1), done.stderr


@framed("`SKIP=maw-review git commit`", PRE_COMMITS, sent=NOTHING, recorded=MISSED)
def framed_skipped(at: Place) -> None:
    at.stage()
    at.watch()
    at.ok("commit", "-q", "-m", "skipped", SKIP="maw-review")


framed("`git merge` with a conflict, then `git commit`", sent=NOTHING, recorded=NOTHING)(ways_replayed.merge_conflict)
framed("`git cherry-pick`", ran=BARE, sent=NOTHING, recorded=NOTHING)(ways_replayed.cherry_pick)
framed("`git revert`", ran=BARE, sent=NOTHING, recorded=NOTHING)(ways_replayed.revert)
framed("`git rebase`, picks", ran=BARE, sent=NOTHING, recorded=CARRIED)(ways_replayed.rebase)
framed("`git rebase -i`, reword", sent=NOTHING)(ways_replayed.reword)


framed("`git push` of two refs, one with a commit made by `-n`: it stops", ("lefthook",), ran="pre-push", sent=NOTHING)(
    ways_replayed.push_unreviewed
)


@framed(
    "`git push` of two refs, the second with a commit made by `-n`: it goes", PRE_COMMITS, ran="pre-push", sent=NOTHING
)
def framed_push(at: Place) -> None:
    ways_replayed.second_ref_unseen(at)
    at.watch()
    at.ok("push", "-q", "origin", "main", "side", MAW_PUSH_REQUIRE="reviewed")
