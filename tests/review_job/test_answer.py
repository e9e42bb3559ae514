"""Answers are read strictly: what does not fit is an error, never an empty review."""

from __future__ import annotations

import json
from typing import Any

import pytest

from maw.finding import finding_id
from maw_remote.jobs.review import answer, units
from maw_remote.jobs.review.grammar import Limits, quotes
from tests.review_job.changes import one_file, words

UNIT = units.cut(one_file("src/a.py", [b"  x = 1\r", b"caf\xe9()"]), 500, words)[0]
GOOD = {
    "quote": "1| x = 1", "scenario": " When… ", "title": "Wrong", "severity": "error", "category": "bug",
    "suggestion": "Do.", "replacement": "    x = 2",
}  # fmt: skip


def read(*findings: Any) -> list[Any]:
    return answer.parse(json.dumps({"findings": list(findings)}), UNIT, Limits())


def test_a_finding_is_anchored_to_the_line_as_it_stands_in_the_change() -> None:
    (found,) = read(GOOD)
    assert (found.path, found.line, found.end_line, found.quote) == ("src/a.py", 1, 1, "  x = 1")
    assert (found.scenario, found.replacement, found.confidence) == ("When…", "    x = 2", None)
    assert found.id == finding_id("src/a.py", "  x = 1", "Wrong")
    assert found.unit == UNIT.id


def test_none_is_a_fine_answer() -> None:
    assert read() == []


def test_the_same_finding_twice_is_one() -> None:
    assert len(read(GOOD, GOOD)) == 1


def test_halves_of_characters_become_text() -> None:
    (found,) = read(GOOD | {"title": "a \ud800 b", "replacement": "\udfff"})
    assert (found.title, found.replacement) == ("a ? b", "?")


def test_a_line_that_is_not_utf8_can_be_quoted() -> None:
    (found,) = read(GOOD | {"quote": "2| caf\N{REPLACEMENT CHARACTER}()"})
    assert found.line == 2


@pytest.mark.parametrize(
    "text",
    [
        "", "{", "null", "[]", "{}", '{"findings":1}', '{"findings":[1]}', '{"findings":[],"more":1}',
        '{"findings":[]} trailing', "[" * 100_000, '{"findings":[{}]}',
    ],
)  # fmt: skip
def test_what_has_another_shape_is_refused(text: str) -> None:
    with pytest.raises(answer.BadAnswer):
        answer.parse(text, UNIT, Limits())


@pytest.mark.parametrize(
    "change",
    [
        {"quote": "3| no such line"}, {"quote": "1| x = 2"}, {"quote": 1}, {"severity": "fatal"}, {"title": None},
        {"category": "style"}, {"replacement": 5}, {"extra": 1}, {"severity": []},
    ],
)  # fmt: skip
def test_a_finding_that_was_not_asked_for_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(answer.BadAnswer):
        read(GOOD | change)


def test_more_than_three_are_refused() -> None:
    with pytest.raises(answer.BadAnswer, match="too many"):
        read(*[GOOD | {"title": str(number)} for number in range(4)])


def test_quotes_are_one_for_each_line_even_where_lines_are_alike() -> None:
    unit = units.cut(one_file("a.py", [b"return x"] * 30 + [b"y" * 500]), 10_000, words)[0]
    assert len(quotes(unit)) == 31
    assert max(map(len, quotes(unit))) < 80
