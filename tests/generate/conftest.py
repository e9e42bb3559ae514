"""A small project whose code is changed, and answers in the format of edits."""

from __future__ import annotations

import pytest

from tests.fixtures.git import Repository

APP = "def add(a, b):\n    return a - b\n\n\ndef sub(a, b):\n    return a - b\n"
CHECK = "import sys\n\nsys.path.insert(0, 'src')\nimport app\n\nassert app.add(1, 2) == 3, 'one and two is three'\n"


@pytest.fixture
def project(repo: Repository) -> Repository:
    repo.write("src/app.py", APP)
    repo.write("check.py", CHECK)
    repo.write(".gitignore", "*.log\n")
    repo.commit("a project")
    return repo


def replacing(path: str, search: str, replace: str) -> str:
    """A block; texts are lines with their ends."""
    return f"FILE {path}\n<<<<<<< SEARCH\n{search}=======\n{replace}>>>>>>> REPLACE\n"


def whole(path: str, content: str) -> str:
    return f"FILE {path}\n<<<<<<< WHOLE\n{content}>>>>>>> WHOLE\n"


GOOD = replacing("src/app.py", "def add(a, b):\n    return a - b\n", "def add(a, b):\n    return a + b\n") + "DONE\n"
BAD = replacing("src/app.py", "def add(a, b):\n    return a - b\n", "def add(a, b):\n    return a * b\n") + "DONE\n"
LOST = replacing("src/app.py", "def mul(a, b):\n    return None or 0\n", "pass\n") + "DONE\n"
