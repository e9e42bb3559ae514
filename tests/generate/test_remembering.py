"""What was generated is remembered by the command that did it, and comes back as an example."""

from __future__ import annotations

import json

import pytest

from tests.fixtures.cli import Maw
from tests.fixtures.git import Repository
from tests.fixtures.scripted import Says
from tests.fixtures.waiting import eventually
from tests.generate.conftest import APP, BAD, GOOD, LOST, replacing


def noted(project: Repository, commit: str = "HEAD") -> list[dict[str, object]]:
    said = project.git("notes", "--ref=maw/generate", "show", commit, check=False)
    return [json.loads(line) for line in said.splitlines()]


def test_it_lands_on_the_commit_and_is_an_example_then(project: Repository, maw: Maw, generator: Says) -> None:
    options = ("--apply", "--verify", "python check.py")
    server = generator(BAD, GOOD, replacing("src/app.py", "def sub(a, b):\n", "def sub(a, b):  # minus\n"))
    ran = maw("generate", "code", "make the sum in src/app.py right", "src/app.py", *options, cwd=project.path)
    assert ran.code == 0, ran.err
    project.git("commit", "-qam", "Add, do not subtract")
    ran = maw("generate", "code", "make the minus in src/app.py right", "src/app.py", cwd=project.path)
    assert ran.code == 0, ran.err
    assert "Similar changes that were taken before:\nmake the sum in src/app.py right\n" in server.prompt()
    (record,) = noted(project)
    assert (record["status"], record["command"], record["rounds"]) == ("accepted", "code", 2)
    assert (record["paths"], record["model"]) == (["src/app.py"], "script/any")
    assert record["verify"]["command"] == "python check.py"  # type: ignore[index]
    assert "make the sum" in maw("history", "--kind", "generate", cwd=project.path).out


@pytest.mark.slow
def test_what_came_to_nothing_and_what_was_taken_back(project: Repository, maw: Maw, generator: Says) -> None:
    generator(LOST)
    assert maw("generate", "code", "x", "src/app.py", cwd=project.path).code == 3
    (record,) = eventually(lambda: noted(project))
    assert record["status"] == "failed"
    assert "stands" in str(record["reason"]) or "match" in str(record["reason"])
    generator(GOOD)
    assert maw("generate", "code", "y", "src/app.py", "--apply", cwd=project.path).code == 0
    assert maw("generate", "--undo", cwd=project.path).code == 0
    assert (project.path / "src/app.py").read_text() == APP
    records = eventually(lambda: noted(project), lambda found: len(found) == 2)
    assert {(one["status"], one["instruction"]) for one in records} == {("failed", "x"), ("rejected", "y")}


@pytest.mark.slow
def test_documentation_that_changes_code_is_refused(project: Repository, maw: Maw, generator: Says) -> None:
    good = replacing("src/app.py", "def add(a, b):\n", 'def add(a, b):\n    """Add two numbers."""\n')
    server = generator(GOOD, good)
    ran = maw("generate", "docs", "src/app.py", "--apply", cwd=project.path)
    assert (ran.code, "Add two numbers" in (project.path / "src/app.py").read_text()) == (0, True), ran.err
    assert "its code changes, not its documentation alone" in server.prompt()
