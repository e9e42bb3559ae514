"""What was accepted of a generation, brought into the working tree, and taken back. No widgets here."""

from __future__ import annotations

from collections.abc import Callable

from maw.config.load import Config
from maw.edits import apply, propose
from maw.edits.apply import Applied
from maw.edits.verify import never
from maw.errors import FatalError
from maw.generate import generation
from maw.generate.memory import keeping
from maw.generate.memory.keeping import Made, Said
from maw.git.repo import Repo
from maw_tui.screens.generate.writing import means


def put(
    repo: Repo, config: Config, made: Made, ids: list[str], said: Said, *, stopped: Callable[[], bool] = never
) -> Applied:
    """Apply the hunks with these ids, and remember it. A part of what passed is tried again first. Raises Stopped and
    FatalError, with nothing changed."""
    proposal = made.report.proposal
    part = propose.accepted(proposal, ids) if proposal is not None else None
    if proposal is None or part is None:
        raise FatalError("no hunk is chosen: space chooses, `a` takes all")
    how = means(config, stopped=stopped)
    if how.verify and part.diff != proposal.diff:
        verdict = generation.verified(repo, how, part)
        if not verdict.passed:
            raise FatalError(f"the chosen part does not pass: {verdict.why}", hint="nothing was applied")
    done = apply.apply(repo, part)
    keeping.keep(repo, config, made, offered=proposal.diff, accepted=part.diff, said=said)
    return done


def reject(repo: Repo, config: Config, made: Made, said: Said) -> None:
    """Remember that nothing of it was wanted."""
    if made.report.proposal is not None:
        keeping.keep(repo, config, made, offered=made.report.proposal.diff, accepted=b"", said=said)


def take_back(repo: Repo, said: Said) -> Applied:
    """Undo the last application. Raises FatalError with nothing changed."""
    done = apply.undo(repo)
    keeping.taken_back(repo, done.paths, said)
    return done
