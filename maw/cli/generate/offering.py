"""A proposal in front of a person or a script: shown, asked about, applied as far as it was accepted."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import NamedTuple

import click

from maw.cli.generate import choosing, diffs
from maw.cli.generate.options import CodeOptions
from maw.cli.output import say
from maw.edits import apply, hunks, propose
from maw.edits.apply import Applied
from maw.edits.propose import Proposal
from maw.errors import INCOMPLETE, FatalError
from maw.generate.rounds import Verdict
from maw.git.repo import Repo
from maw.text import count, one_line, printable

Verify = Callable[[Proposal], Verdict]


class Taken(NamedTuple):
    """`accepted` is what was applied: all of the proposal, some of its hunks, or None when it was refused. `asked`:
    whether anybody decided; a diff that was only printed may be applied by hand later."""

    accepted: Proposal | None
    asked: bool
    applied: Applied | None = None


class Unverified(FatalError):
    """What was chosen does not pass, though all of it did."""

    exit_code = INCOMPLETE


def offer(repo: Repo, proposal: Proposal, options: CodeOptions, verify: Verify | None) -> Taken:
    """Show the diff and apply what is wanted of it. Raises Conflict and FatalError with nothing changed."""
    if not options.as_json:
        _tell_loose(proposal)
    if options.apply:
        if not options.as_json:
            diffs.write(proposal.diff)
        return _applied(repo, proposal)
    if options.interactive:
        ids = choosing.chosen(hunks.choices(proposal.diff))
        return _some(repo, proposal, ids, verify)
    if not options.as_json:
        diffs.write(proposal.diff)
    if options.patch or options.as_json or not _somebody():
        return Taken(None, asked=False)
    return _asked(repo, proposal, verify)


def show(proposal: Proposal) -> None:
    """The diff of what cannot be had, for a person."""
    diffs.write(proposal.diff)


def _asked(repo: Repo, proposal: Proposal, verify: Verify | None) -> Taken:
    question = f"Apply it to {count(len(proposal.edits), 'file')}? (y: all, n: nothing, h: hunk by hunk)"
    key = click.prompt(question, type=click.Choice(["y", "n", "h"]), default="n", show_choices=False, err=True)
    if key == "h":
        return _some(repo, proposal, choosing.chosen(hunks.choices(proposal.diff)), verify)
    return _applied(repo, proposal) if key == "y" else Taken(None, asked=True)


def _some(repo: Repo, proposal: Proposal, ids: list[str], verify: Verify | None) -> Taken:
    """Apply the chosen hunks; a part of what passed may not pass, so it is tried again."""
    part = propose.accepted(proposal, ids)
    if part is None:
        return Taken(None, asked=True)
    if verify is not None and part.diff != proposal.diff:
        verdict = verify(part)
        if not verdict.passed:
            raise Unverified(
                f"the chosen part does not pass: {verdict.why}", hint="nothing was applied; choose all of it"
            )
    return _applied(repo, part)


def _applied(repo: Repo, proposal: Proposal) -> Taken:
    done = apply.apply(repo, proposal)
    if done.recovered is not None:
        say("maw: what an application that was cut off had done was put back first")
    return Taken(proposal, asked=True, applied=done)


def _tell_loose(proposal: Proposal) -> None:
    """What a person should look at twice."""
    for loose in proposal.loose:
        say(f"maw: {one_line(loose.path)}: not exactly where the model said ({loose.how}):")
        click.echo(printable(loose.difference).rstrip("\n"), err=True)


def _somebody() -> bool:
    """Whether there is a person who sees the diff and can answer."""
    return sys.stdin.isatty() and sys.stdout.isatty() and sys.stderr.isatty()
