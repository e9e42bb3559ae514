"""`maw fix`: apply a finding's replacement."""

from __future__ import annotations

import os
import stat

import click

from maw import errors, files
from maw.change import raw_path
from maw.cli.feedback import delivered, found, told
from maw.cli.output import print_json, printable, say
from maw.cli.place import needed_repository
from maw.errors import FatalError
from maw.git.repo import Repo
from maw.memory import feedback
from maw.memory.dismissals import FIXED
from maw.memory.feedback import Place
from maw.review.replacement import CannotApply, applied, patch
from maw.review.sifting import file_in
from maw.text import one_line

SIZE_MAX = 64 * 1024 * 1024  # bytes


@click.command(
    epilog="""\b
Examples:
  maw fix 3fa2b81c --dry-run      what it would change
  maw fix 3fa2b81c 91bd
  maw fix 3fa2b81c && git add -u && git commit
"""
)
@click.argument("ids", nargs=-1, required=True, metavar="ID…")
@click.option("--dry-run", is_flag=True, help="Show the patch; change nothing.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a finding.")
def fix(ids: tuple[str, ...], dry_run: bool, as_json: bool) -> int:
    """Apply findings' replacements to the files, by their ids.

    The patch is shown. It is applied only where the lines are still the same, wherever they stand now. The rest of
    the file, what is not staged of it too, stays as it is, and nothing is staged.
    """
    repo = needed_repository()
    for place in found(repo, ids):
        path, before = _present(repo, place)
        after = applied(place.finding, _reviewed(repo, place), before)
        shown = patch(place.finding.path, before, after)
        if not dry_run:
            _write(path, before, after)
        if as_json:
            print_json({"v": 1, "finding": place.finding.id, "path": place.finding.path, "applied": not dry_run,
                        "patch": shown})  # fmt: skip
        else:
            click.echo(printable(shown).rstrip("\n"))
        if not dry_run:
            data = feedback.say(repo, place, FIXED, "")
            if not as_json:
                told(place, data, as_json=False)
    if dry_run:
        say("maw: nothing was changed")
    else:
        delivered(repo)
    return errors.PASS


def _reviewed(repo: Repo, place: Place) -> bytes:
    content = file_in(repo, place.tree, place.finding.path) if place.tree is not None else None
    if content is None:
        raise CannotApply(f"what {place.finding.id} was found in is gone from the repository")
    return content


def _present(repo: Repo, place: Place) -> tuple[str, bytes]:
    """The file in the work tree, and what it holds. Raises CannotApply for anything but a plain file inside of it."""
    if repo.worktree is None:
        raise FatalError("there is no work tree here", hint="change to one")
    shown = one_line(place.finding.path)
    try:
        name = os.fsdecode(raw_path(place.finding.path))
    except ValueError as exc:
        raise CannotApply(f"{shown} is no path") from exc
    path = os.path.join(repo.worktree, name)
    top = os.path.realpath(repo.worktree)
    folder = os.path.realpath(os.path.dirname(path))
    if os.path.commonpath([top, folder]) != top or os.path.isabs(name) or ".git" in name.split("/"):
        raise CannotApply(f"{shown} is not in the work tree")
    try:
        content = files.read_bounded(path, limit=SIZE_MAX)
    except OSError as exc:
        raise CannotApply(f"{shown} cannot be changed: {exc.strerror}") from exc
    if content is None:
        raise CannotApply(f"{shown} is not in the work tree", hint="was it renamed or deleted?")
    return path, content


def _write(path: str, before: bytes, after: bytes) -> None:
    """Replace the file, which keeps its mode, unless somebody changed it this moment."""
    if files.read_optional(path) != before:
        raise CannotApply(f"{path} was changed meanwhile, so nothing was done")
    mode = stat.S_IMODE(os.stat(path).st_mode)
    files.write_atomic(path, after, mode=mode)
    os.chmod(path, mode)  # whatever the umask took away
