"""`maw generate test`: tests where the project has its tests, in the framework that it uses."""

from __future__ import annotations

import click

from maw.cli import completing
from maw.cli.generate import working
from maw.cli.generate.options import CodeOptions, common, words_of
from maw.cli.generate.progress import Progress
from maw.cli.generate.working import Place
from maw.cli.output import say
from maw.generate import tasks
from maw.generate.request import Json
from maw.generate.testing import planning
from maw.generate.testing.frameworks import FRAMEWORKS
from maw.generate.testing.planning import Plan
from maw.git.files import in_repository
from maw.text import one_line


@click.command()
@common
@click.option(
    "--framework", type=click.Choice([one.name for one in FRAMEWORKS], case_sensitive=False), metavar="NAME",
    help="Another framework than the one that is found.",
)  # fmt: skip
@click.option(
    "--into",
    metavar="PATH",
    shell_complete=completing.paths,
    help="Another file for the tests than the one that is found.",
)
def test(*, options: CodeOptions, framework: str | None, into: str | None) -> int:
    """Write tests for a file, or a definition in it (PATH::NAME or --symbol).

    Framework and place are found in the project, not assumed: what its tests are written for, and where it has them.
    Nothing but that file of tests is changed, and no test that is there is taken away. Nothing is run unless you say
    so with --verify.

    \b
    Examples:
      maw generate test src/cart.py
      maw generate test src/cart.py::Cart.total --verify "pytest -q tests" --tries 3
      maw generate test src/sum.ts --instruction "empty lists, and prices that are no numbers"
      maw generate test src/cart.c --framework cmocka --into tests/test_cart.c

    Exit codes: 0 done, 2 usage, 3 nothing came of it that can be taken, 4 node unreachable.
    """
    if len(options.paths) != 1:
        raise click.UsageError("Name one file to be tested: PATH or PATH::NAME.")
    here = working.place(options)
    wanted = working.wanted(here, options, words_of(options))
    how = working.means(here, options)
    place = in_repository(here.repo, into) if into else ""
    plan = _planned(here, wanted.edit[0], wanted.symbol, framework or "", place)
    if not how.verify:
        say(f"maw: `{one_line(plan.command)}` would run them; --verify does, before they are shown")
    with working.gathering() as progress:
        question = tasks.testing(here.repo, here.config, plan, wanted, model=options.model, progress=progress)
    return working.carry_out(here, question, options, how, about=_about(plan))


def _about(plan: Plan) -> Json:
    where = plan.destination
    found = {"framework": plan.framework.name, "path": where.path, "new": not where.exists, "command": plan.command}
    return {"tests": found}


def _planned(here: Place, path: str, symbol: str | None, framework: str, into: str) -> Plan:
    """What is found in the project, told to the person who waits."""
    with Progress() as progress:
        plan = planning.plan(here.repo, path, symbol, framework=framework, into=into, progress=progress.mapped)
    say(f"maw: {one_line(plan.told)}")
    return plan
