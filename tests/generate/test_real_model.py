"""Code by the real embedded model through the real runner. What it writes is of no worth; that the working tree is
afterwards exactly as before, or exactly the diff that was shown, is."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.fixtures.cli import Maw
from tests.fixtures.git import Repository
from tests.fixtures.model import EmbeddedModel
from tests.generate.conftest import APP

pytestmark = [pytest.mark.model, pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture
def maw_long(home: Any, embedded_model: EmbeddedModel) -> Iterator[Maw]:
    """The command with time for a real model on a busy machine."""
    from tests.fixtures.cli import Ran

    with open(home / "config.toml", "a", encoding="utf-8") as file:
        file.write("runner.context = 1024\n")

    def run(*arguments: str, cwd: Any, **_: str) -> Ran:
        command = [sys.executable, "-P", "-m", "maw", *arguments]
        done = subprocess.run(command, cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, timeout=550, check=False)
        return Ran(done.returncode, done.stdout.decode(), done.stderr.decode())

    yield run
    subprocess.run([sys.executable, "-m", "maw_remote", "stop"], check=False, capture_output=True, timeout=60)


@pytest.mark.parametrize(
    "words",
    [
        ("code", "Make add return the sum of a and b.", "src/app.py"),
        ("code", "A function that multiplies, in a new file.", "src/"),
        ("docs", "src/app.py"),
        ("test", "src/app.py::add"),
        ("fix", "--verify", "python check.py", "--tries", "1"),
    ],
    ids=["code", "folder", "docs", "test", "fix"],
)  # fmt: skip
def test_the_tree_is_as_before_or_as_shown(project: Repository, maw_long: Maw, words: tuple[str, ...]) -> None:
    ran = maw_long("generate", *words, "--apply", "--json", cwd=project.path)
    assert ran.code in (0, 3), ran.err
    found = ran.json
    assert found["model"].startswith("smollm2")
    assert found["stats"]["prompt_tokens"] >= 0
    assert found["applied"] is (ran.code == 0)
    if ran.code == 3:
        assert project.git("status", "--porcelain") == ""
        assert (found["refusals"], found["answer"], found["verify"]) != ([], "", None)
        return
    project.git("add", "-A")
    project.git("diff", "--cached", "--quiet", check=False)
    project.git("apply", "-R", "--index", stdin=found["diff"].encode())
    assert project.git("status", "--porcelain") == ""
    assert (project.path / "src/app.py").read_text() == APP


def test_an_explanation_is_prose_whose_references_hold(project: Repository, maw_long: Maw) -> None:
    ran = maw_long("generate", "explain", "src/app.py", "--json", cwd=project.path)
    assert (ran.code, project.git("status", "--porcelain")) == (0, ""), ran.err
    assert ran.json["text"].strip()
    for one in ran.json["references"]:
        if one["status"] in ("good", "mended") and one["line"]:
            lines = (project.path / one["path"]).read_text().count("\n")
            assert 1 <= one["line"] <= (one["end"] or one["line"]) <= lines
