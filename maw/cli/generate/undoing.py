"""`maw generate --undo`: take the last application in this working tree back."""

from __future__ import annotations

from maw import errors
from maw.cli.generate import diffs, remembering
from maw.cli.output import print_json, say
from maw.cli.place import needed_repository
from maw.edits import apply
from maw.text import count


def undo(*, dry_run: bool, as_json: bool) -> int:
    """Show what it changes and do it; the exit code. Raises Conflict and FatalError, with nothing changed."""
    repo = needed_repository()
    diff = apply.undo_diff(repo)
    done = None if dry_run else apply.undo(repo)
    if done is not None:
        remembering.taken_back(repo, done.paths)
    if as_json:
        paths = list(done.paths) if done is not None else []
        print_json({"v": 1, "undone": done is not None, "paths": paths, "diff": diff.decode("utf-8", "replace")})
        return errors.PASS
    diffs.write(diff)
    say(f"maw: taken back in {count(len(done.paths), 'file')}" if done is not None else "maw: nothing was changed")
    return errors.PASS
