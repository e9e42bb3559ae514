"""The format of edits (maw.edits.answer) can be held by a program: only the paths given, only what fits each."""

from __future__ import annotations

import pytest

from maw.edits import answer
from maw.edits.answer import Replace, Whole
from maw_remote.engine.program import Option, Pick, Program, Say, Write
from maw_remote.engine.shape import gbnf
from tests.fixtures.grammars import Accepts

pytestmark = pytest.mark.model
MARKS = answer.marks()


def program(known: list[str], new: list[str], blocks: int) -> Program:
    """At least one block and at most so many."""
    paths = [Option(f"{path}\n", path, _edit(blocks)) for path in known]
    paths += [Option(f"{path}\n", path, _whole(blocks)) for path in new]
    pick = Pick(f"path{blocks}", tuple(paths))
    if blocks == 1:
        return (pick, Say("DONE\n"))
    more = Option("FILE ", "more", program(known, new, blocks - 1))
    return (pick, Pick(f"more{blocks}", (Option("DONE\n", "done"), more)))


def _edit(number: int) -> Program:
    middle, end = f"{MARKS.middle}\n", f"{MARKS.replace}\n"
    search, replace = Write(f"search{number}", 200, (middle,)), Write(f"replace{number}", 200, (end,))
    return (Say(f"{MARKS.search}\n"), search, Say(middle), replace, Say(end))


def _whole(number: int) -> Program:
    end = f"{MARKS.whole_end}\n"
    return (Say(f"{MARKS.whole}\n"), Write(f"whole{number}", 400, (end,)), Say(end))


EDIT = "FILE src/a.py\n<<<<<<< SEARCH\n    x = 1\n\n=======\n    x = [\n        2,\n    ]\n>>>>>>> REPLACE\n"
GONE = "FILE src/a.py\n<<<<<<< SEARCH\ny\n=======\n>>>>>>> REPLACE\n"
NEW = "FILE docs/new.md\n<<<<<<< WHOLE\n# Title\n\nText.\n>>>>>>> WHOLE\n"


@pytest.fixture(scope="module")
def grammar() -> str:
    return gbnf.build((Say("FILE "), *program(["src/a.py", "src/ab.py"], ["docs/new.md"], 2)))


@pytest.mark.parametrize("text", [EDIT + "DONE\n", NEW + "DONE\n", GONE + EDIT + "DONE\n"])
def test_what_it_lets_through_is_read(grammar: str, grammar_accepts: Accepts, text: str) -> None:
    assert grammar_accepts(grammar, text)
    assert all(isinstance(block, Replace | Whole) for block in answer.parse(text.encode()))


@pytest.mark.parametrize(
    "text",
    [
        EDIT,
        EDIT.replace("src/a.py", "src/c.py") + "DONE\n",
        EDIT.replace("src/a.py", "../a.py") + "DONE\n",
        EDIT.replace("src/a.py", "docs/new.md") + "DONE\n",
        NEW.replace("docs/new.md", "src/a.py") + "DONE\n",
        EDIT + GONE + NEW + "DONE\n",
        "Sure!\n" + EDIT + "DONE\n",
        "DONE\n",
    ],
)
def test_what_it_does_not_let_through(grammar: str, grammar_accepts: Accepts, text: str) -> None:
    assert not grammar_accepts(grammar, text)
