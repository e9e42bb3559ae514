"""`maw generate code` from the command line to the working tree: a real runner, and a Generator that is told what to
say."""

from __future__ import annotations

import pytest

from tests.fixtures.cli import Maw
from tests.fixtures.git import Repository
from tests.fixtures.scripted import Says
from tests.generate.conftest import APP, BAD, GOOD, LOST, whole

FIXED = APP.replace("a - b", "a + b", 1)


def test_a_good_answer_is_shown_and_nothing_is_changed(project: Repository, maw: Maw, generator: Says) -> None:
    server = generator("Sure!\n" + GOOD)
    ran = maw("generate", "code", "make add return the sum", "src/app.py", cwd=project.path)
    assert (ran.code, (project.path / "src/app.py").read_text()) == (0, APP), ran.err
    assert "-    return a - b\n+    return a + b\n" in ran.out
    assert "1 round" in ran.err
    for part in (
        "make add return the sum",
        '<file path="src/app.py" edit="yes">',
        "def sub(a, b):",
        "You may edit: src",
    ):
        assert part in server.prompt()
    project.git("apply", "--check", stdin=ran.out.encode())


def test_it_is_applied_and_taken_back(project: Repository, maw: Maw, generator: Says) -> None:
    generator(GOOD[:-5] + whole("src/new.py", "x = 1\n"))
    ran = maw("generate", "code", "add", "src/app.py", "src/new.py", "--apply", cwd=project.path)
    assert ran.code == 0, ran.err
    assert (project.path / "src/app.py").read_text() == FIXED
    assert (project.path / "src/new.py").read_text() == "x = 1\n"
    ran = maw("generate", "--undo", cwd=project.path)
    assert (ran.code, project.git("status", "--porcelain")) == (0, ""), ran.err


def test_what_is_not_found_is_sent_back_once_with_the_real_lines(
    project: Repository, maw: Maw, generator: Says
) -> None:
    server = generator(LOST, GOOD)
    ran = maw("generate", "code", "add", "src/app.py", "--apply", cwd=project.path)
    assert (ran.code, (project.path / "src/app.py").read_text()) == (0, FIXED), ran.err
    assert "round 1 not taken: src/app.py: " in ran.err
    assert "The lines as they are:" in server.prompt()
    assert len(server.asked()) == 2


@pytest.mark.slow
def test_texts_from_files_and_another_model(project: Repository, maw: Maw, generator: Says) -> None:
    server = generator(GOOD)
    project.write("issue.txt", "Sums are wrong, says Bob.\n")
    words = ("--instruction", "-", "--from", "issue.txt", "--symbol", "add", "--model", "script/other", "--fresh")
    ran = maw("generate", "code", *words, cwd=project.path, stdin="Mend it.\n")
    assert (ran.code, server.asked()[-1]["model"]) == (0, "other"), ran.err
    assert "Mend it.\n\nSums are wrong, says Bob." in server.prompt()
    assert '<file path="src/app.py" edit="yes">' in server.prompt()
    ran = maw("generate", "code", "add", "src/app.py", "--model", "nothing-of-the-kind", cwd=project.path)
    assert ran.code == 3
    assert "nothing-of-the-kind" in ran.err


@pytest.mark.parametrize(
    ("words", "focus"),
    [(("src/app.py::sub",), [[5, 6]]), (("src/app.py:1", "src/app.py:5-6"), [[1, 1], [5, 6]]), (("odd:3",), None)],
)
def test_a_path_may_name_a_definition_or_lines(
    project: Repository, maw: Maw, words: tuple[str, ...], focus: list[list[int]] | None
) -> None:
    pytest.importorskip("tree_sitter_python", reason="the lines of a definition are the parser's")
    project.write("odd:3", "a file of that name\n")
    ran = maw("generate", "refactor", *words, "--dry-run", cwd=project.path)
    (sent,) = (file for file in ran.json["payload"]["files"] if file["editable"])
    assert (sent["path"], sent["focus"]) == ("odd:3" if focus is None else "src/app.py", focus)


def test_two_definitions_are_one_too_many(project: Repository, maw: Maw) -> None:
    ran = maw("generate", "docs", "src/app.py::add", "src/app.py::sub", "--dry-run", cwd=project.path)
    assert (ran.code, "add and sub: it can be about one definition only" in ran.err) == (2, True), ran.err


def test_two_refusals_in_a_row_end_it(project: Repository, maw: Maw, generator: Says) -> None:
    server = generator(LOST, whole("../out.py", "x\n"))
    ran = maw("generate", "code", "add", "src/app.py", "--apply", "--json", cwd=project.path)
    assert (ran.code, project.git("status", "--porcelain"), len(server.asked())) == (3, "", 2)
    assert [one["how"] for one in ran.json["rounds"]] == ["refused", "refused"]
    assert ran.json["refusals"][0]["code"] == "bad_path"


def test_it_is_tried_until_it_passes(project: Repository, maw: Maw, generator: Says) -> None:
    server = generator(BAD, GOOD)
    verify = ("--verify", "python check.py", "--tries", "2")
    ran = maw("generate", "code", "add", "src/app.py", "--apply", "--json", *verify, cwd=project.path)
    assert (ran.code, (project.path / "src/app.py").read_text()) == (0, FIXED), ran.err
    assert [one["how"] for one in ran.json["rounds"]] == ["failed", "passed"]
    assert "one and two is three" in server.prompt()
    assert ran.json["verify"]["passed"] is True


@pytest.mark.slow
def test_what_never_passes_is_not_applied(project: Repository, maw: Maw, generator: Says) -> None:
    generator(BAD)
    ran = maw("generate", "code", "add", "src/app.py", "--apply", "--verify", "python check.py", cwd=project.path)
    assert (ran.code, (project.path / "src/app.py").read_text()) == (3, APP)
    assert "`python check.py` failed with exit code 1: AssertionError: one and two is three" in ran.err
    assert "nothing was changed" in ran.err
