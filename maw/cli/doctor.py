"""`maw doctor`: check everything, and say how to mend what is wrong."""

from __future__ import annotations

from collections.abc import Iterator

import click

from maw import errors
from maw.checks import machine, node, settings
from maw.checks import repository as repository_checks
from maw.checks.check import Check, fail
from maw.cli import completing
from maw.cli.output import console, print_json, printable
from maw.cli.place import needed_repository, repository
from maw.errors import FatalError
from maw.git.run import RepositoryRefused

_STYLES = {"ok": "green", "warn": "yellow", "fail": "bold red"}


@click.command()
@click.option(
    "--node",
    "node_name",
    metavar="NAME",
    shell_complete=completing.nodes,
    help="Check this node only, instead of all that are configured.",
)
@click.option("--offline", is_flag=True, help="Leave the nodes out.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def doctor(node_name: str | None, offline: bool, as_json: bool) -> int:
    """Check everything, and say how to mend what is wrong.

    This machine, your settings, the repository you are in, and each node: a line for each, and below what is wrong
    what to do. Exit code 1 when something fails.

    \b
    Examples:
      maw doctor
      maw doctor --node pro
      maw doctor --json | jq '.checks[] | select(.state != "ok")'
    """
    return diagnose(node_name=node_name, offline=offline, as_json=as_json)


def diagnose(*, node_name: str | None, offline: bool, as_json: bool) -> int:
    """Run the checks, printing each as it is done; 1 when one fails."""
    done = []
    for check in _all(node_name, offline):
        done.append(check)
        if not as_json:
            _print(check)
    if as_json:
        print_json({"v": 1, "ok": not _failed(done), "checks": [check._asdict() for check in done]})
    return errors.BLOCK if _failed(done) else errors.PASS


def _all(node_name: str | None, offline: bool) -> Iterator[Check]:
    yield from machine.checks()
    repo = repository()
    worktree = repo.worktree if repo else None
    yield from settings.checks(worktree)
    if repo is None:
        yield from _refused()
    else:
        yield from repository_checks.checks(repo)
    if not offline:
        yield from node.checks(settings.in_force(worktree), node_name)


def _refused() -> Iterator[Check]:
    """A repository that git itself does not open; nothing is to be told outside of one."""
    try:
        needed_repository()
    except RepositoryRefused as exc:
        yield fail("repository", exc.message, exc.hint or "")
    except FatalError:
        return


def _failed(checks: list[Check]) -> bool:
    return any(check.state == "fail" for check in checks)


def _print(check: Check) -> None:
    from rich.text import Text

    out = console()
    state = (f"{check.state:<5}", _STYLES.get(check.state, ""))
    out.print(Text.assemble(state, printable(f" {check.what:<23} {check.found}")))
    if check.mend:
        out.print(printable(f"      → {check.mend}"))
