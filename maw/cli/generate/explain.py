"""`maw generate explain`: what code does, in prose whose references were checked."""

from __future__ import annotations

import click

from maw import errors
from maw.cli.generate import working
from maw.cli.generate.options import CodeOptions, instruction_of, without_edits
from maw.cli.generate.progress import Progress
from maw.cli.generate.working import Place
from maw.cli.output import print_json, say, under_way
from maw.generate import explaining, generation, tasks
from maw.generate.ask import Answer
from maw.generate.explaining import Explanation
from maw.generate.generation import Means
from maw.generate.request import EXPLAIN, Asked


@click.command()
@without_edits
def explain(*, options: CodeOptions) -> int:
    """Explain code: files, a definition (PATH::NAME or --symbol), lines (PATH:3-9), or the answer to a question.

    Each place that the explanation names as PATH:LINE is looked up: a line that is off is mended where the text says
    which definition it means, and one that is not there is marked. Nothing is changed.

    \b
    Examples:
      maw generate explain src/cart.py
      maw generate explain src/cart.py::Cart.total
      maw generate explain src/cart.py:40-60 --instruction "why is the list copied?"
      maw generate explain --from traceback.txt --context src/cart.py

    Exit codes: 0 done, 2 usage, 3 no answer came, 4 node unreachable.
    """
    here = working.place(options)
    wanted = working.wanted(here, options, instruction_of(options, tasks.USUAL[EXPLAIN]))
    with working.gathering() as progress:
        question = tasks.explaining(here.repo, here.config, wanted, model=options.model, progress=progress)
    asked = question.asked
    how = working.means(here, options)
    if options.dry_run:
        return working.dry_run(here, asked, how)
    under_way(f"asking {how.node}")
    answer = _asked(here, asked, how)
    explanation = explaining.checked(here.repo, answer.text)
    _print(explanation, answer, as_json=options.as_json)
    return errors.PASS


def _asked(here: Place, asked: Asked, how: Means) -> Answer:
    with Progress() as progress:
        return generation.explained(here.repo, here.config, asked, how._replace(told=progress))


def _print(found: Explanation, answer: Answer, *, as_json: bool) -> None:
    if as_json:
        print_json({
            "v": 1,
            "task": EXPLAIN,
            "text": found.text,
            "cut": answer.cut,
            "references": [one._asdict() for one in found.references],
            "model": answer.model,
            "profile": answer.profile,
            "id": answer.task,
            "stats": answer.stats,
        })  # fmt: skip
        return
    click.echo(found.text)
    if answer.cut:
        say("maw: the answer was cut at its bound")
    if found.wrong:
        say(f"maw: {found.told}")
