"""What is certain about a change by its paths and sizes alone, for who reviews it and for the model. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from maw.change import FileChange
from maw.messages.check import TEST_PATH
from maw.text import count, one_line

NAMED = 4  # paths that a fact names
_CODE = re.compile(
    r"\.(?:py|pyi|js|jsx|ts|tsx|mjs|cjs|go|rs|java|kt|c|h|cc|cpp|hpp|cs|rb|php|sh|swift|scala|ex|exs|lua|pl|sql)\Z"
)
_KINDS = (
    ("dependencies change", re.compile(
        r"(?:^|/)(?:pyproject\.toml|setup\.(?:py|cfg)|requirements[^/]*\.txt|constraints[^/]*\.txt|package\.json|go\.mod|"
        r"Cargo\.toml|pom\.xml|build\.gradle(?:\.kts)?|Gemfile|composer\.json|[^/]*\.lock|package-lock\.json|go\.sum)\Z")),
    ("the schema of a database changes", re.compile(r"(?:^|/)(?:migrations?|alembic|db/migrate)/|\.sql\Z")),
    ("CI changes", re.compile(
        r"^(?:\.github/workflows|\.gitlab-ci|\.circleci|\.ci|\.woodpecker)|(?:^|/)Jenkinsfile\Z")),
    ("how it is deployed changes", re.compile(
        r"(?:^|/)(?:Dockerfile[^/]*|docker-compose[^/]*|Procfile|helm|k8s|terraform)(?:/|\Z)|\.tf\Z")),
)  # fmt: skip


class Facts(NamedTuple):
    """`tests`: the test files that change."""

    lines: tuple[str, ...]
    tests: tuple[str, ...]


def of(files: Sequence[FileChange]) -> Facts:
    """In the order in which they matter to a reviewer."""
    tests = [file.path for file in files if TEST_PATH.search(file.path) and file.status != "deleted"]
    lines = [_size(files)]
    if any(_CODE.search(file.path) and not TEST_PATH.search(file.path) and file.status != "deleted" for file in files):
        lines.append(f"tests that change: {_named(tests)}" if tests else "code changes, and no test does")
    for what, pattern in _KINDS:
        lines += _about(what, [file for file in files if pattern.search(file.path)])
    lines += _about("deleted", [file for file in files if file.status == "deleted"])
    lines += _about("binary", [file for file in files if file.binary])
    return Facts(tuple(lines), tuple(tests))


def _size(files: Sequence[FileChange]) -> str:
    kinds = [line.kind for file in files for hunk in file.hunks for line in hunk.lines]
    return f"{count(len(files), 'file')}, +{kinds.count('+')} -{kinds.count('-')} lines"


def _about(what: str, files: Sequence[FileChange]) -> list[str]:
    return [f"{what}: {_named([file.path for file in files])}"] if files else []


def _named(paths: Sequence[str]) -> str:
    more = f" and {len(paths) - NAMED} more" if len(paths) > NAMED else ""
    return one_line(", ".join(paths[:NAMED])) + more
