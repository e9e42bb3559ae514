"""A description and a change log by the real embedded model over a real runner. What they say is of no worth; that they
have their form, and that nothing changes but what was shown, is."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from maw.generate.history.sections import SECTIONS
from tests.fixtures.git import Repository
from tests.fixtures.model import EmbeddedModel

pytestmark = [pytest.mark.model, pytest.mark.slow, pytest.mark.timeout(500)]
Generate = Callable[..., str]


@pytest.fixture
def generate(repo: Repository, embedded_model: EmbeddedModel) -> Iterator[Generate]:
    """`maw generate` in a repository with a tag and a few commits since; the first call starts the runner."""
    repo.commit("first", a__py="def add(a, b):\n    return a - b\n", CHANGELOG__md="# Changelog\n")
    repo.git("tag", "v1.0")
    repo.git("switch", "-q", "-c", "topic")
    repo.commit("fix: add gives the sum", a__py="def add(a, b):\n    return a + b\n")
    repo.commit("Show sizes in the table", b__py="def shown(size):\n    return f'{size} B'\n")
    repo.commit("Show sizes in a table, too", c__py="def table(sizes):\n    return list(sizes)\n")

    def run(*arguments: str) -> str:
        command = [sys.executable, "-P", "-m", "maw", "generate", *arguments]
        done = subprocess.run(command, cwd=repo.path, capture_output=True, text=True, timeout=240, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    yield run
    subprocess.run([sys.executable, "-m", "maw_remote", "stop"], check=False, capture_output=True, timeout=60)


def test_they_have_their_form(repo: Repository, generate: Generate) -> None:
    found = json.loads(generate("pr", "--json"))
    assert found["title"] and found["summary"] and found["risk"]["level"] in ("low", "medium", "high")
    assert found["stats"]["completion_tokens"] > 0
    told = json.loads(generate("changelog", "--json"))
    assert told["entries"] and {entry["section"] for entry in told["entries"]} <= set(SECTIONS)
    assert any(entry["section"] == "Fixed" for entry in told["entries"])  # which the message says itself
    ids = {one for entry in told["entries"] for one in entry["commits"]} | {one["id"] for one in told["left_out"]}
    assert ids == set(repo.git("rev-list", "v1.0..").split())
    assert repo.git("status", "--porcelain") == ""
    shown = generate("changelog", "--apply")
    repo.git("apply", "--check", "-R", stdin=shown.encode())
    assert "## [Unreleased]\n" in (repo.path / "CHANGELOG.md").read_text()
