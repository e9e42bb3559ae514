"""`maw dismiss`, `maw accept`, `maw defer` and `maw undo`: what people say about findings."""

from __future__ import annotations

from typing import Any

import click

from maw import errors
from maw.attendant import client
from maw.cli import completing
from maw.cli.output import print_json, say
from maw.cli.place import needed_repository
from maw.cli.records import deliver, fresh_index
from maw.git.repo import Repo
from maw.memory import feedback
from maw.memory.dismissals import ACCEPTED, DEFERRED, DISMISSED
from maw.memory.feedback import Place
from maw.text import one_line

REASON_MAX = 4000  # characters

Json = dict[str, Any]
_ids = click.argument("ids", nargs=-1, required=True, metavar="ID…", shell_complete=completing.findings)
_json = click.option("--json", "as_json", is_flag=True, help="One JSON object a finding.")


def _reason(_ctx: click.Context, _param: click.Parameter, value: str) -> str:
    return one_line(value)[:REASON_MAX]


@click.command(
    epilog="""\b
Examples:
  maw dismiss 3fa2b81c
  maw dismiss 3fa2 91bd --reason "the list is never empty here"
  maw dismiss 3fa2b81c --json
"""
)
@_ids
@click.option("--reason", "-m", default="", callback=_reason, metavar="TEXT", help="Why, for others and for later.")
@_json
def dismiss(ids: tuple[str, ...], reason: str, as_json: bool) -> int:
    """Say that findings are wrong, by their ids. They no longer block, and are not raised again.

    That holds for the same code and for code that only moved, here and, after `maw sync`, in other clones. Code that
    changes is judged anew. The start of an id is enough. `maw undo` takes it back.
    """
    return _say(ids, DISMISSED, reason, as_json=as_json)


@click.command(
    epilog="""\b
Examples:
  maw accept 3fa2b81c
"""
)
@_ids
@click.option(
    "--reason", "-m", default="", callback=_reason, metavar="TEXT", help="A remark, for others and for later."
)
@_json
def accept(ids: tuple[str, ...], reason: str, as_json: bool) -> int:
    """Say that findings are right, by their ids. A dismissal of them ends."""
    return _say(ids, ACCEPTED, reason, as_json=as_json)


@click.command(
    epilog="""\b
Examples:
  maw defer 3fa2b81c --reason "after the release"
"""
)
@_ids
@click.option("--reason", "-m", default="", callback=_reason, metavar="TEXT", help="Why, for others and for later.")
@_json
def defer(ids: tuple[str, ...], reason: str, as_json: bool) -> int:
    """Mark findings for later, by their ids. They stay what they are: one that blocks still does."""
    return _say(ids, DEFERRED, reason, as_json=as_json)


@click.command(
    epilog="""\b
Examples:
  maw undo             what was said last
  maw undo && maw undo the two last
"""
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def undo(as_json: bool) -> int:
    """Take back the last thing you said about a finding: a dismissal, an acceptance, or that it was fixed.

    Files stay as they are: of `maw fix`, only the record is taken back.
    """
    repo = needed_repository()
    deliver(repo)
    with fresh_index(repo) as index:
        undone = feedback.undo(repo, index)
    delivered(repo)
    if undone is None:
        say("maw: you have said nothing about findings here")
        return errors.USAGE
    data = undone.record
    if as_json:
        print_json({"v": 1, "undone": data["id"], "status": data["status"], "finding": data["finding"]["id"],
                    "commits": undone.commits})  # fmt: skip
    else:
        say(f"maw: {one_line(data['finding']['id'])} is no longer {one_line(data['status'])}")
    return errors.PASS


def _say(ids: tuple[str, ...], status: str, reason: str, *, as_json: bool) -> int:
    repo = needed_repository()
    for place in found(repo, ids):
        told(place, feedback.say(repo, place, status, reason), as_json=as_json)
    delivered(repo)
    return errors.PASS


def found(repo: Repo, ids: tuple[str, ...]) -> list[Place]:
    """The findings that these ids mean, each once. Raises FatalError before anything is done when one means none."""
    deliver(repo)
    with fresh_index(repo) as index:
        places = [feedback.find(repo, index, start) for start in ids]
    return list({place.finding.id: place for place in places}.values())


def delivered(repo: Repo) -> None:
    """Have it written into notes: here, and where that fails by the attendant, which also sees that it stays there."""
    deliver(repo)
    client.poke(repo.common_dir)


def told(place: Place, data: Json, *, as_json: bool) -> None:
    finding = place.finding
    if as_json:
        print_json({
            "v": 1, "id": data["id"], "finding": finding.id, "status": data["status"], "commit": place.commit,
            "path": finding.path, "line": finding.line, "title": finding.title, "reason": data.get("reason"),
        })  # fmt: skip
        return
    where = "on " + place.commit[:10] if place.commit is not None else "noted once the commit is made"
    line = f"{finding.id} {finding.path}:{finding.line} {finding.title}"
    say(f"maw: {data['status']}: {one_line(line)} ({where})")
