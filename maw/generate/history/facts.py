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


def of(files: Sequence[FileChange], large: Sequence[str] = ()) -> Facts:
    """In the order in which they matter to a reviewer. `large`: more files that change, by their paths alone."""
    there = [*(file.path for file in files if file.status != "deleted"), *large]
    tests = [path for path in there if TEST_PATH.search(path)]
    lines = [_size(files, large)]
    if any(_CODE.search(path) and not TEST_PATH.search(path) for path in there):
        lines.append(f"tests that change: {_named(tests)}" if tests else "code changes, and no test does")
    for what, pattern in _KINDS:
        lines += _about(what, [path for path in (*(file.path for file in files), *large) if pattern.search(path)])
    lines += _about("deleted", [file.path for file in files if file.status == "deleted"])
    lines += _about("binary", [file.path for file in files if file.binary])
    lines += _about("too large to be looked at", large)
    return Facts(tuple(lines), tuple(tests))


def _size(files: Sequence[FileChange], large: Sequence[str]) -> str:
    kinds = [line.kind for file in files for hunk in file.hunks for line in hunk.lines]
    known = "" if not large else f" in {len(files)} of them"
    return f"{count(len(files) + len(large), 'file')}, +{kinds.count('+')} -{kinds.count('-')} lines{known}"


def _about(what: str, paths: Sequence[str]) -> list[str]:
    return [f"{what}: {_named(paths)}"] if paths else []


def _named(paths: Sequence[str]) -> str:
    more = f" and {len(paths) - NAMED} more" if len(paths) > NAMED else ""
    return one_line(", ".join(paths[:NAMED])) + more
