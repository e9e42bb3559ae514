"""Findings from outside are checked once, and the gate decides by the worst of them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maw.finding import SEVERITIES, Finding, finding_from_json, finding_id, gate

GOOD: dict[str, Any] = {
    "id": "0badcafe",
    "path": "a.py",
    "line": 3,
    "end_line": 4,
    "severity": "error",
    "category": "logic",
    "title": "off by one",
    "scenario": "an empty list",
    "suggestion": "use <",
    "replacement": None,
    "quote": "if n <= len(x):",
    "confidence": 0.5,
    "unit": "u1",
}


def finding(severity: str) -> Finding:
    return finding_from_json({**GOOD, "severity": severity})


def test_a_finding_survives_json() -> None:
    assert finding_from_json(GOOD).to_json() == GOOD


def test_what_the_verification_said_is_there_only_where_there_was_one() -> None:
    asked = {**GOOD, "verified": False, "verified_confidence": 0.25}
    assert finding_from_json(asked).to_json() == asked
    assert finding_from_json({**asked, "verified_confidence": None}).to_json()["verified"] is False
    for strange in ({"verified": 1}, {"verified": None, "verified_confidence": 0.5}, {"verified_confidence": 0.5}):
        assert finding_from_json({**GOOD, **strange}).to_json() == GOOD


@pytest.mark.parametrize(
    "wrong", [{"severity": "fatal"}, {"line": -1}, {"line": "3"}, {"line": True}, {"title": 5}, {"path": None}]
)
def test_a_malformed_finding_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"finding|severity"):
        finding_from_json({**GOOD, **wrong})


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(), lambda c: st.lists(c) | st.dictionaries(st.text(), c)
    )
)
def test_anything_else_is_a_value_error(data: object) -> None:
    with pytest.raises(ValueError):
        finding_from_json(data)


def test_text_is_bounded() -> None:
    assert len(finding_from_json({**GOOD, "scenario": "x" * 10**6}).scenario) == 4000


def test_an_end_before_the_start_is_mended() -> None:
    assert finding_from_json({**GOOD, "end_line": 1}).end_line == 3


def test_the_id_depends_on_path_line_and_title_but_not_on_white_space() -> None:
    one = finding_id("a.py", "if  x:", "bug")
    assert one == finding_id("a.py", " if x: ", "bug")
    assert (
        len(
            {
                one,
                finding_id("b.py", "if x:", "bug"),
                finding_id("a.py", "if y:", "bug"),
                finding_id("a.py", "if x:", "b"),
            }
        )
        == 4
    )
    assert finding_id("ab", "c", "d") != finding_id("a", "bc", "d")


@pytest.mark.parametrize("block_at", SEVERITIES)
@pytest.mark.parametrize("worst", SEVERITIES)
@pytest.mark.parametrize("incomplete", [False, True])
def test_the_gate_blocks_from_its_threshold_on(block_at: str, worst: str, incomplete: bool) -> None:
    verdict = gate([finding("info"), finding(worst)], block_at=block_at, incomplete=incomplete)
    if SEVERITIES.index(worst) >= SEVERITIES.index(block_at):
        assert verdict == "block"
    else:
        assert verdict == ("incomplete" if incomplete else "warn")


def test_nothing_found_passes_only_when_all_was_read() -> None:
    assert gate([], block_at="error", incomplete=False) == "pass"
    assert gate([], block_at="error", incomplete=True) == "incomplete"
