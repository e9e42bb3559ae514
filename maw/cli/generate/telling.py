"""What a generation came to: a line for a person, an object for a script."""

from __future__ import annotations

from typing import Any

from maw.cli.generate.offering import Taken
from maw.cli.output import print_json, say
from maw.generate.request import Asked
from maw.generate.rounds import Report, Round
from maw.text import count, one_line, printable

Json = dict[str, Any]


def report(found: Report, seconds: float) -> None:
    """The short report: rounds, time, what the user's command said."""
    model = found.answer.model or "the model"
    writing = sum(one.model_seconds for one in found.rounds)
    parts = [f"{count(len(found.rounds), 'round')} in {seconds:.1f} s ({model} wrote for {writing:.1f} s)"]
    if found.verdict is not None:
        parts.append(one_line(found.verdict.why))
    elif found.refusals:
        parts.append("no answer that could be taken")
    say(f"maw: {'; '.join(parts)}")


def outcome(
    found: Report, taken: Taken | None, asked: Asked, seconds: float, *, as_json: bool, about: Json | None = None
) -> None:
    """What became of it; `taken` is None where there was nothing to take."""
    if as_json:
        print_json(_as_json(found, taken, asked, seconds) | (about or {}))
    elif taken is not None and taken.applied is not None:
        say(f"maw: applied to {count(len(taken.applied.paths), 'file')}; `maw generate --undo` takes it back")
    elif taken is None or taken.asked:
        say("maw: nothing was changed")


def _as_json(found: Report, taken: Taken | None, asked: Asked, seconds: float) -> Json:
    proposal = taken.accepted if taken is not None and taken.accepted is not None else found.proposal
    applied = taken.applied if taken is not None else None
    verdict = found.verdict
    return {
        "v": 1,
        "task": asked.task,
        "files": [{"path": edit.path, "new": edit.old is None} for edit in proposal.edits] if proposal else [],
        "diff": proposal.diff.decode("utf-8", "replace") if proposal else "",
        "loose": [each._asdict() for each in proposal.loose] if proposal else [],
        "applied": applied is not None,
        "application": applied.id if applied is not None else None,
        "verify": {"command": verdict.command, "passed": verdict.passed, "why": verdict.why} if verdict else None,
        "refusals": [{"code": one.code, "path": one.path, "message": one.message} for one in found.refusals],
        "rounds": [_round(one) for one in found.rounds],
        "seconds": round(seconds, 3),
        "answer": None if found.good else printable(found.answer.text),
        "model": found.answer.model,
        "profile": found.answer.profile,
        "id": found.answer.task,
        "stats": found.answer.stats,
    }


def _round(one: Round) -> Json:
    times = {"model": one.model_seconds, "own": one.own_seconds, "verify": one.verify_seconds}
    return {"how": one.how, "why": list(one.why), "seconds": {name: round(value, 3) for name, value in times.items()}}
