"""Keep what was generated, and what a person at the command line made of it."""

from __future__ import annotations

from maw.cli.generate.offering import Taken
from maw.cli.output import say
from maw.config.load import Config
from maw.edits.propose import Proposal
from maw.generate.memory import keeping
from maw.generate.memory.keeping import Made
from maw.generate.memory.remember import Generation
from maw.git.repo import Repo


def keep(repo: Repo, config: Config, made: Made, taken: Taken | None) -> None:
    """`taken` is None where there was nothing to take."""
    proposal = made.report.proposal
    offered = proposal.diff if taken is not None and proposal is not None else b""
    keeping.keep(repo, config, made, offered=offered, accepted=_accepted(taken), said=_said)


def put(repo: Repo, config: Config, about: Generation, offered: Proposal | None, taken: Taken | None) -> None:
    """`offered` is None where nothing could be."""
    diff = offered.diff if offered is not None else b""
    keeping.put(repo, config, about, offered=diff, accepted=_accepted(taken), said=_said)


def taken_back(repo: Repo, paths: tuple[str, ...]) -> None:
    """The last application was undone."""
    keeping.taken_back(repo, paths, _said)


def _accepted(taken: Taken | None) -> bytes | None:
    """The diff that was applied; empty when a person refused, None when nobody was asked."""
    if taken is None or not taken.asked:
        return None
    return taken.accepted.diff if taken.accepted is not None else b""


def _said(text: str) -> None:
    say(f"maw: {text}")
