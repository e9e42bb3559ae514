"""`maw hooks install | uninstall | status`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from maw import errors, paths
from maw.cli.output import console, print_json, say
from maw.cli.place import needed_repository
from maw.setup import stubs

if TYPE_CHECKING:
    from maw.setup.stubs import Change

_WIDE = len("prepare-commit-msg")


@click.group()
def hooks() -> None:
    """Install, remove and inspect the git hooks.

    \b
    Examples:
      maw hooks install        review at every `git commit` in this repository
      maw hooks status         are they there, and does what they start still exist?
      maw hooks uninstall      remove them and put back what was there before
    """


@hooks.command("install")
@click.option("--json", "as_json", is_flag=True, help="Print what was done as JSON.")
def install_command(as_json: bool) -> int:
    """Install maw's pre-commit and post-commit hooks.

    A hook that is there already is kept as NAME.maw-saved and still runs, first. Doing it again changes nothing;
    after an upgrade of Python it renews the path of the interpreter.
    """
    repo = needed_repository()
    _tell(stubs.install(repo), as_json)
    for warning in stubs.warnings(repo):
        say(f"maw: warning: {warning}")
    if not os.path.exists(paths.config_file()) and not paths.config_is_named():
        say(f"maw: there is no {paths.config_file()} yet, so the hooks review nothing; `maw init` makes it")
    return errors.PASS


@hooks.command("uninstall")
@click.option("--json", "as_json", is_flag=True, help="Print what was done as JSON.")
def uninstall_command(as_json: bool) -> int:
    """Remove maw's hooks and put back those that were there before."""
    changes = stubs.uninstall(needed_repository())
    if not changes and not as_json:
        say("maw: there are no hooks of maw here")
    _tell(changes, as_json)
    return errors.PASS


@hooks.command("status")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def status_command(as_json: bool) -> int:
    """Tell for each hook whether it is installed and works. Exits 1 when one does not.

    States: installed, outdated (made for another Python), broken (its Python is gone), foreign (another program's
    hook, without maw) and missing.
    """
    states = stubs.status(needed_repository())
    if as_json:
        print_json({"v": 1, "hooks": [state._asdict() for state in states]})
    else:
        out = console()
        for state in states:
            out.print(_described(state.hook, state.state, state.path, state.note))
            if state.saved:
                out.print(f"{'':13}runs first: {state.saved}")
    return errors.PASS if all(state.state == "installed" for state in states) else errors.BLOCK


def _tell(changes: list[Change], as_json: bool) -> None:
    if as_json:
        print_json({"v": 1, "changes": [change._asdict() for change in changes]})
        return
    out = console()
    for change in changes:
        out.print(_described(change.hook, change.action, change.path, change.note))


def _described(hook: str, word: str, path: str, note: str) -> str:
    return f"{hook:{_WIDE}} {word}  {path}" + (f"\n{'':{_WIDE + 1}}{note}" if note else "")
