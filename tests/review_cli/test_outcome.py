"""What a node may tell: bounded where it enters, and never a line of its own on the terminal."""

from __future__ import annotations

from maw import record
from maw.finding import TEXT_MAX, finding_from_json
from maw.review import outcome
from maw.review.follow import Told, Voided
from maw.review.outcome import FINDINGS_MAX, INCOMPLETE, SKIPPED_MAX
from maw.review.progress import Progress
from maw.review.render import finding_lines, judged
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


def test_what_was_rejected_is_kept_and_does_not_count() -> None:
    rejected = finding("a.py", "critical", verified=False, verified_confidence=0.1)
    answer = {"findings": [], "rejected": [rejected, {"severity": "?"}, 7], "units": UNITS | {"reused": 1}}
    found = outcome.from_result(answer, node="pro", task="t")
    assert (found.verdict("info"), found.blocking("info"), len(found.rejected)) == ("pass", 0, 1)
    data = outcome.to_record(found, tree=None, base=None, block_at="error")
    assert data["rejected"] == [found.rejected[0].to_json()]
    assert outcome.from_record(data).rejected == found.rejected
    assert "rejected" not in outcome.to_record(
        outcome.nothing("pro"), tree=None, base=None, block_at="error"
    )  # most records have none
    assert judged(found.units) == "1 unit (known and unchanged)"
    assert judged({"done": 20, "reused": 17}) == "20 units (17 known and unchanged)"
    assert judged({"done": 2, "reused": 0}) == "2 units"


def test_the_progress_line_tells_units_speed_and_cached_share() -> None:
    line = Progress("pro")
    line.take(Told("plan", {"units": 3}))
    line.take(Told("unit", {"state": "done", "reused": True, "stats": {"tokens_per_s": 0.0, "prompt_tokens": 0}}))
    assert "reading the change on pro, 1/3 units, 1 reused" in line.text
    stats = {"tokens_per_s": 41.4, "prompt_tokens": 2000, "cached_tokens": 1800}
    line.take(Told("unit", {"state": "done", "stats": stats}))
    assert "reviewing on pro, 2/3 units, 1 reused, 41 tokens/s, 90% cached" in line.text
    line.take(Told("unit", {"state": "failed"}))
    assert "3/3 units, 1 reused, 41 tokens/s, 90% cached" in line.text  # what fails tells no figures
    line.take(Told("unit", {"stats": {"tokens_per_s": float("nan"), "prompt_tokens": "x"}, "state": "done"}))
    assert "tokens/s" not in line.text and "cached" not in line.text
    line.take(Voided(2, {}))
    assert "tokens/s" not in line.text and "units" not in line.text


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
