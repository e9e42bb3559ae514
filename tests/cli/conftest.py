"""A repository to set maw up in, and what it was before."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from tests.fixtures.git import Repository

# No node is asked: the one named does not exist, which init says and goes on.
NOWHERE = {"MAW_NODE": "nowhere"}


def snapshot(directory: Path) -> dict[str, tuple[int, bytes]]:
    """Every file below a directory with its mode and content; directories too. Objects and logs only grow."""
    found = {}
    for path in sorted(directory.rglob("*")):
        name = str(path.relative_to(directory))
        content = path.read_bytes() if path.is_file() else b""
        found[name] = (stat.S_IMODE(path.lstat().st_mode), content)
    return found


@pytest.fixture
def set_up(repo: Repository) -> Repository:
    """A repository with a history, a setting and hooks of its own."""
    repo.commit("first", a__py="a = 1\n")
    hooks = repo.path / ".git" / "hooks"
    hooks.mkdir(exist_ok=True)
    (hooks / "pre-commit").write_text("#!/bin/sh\necho theirs >> theirs.log\n")
    (hooks / "pre-commit").chmod(0o755)
    repo.git("config", "notes.rewriteRef", "refs/notes/commits")
    return repo
