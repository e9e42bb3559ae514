"""The entry point of `maw` and `git-maw`. Commands are listed here and imported only when they are run, so that
`maw --help` stays fast; tests check that this table tells the truth."""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, NamedTuple

import click

from maw import __version__
from maw.cli.failure import run

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


class Entry(NamedTuple):
    """A command: `module:attribute` to import, and the line that `maw --help` shows for it."""

    target: str
    help: str
    section: str


COMMANDS: dict[str, Entry] = {
    "init": Entry("maw.cli.init:init", "Set maw up in this repository and for you.", "Start"),
    "doctor": Entry("maw.cli.doctor:doctor", "Check everything, and say how to mend what is wrong.", "Start"),
    "uninstall": Entry("maw.cli.uninstall:uninstall", "Take back what `maw init` did.", "Start"),
    "review": Entry("maw.cli.review:review", "Review staged changes, a commit, a range or a patch.", "Work"),
    "history": Entry("maw.cli.history:history", "List what is recorded on commits, the newest record first.", "Work"),
    "findings": Entry("maw.cli.findings:findings", "List what reviews found, and what was said of it.", "Work"),
    "stats": Entry("maw.cli.stats:stats", "Tell what was reviewed, found, accepted and spent.", "Work"),
    "show": Entry("maw.cli.show:show", "Show what is recorded on COMMIT (default: HEAD).", "Work"),
    "dismiss": Entry("maw.cli.feedback:dismiss", "Say that findings are wrong, by their ids.", "Work"),
    "accept": Entry("maw.cli.feedback:accept", "Say that findings are right, by their ids.", "Work"),
    "defer": Entry("maw.cli.feedback:defer", "Mark findings for later, by their ids.", "Work"),
    "fix": Entry("maw.cli.fix:fix", "Apply findings' replacements to the files, by their ids.", "Work"),
    "undo": Entry("maw.cli.feedback:undo", "Take back the last thing you said about a finding.", "Work"),
    "generate": Entry("maw.cli.generate:generate", "Have a node write something for you.", "Work"),
    "map": Entry("maw.cli.map:map_", "Map what the repository defines, within a budget of tokens.", "Work"),
    "outbox": Entry("maw.cli.outbox:outbox_group", "List, send and drop reviews that wait for their node.", "Work"),
    "sync": Entry("maw.cli.sync:sync", "Exchange notes with REMOTE (default: origin).", "Work"),
    "tui": Entry("maw.cli.tui:tui", "Watch the queue, walk the history and settle findings.", "Work"),
    "queue": Entry("maw.cli.queue:queue", "Watch and steer the node's tasks.", "Node"),
    "status": Entry("maw.cli.status:status", "Tell what the node does right now.", "Node"),
    "model": Entry("maw.cli.model:model", "List, choose, pull, import and remove the node's models.", "Node"),
    "proxy": Entry("maw.cli.proxy:proxy", "Offer the node's models to your editor.", "Node"),
    "node": Entry("maw.cli.node:node", "Add, test and remove nodes.", "Node"),
    "connect": Entry("maw.cli.connect:connect", "Connect to NODE, answering what it asks.", "Node"),
    "hooks": Entry("maw.cli.hooks:hooks", "Install, remove and inspect the git hooks.", "Setup"),
    "config": Entry("maw.cli.config:config", "Read and change settings.", "Setup"),
    "help": Entry("maw.cli.help:help_", "Print the help of a command.", "Setup"),
    "docs": Entry("maw.cli.docs:docs", "Read maw's documentation.", "Setup"),
    "completion": Entry("maw.cli.completion:completion", "Print a completion script for your shell.", "Setup"),
}


class Commands(click.Group):
    """A group that knows its commands' names and help lines without importing them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return None
        module, _, attribute = entry.target.partition(":")
        command = getattr(importlib.import_module(module), attribute)
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            from difflib import get_close_matches

            close = get_close_matches(args[0], COMMANDS, n=1)
            hint = f" Did you mean `maw {close[0]}`?" if close else " See `maw --help`."
            raise click.UsageError(f"No such command: {args[0]!r}.{hint}", ctx)
        return super().resolve_command(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Command names from the table: click's own way would import every command for its help line."""
        from click.shell_completion import CompletionItem

        names = [
            CompletionItem(name, help=entry.help) for name, entry in COMMANDS.items() if name.startswith(incomplete)
        ]
        return names + click.Command.shell_complete(self, ctx, incomplete)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for section in dict.fromkeys(entry.section for entry in COMMANDS.values()):
            with formatter.section(section):
                formatter.write_dl([(name, entry.help) for name, entry in COMMANDS.items() if entry.section == section])


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 pass or warn · 1 block · 2 usage · 3 incomplete · 4 node unreachable · 70 defect · 130 ^C.",
)
@click.version_option(__version__, "--version", "-V", prog_name="maw", message="%(prog)s %(version)s")
def maw() -> None:
    """AI review by your own machines: the laptop commits, the strong machine thinks, git notes remember.

    \b
    Start here:
      maw init                 set maw up in a repository
      git commit               the hook reviews what you commit
      maw review --staged      review without committing
      maw history              what was found, and where
    """


def main() -> None:
    """Run `maw` and exit with its code."""
    sys.exit(run(maw, sys.argv[1:]))
