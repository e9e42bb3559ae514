"""How the person's own editor is opened at a line."""

from __future__ import annotations

import os
import shlex
from typing import NamedTuple

from maw.change import raw_path
from maw.errors import FatalError
from maw.git.repo import Repo
from maw.git.run import line as git_line


class Call(NamedTuple):
    """A command, and where it is to be run."""

    command: list[str]
    folder: str


# How editors that do not know vi's +LINE are told where to go.
_COLON = {"code", "codium", "code-insiders", "cursor", "subl", "hx", "helix", "zed", "micro"}
_GOTO = {"code", "codium", "code-insiders", "cursor"}


def command(editor: str, path: str, line: int) -> list[str]:
    """What git would run to edit the file, with the line. `editor` is a shell's command, as git has it."""
    words = shlex.split(editor) or ["vi"]
    name = os.path.basename(words[0])
    where = [f"{path}:{line}"] if name in _COLON else [f"+{line}", path]
    goto = ["--goto"] if name in _GOTO else []
    return ["sh", "-c", f'{editor} "$@"', editor, *goto, *where]


def call(repo: Repo, path: str, line: int) -> Call:
    """What opens a file of the work tree. Raises FatalError."""
    if repo.worktree is None:
        raise FatalError("there is no work tree here, so nothing to edit")
    top = os.path.realpath(repo.worktree)
    try:
        file = os.path.join(repo.worktree, os.fsdecode(raw_path(path)))
        inside = os.path.commonpath([top, os.path.realpath(file)]) == top  # a stranger's finding may name any path
    except ValueError as exc:
        raise FatalError(f"{path} is no path") from exc
    if not inside or not os.path.isfile(file):
        raise FatalError(f"{path} is not in the work tree" + (" any more" if inside else ""))
    editor = git_line("var", "GIT_EDITOR", cwd=repo.root)
    return Call(command(editor, file, max(line, 1)), repo.worktree)
