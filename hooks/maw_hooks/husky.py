"""husky, which runs a project's hooks from scripts in its worktree.

Git calls husky's own script for every hook, and that one finds the project's by its own name: kept under another name
it finds none, and the project's checks are off without a word. `npm install` writes it anew besides. So maw leaves
husky's folder alone, and its person adds a line to the project's script.
"""

from __future__ import annotations

import os
import shlex
import sys

from maw import files


def scripts_dir(directory: str) -> str | None:
    """The folder of the project's scripts, when `directory`, where git looks for hooks, is husky's; else None."""
    parent, name = os.path.split(directory)
    if name == "_" and (os.path.basename(parent) == ".husky" or os.path.isfile(os.path.join(directory, "h"))):
        return parent
    if os.path.isfile(os.path.join(directory, "_", "husky.sh")):  # before version 9
        return directory
    return None


def line(hook: str) -> str:
    """What to add to the project's script. It lets those commit as before whose maw is not there; husky runs it with
    `sh -e`."""
    own = os.path.join(os.path.dirname(sys.executable), "maw-hook")
    words = [own] if os.access(own, os.X_OK) else [sys.executable, "-P", "-m", "maw_hooks"]
    return f'[ ! -x {shlex.quote(words[0])} ] || {shlex.join([*words, hook])} "$@"'


def runs_maw(scripts: str, hook: str) -> bool:
    """Whether the project's script has such a line."""
    try:
        content = files.read_bounded(os.path.join(scripts, hook), follow=True) or b""
    except files.UnfitFile:
        return False
    lines = [text.strip() for text in content.splitlines()]
    return any((b"maw-hook" in text or b"maw_hooks" in text) and not text.startswith(b"#") for text in lines)


def advice(scripts: str, hooks: list[str]) -> str:
    """What to do for these hooks."""
    return "add " + ", and ".join(f"to {os.path.join(scripts, hook)} the line `{line(hook)}`" for hook in hooks)
