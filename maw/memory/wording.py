"""A row of the index in words: the same marks in `maw history` and the terminal UI. All of it is printable."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from maw.finding import SEVERITIES
from maw.memory import generated
from maw.memory.dismissals import STATUSES, of_record
from maw.memory.index import record_of
from maw.memory.query import EXACT, Row
from maw.record import Json
from maw.text import one_line

SHORT = {"critical": "C", "error": "E", "warning": "W", "info": "I"}  # how counts are told in a table
Said = dict[str, dict[str, str]]  # the last word about a finding, by commit and finding


def said_of(feedback: Iterable[tuple[str, Json]]) -> Said:
    """What was said last, by commit and finding, of feedback records, the oldest first."""
    said: Said = {}
    for commit, data in feedback:
        about = of_record(data)
        if about is not None:
            said.setdefault(commit, {})[about.finding.id] = str(data["status"])
    return said


def tally(row: Row, said: Said) -> dict[str, int]:
    """How many of a review's findings people gave each kind of feedback on."""
    here = said.get(row.commit)
    if not here or row.kind != "review":
        return {}
    findings = record_of(row).get("findings")
    ids = {item.get("id") for item in findings if isinstance(item, dict)} if isinstance(findings, list) else set()
    given = [status for finding, status in here.items() if finding in ids]
    return {status: given.count(status) for status in STATUSES if status in given}


def outcome(row: Row, pending: Collection[str]) -> str:
    """`pending` where its review waits in the outbox, else the verdict or status."""
    return "pending" if row.id in pending else one_line(row.outcome)


def counts(row: Row) -> str:
    """`1E 2I`, `-` for none."""
    told = " ".join(f"{row.counts[name]}{SHORT[name]}" for name in reversed(SEVERITIES) if name in row.counts)
    return told or "-"


def author(row: Row) -> str:
    """The name alone."""
    return one_line(row.author.partition(" <")[0]) or "?"


def marks(row: Row, said: Said) -> list[str]:
    """What sets the record apart: unreachable, carried, stale, bypassed, late, picked, and what was said of its
    findings."""
    found = ["unreachable"] if row.unreachable and row.author else []
    found += [] if row.standing == EXACT else [row.standing]
    found += ["bypassed"] if row.bypassed else []
    found += ["late"] if row.late else []
    found += ["picked"] if b'"linked":{' in row.data else []
    return found + [f"{number} {status}" for status, number in tally(row, said).items()]


def subject(row: Row) -> str:
    """Of feedback, the finding and the reason; of what was generated, what was asked for; else the commit's subject."""
    return _about(row) or one_line(row.subject) or ("(no subject)" if row.author else "(this commit is gone)")


def _about(row: Row) -> str:
    if row.kind == "generate":
        return one_line(generated.about(record_of(row)))
    about = of_record(record_of(row)) if row.kind == "feedback" else None
    if about is None:
        return ""
    reason = f": {about.reason}" if about.reason else ""
    return one_line(f"{about.finding.id} {about.finding.path} {about.finding.title}{reason}")
