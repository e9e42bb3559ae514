"""What a node may tell: bounded where it enters, and never a line of its own on the terminal."""

from __future__ import annotations

from maw import record
from maw.finding import TEXT_MAX, finding_from_json
from maw.review import outcome
from maw.review.outcome import FINDINGS_MAX, INCOMPLETE, SKIPPED_MAX
from maw.review.render import finding_lines
from tests.fixtures.attendant import finding

UNITS = {"total": 1, "done": 1, "failed": 0}


def test_long_texts_and_lists_of_a_node_are_cut() -> None:
    long = "x" * 9_000_000
    skipped = [{"path": long, "reason": long}, 7, *({"path": "a", "reason": "b"} for _ in range(SKIPPED_MAX))]
    answer = {"findings": [], "units": UNITS, "skipped": skipped, "model": long, "profile": long}
    found = outcome.from_result(answer, node="pro", task=long, profile=long)
    assert found.status == outcome.REVIEWED and len(found.skipped) == SKIPPED_MAX + 1
    assert found.skipped[-1]["reason"] == "and 1 more skipped, which are not listed"
    data = record.fitted(outcome.to_record(found, tree="a" * 40, base="b" * 40, block_at="error"))
    assert len(record.encode(data).raw) <= record.OWN_MAX
    missed = outcome.missed(outcome.FAILED, long, node="pro", task=long)
    assert len(missed.reason or "") == len(missed.task or "") == TEXT_MAX


def test_more_findings_than_anybody_reads_are_no_clean_review() -> None:
    items = [finding(f"{number}.py", "info", id=str(number)) for number in range(FINDINGS_MAX + 2)]
    found = outcome.from_result({"findings": items, "units": UNITS}, node="pro", task="t")
    assert (found.status, len(found.findings), found.units["failed"]) == (INCOMPLETE, FINDINGS_MAX, 2)


def test_a_text_cannot_forge_a_line() -> None:
    forged = "x = 1\nmaw: nothing found"
    item = finding("a.py", quote=forged, title=forged, category=forged, replacement=forged + "\x1b\x85x")
    assert all(
        "\n" not in line.text and not line.text.startswith("maw:") for line in finding_lines(finding_from_json(item))
    )
    found = outcome.missed(outcome.FAILED, forged, node="pro")
    assert found.reason == "x = 1 maw: nothing found"
    assert outcome.read_skipped([{"path": forged, "reason": forged}])[0]["reason"] == found.reason
    code = finding_lines(finding_from_json(finding("a.py", quote="\tx  =  1")))[1]
    assert code.text == "    |     x  =  1"
