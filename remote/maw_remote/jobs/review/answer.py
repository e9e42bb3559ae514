"""Read a unit's answer. The grammar made it, yet nothing is taken on trust: what does not fit is an error."""

from __future__ import annotations

import json
from typing import Any

from maw.finding import SEVERITIES, Finding, finding_id
from maw_remote.jobs.review.grammar import CATEGORIES, Limits, quotes
from maw_remote.jobs.review.units import Unit

_KEYS = ("quote", "scenario", "title", "severity", "category", "suggestion", "replacement")


class BadAnswer(ValueError):
    """The answer is not of the shape that was asked for; the message says where, without its text."""


def parse(text: str, unit: Unit, limits: Limits) -> list[Finding]:
    """The findings of an answer; none is a fine answer. Raises BadAnswer."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as exc:
        raise BadAnswer(f"not JSON: {exc}") from exc
    if not isinstance(data, dict) or set(data) != {"findings"} or not isinstance(data["findings"], list):
        raise BadAnswer("not an object with `findings`")
    if len(data["findings"]) > limits.findings:
        raise BadAnswer("too many findings")
    found = [_finding(entry, unit) for entry in data["findings"]]
    return list({(finding.id, finding.line): finding for finding in found}.values())


def _finding(data: Any, unit: Unit) -> Finding:
    if not isinstance(data, dict) or set(data) != set(_KEYS):
        raise BadAnswer("a finding has other keys than asked for")
    line = quotes(unit).get(_text(data, "quote"))
    if line is None or line.new is None:
        raise BadAnswer("a finding quotes no added line of the unit")
    if data["severity"] not in SEVERITIES or data["category"] not in CATEGORIES:
        raise BadAnswer("a finding's severity or category is none of those asked for")
    title, quote = _text(data, "title"), line.text.removesuffix(b"\r").decode("utf-8", "replace")
    return Finding(
        id=finding_id(unit.path, quote, title),
        path=unit.path,
        line=line.new,
        end_line=line.new,
        severity=data["severity"],
        category=data["category"],
        title=title,
        scenario=_text(data, "scenario"),
        suggestion=_text(data, "suggestion"),
        replacement=None if data["replacement"] is None else _text(data, "replacement", strip=False),
        quote=quote,
        confidence=None,
        unit=unit.id,
    )


def _text(data: dict[str, Any], key: str, *, strip: bool = True) -> str:
    value = data[key]
    if not isinstance(value, str):
        raise BadAnswer(f"a finding's {key} is not text")
    value = value.encode("utf-8", "replace").decode("utf-8")  # JSON can name halves of characters, which are no text
    return value.strip() if strip and key != "quote" else value
