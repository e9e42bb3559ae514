"""`maw generate fix`: mend what a command, or its output, says is wrong."""

from __future__ import annotations

import sys

import click

from maw import errors
from maw.cli.generate import working
from maw.cli.generate.options import CodeOptions, common, from_stdin
from maw.cli.generate.progress import Progress
from maw.cli.generate.working import Place
from maw.cli.output import print_json, say
from maw.errors import FatalError
from maw.generate import tasks
from maw.generate.failing import examining
from maw.generate.failing.examining import Failure
from maw.generate.request import FIX, Json
from maw.text import one_line

_UNSAID = "say what fails: --verify CMD, --from FILE, or its output on standard input"


@click.command()
@common
def fix(*, options: CodeOptions) -> int:
    """Mend what fails: a command (--verify), or the output of one (--from, or standard input).

    The command is run first, in a copy of the working tree, and the places that its output names are looked up. With
    --verify, each proposal is tried with it, and what it says goes back to the model, for as many --tries as there are.
    PATHS are the files that may be changed; without them it is those that the output is about, tests only where they
    cannot even run or nothing else is named.

    \b
    Examples:
      maw generate fix --verify "pytest -x"
      maw generate fix --verify "cargo test" --tries 5 --apply
      pytest 2>&1 | maw generate fix
      maw generate fix --from traceback.txt src/cart.py

    Exit codes: 0 done, or nothing fails; 2 usage, 3 nothing came of it that can be taken, 4 node unreachable.
    """
    here = working.place(options)
    how = working.means(here, options)
    output = options.source or _piped(how.verify)
    if not output and not how.verify:
        raise FatalError("nothing says what is to be mended", hint=_UNSAID)
    if not output:
        verdict = working.as_it_is(here, how)
        if verdict.passed:
            return _nothing(how.verify, options)
        output = verdict.output or verdict.why
    failure = _examined(here, output)
    wanted = working.wanted(here, options, options.instruction)
    with working.gathering() as progress:
        question = tasks.mending(here.repo, here.config, failure, wanted, model=options.model, progress=progress)
    return working.carry_out(here, question, options, how, about=_about(failure))


def _about(failure: Failure) -> Json:
    return {"failure": {"said": one_line(failure.said), "places": [place._asdict() for place in failure.places]}}


def _piped(verify: str) -> str:
    """What somebody's command pipes into us; with --verify there is another way to know."""
    return "" if verify or sys.stdin.isatty() else from_stdin(otherwise=_UNSAID)


def _nothing(command: str, options: CodeOptions) -> int:
    say(f"maw: nothing to mend: `{one_line(command)}` passes")
    if options.as_json:
        print_json({"v": 1, "task": FIX, "failing": False, "applied": False, "diff": ""})
    return errors.PASS


def _examined(here: Place, output: str) -> Failure:
    with Progress() as progress:
        found = examining.examined(here.repo, output, progress.mapped)
    for line in found.told:
        say(f"maw: {one_line(line)}")
    return found
