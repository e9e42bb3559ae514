"""What a record says, as lines of text: `maw show` prints them, the terminal UI paints them. All of them printable."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from maw.finding import Finding, finding_from_json
from maw.memory import generated
from maw.memory.dismissals import of_record
from maw.memory.query import CARRIED, STALE, Row
from maw.record import Json
from maw.review.render import Line, findings_lines
from maw.text import count, one_line
from maw.times import ago

_STANDING = {
    CARRIED: "made for another commit with the same patch, and carried here",
    STALE: "stale: made for another change than this commit holds",
}


def record_lines(row: Row, data: Json, now: float) -> list[Line]:
    """What it is and when, and what sets it apart; not its findings."""
    head = one_line(f"{row.kind} {row.id}: {row.outcome}, {ago(now - row.time / 1000)}")
    facts = [fact for fact in _facts(row, data) if fact]
    return [Line((("head", head),)), *(Line((("dim", f"  {one_line(fact)}"),)) for fact in facts)]


def finding_part(row: Row, findings: Iterable[Finding], said: Mapping[str, str]) -> list[Line]:
    """The findings of a record, or that there are none."""
    lines = findings_lines(findings, said)
    return lines or ([Line((("plain", "  no findings"),))] if row.status == "reviewed" else [])


def findings_of(data: Json) -> tuple[list[Finding], list[str]]:
    """The findings of a record, and what is wrong with those that cannot be read (a stranger wrote them)."""
    found, wrong = [], []
    for item in items(data, "findings"):
        try:
            found.append(finding_from_json(item))
        except ValueError as exc:
            wrong.append(str(exc))
    return found, wrong


def said_last(records: Iterable[Json]) -> dict[str, str]:
    """What was said last of each finding, wherever it was found, by feedback records, the oldest first."""
    found = {}
    for data in records:
        about = of_record(data)
        if about is not None:
            by = f" by {about.by}" if about.by else ""
            found[about.finding.id] = one_line(f"{data['status']}{by}" + (f": {about.reason}" if about.reason else ""))
    return found


def items(data: Json, key: str) -> list[object]:
    value = data.get(key)
    return value if isinstance(value, list) else []


def _facts(row: Row, data: Json) -> list[str]:
    rejected = len(items(data, "rejected"))
    return [
        _about(data),
        *(generated.facts(data) if row.kind == "generate" else ()),
        _linked(data),
        _STANDING.get(row.standing, ""),
        "the hook was bypassed when it was committed" if row.bypassed else "",
        f"reason: {row.reason}" if row.reason else "",
        *_suggestion(data),
        f"model: {row.model}" if row.model else "",
        f"{count(rejected, 'finding')} of it rejected by the model when asked again" if rejected else "",
        *(f"not reviewed: {path}: {reason}" for path, reason in _skipped(data)),
    ]


def _about(data: Json) -> str:
    """The finding that feedback is on."""
    about = of_record(data)
    if about is None:
        return ""
    by = f", by {about.by}" if about.by else ""
    return f"{about.finding.id} {about.finding.path}:{about.finding.line} {about.finding.title}{by}"


def _linked(data: Json) -> str:
    linked = data.get("linked")
    if not isinstance(linked, dict):
        return ""
    return f"the review of {str(linked.get('commit'))[:10]}, which this was picked from"


def _skipped(data: Json) -> list[tuple[str, str]]:
    found = (item for item in items(data, "skipped") if isinstance(item, dict))
    return [(str(item.get("path")), str(item.get("reason"))) for item in found]


def _suggestion(data: Json) -> list[str]:
    """The message that was suggested, where it was not taken as it was."""
    text, far = data.get("suggestion"), data.get("edit_distance")
    if data.get("kind") != "message" or data.get("status") == "taken" or not isinstance(text, str):
        return []
    changed = [f"{count(far, 'word')} of it changed"] if isinstance(far, int) and data.get("status") == "edited" else []
    return [*changed, *(f"suggested: {line}" for line in text.strip().split("\n") if line)]
