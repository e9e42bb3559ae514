"""Answers, repositories, files and commands as they should not be: one clear line, and nothing is lost."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from maw.edits.place import Allowed
from maw.edits.propose import Proposal
from maw.edits.refusal import Refused
from maw.generate import generation
from maw.generate.ask import Answer
from maw.generate.redaction import Hidden
from maw.git.repo import discover
from tests.fixtures.cli import Maw
from tests.fixtures.git import Repository
from tests.fixtures.scripted import CUT, ENDLESS, Says
from tests.generate.conftest import APP, GOOD, replacing, whole

PAGE = "<!DOCTYPE html>\n<p>Sorry</p>\n"


def proposed(project: Repository, text: str, *names: str, cut: bool = False, mark: int = 7) -> Proposal:
    answer = Answer(text, cut, mark, "m", "p", "t", {}, {})
    allowed = Allowed(frozenset(names or ("src/app.py",)), frozenset({"new"}))
    return generation.proposed(discover(str(project.path)), answer, allowed, Hidden({}))


ANSWERS: dict[str, tuple[str, str]] = {
    "nothing": ("", "empty"),
    "white space": (" \n\t\n", "empty"),
    "prose": ("Sure! Just change the sign in `add`.", "prose"),
    "a web page": (PAGE, "prose"),
    "half a block": (GOOD.partition(">>>>>>>")[0], "half"),
    "half a path": ("FILE src/app", "prose"),
    "a path upwards": (whole("../evil.py", "x\n"), "bad_path"),
    "an absolute path": (whole("/tmp/evil.py", "x\n"), "bad_path"),
    "git's own": (whole(".git/hooks/pre-commit", "x\n"), "inside_git"),
    "another file": (replacing("check.py", "import app\n", "x\n"), "not_allowed"),
    "a deletion": (replacing("src/app.py", APP, ""), "deletes"),
    "an empty file": (whole("new/a.py", "\n"), "deletes"),
    "a binary": (whole("new/a.bin", "a\0b\n"), "not_text"),
    "10 MB": (whole("new/a.py", "x = 1\n" * 1_700_000), "too_large"),
    "what stands twice": (replacing("src/app.py", "    return a - b\n", "    return 0\n"), "ambiguous"),
    "what stands nowhere": (replacing("src/app.py", "class Nowhere:\n    pass\n", "x\n"), "no_match"),
    "the same again": (GOOD.replace("DONE\n", "") * 2, "repeats"),
    "what changes nothing": (replacing("src/app.py", "def add(a, b):\n", "def add(a, b):\n"), "no_change"),
    "what is no Python": (replacing("src/app.py", "def add(a, b):\n", "def add(a, b:\n"), "syntax"),
    "escapes": (replacing("src/app.py", "def add(a, b):\n", "def add(a, b):  # \x1b]0;x\x07\n"), "control"),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_bad_answers(project: Repository, name: str) -> None:
    text, code = ANSWERS[name]
    with pytest.raises(Refused) as caught:
        proposed(project, text)
    assert caught.value.refusals[0].code == code
    assert all(refusal.message.isprintable() for refusal in caught.value.refusals)
    assert project.git("status", "--porcelain") == ""


def test_an_answer_at_its_bound_is_refused_whatever_it_looks_like(project: Repository) -> None:
    for text, code in {GOOD: "half", "x = 1\n" * 100: "repeats", "": "half"}.items():
        with pytest.raises(Refused) as caught:
            proposed(project, text, cut=True)
        assert caught.value.refusals[0].code == code


def test_ends_of_lines_and_tabs_stay(project: Repository) -> None:
    project.write("src/app.py", "def add(a, b):\r\n\treturn a - b\r\n\r\n\r\nlast = 1")
    made = proposed(
        project, replacing("src/app.py", "def add(a, b):\n    return a - b\n", "def add(a, b):\n    return a\n")
    )
    assert made.edits[0].new == b"def add(a, b):\r\n\treturn a\r\n\r\n\r\nlast = 1"
    made = proposed(project, replacing("src/app.py", "last = 1\n", "last = 2\n"))
    assert made.edits[0].new == b"def add(a, b):\r\n\treturn a - b\r\n\r\n\r\nlast = 2"


CODE = {
    "a.go": ("package a\n\nfunc A() int {\n\treturn 1\n}\n", "\treturn 1\n", "\treturn (1\n", "\treturn 2\n"),
    "a.js": ("function a() {\n  return 1;\n}\n", "  return 1;\n", "  return [1;\n", "  return 2;\n"),
    "a.rs": ("fn a() -> i32 {\n    1\n}\n", "    1\n", "    1 +\n", "    2\n"),
    "a.ts": ("const a: number = 1;\nexport { a };\n", "const a: number = 1;\n", "const a: = 1;\n", "const a = 2;\n"),
    "A.java": (
        "class A {\n  int a() { return 1; }\n}\n",
        "  int a() { return 1; }\n",
        "  int a() { return 1;\n",
        "  int b;\n",
    ),
    "a.sh": ("if true; then\n  echo a\nfi\n", "fi\n", "", "fi # end\n"),
    "a.php": ("<?php\nfunction a() {\n  return 1;\n}\n", "  return 1;\n", "  return 1\n  +;\n", "  return 2;\n"),
}


@pytest.mark.parametrize("path", CODE)
def test_what_is_no_valid_source_any_more(project: Repository, path: str) -> None:
    pytest.importorskip("tree_sitter", reason="parsers are an extra")
    text, search, bad, good = CODE[path]
    project.write(path, text)
    with pytest.raises(Refused) as caught:
        proposed(project, replacing(path, search, bad), path)
    assert caught.value.refusals[0].code == "syntax"
    assert "it would no longer be valid: line " in caught.value.message
    assert proposed(project, replacing(path, search, good), path).diff
    project.write(path, text + "}}} ((\n")  # it was not valid before: nobody can tell
    assert proposed(project, replacing(path, search, bad), path).diff


def test_a_file_that_changed_meanwhile_is_left_alone(project: Repository, maw: Maw, generator: Says) -> None:
    generator(GOOD)
    verify = ("--verify", 'echo "# mine" >> "$MAW_WORKTREE/src/app.py"')
    ran = maw("generate", "code", "add", "src/app.py", "--apply", *verify, cwd=project.path)
    assert (ran.code, (project.path / "src/app.py").read_text()) == (3, APP + "# mine\n")
    assert "src/app.py changed meanwhile: nothing was applied" in ran.err
    patch = ran.err.partition("git apply -3 ")[2].partition("`")[0]
    assert "+    return a + b" in Path(patch).read_text()


@pytest.mark.slow
def test_in_the_middle_of_a_merge(project: Repository, maw: Maw, generator: Says) -> None:
    project.git("checkout", "-q", "-b", "side")
    project.write("src/app.py", APP.replace("a - b", "b - a"))
    project.commit("theirs")
    project.git("checkout", "-q", "main")
    project.write("src/app.py", APP.replace("a - b", "a + b"))
    project.commit("ours")
    project.git("merge", "side", check=False)
    server = generator(whole("src/new.py", "x = 1\n"))
    before = (project.path / "src/app.py").read_bytes()
    ran = maw("generate", "code", "add", "src/app.py", cwd=project.path)
    assert (ran.code, server.asked()) == (3, [])
    assert "src/app.py: it is unmerged: resolve it first" in ran.err
    ran = maw("generate", "code", "add", "src/new.py", "--apply", "--verify", "test -e src/new.py", cwd=project.path)
    assert (ran.code, (project.path / "src/new.py").read_text()) == (0, "x = 1\n"), ran.err
    assert (project.path / "src/app.py").read_bytes() == before
    assert "UU src/app.py" in project.git("status", "--porcelain")


def test_files_that_are_no_text_are_refused_by_name(project: Repository, maw: Maw, generator: Says) -> None:
    server = generator(GOOD)
    project.write("src/latin.py", "# caf\xe9\n".encode("latin-1"))
    ran = maw("generate", "code", "add", "src/app.py", "src/latin.py", cwd=project.path)
    assert (ran.code, server.asked()) == (3, [])
    assert "src/latin.py: it is not UTF-8, and is left alone" in ran.err


@pytest.mark.slow
def test_commands_that_misbehave(project: Repository, maw: Maw, generator: Says, home: Path) -> None:
    generator(GOOD)
    config = (home / "config.toml").read_text()
    (home / "config.toml").write_text(f'generate.timeout = "3s"\n{config}')
    for command, said in {
        "sleep 1000": "did not end within 3 s",
        "(setsid sleep 1000 &) ; sleep 1000 & exit 1": "failed with exit code 1",
        "yes": "did not end within 3 s",
        "head -c 200000000 /dev/zero; exit 3": "failed with exit code 3",
        "test -t 0": "failed with exit code 1",
        "kill -9 $$": "was killed by signal 9",
    }.items():
        ran = maw(
            "generate", "code", "add", "src/app.py", "--apply", "--verify", command, "--tries", "1", cwd=project.path
        )
        assert (ran.code, (project.path / "src/app.py").read_text()) == (3, APP), ran
        assert said in ran.err, (command, ran.err)
        assert os.listdir(project.path / ".git/maw/scratch") == []


@pytest.mark.slow
def test_bad_answers_on_the_whole_way(project: Repository, maw: Maw, generator: Says) -> None:
    for text, code in {
        ENDLESS + "la la la\n": "repeats",
        ENDLESS + "word ": "repeats",
        CUT + GOOD: "half",
        PAGE: "prose",
        "\x1b[31mred\x07": "prose",
        "": "empty",
    }.items():
        generator(text)
        ran = maw("generate", "code", "add", "src/app.py", "--apply", "--json", "--fresh", cwd=project.path)
        assert ran.code == 3, (text, ran)
        found: Any = ran.json
        assert found["refusals"][0]["code"] == code, text
        assert project.git("status", "--porcelain") == ""
