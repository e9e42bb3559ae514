"""`maw generate test`: tests in the framework and the file that the project has for them."""

from __future__ import annotations

import pytest

from tests.fixtures.cli import Maw
from tests.fixtures.git import Repository
from tests.fixtures.scripted import Says
from tests.generate.conftest import replacing, whole

pytest.importorskip("uvicorn", reason="a runner needs the runner extra")
HEAD = "import sys\n\nsys.path.insert(0, 'src')\nimport app\n\n\n"
SUB = "def test_sub():\n    assert app.sub(3, 1) == 2\n"
ADD = "def test_add():\n    assert app.add(3, 1) == 2\n"
NEW = whole("tests/test_app.py", HEAD + SUB) + "DONE\n"
MORE = replacing("tests/test_app.py", SUB, f"{SUB}\n\n{ADD}") + "DONE\n"
TOKENS = "class Token:\n    pass\n"


@pytest.fixture
def tested(project: Repository) -> Repository:
    """A project with tests of the file, and of another one."""
    project.write("src/tokens.py", TOKENS)
    project.write("tests/test_tokens.py", "import tokens\n\n\ndef test_token():\n    assert tokens.Token()\n")
    project.write("tests/test_app.py", HEAD + SUB)
    project.commit("tests")
    return project


def test_a_new_file_is_where_the_others_are(project: Repository, maw: Maw, generator: Says) -> None:
    server = generator(NEW)
    project.commit(
        "tokens", **{"src/tokens__py": TOKENS, "tests/test_tokens__py": "import tokens\n\n\ndef test_a():\n    pass\n"}
    )
    ran = maw("generate", "test", "src/app.py", "--apply", cwd=project.path)
    assert (ran.code, (project.path / "tests/test_app.py").read_text()) == (0, HEAD + SUB), ran.err
    assert "maw: pytest, in tests/test_app.py (new): " in ran.err
    assert "`pytest tests/test_app.py` would run them" in ran.err
    asked = server.prompt()
    assert "Write tests for src/app.py, with pytest." in asked
    assert '<file path="src/app.py" edit="no">' in asked
    assert '<file path="tests/test_tokens.py" edit="no">' in asked  # how tests are written here
    assert "You may edit: tests/test_app.py (new)." in asked


def test_they_go_to_the_tests_that_are_there(tested: Repository, maw: Maw, generator: Says) -> None:
    server = generator(MORE)
    verify = ("--verify", "python -m pytest -q -p no:cacheprovider tests/test_app.py")
    ran = maw("generate", "test", "src/app.py::add", "--apply", "--json", *verify, cwd=tested.path)
    assert (ran.code, (tested.path / "tests/test_app.py").read_text()) == (0, f"{HEAD}{SUB}\n\n{ADD}"), ran.err
    assert (ran.json["task"], ran.json["verify"]["passed"]) == ("test", True)
    assert ran.json["tests"]["command"] == "pytest tests/test_app.py"
    assert "Write tests for `add` of src/app.py, with pytest." in server.prompt()


@pytest.mark.slow
def test_an_answer_without_a_test_or_with_one_less_is_sent_back(tested: Repository, maw: Maw, generator: Says) -> None:
    talk = replacing("tests/test_app.py", "import sys\n", "import sys  # for the path\n") + "DONE\n"
    instead = replacing("tests/test_app.py", SUB, ADD) + "DONE\n"
    server = generator(talk, instead)
    ran = maw("generate", "test", "src/app.py", "--apply", "--json", cwd=tested.path)
    assert (ran.code, tested.git("status", "--porcelain")) == (3, "")
    assert [one["why"][0] for one in ran.json["rounds"]] == [
        "tests/test_app.py: the answer adds no test",
        "tests/test_app.py: the answer takes tests away: def test_sub():",
    ]
    assert "the answer adds no test" in server.prompt(1)


@pytest.mark.slow
def test_the_tested_file_stays_as_it_is(tested: Repository, maw: Maw, generator: Says) -> None:
    generator(replacing("src/app.py", "def sub(a, b):\n", "def subtract(a, b):\n") + MORE)
    ran = maw("generate", "test", "src/app.py", "--apply", "--json", cwd=tested.path)
    assert (ran.code, tested.git("status", "--porcelain")) == (3, "")
    assert ran.json["refusals"][0]["code"] == "not_allowed"


def test_framework_and_file_may_be_said(project: Repository, maw: Maw) -> None:
    project.write("src/list.c", "int length(void) { return 0; }\n")
    ran = maw("generate", "test", "src/list.c", "--dry-run", cwd=project.path)
    assert (ran.code, "no test framework is to be seen" in ran.err) == (2, True)
    said = ("--framework", "cmocka", "--into", "tests/list_test.c")
    ran = maw("generate", "test", "src/list.c", *said, "--dry-run", cwd=project.path)
    assert (ran.code, ran.json["payload"]["create"]) == (0, ["tests/list_test.c"]), ran.err
    assert ran.json["payload"]["instruction"].startswith("Write tests for src/list.c, with cmocka.")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "Name one file"),
        (("src/app.py", "check.py"), "Name one file"),
        (("src/gone.py",), "there is no such file"),
        (("src",), "there is no such file"),
        (("src/app.py::gone",), "src/app.py defines no gone"),
        (("../out.py",), "outside of the repository"),
    ],
)
def test_what_cannot_be_tested(project: Repository, maw: Maw, arguments: tuple[str, ...], said: str) -> None:
    ran = maw("generate", "test", *arguments, "--dry-run", cwd=project.path)
    assert (ran.code, said in ran.err) == (2, True), ran.err
