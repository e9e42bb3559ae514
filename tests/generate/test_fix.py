"""`maw generate fix`: from a command that fails to a working tree with which it passes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fixtures.cli import Maw
from tests.fixtures.git import Repository, make_repository
from tests.fixtures.scripted import Says
from tests.generate.conftest import APP, BAD, GOOD, replacing

pytest.importorskip("uvicorn", reason="a runner needs the runner extra")
FIXED = APP.replace("a - b", "a + b", 1)
VERIFY = ("--verify", "python check.py")
TEST = "import sys\n\nsys.path.insert(0, 'src')\nfrom app import add\n\n\ndef test_add():\n    assert add(1, 2) == 3\n"
TRACEBACK = """Traceback (most recent call last):
  File "/srv/shop/src/app.py", line 2, in add
    return a - b
TypeError: unsupported operand type(s)
"""


@pytest.mark.slow
def test_a_failing_command_is_mended(project: Repository, maw: Maw, generator: Says) -> None:
    server = generator(GOOD)
    project.write("check.py", "import sys\nsys.path.insert(0, 'src')\nimport app\napp.check = app.add(1, [])\n")
    ran = maw("generate", "fix", "--verify", "python check.py", "--json", cwd=project.path)
    assert ran.code == 3  # adding a list to a number cannot be mended so, but it was tried
    assert ran.json["rounds"][0]["how"] == "failed"
    assert "src/app.py:2" in ran.err
    asked = server.prompt()
    assert "unsupported operand" in asked
    assert '<file path="src/app.py" edit="yes">' in asked
    assert project.git("status", "--porcelain") == " M check.py"


@pytest.mark.slow
def test_a_test_that_fails_leads_to_the_code_that_it_tests(project: Repository, maw: Maw, generator: Says) -> None:
    server = generator(BAD, GOOD)
    project.commit("tests", **{"tests/test_app__py": TEST})
    command = ("--verify", "python -m pytest -q -p no:cacheprovider", "--tries", "2")
    ran = maw("generate", "fix", *command, "--apply", "--json", cwd=project.path)
    assert (ran.code, (project.path / "src/app.py").read_text()) == (0, FIXED), ran.err
    assert [one["how"] for one in ran.json["rounds"]] == ["failed", "passed"]
    assert (ran.json["task"], ran.json["verify"]["passed"]) == ("fix", True)
    assert "tests/test_app.py:8" in ran.err
    first = ran.json["failure"]["places"][0]
    assert (first["path"], first["line"], first["kind"]) == ("tests/test_app.py", 8, "frame")
    asked = server.prompt()
    assert '<file path="src/app.py" edit="yes">' in asked
    assert '<file path="tests/test_app.py" edit="no">' in asked
    assert "You may edit: src/app.py." in asked
    assert "An answer before was tried" in asked


@pytest.mark.parametrize("way", ["pipe", pytest.param("file", marks=pytest.mark.slow)])
def test_a_traceback_is_enough(project: Repository, maw: Maw, generator: Says, way: str) -> None:
    server = generator(GOOD)
    (project.path.parent / "trace.txt").write_text(TRACEBACK)
    arguments = ("--from", "../trace.txt") if way == "file" else ()
    ran = maw("generate", "fix", "--apply", *arguments, cwd=project.path, stdin=TRACEBACK if way == "pipe" else "")
    assert (ran.code, (project.path / "src/app.py").read_text()) == (0, FIXED), ran.err
    assert ran.err.startswith("maw: TypeError: unsupported operand type(s) (src/app.py:2)\n")
    assert "Mend this: TypeError" in server.prompt()


@pytest.mark.slow
def test_paths_say_what_may_be_changed(project: Repository, maw: Maw, generator: Says) -> None:
    server = generator(GOOD)
    project.write("src/other.py", "x = 1\n")
    ran = maw("generate", "fix", "src/other.py", "--json", cwd=project.path, stdin=TRACEBACK)
    assert ran.code == 3
    assert {one["code"] for one in ran.json["refusals"]} == {"not_allowed"}
    assert '<file path="src/app.py" edit="no">' in server.prompt()
    assert project.git("status", "--porcelain") == "?? src/other.py"


@pytest.mark.slow
def test_a_failure_in_a_test_itself_may_be_mended_there(project: Repository, maw: Maw, generator: Says) -> None:
    broken = TEST.replace("def test_add():", "def test_add(:")
    project.commit("tests", **{"tests/test_app__py": broken})
    generator(replacing("tests/test_app.py", "def test_add(:\n", "def test_add():\n") + "DONE\n")
    ran = maw("generate", "fix", "--apply", "--verify", "python -m py_compile tests/test_app.py", cwd=project.path)
    assert (ran.code, (project.path / "tests/test_app.py").read_text()) == (0, TEST), ran.err
    assert "it may be the test that is wrong" in ran.err


@pytest.mark.slow
def test_a_test_that_cannot_be_imported_is_found_by_its_modules_name(
    project: Repository, maw: Maw, generator: Says
) -> None:
    """unittest names no file then: here, because another package of that name comes first."""
    project.write("elsewhere/tests/__init__.py", "")
    project.commit("tests", **{"tests/test_app__py": TEST})
    generator(replacing("tests/test_app.py", "def test_add():\n", "def test_sum():\n") + "DONE\n")
    verify = "PYTHONPATH=elsewhere python -m unittest tests/test_app.py"
    ran = maw("generate", "fix", "--verify", verify, "--json", cwd=project.path)
    assert ran.code == 3  # the test is not what is wrong, but it was found
    assert "maw: ModuleNotFoundError: No module named 'tests.test_app' (tests/test_app.py)\n" in ran.err
    assert [one["path"] for one in ran.json["files"]] == ["tests/test_app.py"]


def test_without_a_terminal_one_line_tells_work_from_a_hang(project: Repository, maw: Maw, generator: Says) -> None:
    generator(GOOD)
    ran = maw("generate", "fix", *VERIFY, "--patch", cwd=project.path)
    assert "maw: running `python check.py` as it is\n" in ran.err
    assert ran.err.count("maw: asking local\n") == 1


def test_nothing_fails(project: Repository, maw: Maw) -> None:
    ran = maw("generate", "fix", "--verify", "true", "--json", cwd=project.path)
    assert (ran.code, ran.json["failing"]) == (0, False)
    assert "nothing to mend: `true` passes" in ran.err


@pytest.mark.parametrize(
    ("arguments", "stdin", "code", "said"),
    [
        ((), "", 2, "standard input is empty\n     say what fails: --verify CMD, --from FILE"),
        ((), "all is lost\n", 2, "names no place in this repository"),
        (("--verify", "exit 3"), "", 2, "names no place in this repository"),
        (("--from", "gone.txt"), "", 2, "no such file"),
    ],
)
def test_what_says_too_little(
    project: Repository, maw: Maw, arguments: tuple[str, ...], stdin: str, code: int, said: str
) -> None:
    ran = maw("generate", "fix", *arguments, cwd=project.path, stdin=stdin)
    assert ran.code == code
    assert said in ran.err


def test_control_characters_of_an_output_do_not_reach_the_terminal(project: Repository, maw: Maw) -> None:
    ran = maw(
        "generate", "fix", "--dry-run", cwd=project.path, stdin="src/app.py:2: error: \x1b]0;evil\x07 \x1b[31mred\n"
    )
    assert ran.code == 0
    assert "\x1b" not in ran.err + ran.out
    assert "\x07" not in ran.err + ran.out


def test_what_would_be_sent(project: Repository, maw: Maw) -> None:
    pytest.importorskip("tree_sitter_python", reason="plain patterns see other ends of definitions")
    ran = maw("generate", "fix", "--dry-run", *VERIFY, "--instruction", "with care", cwd=project.path)
    assert (ran.code, ran.json["sent"]) == (0, False)
    sent = ran.json["payload"]
    assert (sent["task"], sent["instruction"]) == ("fix", "with care")
    assert {one["path"]: (one["editable"], one["focus"]) for one in sent["files"]} == {
        "check.py": (True, [[1, 18]]),
        "src/app.py": (True, [[1, 2]]),  # what the line of the script uses
    }
    assert "one and two is three" in sent["before"][0]["output"]


def test_places_in_what_is_no_text_are_left_alone(project: Repository, maw: Maw) -> None:
    project.write("src/blob.py", b"x = '\xff'\n")
    (project.path / "src/link.py").symlink_to("app.py")
    project.commit("others")
    output = "src/blob.py:1: error: a\nsrc/link.py:1: error: b\nsrc/app.py:2: error: c\n"
    ran = maw("generate", "fix", "--dry-run", cwd=project.path, stdin=output)
    assert ran.code == 0, ran.err
    assert [one["path"] for one in ran.json["payload"]["files"]] == ["src/app.py"]


@pytest.mark.parametrize("command", [("fix", "--verify", "false"), ("test", "a.py"), ("explain", "a.py")])
def test_a_bare_repository_is_refused_in_one_line(home: Path, maw: Maw, command: tuple[str, ...]) -> None:
    make_repository(home / "bare", "--bare")
    ran = maw("generate", *command, cwd=home / "bare")
    assert (ran.code, ran.out) == (2, "")
    assert "bare repository" in ran.err
    assert ran.err.count("\n") == 1
