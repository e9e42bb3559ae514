"""The grammar of answers, as llama.cpp reads it: what was shown can be searched for, what is allowed named, no more."""

from __future__ import annotations

import pytest

from maw.edits import answer
from maw.secrets import MARK as REDACTED
from maw_remote.jobs.generate import fitting, searching, shape
from maw_remote.jobs.generate.payload import Payload, parse
from maw_remote.jobs.interface import BadInput
from tests.fixtures.grammars import Accepts
from tests.generate.conftest import replacing, whole

pytestmark = pytest.mark.model
APP = "def add(a, b):\n\treturn a - b\n\n\ndef sub(a, b):\n\treturn a - b\n"
EDIT = replacing("src/app.py", "def add(a, b):\n\treturn a - b\n", "def add(a, b):\n\t>>> é\n===\n")
NEW = whole("docs/new.md", "# Title\n\nText.\n")


def payload(text: str = APP, **more: object) -> Payload:
    files = [
        {"path": "src/app.py", "text": text, "editable": True},
        {"path": "src/seen.py", "text": "x = 1\n", "editable": False},
        {"path": "empty.txt", "text": "", "editable": True},
    ]
    made = {"v": 1, "task": "code", "instruction": "do it", "files": files, "create": ["docs/new.md", "tests/"]}
    return parse({**made, **more})


def grammar(asked: Payload, room: int = 1000) -> str:
    costs = [[1 for _ in fitting.lines_of(file.text)] for file in asked.files]
    return shape.grammar(asked, fitting.fit(asked.files, costs, room))


@pytest.mark.parametrize(
    "text",
    [
        EDIT,
        NEW,
        EDIT + NEW,
        whole("empty.txt", "now\n"),
        whole("tests/unit/test_app.py", "import app\n"),
        replacing("src/app.py", "\treturn a - b\n\n\ndef sub(a, b):\n", ""),
    ],
)
def test_what_it_lets_through_is_read(grammar_accepts: Accepts, text: str) -> None:
    assert grammar_accepts(grammar(payload()), text + "DONE\n")
    assert answer.parse(text.encode())


@pytest.mark.parametrize(
    "text",
    [
        EDIT,
        "DONE\n",
        "Sure!\n" + EDIT + "DONE\n",
        EDIT.replace("src/app.py", "src/seen.py") + "DONE\n",
        EDIT.replace("src/app.py", "../app.py") + "DONE\n",
        EDIT.replace("src/app.py", "docs/new.md") + "DONE\n",
        NEW.replace("docs/new.md", "src/app.py") + "DONE\n",
        whole("tests/../x.py", "x\n") + "DONE\n",
        whole("tests/.git/x", "x\n") + "DONE\n",
        replacing("src/app.py", "def add(a):\n", "x\n") + "DONE\n",
        replacing("src/app.py", "def add(a, b):\n\n", "x\n") + "DONE\n",  # these lines do not follow each other
        replacing("src/app.py", "\treturn a - b\n", "x\n") + "DONE\n",  # it stands twice
        replacing("src/app.py", "\n", "x\n") + "DONE\n",
        replacing("src/app.py", "", "x\n") + "DONE\n",
        replacing("src/app.py", "def add(a, b):\n", "======\n") + "DONE\n",
        EDIT * (shape.BLOCKS_MAX + 1) + "DONE\n",
    ],
)
def test_what_it_does_not_let_through(grammar_accepts: Accepts, text: str) -> None:
    assert not grammar_accepts(grammar(payload()), text)


def test_only_what_was_shown_can_be_searched_for(grammar_accepts: Accepts) -> None:
    asked = payload("".join(f"line {number}\n" for number in range(1, 200)), create=[])
    asked = asked._replace(files=(asked.files[0]._replace(focus=((100, 102),)),))
    shown = fitting.fit(asked.files, [[2] * 199], 80)
    held = shape.grammar(asked, shown)
    assert grammar_accepts(held, replacing("src/app.py", "line 100\nline 101\n", "x\n") + "DONE\n")
    assert not grammar_accepts(held, replacing("src/app.py", "line 5\n", "x\n") + "DONE\n")


def test_a_search_has_lines_until_it_stands_at_one_place(grammar_accepts: Accepts) -> None:
    held = grammar(payload("a\nb\na\nc\na\nb\n" + "x\n" * 3))
    for search in ("a\nb\na\n", "a\nc\n", "c\n"):
        assert grammar_accepts(held, replacing("src/app.py", search, "y\n") + "DONE\n"), search
    for search in ("a\n", "a\nb\n", "x\n"):
        assert not grammar_accepts(held, replacing("src/app.py", search, "y\n") + "DONE\n"), search
    held = grammar(payload("x\n" * 5))
    assert not grammar_accepts(held, replacing("src/app.py", "x\n", "y\n") + "DONE\n")
    assert grammar_accepts(held, replacing("src/app.py", "x\n" * 5, "y\n") + "DONE\n")
    held = grammar(payload("x\n" * (searching.SAME_MAX + 1)))  # then any will have to do
    assert grammar_accepts(held, replacing("src/app.py", "x\n", "y\n") + "DONE\n")


def test_files_of_which_no_line_can_be_shown_as_it_is() -> None:
    asked = payload("a" * 900, create=[])
    with pytest.raises(BadInput):
        grammar(asked._replace(files=asked.files[:1]))


def test_a_file_of_the_same_lines_takes_no_time() -> None:
    lines = ["x = 1", ""] * 20_000
    where = searching.places(lines)
    assert searching.least(lines, where, 0, len(lines)) is None


def test_a_line_without_its_value_cannot_be_searched_for(grammar_accepts: Accepts) -> None:
    text = f'import os\nkey = "{REDACTED}"\nname = 1\n'
    held = grammar(payload(text, redacted=True))
    assert grammar_accepts(held, replacing("src/app.py", "import os\n", "import sys\n") + "DONE\n")
    assert not grammar_accepts(held, replacing("src/app.py", text, "x\n") + "DONE\n")


def test_markers_are_longer_where_a_file_has_them(grammar_accepts: Accepts) -> None:
    asked = payload("Title\n=======\ntext\n")
    assert shape.mark(asked) == 8
    text = "FILE src/app.py\n<<<<<<<< SEARCH\nTitle\n=======\n========\nOther\n=======\n>>>>>>>> REPLACE\nDONE\n"
    assert grammar_accepts(grammar(asked), text)
    assert answer.parse(text.encode(), 8)


@pytest.mark.parametrize("text", ['a "quoted" [x]{2} \\ ^-\n', "é🦊\u2028 x\n\n", "\u0000\x1b[31m\nfine\n", "a" * 900])
def test_strange_lines_make_a_grammar_that_can_be_read(grammar_accepts: Accepts, text: str) -> None:
    held = grammar(payload(text))
    assert grammar_accepts(held, NEW + "DONE\n")
    first = fitting.lines_of(text)[0]
    assert grammar_accepts(held, replacing("src/app.py", f"{first}\n", "x\n") + "DONE\n") == fitting.as_it_is(first)
