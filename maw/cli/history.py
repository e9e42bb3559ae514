"""`maw history`: what was reviewed, the newest record first."""

from __future__ import annotations

import sys
import time
from collections.abc import Collection
from typing import TYPE_CHECKING

import click

from maw import errors
from maw.attendant import outbox
from maw.cli import chosen, completing
from maw.cli.output import console, print_json, print_row, say
from maw.cli.place import needed_repository
from maw.cli.records import deliver, fresh_index
from maw.finding import SEVERITIES, VERDICTS
from maw.generate.memory import waiting as generated
from maw.generate.memory.remember import STATUSES as GENERATED
from maw.git.repo import Repo
from maw.memory import wording
from maw.memory.generated import about
from maw.memory.query import DEFAULT_LIMIT, EXACT, Filters, Page, Row
from maw.memory.wording import Said
from maw.record import KINDS
from maw.text import one_line
from maw.times import age

if TYPE_CHECKING:
    from rich.text import Text

_STYLES = {
    "block": "bold red", "incomplete": "magenta", "warn": "yellow", "pass": "green", "unreviewed": "magenta",
    "accepted": "green", "partly": "yellow", "rejected": "red", "failed": "red",
}  # fmt: skip
_STATUSES = ("reviewed", "incomplete", "unreviewed", *GENERATED)
_AUTHOR_WIDTH = 20


@click.command(
    epilog="""\b
Examples:
  maw history --severity error            reviews that found an error or worse
  maw history --path src/ main..          what is on this branch, in one folder
  maw history --since 7d --status unreviewed
  maw history --kind generate --text parser
  maw history --json --limit 0 | jq .     everything, one JSON object a line
"""
)
@chosen.revisions
@chosen.author
@click.option(
    "--path",
    metavar="PATH",
    shell_complete=completing.paths,
    help="A file, a directory, or a glob such as 'src/*.py' (* also matches /), from the repository's top.",
)
@click.option("--severity", type=click.Choice(SEVERITIES), help="With a finding of at least this severity.")
@click.option("--verdict", type=click.Choice(VERDICTS), help="With this verdict.")
@chosen.since
@chosen.until
@click.option("--text", metavar="TEXT", help="In the subject, a finding, an instruction, or the reason; any case.")
@click.option("--kind", type=click.Choice(KINDS), help="Only records of this kind.")
@click.option("--status", type=click.Choice(_STATUSES), help="With this status.")
@click.option(
    "--limit", type=click.IntRange(min=0), default=DEFAULT_LIMIT, show_default=True, help="At most so many; 0: all."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def history(
    *,
    revisions: str | None,
    author: str | None,
    path: str | None,
    severity: str | None,
    verdict: str | None,
    since: str | None,
    until: str | None,
    text: str | None,
    kind: str | None,
    status: str | None,
    limit: int,
    as_json: bool,
) -> int:
    """List what is recorded on commits, the newest record first.

    `unreviewed` was never reviewed; the review of a `pending` one waits in the outbox (`maw outbox`).

    Marks: `unreachable` is a commit that no branch, tag or HEAD has any more, after a reset or a rewrite; `late` is a
    review that came after its commit; `picked` one of the commit that was cherry-picked; `carried` one that came along
    when git rewrote its commit, with the same patch; `stale` one of another change than the commit holds now;
    `dismissed`, `accepted` and `fixed` count what people said of the findings there, which `--kind feedback` lists.
    """
    repo = needed_repository()
    wanted = Filters(
        author=author,
        path=path,
        severity=severity,
        verdict=verdict,
        text=text,
        kind=kind,
        status=status,
        feedback=kind == "feedback",
    )
    wanted = chosen.narrowed(repo, wanted, revisions=revisions, since=since, until=until)
    page, said = read(repo, wanted, limit)
    pending = outbox.pending_records(repo)
    if as_json:
        for row in page.rows:
            more = {"pending": row.id in pending, "late": row.late, "feedback": wording.tally(row, said)}
            print_json({**row.to_json(), **more})
    else:
        _print_table(page, pending, said)
        _tell_waiting(repo, kind)
    return errors.PASS


def _tell_waiting(repo: Repo, kind: str | None) -> None:
    """What was generated and is in no commit yet."""
    for entry in generated.entries(repo) if kind == "generate" else ():
        say(f"maw: waits for its commit: {one_line(about(entry.record))}")


def read(repo: Repo, filters: Filters, limit: int) -> tuple[Page, Said]:
    """A first page with everything in it that is known now, and the feedback on its commits: what still waits in the
    spool is written first."""
    deliver(repo)
    with fresh_index(repo) as index:
        return index.history(filters, limit or sys.maxsize - 1), wording.said_of(index.feedback())


def _print_table(page: Page, pending: Collection[str], said: Said) -> None:
    if not page.rows:
        say("maw: nothing recorded that fits")
        return
    out = console()
    rows = [_cells(row, time.time(), pending, said) for row in page.rows]
    widths = [max(_width(row[column]) for row in rows) for column in range(len(rows[0]) - 1)]
    for cells, row in zip(rows, page.rows, strict=True):
        print_row(out, _line(cells, widths, row))
    if page.next is not None:
        say(f"maw: the newest {len(page.rows)}; --limit shows more")


def _cells(row: Row, now: float, pending: Collection[str], said: Said) -> list[str]:
    """Short commit, age, verdict, counts by severity, author, subject."""
    marks = wording.marks(row, said)
    return [
        row.commit[:10],
        age(now - row.time / 1000),
        wording.outcome(row, pending),
        wording.counts(row),
        wording.author(row)[:_AUTHOR_WIDTH],
        (f"[{', '.join(marks)}] " if marks else "") + wording.subject(row),
    ]


def _line(cells: list[str], widths: list[int], row: Row) -> Text:
    from rich.text import Text

    styles = ["yellow", "dim", _STYLES.get(row.outcome, "dim"), "", "dim", "" if row.standing == EXACT else "dim"]
    line = Text()
    for cell, width, style in zip(cells, [*widths, 0], styles, strict=True):
        line.append(cell + " " * max(width - _width(cell), 0), style)
        line.append("  ")
    line.rstrip()
    return line


def _width(text: str) -> int:
    from rich.cells import cell_len  # some characters take two columns

    return cell_len(text)
