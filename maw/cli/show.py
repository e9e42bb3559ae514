"""`maw show COMMIT`: what is recorded on a commit."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import click

from maw import errors
from maw.cli.findings import print_findings
from maw.cli.output import console, print_json, printable, say
from maw.cli.place import needed_repository
from maw.cli.records import deliver, fresh_index
from maw.cli.times import ago
from maw.finding import Finding, finding_from_json
from maw.git.repo import Repo, resolve_commit
from maw.git.run import git
from maw.memory import generated
from maw.memory.dismissals import of_record
from maw.memory.index import record_of
from maw.memory.query import CARRIED, STALE, Filters, Row
from maw.record import KINDS
from maw.text import count, one_line

if TYPE_CHECKING:
    from rich.console import Console

SQUASHED_MAX = 20
_SQUASHED = "Squashed commit of the following:"
_STANDING = {
    CARRIED: "made for another commit with the same patch, and carried here",
    STALE: "stale: made for another change than this commit holds",
}


@click.command(
    epilog="""\b
Examples:
  maw show                     what is recorded on HEAD
  maw show HEAD~2 --json       as one JSON object
  maw show 1a2b3c4 --raw       the note's lines as they stand
"""
)
@click.argument("commit", default="HEAD")
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
        said = _said(data for _, data in index.feedback())
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


def _linked(data: dict[str, Any]) -> str:
    linked = data.get("linked")
    if not isinstance(linked, dict):
        return ""
    return f"the review of {str(linked.get('commit'))[:10]}, which this was picked from"


def _said(records: Iterable[dict[str, Any]]) -> dict[str, str]:
    """What was said last of each finding, wherever it was found."""
    found = {}
    for data in records:
        about = of_record(data)
        if about is not None:
            by = f" by {about.by}" if about.by else ""
            found[about.finding.id] = one_line(f"{data['status']}{by}" + (f": {about.reason}" if about.reason else ""))
    return found


def _print_rows(oid: str, rows: list[Row], said: dict[str, str]) -> None:
    out = console()
    out.print(f"commit {oid}", style="yellow")
    out.print(one_line(rows[0].author or "(this commit is gone)"))
    out.print(one_line(rows[0].subject))
    for row in rows:
        out.print()
        _print_record(out, row, record_of(row), said)


def _print_record(out: Console, row: Row, data: dict[str, Any], said: dict[str, str]) -> None:
    rejected = len(_items(data, "rejected"))
    head = f"{row.kind} {row.id}: {row.outcome}, {ago(time.time() - row.time / 1000)}"
    out.print(one_line(head), style="bold")
    facts = [
        _about(data),
        *(generated.facts(data) if row.kind == "generate" else ()),
        _linked(data),
        _STANDING.get(row.standing, ""),
        "the hook was bypassed when it was committed" if row.bypassed else "",
        f"reason: {row.reason}" if row.reason else "",
        *_suggestion(data),
        f"model: {row.model}" if row.model else "",
        f"{count(rejected, 'finding')} of it rejected by the model when asked again" if rejected else "",
        *(f"not reviewed: {path}: {reason}" for path, reason in _skipped(data)),
    ]
    for fact in facts:
        if fact:
            out.print(f"  {one_line(fact)}", style="dim")
    findings = _findings(data)
    if findings:
        print_findings(out, findings, said)
    elif row.status == "reviewed":
        out.print("  no findings")


def _about(data: dict[str, Any]) -> str:
    """The finding that feedback is on."""
    about = of_record(data)
    if about is None:
        return ""
    by = f", by {about.by}" if about.by else ""
    return f"{about.finding.id} {about.finding.path}:{about.finding.line} {about.finding.title}{by}"


def _suggestion(data: dict[str, Any]) -> list[str]:
    """The message that was suggested, where it was not taken as it was."""
    text, far = data.get("suggestion"), data.get("edit_distance")
    if data.get("kind") != "message" or data.get("status") == "taken" or not isinstance(text, str):
        return []
    changed = [f"{count(far, 'word')} of it changed"] if isinstance(far, int) and data.get("status") == "edited" else []
    return [*changed, *(f"suggested: {line}" for line in text.strip().split("\n") if line)]


def _findings(data: dict[str, Any]) -> list[Finding]:
    """The findings of a record; one that cannot be read (a stranger wrote it) is told and left out."""
    found = []
    for item in _items(data, "findings"):
        try:
            found.append(finding_from_json(item))
        except ValueError as exc:
            say(f"maw: a finding was left out: {exc}")
    return found


def _skipped(data: dict[str, Any]) -> list[tuple[str, str]]:
    items = (item for item in _items(data, "skipped") if isinstance(item, dict))
    return [(str(item.get("path")), str(item.get("reason"))) for item in items]


def _items(data: dict[str, Any], key: str) -> list[Any]:
    value = data.get(key)
    return value if isinstance(value, list) else []
