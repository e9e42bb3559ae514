"""What the subcommands of `maw generate` that write about commits have in common: they send one task, and tell how it
goes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import click

from maw import asking
from maw.asking import Answered
from maw.cli.generate.options import HOW, Command, bundled, model_option, typed
from maw.cli.generate.progress import Progress
from maw.cli.output import print_json, under_way
from maw.cli.records import deliver, fresh_index
from maw.config.load import Config
from maw.errors import FatalError
from maw.git.repo import Repo
from maw.memory.index import Index

TEXT_MAX = 8000  # characters of an instruction

Json = dict[str, Any]


class TextOptions(NamedTuple):
    """What the command line asked for; `model`: another than the node's Manager."""

    instruction: str = ""
    model: str = ""
    node: str | None = None
    fresh: bool = False
    as_json: bool = False
    dry_run: bool = False


_COMMON: tuple[Callable[[Command], Command], ...] = (
    click.option("--instruction", default="", metavar="TEXT", help="What to mind; `-` reads it from standard input."),
    model_option("Manager"),
    *HOW,
)


def common(command: Command) -> Command:
    """Give a command the options, as one record: `command(options=…, …)` with what it has of its own beside."""
    return bundled(command, _COMMON, TextOptions._fields, lambda given: _read(TextOptions(**given)))


def _read(options: TextOptions) -> TextOptions:
    instruction = typed(options.instruction)
    if len(instruction) > TEXT_MAX:
        raise FatalError(f"the instruction has more than {TEXT_MAX:,} characters")
    return options._replace(instruction=instruction.strip())


@contextmanager
def memory(repo: Repo) -> Iterator[Index]:
    """The index of what is noted here, brought up to date. Raises FatalError where it cannot be used."""
    deliver(repo)
    with fresh_index(repo) as index:
        yield index


def send(
    config: Config, kind: str, payload: Json, options: TextOptions, *, deadline: float | None = None
) -> Answered | None:
    """The node's answer; None after a dry run, which printed the payload. `deadline` in seconds from now. Raises
    NoAnswer, NodeError and ApiError; a KeyboardInterrupt cancels the task."""
    node: str = config.values["node"]
    if options.dry_run:
        print_json({"v": 1, "sent": False, "node": node, "payload": payload})
        return None
    task: Json = {"v": 1, "kind": kind, "payload": payload, "priority": "interactive"}
    task |= {"fresh": True} if options.fresh else {}
    task |= {"deadline": round(deadline, 3)} if deadline is not None else {}
    until = None if deadline is None else time.monotonic() + deadline
    under_way(f"asking {node}")
    with Progress() as progress:
        return asking.ask(node, task, deadline=until, told=progress)
