"""Answers are read strictly: what does not fit is an error, never an empty review."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from maw import change
from maw.finding import finding_id
from maw_remote.engine.interface import Field
from maw_remote.jobs.review import answer, units
from maw_remote.jobs.review.shape import Limits
from tests.review_job.changes import one_file, words

UNIT = units.cut(one_file("src/a.py", [b"  x = 1\r", b"caf\xe9()"]), 500, words)[0]
LIMITS = Limits()


def said(number: int, at: int, **more: str) -> dict[str, Field]:
    """The fields of a finding."""
    values = {
        "finding": "yes", "line": str(at), "scenario": " When… ", "title": " Wrong", "severity": "error",
        "category": "bug", "suggestion": " Do.", "replacement": "none", **more,
    }  # fmt: skip
    return {f"{number}.{name}": Field(f"{number}.{name}", value) for name, value in values.items()}


def no(number: int) -> dict[str, Field]:
    return {f"{number}.finding": Field(f"{number}.finding", "no")}


def read(*parts: Mapping[str, Field], unit: units.Unit = UNIT) -> answer.Answer:
    return answer.read({name: field for part in parts for name, field in part.items()}, unit, LIMITS)


def test_a_finding_is_anchored_to_the_line_as_it_stands_in_the_change() -> None:
    (found,) = read(said(1, 1, replacement="given", code="    x = 2 "), no(2)).findings
    assert (found.path, found.line, found.end_line, found.quote) == ("src/a.py", 1, 1, "  x = 1")
    assert (found.scenario, found.title, found.suggestion) == ("When…", "Wrong", "Do.")
    assert (found.replacement, found.confidence) == ("    x = 2", None)
    assert found.id == finding_id("src/a.py", "  x = 1", "Wrong")
    assert found.unit == UNIT.id


def test_none_is_a_fine_answer() -> None:
    assert read(no(1)) == answer.Answer([], None)


def test_after_the_last_line_nobody_asks_for_more() -> None:
    assert [finding.line for finding in read(said(1, 2), said(2, 1)).findings] == [2, 1]


def test_a_line_that_is_not_utf8_can_be_named() -> None:
    assert read(said(1, 2), no(2)).findings[0].quote == "caf\N{REPLACEMENT CHARACTER}()"


def test_confidence_is_the_probability_of_a_finding_times_that_of_its_line() -> None:
    fields = said(1, 1) | no(2)
    fields["1.finding"] = fields["1.finding"]._replace(probability=0.5)
    assert read(fields).findings[0].confidence is None  # half of it is not known
    fields["1.line"] = fields["1.line"]._replace(probability=0.8)
    found = read(fields)
    assert (found.findings[0].confidence, found.chance) == (0.4, 0.5)
    assert read({"1.finding": Field("1.finding", "no", 0.75)}).chance == 0.25


def test_a_text_that_was_cut_says_so_and_an_empty_one_stays_empty() -> None:
    fields = said(1, 1, title=" \t", scenario="") | no(2)
    fields["1.suggestion"] = fields["1.suggestion"]._replace(cut=True)
    fields["1.scenario"] = fields["1.scenario"]._replace(cut=True)
    (found,) = read(fields).findings
    assert (found.title, found.scenario, found.suggestion) == ("", "", "Do.…")


@pytest.mark.parametrize("code", ["", "  ", "x\x1b[31m", "a\rb", "x\x00"])
def test_a_replacement_that_is_no_code_is_none(code: str) -> None:
    assert read(said(1, 1, replacement="given", code=code), no(2)).findings[0].replacement is None


def test_a_replacement_that_was_cut_is_none() -> None:
    fields = said(1, 1, replacement="given", code="\tx = 1") | no(2)
    assert read(fields).findings[0].replacement == "\tx = 1"
    fields["1.code"] = fields["1.code"]._replace(cut=True)
    assert read(fields).findings[0].replacement is None


def test_a_line_that_is_named_again_counts_once() -> None:
    """A server that gets the shape as a grammar cannot keep it from that."""
    assert [finding.title for finding in read(said(1, 1), said(2, 1, title="again")).findings] == ["Wrong"]


def test_of_two_lines_with_one_number_the_first_is_meant() -> None:
    head = b"diff --git a/a.py b/a.py\n--- a/a.py\n+++ b/a.py\n"
    overlap = b"".join(b"@@ -0,0 +1 @@\n+" + text + b"\n" for text in (b"ab", b"abc"))
    (unit,) = units.cut(change.parse(head + overlap)[0], 10**6, words)
    assert read(said(1, 1), unit=unit).findings[0].quote == "ab"


@pytest.mark.parametrize("left_out", sorted(said(1, 1)))
def test_an_answer_that_ends_in_the_middle_is_refused(left_out: str) -> None:
    fields = said(1, 1) | no(2)
    del fields[left_out]
    with pytest.raises(answer.BadAnswer, match=left_out):
        read(fields)


def test_what_was_whole_before_the_answer_ended_is_not_lost() -> None:
    fields = said(1, 2) | said(2, 1)
    del fields["2.suggestion"]
    with pytest.raises(answer.BadAnswer) as caught:
        read(fields)
    assert [finding.line for finding in caught.value.found] == [2]


def test_an_answer_without_its_end_is_refused() -> None:
    for fields in ({}, said(1, 1), said(1, 1, replacement="given") | no(2)):
        with pytest.raises(answer.BadAnswer):
            read(fields)


@pytest.mark.parametrize(
    "other",
    [
        {"line": "3"}, {"line": "x"}, {"severity": "fatal"}, {"category": "style"}, {"finding": "maybe"},
        {"replacement": ""},
    ],
)  # fmt: skip
def test_a_finding_that_was_not_asked_for_is_refused(other: dict[str, str]) -> None:
    with pytest.raises(answer.BadAnswer):
        read(said(1, 1, **other), no(2))
