"""Findings, their severities, and the gate that turns them into a verdict. Standard library only (hook path)."""

from __future__ import annotations

from collections.abc import Iterable

from maw.light import Any, NamedTuple

SEVERITIES = ("info", "warning", "error", "critical")  # rising
VERDICTS = ("pass", "warn", "incomplete", "block")  # rising: the worst one counts
TEXT_MAX = 4000  # characters of any text of a finding; more is cut where it enters


class Finding(NamedTuple):
    """One thing a review found, anchored to lines that exist in the change."""

    id: str  # short hash of path, quoted line and title: the same finding has the same id in every run
    path: str  # as git names it; bytes that are not UTF-8 in git's C quoting
    line: int  # 1-based, in the new file
    end_line: int
    severity: str  # one of SEVERITIES
    category: str
    title: str
    scenario: str  # how it fails: input or state, and what then happens
    suggestion: str
    replacement: str | None  # text for lines line..end_line, or None
    quote: str  # the line as it stands in the change
    confidence: float | None  # the model's own probability, None where the engine has none
    unit: str  # id of the unit it was found in
    verified: bool | None = None  # what the model said when asked again whether it holds; None: it was not asked
    verified_confidence: float | None = None  # the probability that it holds, as the model saw it then

    def to_json(self) -> dict[str, Any]:
        """All fields; those of the verification only where there was one."""
        data = self._asdict()
        if self.verified is None:
            del data["verified"], data["verified_confidence"]
        return data


def finding_id(path: str, quote: str, title: str) -> str:
    """Eight hex digits of SHA-256 over path, quoted line and title, each with its white space folded."""
    import hashlib  # 2 ms, which a hook need not pay: what a node finds has its id

    text = "\0".join(" ".join(part.split()) for part in (path, quote, title))
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:8]


def finding_from_json(data: object) -> Finding:
    """Check what came from a node or a note. Raises ValueError with what is wrong."""
    if not isinstance(data, dict):
        raise ValueError("a finding is not an object")
    severity = data.get("severity")
    if severity not in SEVERITIES:
        raise ValueError(f"unknown severity {severity!r}")
    line = _integer(data, "line")
    verified = data.get("verified")
    replacement = data.get("replacement")
    path, quote, title = _text(data, "path"), _text(data, "quote"), _text(data, "title")
    return Finding(
        id=_text(data, "id") or finding_id(path, quote, title),
        path=path,
        line=line,
        end_line=max(line, _integer(data, "end_line", line)),
        severity=severity,
        category=_text(data, "category"),
        title=title,
        scenario=_text(data, "scenario"),
        suggestion=_text(data, "suggestion"),
        replacement=replacement[:TEXT_MAX] if isinstance(replacement, str) else None,
        quote=quote,
        confidence=_number(data, "confidence"),
        unit=_text(data, "unit"),
        verified=verified if isinstance(verified, bool) else None,
        verified_confidence=_number(data, "verified_confidence") if isinstance(verified, bool) else None,
    )


def gate(findings: Iterable[Finding], *, block_at: str, incomplete: bool) -> str:
    """The verdict: `block` when a finding is at least `block_at`, else `incomplete` when something was not reviewed,
    else `warn` when there is any finding, else `pass`. Applied on the Air at each use, never stored as a fact."""
    threshold = SEVERITIES.index(block_at)
    worst = max((SEVERITIES.index(finding.severity) for finding in findings), default=-1)
    if worst >= threshold:
        return "block"
    if incomplete:
        return "incomplete"
    return "warn" if worst >= 0 else "pass"


def _text(data: dict[str, Any], key: str) -> str:
    value = data.get(key, "")
    if not isinstance(value, str):
        raise ValueError(f"a finding's {key} is not text")
    return value[:TEXT_MAX]


def _number(data: dict[str, Any], key: str) -> float | None:
    value = data.get(key)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _integer(data: dict[str, Any], key: str, default: int | None = None) -> int:
    value = data.get(key, default)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError(f"a finding's {key} is not a line number")
    return value
