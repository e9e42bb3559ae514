"""`maw generate`: what a node writes for you. One file a subcommand, imported when it runs."""

from __future__ import annotations

import importlib

import click

# `module:attribute` to import, and the line that `maw generate --help` shows.
SUBCOMMANDS = {
    "code": ("maw.cli.generate.code:code", "Write or change code."),
    "test": ("maw.cli.generate.test:test", "Write tests where the project has its tests."),
    "docs": ("maw.cli.generate.docs:docs", "Write docstrings and comments where they are missing."),
    "refactor": ("maw.cli.generate.refactor:refactor", "Make code simpler while it does the same."),
    "optimize": ("maw.cli.generate.optimize:optimize", "Make code faster while it does the same."),
    "fix": ("maw.cli.generate.fix:fix", "Mend what a command, or its output, says is wrong."),
    "explain": ("maw.cli.generate.explain:explain", "Explain code, with references that were checked."),
    "message": ("maw.cli.generate.message:message", "Write the commit message of a change."),
    "pr": ("maw.cli.generate.pr:pr", "Describe a branch for its reviewers."),
    "changelog": ("maw.cli.generate.changelog:changelog", "Write what users notice into the change log."),
}


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

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] == "undo":
            raise click.UsageError(
                "No such command: 'undo'. `maw generate --undo` takes the last application back.", ctx
            )
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in SUBCOMMANDS.items()])


@click.group(cls=Subcommands, invoke_without_command=True)
@click.option("--undo", is_flag=True, help="Take the last application in this working tree back.")
@click.option("--dry-run", is_flag=True, help="With --undo: show what it would change.")
@click.option("--json", "as_json", is_flag=True, help="With --undo: print one JSON object.")
@click.pass_context
def generate(context: click.Context, *, undo: bool, dry_run: bool, as_json: bool) -> int | None:
    """Have a node write something for you.

    What it writes is shown as a diff, and applied when you say so. Nothing but the files that you name is touched.

    \b
    Examples:
      maw generate code "retry twice when the connection breaks" src/client.py
      maw generate fix --verify "pytest -x"
      maw generate test src/cart.py::Cart.total
      maw generate explain src/cart.py:40-60
      maw generate message             the message of what is staged
      maw generate pr main..topic      what a branch does, for its reviewers
      maw generate changelog --apply   what changed since the last tag, into CHANGELOG.md
      maw generate --undo              take the last application back
    """
    if context.invoked_subcommand is not None:
        if undo or dry_run or as_json:
            raise click.UsageError("--undo stands alone; other options come after the subcommand.")
        return None
    if not undo:
        click.echo(context.get_help())
        return None
    from maw.cli.generate.undoing import undo as take_back

    return take_back(dry_run=dry_run, as_json=as_json)
