"""`maw help`: the same as --help, by the words that people type first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from maw import errors

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


def _commands(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    root = ctx.find_root()
    return root.command.shell_complete(root, incomplete)


@click.command("help")
@click.argument("words", nargs=-1, metavar="[COMMAND…]", shell_complete=_commands)
@click.pass_context
def help_(ctx: click.Context, words: tuple[str, ...]) -> int:
    """Print the help of a command.

    \b
    Examples:
      maw help
      maw help generate fix     the same as `maw generate fix --help`
    """
    context = ctx.find_root()
    for word in words:
        context = _inner(context, word)
    click.echo(context.get_help())
    return errors.PASS


def _inner(context: click.Context, word: str) -> click.Context:
    """The context of a subcommand. Raises UsageError where there is none of that name."""
    if not isinstance(context.command, click.Group):
        raise click.UsageError(f"`{context.command_path}` has no subcommands.", context)
    name, command, _ = context.command.resolve_command(context, [word])
    assert command is not None
    return click.Context(command, info_name=name, parent=context)
