"""The options that all subcommands of `maw generate` have which write code, and what they say."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, cast

import click

from maw.cli import completing
from maw.errors import FatalError
from maw.generate import files, tasks

_STDIN = "-"


class CodeOptions(NamedTuple):
    """What the command line asked for. Paths are as they were typed; `instruction` and `source` (--from) are texts;
    `verify` and `tries` are None where the settings say."""

    paths: tuple[str, ...] = ()
    instruction: str = ""
    symbol: str | None = None
    context: tuple[str, ...] = ()
    source: str = ""
    apply: bool = False
    patch: bool = False
    interactive: bool = False
    verify: str | None = None
    tries: int | None = None
    model: str = ""
    as_json: bool = False
    dry_run: bool = False
    node: str | None = None
    fresh: bool = False


Command = Callable[..., int]

_Option = Callable[[Command], Command]
_ABOUT: tuple[_Option, ...] = (
    click.argument("paths", nargs=-1, metavar="[PATHS…]", shell_complete=completing.paths),
    click.option("--symbol", metavar="NAME", help="The definition that it is about (NAME or CLASS.NAME)."),
    click.option("--instruction", metavar="TEXT", help="What is to be done; `-` reads it from standard input."),
    click.option(
        "--context", multiple=True, metavar="PATH", shell_complete=completing.paths,
        help="A file to be read along, which stays as it is.",
    ),
    click.option(
        "--from", "source", metavar="FILE", shell_complete=completing.paths,
        help="A text to go along, such as an issue; `-`: standard input.",
    ),
)  # fmt: skip
_EDITS: tuple[_Option, ...] = (
    click.option("--apply", is_flag=True, help="Apply without asking."),
    click.option("--patch", is_flag=True, help="Print the diff alone, for `git apply`; change nothing."),
    click.option("--interactive", "-i", is_flag=True, help="Choose hunk by hunk what is applied."),
    click.option("--verify", metavar="CMD", help="A shell command that must pass with the change; it runs in a copy."),
    click.option("--tries", type=click.IntRange(1, 20), metavar="N", help="Proposals that are tried with it at most."),
)  # fmt: skip
# How it is asked: of each subcommand, whatever it writes.
HOW: tuple[_Option, ...] = (
    click.option("--node", metavar="NAME", shell_complete=completing.nodes, help="The node that does it."),
    click.option("--fresh", is_flag=True, help="Write again, even where the answer is known."),
    click.option("--json", "as_json", is_flag=True, help="Print one JSON object (`maw docs generate` tells its keys)."),
    click.option("--dry-run", is_flag=True, help="Print what would be sent, and send nothing."),
)  # fmt: skip


def model_option(role: str) -> _Option:
    return click.option(
        "--model",
        default="",
        metavar="NAME",
        shell_complete=completing.models,
        help=f"Another model of the node than its {role}.",
    )


def common(command: Command) -> Command:
    """Give a command the options, as one record: `command(options=…, …)` with what it has of its own beside."""
    return _with(command, (*_ABOUT, *_EDITS, model_option("Generator"), *HOW))


def without_edits(command: Command) -> Command:
    """The same for a command that changes nothing: there are no options for what it does not do."""
    return _with(command, (*_ABOUT, model_option("Generator"), *HOW))


def _with(command: Command, options: Sequence[_Option]) -> Command:
    return bundled(command, options, CodeOptions._fields, lambda given: checked(CodeOptions(**given)))


def bundled(
    command: Command,
    options: Sequence[_Option],
    names: Sequence[str],
    record: Callable[[dict[str, Any]], object],
) -> Command:
    """A command with these options, of which `record` makes one record by their `names`."""

    @functools.wraps(command)
    def run(**given: Any) -> int:
        bundle = {name: given.pop(name) for name in list(given) if name in names}
        return command(options=record(bundle), **given)

    return functools.reduce(lambda made, option: option(made), reversed(options), cast(Command, run))


def checked(options: CodeOptions) -> CodeOptions:
    """The same with the texts that were to be read. Raises UsageError for what cannot go together."""
    ways = [name for name, on in _ways(options).items() if on]
    if len(ways) > 1:
        raise click.UsageError(f"{' and '.join(ways)} exclude each other.")
    instruction, source = options.instruction or "", options.source or ""
    if instruction == source == _STDIN:
        raise click.UsageError("Standard input can be read once: --instruction - or --from -.")
    return options._replace(
        instruction=typed(instruction),
        source=from_stdin() if source == _STDIN else files.source(source) if source else "",
    )


def _ways(options: CodeOptions) -> dict[str, bool]:
    return {"--apply": options.apply, "--patch": options.patch, "--interactive": options.interactive}


def typed(text: str) -> str:
    """A text of the command line; `-` is what comes on standard input."""
    return from_stdin() if text == _STDIN else text


def from_stdin(*, otherwise: str | None = None) -> str:
    """What comes on standard input. Raises FatalError where that is nothing; `otherwise`: another way to say it."""
    if sys.stdin.isatty():
        click.echo("maw: reading from the terminal; Ctrl-D ends it", err=True)
    text = sys.stdin.buffer.read(files.SOURCE_MAX + 1).decode("utf-8", "replace")
    if not text.strip():
        raise FatalError("standard input is empty", hint=otherwise)
    return text


def instruction_of(options: CodeOptions, otherwise: str = "") -> str:
    """What is asked for: the instruction, and the text that goes along. Raises UsageError when there is none."""
    text = words_of(options, otherwise)
    if not text:
        raise click.UsageError("Say what is to be done: TEXT, --instruction TEXT or --from FILE.")
    return text


def words_of(options: CodeOptions, otherwise: str = "") -> str:
    """The same where nothing need be said."""
    return tasks.words(options.instruction, options.source, otherwise)
