"""`maw findings`: what reviews found, each once, with what was said of it."""

from __future__ import annotations

import time
from itertools import islice
from typing import TYPE_CHECKING

import click

from maw import errors
from maw.cli import chosen, completing
from maw.cli.output import console, print_json, print_row, say
from maw.cli.painting import STYLES
from maw.cli.place import needed_repository
from maw.cli.records import deliver, fresh_index
from maw.finding import SEVERITIES
from maw.git.repo import Repo
from maw.memory import triage
from maw.memory.dismissals import STATUSES
from maw.memory.query import DEFAULT_LIMIT, Filters
from maw.memory.triage import OPEN, Item
from maw.text import one_line
from maw.times import age

if TYPE_CHECKING:
    from rich.text import Text


@click.command(
    epilog="""\b
Examples:
  maw findings                            what is open, of all commits
  maw findings --status all --path src/   whatever was said of it, in one folder
  maw findings main.. --severity error    what is still to settle on this branch
  maw findings --json --limit 0 | jq -r .id | xargs maw defer
"""
)
@chosen.revisions
@click.option(
    "--status",
    type=click.Choice((OPEN, *STATUSES, "all")),
    default=OPEN,
    show_default=True,
    help="What was said of it last; open: nothing.",
)
@click.option("--severity", type=click.Choice(SEVERITIES), help="Of at least this severity.")
@click.option(
    "--path",
    metavar="PATH",
    shell_complete=completing.paths,
    help="In a file, a directory, or a glob such as 'src/*.py'.",
)
@chosen.author
@chosen.since
@chosen.until
@click.option("--text", metavar="TEXT", help="In what it says, or in the commit's subject; any case.")
@click.option(
    "--limit", type=click.IntRange(min=0), default=DEFAULT_LIMIT, show_default=True, help="At most so many; 0: all."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def findings(
    *,
    revisions: str | None,
    status: str,
    severity: str | None,
    path: str | None,
    author: str | None,
    since: str | None,
    until: str | None,
    text: str | None,
    limit: int,
    as_json: bool,
) -> int:
    """List what reviews found, and what was said of it.

    The newest come first, each finding once, on whatever commits it was seen. The ids are what `maw accept`,
    `maw dismiss`, `maw defer` and `maw fix` take. `maw show COMMIT` tells all about the findings of a commit.
    """
    repo = needed_repository()
    wanted = Filters(author=author, path=path, severity=severity, text=text)
    wanted = chosen.narrowed(repo, wanted, revisions=revisions, since=since, until=until)
    found, more = read(repo, wanted, None if status == "all" else status, limit)
    if as_json:
        for item in found:
            print_json(_as_json(item))
    else:
        _print(found, more)
    return errors.PASS


def read(repo: Repo, filters: Filters, status: str | None, limit: int) -> tuple[list[Item], bool]:
    """The first `limit` findings that fit (0: all), without those that cannot be read; and whether there are more."""
    deliver(repo)
    found: list[Item | None] | None = None
    while found is None:  # another process changed the index meanwhile
        with fresh_index(repo) as index:
            numbers = index.numbers(triage.reviews(filters))
            places = list(islice(triage.places(index, numbers, filters, status), limit + 1 if limit else None))
            wanted = places[:limit] if limit else places
            found = triage.items(index, wanted)
    return [item for item in found if item is not None], len(places) > len(wanted)


def _as_json(item: Item) -> dict[str, object]:
    row = item.row
    said = {"status": item.word.status, "reason": item.word.reason, "by": item.word.by}
    of = {"commit": row.commit, "subject": row.subject, "author": row.author, "ts": row.ts, "model": row.model}
    return {"v": 1, **item.finding.to_json(), **said, **of}


def _print(found: list[Item], more: bool) -> None:
    if not found:
        say("maw: no finding that fits")
        return
    out, now = console(), time.time()
    wide = max(len(item.word.status) for item in found)
    for item in found:
        print_row(out, _line(item, wide, now))
    if more:
        say(f"maw: the newest {len(found)}; --limit shows more")


def _line(item: Item, wide: int, now: float) -> Text:
    """Id, severity, what was said, age, commit, place and title."""
    from rich.text import Text

    found, row = item.finding, item.row
    line = Text(f"{one_line(found.id):<8}  ")
    line.append(f"{found.severity:<8}", STYLES.get(found.severity, ""))
    line.append(f"  {one_line(item.word.status):<{wide}}  {age(now - row.time / 1000):>4}  ", "dim")
    line.append(f"{row.commit[:10]}  ", "yellow")
    line.append(one_line(f"{found.path}:{found.line}  {found.title or found.category}"))
    return line
