"""`maw generate explain`: prose, and references that lead somewhere."""

from __future__ import annotations

import pytest

from tests.fixtures.cli import Maw
from tests.fixtures.git import Repository
from tests.fixtures.scripted import CUT, Says

pytest.importorskip("uvicorn", reason="a runner needs the runner extra")
ANSWER = "`sub` (src/app.py:1) subtracts, as \x1b[31madd does\x1b[0m (src/app.py:99), see src/gone.py:3.\n"


def test_references_are_checked(project: Repository, maw: Maw, generator: Says) -> None:
    pytest.importorskip("tree_sitter_python", reason="the line of a definition is the parser's")
    server = generator(ANSWER.replace("src/app.py:1)", "src/app.py:99)"))
    ran = maw("generate", "explain", "src/app.py", cwd=project.path)
    assert ran.code == 0, ran.err
    assert "`sub` (src/app.py:5) subtracts" in ran.out
    assert "(src/app.py:99 [no such line])" in ran.out
    assert "src/gone.py:3 [no such file]." in ran.out
    assert "\x1b" not in ran.out
    assert "2 references of 3 led nowhere" in ran.err
    assert "5: def sub(a, b):" in server.prompt()  # lines have numbers where they are to be named
    assert project.git("status", "--porcelain") == ""


@pytest.mark.slow
def test_for_a_script(project: Repository, maw: Maw, generator: Says) -> None:
    generator(CUT + "`add` is at src/app.py:1-2")
    ran = maw("generate", "explain", "src/app.py:1-2", "--instruction", "why?", "--json", cwd=project.path)
    assert (ran.code, ran.json["v"], ran.json["task"], ran.json["cut"]) == (0, 1, "explain", True)
    (found,) = ran.json["references"]
    assert (found["path"], found["line"], found["end"], found["status"]) == ("src/app.py", 1, 2, "good")
    ran = maw("generate", "explain", "src/app.py:1-2", "--dry-run", cwd=project.path)
    (sent,) = ran.json["payload"]["files"]
    assert (sent["editable"], sent["focus"], ran.json["payload"]["create"]) == (False, [[1, 2]], [])


@pytest.mark.slow
def test_a_question_names_the_files(project: Repository, maw: Maw, generator: Says) -> None:
    server = generator("It does nothing.")
    ran = maw("generate", "explain", "--instruction", "what is src/app.py for?", cwd=project.path)
    assert (ran.code, ran.out) == (0, "It does nothing.\n"), ran.err
    assert "what is src/app.py for?" in server.prompt()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("src/app.py", "--apply"), "No such option '--apply'"),
        (("src/app.py", "--verify", "true"), "No such option '--verify'"),
        (("src/gone.py",), "there is no such file"),
        ((), "no file to work on"),
        (("src/app.py::gone",), "no definition of gone"),
        (("src/app.py:6-9", "src/app.py:7"), "src/app.py:7: there is no such line; the last one is 6"),
    ],
)
def test_what_cannot_be_explained(project: Repository, maw: Maw, arguments: tuple[str, ...], said: str) -> None:
    ran = maw("generate", "explain", *arguments, "--dry-run", cwd=project.path)
    assert (ran.code, said in ran.err) == (2, True), ran.err
