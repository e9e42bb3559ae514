"""A small project to edit."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from maw.edits import propose
from maw.edits.place import Allowed
from maw.edits.propose import Proposal
from maw.git.repo import Repo, discover
from tests.fixtures.git import Repository

EVERYTHING = Allowed(folders=frozenset({""}))


@pytest.fixture
def project(repo: Repository) -> Repository:
    repo.write("src/app.py", "def add(a, b):\n    return a - b\n\n\ndef sub(a, b):\n    return a - b\n")
    repo.write("notes.txt", "one\ntwo\nthree\nfour\nfive\nsix\nseven\neight\nnine\nten\n")
    repo.write(".gitignore", "*.log\n")
    repo.commit("a project")
    return repo


@pytest.fixture
def place_of(project: Repository) -> Repo:
    return discover(str(project.path))


@pytest.fixture
def offer(place_of: Repo) -> Callable[..., Proposal]:
    """The proposal of an answer's text in the project."""

    def made(answer: str, allowed: Allowed = EVERYTHING) -> Proposal:
        return propose.from_answer(place_of, answer.encode(), allowed)

    return made


def replacing(path: str, search: str, replace: str) -> str:
    """A block; texts are lines with their ends."""
    return f"FILE {path}\n<<<<<<< SEARCH\n{search}=======\n{replace}>>>>>>> REPLACE\n"


def whole(path: str, content: str) -> str:
    return f"FILE {path}\n<<<<<<< WHOLE\n{content}>>>>>>> WHOLE\n"


def tree_of(project: Repository) -> dict[str, tuple[bytes | str, int]]:
    """All that lies in the working tree: contents, links' targets, modes; folders as well."""
    found: dict[str, tuple[bytes | str, int]] = {}
    for path in sorted(project.path.rglob("*")):
        name = str(path.relative_to(project.path))
        if name == ".git" or name.startswith(".git/"):
            continue
        if path.is_symlink():
            found[name] = (str(path.readlink()), 0)
        else:
            found[name] = (path.read_bytes() if path.is_file() else "", path.stat().st_mode)
    return found
