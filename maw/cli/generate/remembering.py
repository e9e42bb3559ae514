"""Keep what was generated and what became of it (maw.generate.remember). Where that cannot be done the rest still
counts: it is told, and that is all."""

from __future__ import annotations

from maw.cli.generate.offering import Taken
from maw.cli.output import say
from maw.config.load import Config
from maw.edits.propose import Proposal
from maw.errors import FatalError
from maw.generate import generation, remember
from maw.generate.remember import Generation, Verified
from maw.generate.request import Asked
from maw.generate.rounds import Report
from maw.git.repo import Repo
from maw.text import one_line


def keep(repo: Repo, config: Config, asked: Asked, report: Report, taken: Taken | None, *, seconds: float) -> None:
    """`taken` is None where there was nothing to take."""
    about = _about(asked, report, taken, str(config.values["node"]), seconds)
    put(repo, config, about, report.proposal if taken is not None else None, taken)


def put(repo: Repo, config: Config, about: Generation, offered: Proposal | None, taken: Taken | None) -> None:
    """`offered` is None where nothing could be."""
    diff = offered.diff if offered is not None else b""
    try:
        remember.remember(repo, about, offered=diff, accepted=_accepted(taken), redact=generation.redactor(config))
    except (OSError, FatalError, ValueError) as exc:
        say(f"maw: this is not remembered: {one_line(str(exc))}")


def taken_back(repo: Repo, paths: tuple[str, ...]) -> None:
    """The last application was undone."""
    try:
        remember.taken_back(repo, paths)
    except (OSError, FatalError) as exc:
        say(f"maw: this is not remembered: {one_line(str(exc))}")


def _accepted(taken: Taken | None) -> bytes | None:
    """The diff that was applied; empty when a person refused, None when nobody was asked."""
    if taken is None or not taken.asked:
        return None
    return taken.accepted.diff if taken.accepted is not None else b""


def _about(asked: Asked, report: Report, taken: Taken | None, node: str, seconds: float) -> Generation:
    verdict = report.verdict
    why = report.rounds[-1].why if taken is None and report.rounds else ()
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
    )
