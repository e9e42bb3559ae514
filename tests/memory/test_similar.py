"""Accepted generations as examples for the next ones; with real git and notes."""

from __future__ import annotations

import pytest

from maw.generate.memory import similar
from maw.git.notes import Notes
from maw.git.repo import discover
from maw.memory.index import Index
from maw.record import Json, encode, new_id, now
from tests.fixtures.git import Repository


def generated(repo: Repository, commit: str, instruction: str, path: str, **more: object) -> None:
    data: Json = {
        "v": 1, "id": new_id(), "ts": now(), "kind": "generate", "status": "accepted", "command": "code",
        "instruction": instruction, "paths": [path], "head": commit, "tree": "0" * 40, **more,
    }  # fmt: skip
    Notes(discover(str(repo.path))).append("generate", commit, [encode(data)])


def asked(repo: Repository, instruction: str, *paths: str, command: str = "code") -> list[similar.Accepted]:
    kernel = discover(str(repo.path))
    with Index(kernel) as index:
        index.refresh()
        return similar.similar(kernel, index, command, instruction, paths)


@pytest.fixture
def taken(repo: Repository) -> Repository:
    repo.commit("base")
    for name, instruction in {
        "parser": "parse durations such as 5m in the parser",
        "client": "retry the client when the connection was reset",
        "table": "show sizes in the table with units",
    }.items():
        commit = repo.commit(name, **{f"{name}__py": f"{name} = 1\n", "other__py": f"other = '{name}'\n"})
        generated(repo, commit, instruction, f"{name}.py")
    return repo


def test_the_likest_comes_first_with_its_own_files_only(taken: Repository) -> None:
    first, *rest = asked(taken, "have the parser parse sizes such as 5 kB", "parser.py")
    assert (first.command, first.instruction, first.paths) == (
        "code", "parse durations such as 5m in the parser", ("parser.py",),
    )  # fmt: skip
    assert "+parser = 1" in first.diff and "other.py" not in first.diff
    assert [example.paths for example in rest] in ([], [("table.py",)])


def test_nothing_alike_is_no_example(taken: Repository) -> None:
    assert asked(taken, "colours for terminals", "theme.css") == []
    assert asked(taken, "", "") == []


@pytest.mark.parametrize("status", ["rejected", "failed"])
def test_what_was_not_accepted_is_none(taken: Repository, status: str) -> None:
    generated(taken, taken.commit("x", theme__css="a {}\n"), "colours for terminals", "theme.css", status=status)
    assert asked(taken, "colours for terminals", "theme.css") == []


def test_the_same_subcommand_counts_more_and_each_generation_once(taken: Repository) -> None:
    for command in ("test", "code", "code"):
        commit = taken.commit(command, theme__css=f"{command} {new_id()} {{}}\n")
        generated(taken, commit, "colours for terminals", "theme.css", command=command, generation=command)
    assert [one.command for one in asked(taken, "colours for terminals")] == ["code", "test"]
    assert [one.command for one in asked(taken, "colours for terminals", command="test")] == ["test", "code"]


def test_a_commit_that_is_gone_and_a_strangers_record(taken: Repository) -> None:
    generated(taken, taken.git("rev-parse", "HEAD"), "colours for terminals", "no-such.css")
    generated(taken, taken.git("rev-parse", "HEAD"), 7, "colours terminals", paths=[1], command=None)  # type: ignore[arg-type]
    assert asked(taken, "colours for terminals") == []
