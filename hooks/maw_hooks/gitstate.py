"""Whether git is in the middle of something that replays or joins commits others made."""

from __future__ import annotations

import os

# Beside these the installed stub looks before Python starts (stub.sh); a hook framework has no stub.
# Not for the sequencer: between two picks of several people commit by hand, and it waits until they say it is over.
IN_PROGRESS = ("rebase-merge", "rebase-apply", "MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD")
# The reflog's word for commits that nobody typed: those of the sequencer, and what ends a conflict of it.
_REPLAYED = ("revert", "cherry-pick", "rebase", "merge", "pull", "am", "commit (merge)", "commit (cherry-pick)")


def in_progress(git_dir: str) -> bool:
    """`git_dir` is the worktree's own."""
    return any(os.path.lexists(os.path.join(git_dir, name)) for name in IN_PROGRESS)


def replayed(action: str, parents: int) -> bool:
    """True when the last commit was made by a merge, rebase, cherry-pick or revert. `action` is the reflog's word."""
    return parents > 1 or action.startswith(_REPLAYED)
