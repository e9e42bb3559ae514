"""`maw show COMMIT`: what is recorded on a commit."""

from __future__ import annotations

import re
import sys
import time
from typing import TYPE_CHECKING

import click

from maw import errors
from maw.cli import completing
from maw.cli.output import console, print_json, printable, say
from maw.cli.painting import print_lines
from maw.cli.place import needed_repository
from maw.cli.records import deliver, fresh_index
from maw.git.repo import Repo, resolve_commit
from maw.git.run import git
from maw.memory import telling
from maw.memory.index import record_of
from maw.memory.query import Filters, Row
from maw.record import KINDS, Json
from maw.text import one_line

if TYPE_CHECKING:
    from rich.console import Console

SQUASHED_MAX = 20
_SQUASHED = "Squashed commit of the following:"


@click.command(
    epilog="""\b
Examples:
  maw show                     what is recorded on HEAD
  maw show HEAD~2 --json       as one JSON object
  maw show 1a2b3c4 --raw       the note's lines as they stand
"""
)
@click.argument("commit", default="HEAD", shell_complete=completing.revisions)
@click.option("--json", "as_json", is_flag=True, help="One JSON object with the whole records.")
@click.option("--raw", is_flag=True, help="The note's lines, unreadable ones too; byte for byte but on a terminal.")
def show(commit: str, as_json: bool, raw: bool) -> int:
    """Show what is recorded on COMMIT (default: HEAD), findings grouped by file."""
    repo = needed_repository()
    oid = resolve_commit(repo, commit)
    deliver(repo)
    if raw:
        return _print_raw(repo, oid)
    with fresh_index(repo) as index:
        rows = index.history(Filters(commit=oid), limit=sys.maxsize - 1).rows
        said = telling.said_last(data for _, data in index.feedback())
        squashed = [
            (source, index.history(Filters(commit=source), limit=1).rows) for source in squashed_from(repo, oid)
        ]
    if as_json:
        print_json({"v": 1, "commit": oid, "records": [{**record_of(row), "standing": row.standing} for row in rows]})
    elif rows:
        _print_rows(oid, rows, said)
        _print_squashed(squashed)
    else:
        say(f"maw: nothing is recorded on {oid[:10]}; `maw review {oid[:10]}` reviews it")
    return errors.PASS


def _print_raw(repo: Repo, oid: str) -> int:
    from maw.git.notes import Notes  # pygit2: the other ways seldom need it

    notes = Notes(repo)
    records = [record for kind in KINDS for record in notes.read(kind, oid)]
    for record in records:
        if sys.stdout.isatty():  # a stranger's note must not steer it
            click.echo(printable(record.raw.decode("utf-8", "replace")))
        else:
            sys.stdout.buffer.write(record.raw + b"\n")
    return errors.PASS


def squashed_from(repo: Repo, commit: str) -> list[str]:
    """The commits that `git merge --squash` named in the message, where it was left as it is; SQUASHED_MAX of them."""
    options = ("--no-show-signature", "--no-notes", "--no-color", "--no-patch", "--format=%B")
    body = git("log", "-1", *options, commit, "--", cwd=repo.root).decode("utf-8", "replace")
    if _SQUASHED not in body:
        return []
    return re.findall(r"^commit ([0-9a-f]{40,64})$", body.partition(_SQUASHED)[2], re.MULTILINE)[:SQUASHED_MAX]


def _print_squashed(sources: list[tuple[str, list[Row]]]) -> None:
    out = console()
    for source, rows in sources:
        outcome = one_line(rows[0].outcome) if rows else "nothing recorded"
        out.print(f"  squashed from {source[:10]}: {outcome}", style="dim")


def _print_rows(oid: str, rows: list[Row], said: dict[str, str]) -> None:
    out = console()
    out.print(f"commit {oid}", style="yellow")
    out.print(one_line(rows[0].author or "(this commit is gone)"))
    out.print(one_line(rows[0].subject))
    for row in rows:
        out.print()
        _print_record(out, row, record_of(row), said)


def _print_record(out: Console, row: Row, data: Json, said: dict[str, str]) -> None:
    print_lines(out, telling.record_lines(row, data, time.time()))
    findings, wrong = telling.findings_of(data)
    for why in wrong:
        say(f"maw: a finding was left out: {why}")
    print_lines(out, telling.finding_part(row, findings, said))
