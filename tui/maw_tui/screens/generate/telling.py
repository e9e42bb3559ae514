"""A generation in lines: what is being written, what came of it, and hunks as they are looked at."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from maw.edits.hunks import Choice
from maw.edits.propose import Loose
from maw.generate.rounds import Report, Round
from maw.generate.stages import STAGES
from maw.review.render import Line
from maw.text import count, flat, one_line
from maw_tui.screens.generate.messages import Explained

SHOWN = 500  # lines of what is being written, the last ones
MARKS = {True: "[x] ", False: "[ ] "}
_STYLES = {"+": "added", "-": "removed", "@": "hunk", "\\": "dim"}


class Transcript:
    """Hears what happens, and tells where it stands."""

    def __init__(self, *, prose: bool = False) -> None:
        """`prose`: what is written is for people, not code."""
        self.prose = prose
        self.now = "reading the files"
        self._round = ""
        self._text = ""
        self._before: list[Line] = []  # what was found, and what rounds that have ended came to

    def hear(self, kind: str, data: Any) -> None:
        match kind:
            case "mapped":
                self.now = f"mapping {data[0]:,} of {data[1]:,} files"
            case "text":
                self._text += str(data.get("text", ""))
                self.now = self._at(count(self._text.count("\n") + 1, "line"))
            case "found":
                self._before += [Line((("dim", one_line(line)),)) for line in data]
            case "round":
                self._before += round_lines(self._round, data)
            case "asking":
                self._round, self._text = str(data), ""
                self.now = self._at(STAGES[kind])
            case "restarted":  # the node began anew: what it had written does not count
                self._text = ""
                self.now = self._at(STAGES[kind])
            case _:
                self.now = self._at(STAGES.get(kind, "writing"))

    def _at(self, what: str) -> str:
        return f"{self._round}: {what}" if self._round else what

    def lines(self) -> list[Line]:
        written = [Line((("plain", flat(line)),)) for line in self._text.split("\n")[-SHOWN:]]
        return [*self._before, *written]


def summary(report: Report) -> str:
    """Rounds, time, and what the user's command said."""
    seconds = sum(one.model_seconds + one.own_seconds + one.verify_seconds for one in report.rounds)
    verdict = f" · {one_line(report.verdict.why)}" if report.verdict is not None and report.verdict.why else ""
    return f"{count(len(report.rounds), 'round')} · {seconds:.1f} s · {report.answer.model or 'the model'}{verdict}"


def round_lines(name: str, ended: Round) -> list[Line]:
    """How a round ended, and why."""
    seconds = ended.model_seconds + ended.own_seconds + ended.verify_seconds
    head = Line((("head", f"{name}: {ended.how}"), ("dim", f"  {seconds:.1f} s")))
    return [head, *(Line((("warning", f"  {one_line(why)}"),)) for why in ended.why)]


def failure_lines(report: Report) -> list[Line]:
    """Why there is nothing to take, and what the model said."""
    lines = [Line((("error", "Nothing came of it that can be taken."),))]
    for number, ended in enumerate(report.rounds, 1):
        lines += round_lines(f"round {number}", ended)
    if report.verdict is not None:
        lines += [Line((("dim", flat(line)),)) for line in report.verdict.output.split("\n")]
    return [*lines, Line(()), Line((("head", "The answer"),)), *_plain(report.answer.text)]


def about_prose(explained: Explained) -> str:
    """How far what it says can be relied on, and time."""
    found, answer, seconds = explained
    parts = ["cut at its bound"] if answer.cut else []
    parts += [found.told] if found.wrong else []
    return " · ".join([*parts, f"{seconds:.1f} s", answer.model or "the model"])


def prose_lines(explained: Explained) -> list[Line]:
    return list(_plain(explained.found.text))


def _plain(text: str) -> Iterator[Line]:
    for line in text.split("\n"):
        yield Line((("plain", flat(line)),))


def hunk_row(choice: Choice, taken: bool) -> Line:
    """A hunk in a list: whether it is taken, its file, and how many lines it adds and removes."""
    body = choice.text.split(b"\n")[1:]
    added, removed = (sum(line.startswith(sign) for line in body) for sign in (b"+", b"-"))
    return Line((
        ("mark" if taken else "dim", MARKS[taken]),
        ("path", flat(choice.path)),
        ("added", f"  +{added}"),
        ("removed", f" -{removed}"),
    ))  # fmt: skip


def hunk_lines(choice: Choice, loose: Sequence[Loose]) -> list[Line]:
    """A hunk as it stands in the diff, and a word where its block did not match exactly."""
    lines = [Line((("path", flat(choice.path)),))]
    for one in loose:
        if one.path == choice.path:
            lines.append(Line((("warning", f"not where the model said ({one_line(one.how)}); look twice:"),)))
            lines += [Line((("dim", flat(line)),)) for line in one.difference.rstrip("\n").split("\n")]
    text = choice.text.decode("utf-8", "replace").removesuffix("\n")
    return lines + [Line(((_STYLES.get(line[:1], "plain"), flat(line)),)) for line in text.split("\n")]
