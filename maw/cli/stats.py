"""`maw stats`: what was reviewed, found, accepted and spent, in figures."""

from __future__ import annotations

import re
import shutil
import sys
import textwrap
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

import click

from maw import errors, files
from maw.cli import chosen, completing
from maw.cli.output import print_json, say
from maw.cli.place import needed_repository
from maw.cli.records import deliver, fresh_index
from maw.errors import FatalError
from maw.git.repo import Repo
from maw.memory.query import Filters
from maw.stats import GROUPS

if TYPE_CHECKING:
    from maw.stats.gather import Statistics
    from maw.stats.words import Table

ROWS = 12  # of a table, where nobody asked for all
_BAR_WIDTH = 16
_INDENT = " " * 10  # of what goes on below a line of the summary


class Output(NamedTuple):
    """How it is told; with none of these as text. `svg` is a file, `-` for stdout."""

    json: bool
    csv: bool
    svg: str | None


@click.command(
    epilog="""\b
Examples:
  maw stats                            all there is, by week and by category
  maw stats --since 30d --by author --by model
  maw stats --path src --by path       which parts of a folder give trouble
  maw stats main..topic                of a branch
  maw stats --json | jq .total         every figure, for a script
  maw stats --csv > maw.csv            a row a group, for a spreadsheet
  maw stats --svg maw.svg              a picture for a page
"""
)
@chosen.revisions
@chosen.author
@click.option(
    "--path",
    metavar="PATH",
    shell_complete=completing.paths,
    help="A file, a directory, or a glob, from the repository's top.",
)
@click.option("--model", metavar="TEXT", shell_complete=completing.models, help="Part of the model's name.")
@chosen.since
@chosen.until
@click.option("--by", type=click.Choice(GROUPS), multiple=True, help="The tables to show. [default: week, category]")
@click.option("--all", "everything", is_flag=True, help=f"Whole tables instead of {ROWS} rows of each.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object with everything (`maw docs statistics`).")
@click.option("--csv", "as_csv", is_flag=True, help="Comma-separated values, a row a group.")
@click.option("--svg", metavar="FILE", shell_complete=completing.paths, help="Draw a picture into FILE; - is stdout.")
def stats(
    *,
    revisions: str | None,
    author: str | None,
    path: str | None,
    model: str | None,
    since: str | None,
    until: str | None,
    by: tuple[str, ...],
    everything: bool,
    as_json: bool,
    as_csv: bool,
    svg: str | None,
) -> int:
    """Tell what was reviewed, found, accepted and spent.

    It is counted from what is recorded on commits. A record counts once, on the newest commit it stands on. A finding
    counts once, with the review that first told of it.
    """
    if as_json + as_csv + (svg is not None) > 1:
        raise click.UsageError("--json, --csv and --svg exclude each other")
    repo = needed_repository()
    wanted = Filters(author=author, path=path, model=model)
    wanted = chosen.narrowed(repo, wanted, revisions=revisions, since=since, until=until)
    return show(repo, wanted, Output(as_json, as_csv, svg), by or ("week", "category"), None if everything else ROWS)


def show(repo: Repo, filters: Filters, output: Output, by: Sequence[str], most: int | None) -> int:
    """Count, and print as asked. Raises FatalError."""
    from maw.stats.gather import gather

    deliver(repo)
    with fresh_index(repo) as index:
        found = gather(index, filters, commits=output.json or output.csv or "path" in by)
    if output.json:
        print_json(found.to_json())
    elif output.csv:
        from maw.stats.export import to_csv

        sys.stdout.write(to_csv(found))
    elif output.svg is not None:
        from maw.stats.chart import to_svg

        _write(output.svg, to_svg(found))
    else:
        _print(found, by, most)
    return errors.PASS


def _write(path: str, content: str) -> None:
    if path == "-":
        sys.stdout.write(content)
        return
    try:
        files.write_atomic(path, content.encode("utf-8"), mode=0o644)
    except OSError as exc:
        raise FatalError(f"cannot write {path}: {exc.strerror}") from exc
    say(f"maw: drawn into {path}")


def _print(found: Statistics, by: Sequence[str], most: int | None) -> None:
    from maw.stats.words import summary, table

    if not (found.weeks or found.paths):
        say("maw: nothing recorded that fits")
        return
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None  # a program's lines are never cut
    for line in summary(found.total):
        sys.stdout.write(f"{_wrapped(line, width)}\n")
    for group in dict.fromkeys(by):
        whole = table(found, group)
        if not whole.rows:
            continue
        rows = whole.rows if most is None else whole.rows[-most:] if group == "week" else whole.rows[:most]
        sys.stdout.write("".join(f"{line}\n" for line in ["", *_lines(whole._replace(rows=rows), width)]))
        if len(rows) < len(whole.rows):
            say(f"maw: {len(rows)} of {len(whole.rows):,}; --all shows them all")


def _wrapped(line: str, width: int | None) -> str:
    """A sentence of the summary goes on in the next line behind a comma, not between a number and its unit."""
    if width is None:
        return line
    tied = re.sub(r"(?<![,;:]) ", "\N{NO-BREAK SPACE}", line)
    return textwrap.fill(tied, width, subsequent_indent=_INDENT, break_long_words=False).replace(
        "\N{NO-BREAK SPACE}", " "
    )


def _lines(table: Table, width: int | None) -> Iterator[str]:
    """The table, and a bar for the number that matters most, where there is room."""
    from maw.stats.words import columns, fitted

    heads, *rows = columns(table if width is None else fitted(table, width))
    largest = max((row.size for row in table.rows), default=0) or 1
    block = "█" if _can_print("█") else "#"
    room = _BAR_WIDTH if width is None else max(min(_BAR_WIDTH, width - len(heads) - 2), 0)
    yield heads.rstrip()
    for line, row in zip(rows, table.rows, strict=True):
        yield f"{line}  {block * round(row.size / largest * room)}".rstrip()


def _can_print(text: str) -> bool:
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True
