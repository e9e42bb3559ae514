"""`maw generate`: what a node writes for you. One file a subcommand, imported when it runs."""

from __future__ import annotations

import importlib

import click

# `module:attribute` to import, and the line that `maw generate --help` shows.
SUBCOMMANDS = {"message": ("maw.cli.generate.message:message", "Write the commit message of a change.")}


class Subcommands(click.Group):
    """A group that knows its commands' names and help lines without importing them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(SUBCOMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in SUBCOMMANDS:
            return None
        module, _, attribute = SUBCOMMANDS[cmd_name][0].partition(":")
        command = getattr(importlib.import_module(module), attribute)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in SUBCOMMANDS.items()])


@click.group(cls=Subcommands)
def generate() -> None:
    """Have a node write something for you.

    \b
    Examples:
      maw generate message             the message of what is staged
      maw generate message --amend     a better message for the last commit
    """
