"""What of files is shown where there is not room for all."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from maw_remote.jobs.generate import fitting
from maw_remote.jobs.generate.fitting import Shown
from maw_remote.jobs.generate.payload import File


def file(count: int, *focus: tuple[int, int], path: str = "a.py") -> File:
    return File(path, "".join(f"line {number}\n" for number in range(1, count + 1)), True, focus)


def ranges(shown: Shown) -> list[tuple[int, int]]:
    return [(piece.start, piece.end) for piece in shown.pieces]


def fit(room: int, *files: File) -> list[Shown]:
    return fitting.fit(files, [[3] * len(fitting.lines_of(one.text)) for one in files], room)


def test_all_is_shown_where_there_is_room() -> None:
    first, second = fit(1000, file(10), File("empty", "", True, ()))
    assert (ranges(first), first.whole) == ([(1, 10)], True)
    assert (second.pieces, second.whole) == ((), True)


def test_the_lines_around_a_focus_come_first() -> None:
    (shown,) = fit(120, file(100, (50, 52)))
    ((start, end),) = ranges(shown)
    assert start < 50 < 52 < end
    assert abs((50 - start) - (end - 52)) <= 1
    assert not shown.whole


def test_without_a_focus_it_is_the_start_and_files_share() -> None:
    first, second = fit(200, file(100), file(100, path="b.py"))
    assert ranges(first)[0][0] == ranges(second)[0][0] == 1
    assert abs(ranges(first)[0][1] - ranges(second)[0][1]) <= 1


def test_lines_are_as_the_model_sees_them() -> None:
    assert fitting.lines_of("a\r\n\tb\r\nc") == ["a", "\tb", "c"]
    assert fitting.lines_of("") == []
    assert fitting.line_shown("\x1b[31m\tx") == "\N{REPLACEMENT CHARACTER}[31m\tx"
    assert not fitting.as_it_is("x" * 401)


def test_a_text_is_cut_at_lines() -> None:
    assert fitting.fit_text("a\nb\nc", [1, 1, 1], 5) == "a\nb\n[…]"
    assert fitting.fit_text("a\nb\nc", [1, 1, 1], 5, tail=True) == "[…]\nb\nc"
    assert fitting.fit_text("a\nb\nc", [1, 1, 1], 6) == "a\nb\nc"


@given(
    st.lists(st.tuples(st.integers(0, 40), st.integers(1, 50), st.integers(0, 5)), min_size=1, max_size=4),
    st.integers(0, 400),
)
def test_what_is_shown_is_of_the_file_and_fits(files: list[tuple[int, int, int]], room: int) -> None:
    given_ = [file(count, (at, at + more), path=f"{n}.py") for n, (count, at, more) in enumerate(files)]
    shown = fit(room, *given_)
    assert [one.file for one in shown] == given_
    for one in shown:
        lines = fitting.lines_of(one.file.text)
        assert all(list(piece.lines) == lines[piece.start - 1 : piece.end] for piece in one.pieces)
    assert sum(3 * len(piece.lines) for one in shown for piece in one.pieces) <= max(room, 0)
