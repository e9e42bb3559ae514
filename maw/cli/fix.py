"""`maw fix`: apply a finding's replacement."""

from __future__ import annotations

import click

from maw import errors
from maw.cli import completing
from maw.cli.feedback import delivered, found, told
from maw.cli.output import print_json, printable, say
from maw.cli.place import needed_repository
from maw.memory import feedback
from maw.memory.dismissals import FIXED
from maw.review import fixing


@click.command(
    epilog="""\b
Examples:
  maw fix 3fa2b81c --dry-run      what it would change
  maw fix 3fa2b81c 91bd
  maw fix 3fa2b81c && git add -u && git commit
"""
)
@click.argument("ids", nargs=-1, required=True, metavar="ID…", shell_complete=completing.findings)
@click.option("--dry-run", is_flag=True, help="Show the patch; change nothing.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a finding.")
def fix(ids: tuple[str, ...], dry_run: bool, as_json: bool) -> int:
    """Apply findings' replacements to the files, by their ids.

    The patch is shown. It is applied only where the lines are still the same, wherever they stand now. The rest of
    the file, what is not staged of it too, stays as it is, and nothing is staged.
    """
    repo = needed_repository()
    for place in found(repo, ids):
        ready = fixing.prepare(repo, place)
        if not dry_run:
            ready.write()
        if as_json:
            print_json({"v": 1, "finding": place.finding.id, "path": place.finding.path, "applied": not dry_run,
                        "patch": ready.patch})  # fmt: skip
        else:
            click.echo(printable(ready.patch).rstrip("\n"))
        if not dry_run:
            data = feedback.say(repo, place, FIXED, "")
            if not as_json:
                told(place, data, as_json=False)
    if dry_run:
        say("maw: nothing was changed")
    else:
        delivered(repo)
    return errors.PASS
