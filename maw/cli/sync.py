"""`maw sync`: exchange the project's memory with a remote."""

from __future__ import annotations

import sys

import click

from maw import errors
from maw.attendant import client
from maw.cli import completing
from maw.cli.output import print_json, say
from maw.cli.place import needed_repository
from maw.cli.records import deliver
from maw.config.load import load
from maw.git import remote as remotes
from maw.memory import sync as notes
from maw.memory.sync import Kind
from maw.text import count


@click.command(
    epilog="""\b
Examples:
  maw sync                       with origin
  maw sync backup --no-push      only take in what is there
  maw sync --json | jq '.kinds[] | select(.taken > 0)'
"""
)
@click.argument("remote", required=False, shell_complete=completing.remotes)
@click.option("--no-push", is_flag=True, help="Take in what the remote has; push nothing.")
@click.option("--timeout", type=float, metavar="SECONDS", help="Instead of sync.timeout.")
@click.option("--quiet", "-q", is_flag=True, help="Say only what went wrong, and ask for no password.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def sync(remote: str | None, no_push: bool, timeout: float | None, quiet: bool, as_json: bool) -> int:
    """Exchange notes with REMOTE (default: origin).

    These are reviews, messages, generations and feedback. Both sides' lines are joined, so nobody's are lost; the push
    is never forced. Whoever may read REMOTE may then read what was found in your commits: findings quote code, and
    dismissals give reasons.
    """
    repo = needed_repository()
    chosen = remotes.checked(repo, remote)
    deliver(repo)
    limit = load(worktree=repo.worktree, strict=not quiet).values["sync.timeout"] if timeout is None else timeout
    # Lines of their own: git and ssh may ask for a password, on the line where a progress line would stand.
    told = (lambda _: None) if quiet or as_json else (lambda doing: say(f"maw: {doing}, {limit:g} s at most in all"))
    done = notes.sync(repo, chosen, timeout=limit, ask=not quiet and sys.stdin.isatty(), push=not no_push, told=told)
    client.poke(repo.common_dir)  # which brings the index up to date
    if as_json:
        print_json({"v": 1, "remote": chosen, "kinds": [kind._asdict() for kind in done]})
    elif not quiet:
        _tell(chosen, done)
    for kind in done:
        _warn(chosen, kind)
    return errors.INCOMPLETE if any(kind.refused or kind.too_large for kind in done) else errors.PASS


def _tell(remote: str, done: list[Kind]) -> None:
    taken = [f"{count(kind.taken, f'{kind.kind} note')} taken in" for kind in done if kind.taken]
    pushed = [f"{kind.kind} notes pushed" for kind in done if kind.pushed]
    click.echo(f"{remote}: {', '.join([*taken, *pushed]) or 'nothing new on either side'}")


def _warn(remote: str, kind: Kind) -> None:
    if kind.refused:
        say(f"maw: {remote} did not take the {kind.kind} notes: {kind.refused}")
    if kind.too_large:
        say(f"maw: {count(kind.too_large, f'{kind.kind} note')} of {remote} left out: too large to be read")
