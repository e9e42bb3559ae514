"""Keep what was generated and what became of it (remember.py), for who shows generations: the CLI and the TUI. Where
that cannot be done the rest still counts: it is told, and that is all."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, NamedTuple

from maw.config.load import Config
from maw.errors import FatalError
from maw.generate import generation
from maw.generate.memory import remember
from maw.generate.memory.remember import Generation, Verified
from maw.generate.request import Asked
from maw.generate.rounds import Report
from maw.git.repo import Repo
from maw.text import one_line

_SUMS = ("prompt_tokens", "cached_tokens", "completion_tokens", "elapsed_ms")
Said = Callable[[str], None]


class Made(NamedTuple):
    """What was asked, what came of it, and how long that took in seconds."""

    asked: Asked
    report: Report
    seconds: float


def keep(repo: Repo, config: Config, made: Made, *, offered: bytes, accepted: bytes | None, said: Said) -> None:
    """`offered` and `accepted` are as remember.remember takes them."""
    about = _about(made, str(config.values["node"]), failed=not offered)
    put(repo, config, about, offered=offered, accepted=accepted, said=said)


def put(repo: Repo, config: Config, about: Generation, *, offered: bytes, accepted: bytes | None, said: Said) -> None:
    """The same of what somebody else knows."""
    try:
        remember.remember(repo, about, offered=offered, accepted=accepted, redact=generation.redactor(config))
    except (OSError, FatalError, ValueError) as exc:
        said(f"this is not remembered: {one_line(str(exc))}")


def taken_back(repo: Repo, paths: Collection[str], said: Said) -> None:
    """The last application was undone."""
    try:
        remember.taken_back(repo, paths)
    except (OSError, FatalError) as exc:
        said(f"this is not remembered: {one_line(str(exc))}")


def _about(made: Made, node: str, *, failed: bool) -> Generation:
    asked, report, seconds = made
    verdict = report.verdict
    why = report.rounds[-1].why if failed and report.rounds else ()
    return Generation(
        command=asked.task,
        instruction=asked.instruction,
        model=report.answer.model,
        profile=report.answer.profile,
        node=node,
        task=report.answer.task,
        rounds=len(report.rounds),
        elapsed=seconds,
        verify=Verified(verdict.command, verdict.code, verdict.seconds) if verdict is not None else None,
        reason="; ".join(why),
        stats=_together([one.stats for one in report.rounds]),
    )


def _together(told: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """What all answers cost; what one of them does not tell is unknown of all."""
    found = {key: [stats.get(key) for stats in told] for key in _SUMS}
    numbers = {key: [value for value in values if isinstance(value, int | float)] for key, values in found.items()}
    return {key: sum(values) for key, values in numbers.items() if values and len(values) == len(told)}
