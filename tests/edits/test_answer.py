"""What a model may answer, and what is made of it."""

from __future__ import annotations

import pytest

from maw.edits import answer, refusal
from maw.edits.answer import ANSWER_MAX, Replace, Whole
from maw.edits.refusal import Refused

GOOD = """Sure, here is what you asked for:

FILE a.py
<<<<<<< SEARCH
x = 1
=======
x = 2

>>>>>>> REPLACE
and one more
<<<<<<< SEARCH
y
=======
>>>>>>> REPLACE
FILE new/b.txt
<<<<<<< WHOLE
hello
>>>>>>> WHOLE
DONE
FILE after.py
"""


def test_blocks_are_read_and_talk_is_skipped() -> None:
    assert answer.parse(GOOD.encode()) == (
        Replace("a.py", ("x = 1",), ("x = 2", "")),
        Replace("a.py", ("y",), ()),
        Whole("new/b.txt", ("hello",)),
    )


def test_an_answer_with_other_line_ends_is_the_same() -> None:
    assert answer.parse(GOOD.replace("\n", "\r\n").encode()) == answer.parse(GOOD.encode())


LOOP = "FILE a.py\n<<<<<<< WHOLE\n" + "x = 1\ny = 2\n" * 500 + "x ="
SENTENCE = "The total is the sum of all prices. "
BLOCK = "FILE a.py\n<<<<<<< SEARCH\na\n=======\nb\n>>>>>>> REPLACE\n"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (b"", refusal.EMPTY),
        (b" \n\t\n", refusal.EMPTY),
        (b"I would rather not change anything here.", refusal.PROSE),
        (b"FILE a.py\nDONE\n", refusal.PROSE),
        (b"FILE a.py\n<<<<<<< SEARCH\nx\n", refusal.HALF),
        (b"FILE a.py\n<<<<<<< SEARCH\nx\n=======\ny\n", refusal.HALF),
        (b"FILE a.py\n<<<<<<< SEARCH\nx\n>>>>>>> REPLACE\n", refusal.HALF),
        (b"FILE a.py\n<<<<<<< SEARCH\nx\n=======\ny\n=======\nz\n>>>>>>> REPLACE\n", refusal.HALF),
        (b"FILE a.py\n<<<<<<< WHOLE\nx\n<<<<<<< SEARCH\n", refusal.HALF),
        (b"<<<<<<< SEARCH\nx\n=======\ny\n>>>>>>> REPLACE\n", refusal.HALF),
        (b"FILE a.py\n=======\n", refusal.HALF),
        (b"FILE a.py\n<<<<<<< WHOLE\n\x00\n>>>>>>> WHOLE\n", refusal.NOT_TEXT),
        (b"\xff\xfe\x00binary", refusal.NOT_TEXT),
        (b"x" * (10 * 1024 * 1024), refusal.TOO_LARGE),
        (LOOP.encode(), refusal.REPEATS),
        (f"FILE a.py\n<<<<<<< WHOLE\n# {SENTENCE * 40}".encode(), refusal.REPEATS),
        (BLOCK.encode() * 2, refusal.REPEATS),
        ("".join(BLOCK.replace("b\n", f"{n}\n") for n in range(answer.BLOCKS_MAX + 1)).encode(), refusal.REPEATS),
    ],
)
def test_what_is_no_edit_is_refused_in_one_line(text: bytes, code: str) -> None:
    with pytest.raises(Refused) as caught:
        answer.parse(text)
    (only,) = caught.value.refusals
    assert only.code == code
    assert only.message.isprintable()
    assert len(only.message) <= 300


@pytest.mark.parametrize(
    ("text", "circles"),
    [
        ("x = 1\ny = 2\n" * 12 + "x =", True),
        ("x = 1\ny = 2\n" * 11 + "x =", False),
        ("It begins so. " + SENTENCE * 40 + SENTENCE[:20], True),
        (SENTENCE * 40 + "And it ends otherwise.", False),
        (SENTENCE * 12, False),  # a form letter is no circle yet
        ("# " + "=" * 120, False),
        ("row = [" + "0, " * 256, False),
        ("=" * 4000, True),
        ("".join(f"{number}, " for number in range(2000)), False),
    ],
)
def test_a_model_that_goes_round_in_circles(text: str, circles: bool) -> None:
    assert answer.goes_in_circles(text, 12) is circles


def test_the_largest_answer_is_read_in_no_time() -> None:
    lines = "\n" * (ANSWER_MAX - 100)
    (only,) = answer.parse(f"FILE a\n<<<<<<< WHOLE\n{lines}>>>>>>> WHOLE\n".encode())
    assert isinstance(only, Whole)


def test_markers_are_longer_than_those_in_the_files() -> None:
    conflict = "<<<<<<< SEARCH\nours\n=======\ntheirs\n>>>>>>> REPLACE\n"
    assert answer.mark_for(["x == 1\n", "Title\n==\n", "<<<<<<< HEAD\n"]) == 7
    assert answer.mark_for([conflict, "Title\n========\n"]) == 9
    marks = answer.marks(9)
    text = f"FILE a.rst\n{marks.search}\n{conflict}{marks.middle}\n=======\n{marks.replace}\n"
    (block,) = answer.parse(text.encode(), 9)
    assert block == Replace("a.rst", tuple(conflict.splitlines()), ("=======",))


def test_no_marker_begins_another_at_its_place() -> None:
    """So that a program or a grammar can offer them side by side."""
    marks = answer.marks()
    for one, other in [(marks.search, marks.whole), (marks.middle, marks.replace), ("FILE ", "DONE")]:
        assert not one.startswith(other)
        assert not other.startswith(one)
