"""References of an explanation: what is wrong in them is mended or marked."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maw.generate import references
from maw.generate.references import GOOD, MENDED, NO_FILE, NO_LINE, NOT_THERE, Source
from maw.repomap.tags import Definition

APP = [
    "import os",
    "",
    "",
    "def add(a, b):",
    "    return a + b",
    "",
    "",
    *["# filler"] * 8,
    "def sub(a, b):",
    "    return a - b",
]
SOURCES = {
    "src/app.py": Source(
        APP,
        [
            Definition("add", "function", 4, 5, -1, "def add(a, b)"),
            Definition("sub", "function", 16, 17, -1, "def sub(a, b)"),
        ],
    ),
    "Makefile.am": Source(["all:"]),
}
CASES = [
    ("see src/app.py:4.", GOOD, 4, None),
    ("see `src/app.py:4-5`", GOOD, 4, 5),
    ("see src/app.py#L4-L5", GOOD, 4, 5),
    ("see src/app.py, lines 4 to 5", GOOD, 4, 5),
    ("see src/app.py (line 4)", GOOD, 4, None),
    ("see ./src/app.py:17", GOOD, 17, None),
    ("in src/app.py", GOOD, None, None),
    ("in Makefile.am", GOOD, None, None),
    ("`add` (src/app.py:4) adds", GOOD, 4, None),
    ("`add` (`src/app.py:5`) adds", GOOD, 5, None),
    ("`add(a, b)` is defined in src/app.py:2", GOOD, 2, None),  # near enough
    ("`app.add()` in src/app.py:12", MENDED, 4, None),
    ("`sub` (src/app.py:400)", MENDED, 16, None),
    ("`sub` (src/app.py:1-2)", MENDED, 16, 17),
    ("src/app.py:12 (`add`)", MENDED, 4, None),
    ("src/app.py:12: `sub` subtracts", MENDED, 16, None),
    ("`mul` (src/app.py:4)", NOT_THERE, 4, None),
    ("see src/app.py:18", NO_LINE, 18, None),
    ("see src/app.py:0", NO_LINE, 0, None),
    ("see src/app.py:16-20", NO_LINE, 16, 20),
    ("see src/app.py:5-4", NO_LINE, 5, 4),
    ("see src/gone.py:4", NO_FILE, 4, None),
    ("see src/gone.py", NO_FILE, None, None),
    ("see gone.py:4", NO_FILE, 4, None),
]


@pytest.mark.parametrize(("text", "status", "line", "end"), CASES, ids=[text for text, *_ in CASES])
def test_a_reference_is_checked(text: str, status: str, line: int | None, end: int | None) -> None:
    (found,) = references.find(text, SOURCES.get)
    assert (found.status, found.line, found.end) == (status, line, end)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no reference",
        "e.g. this",
        "version 3.11",
        "https://example.org/src/app.py:4",
        "a.b.c",
        "os.path",
        "1.5:30",
        "and/or",
    ],
)
def test_other_text_is_none(text: str) -> None:
    assert references.find(text, SOURCES.get) == []


def test_the_text_says_what_is_wrong() -> None:
    text = "`sub` (src/app.py:1-2) is like `add` (`src/app.py:4`). See `src/app.py:99` and src/gone.py:1, src/app.py:5."
    assert references.marked(text, references.find(text, SOURCES.get)) == (
        "`sub` (src/app.py:16-17) is like `add` (`src/app.py:4`). See `src/app.py:99` [no such line] and "
        "src/gone.py:1 [no such file], src/app.py:5."
    )


@pytest.mark.parametrize("text", ["a/" * 20_000, "`" * 20_000, "a.b" * 10_000, "`a`, in (" * 5000, "x.py:1-" * 5000])
def test_no_text_takes_long(text: str) -> None:
    references.marked(text, references.find(text, SOURCES.get))


_PIECES = (
    "src/app.py",
    "./",
    "gone.py",
    ":",
    "4",
    "99",
    "-",
    "5",
    "`",
    "add",
    "sub",
    " (",
    ")",
    " in ",
    "#L",
    ", lines ",
    " to ",
)


@given(st.lists(st.sampled_from(_PIECES) | st.text(max_size=4), max_size=40).map("".join))
def test_any_text_is_marked_and_then_says_the_same(text: str) -> None:
    found = references.find(text, SOURCES.get)
    assert all(text[one.start : one.stop] == one.text for one in found)
    plain = [one for one in found if one.status != references.MENDED]
    if len(plain) == len(found):  # nothing was changed: what was added can be taken out again
        made = references.marked(text, found)
        for said in references.SAID.values():
            made = made.replace(f" [{said}]", "")
        assert made == text
