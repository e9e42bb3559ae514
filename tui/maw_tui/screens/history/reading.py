"""What the history shows, read in workers: rows of commits, and all about one commit. No widgets here."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import NamedTuple

from maw.attendant import outbox
from maw.change import BadPatch, FileChange, parse
from maw.finding import Finding
from maw.git.repo import Repo, resolve_range, start_of_diff
from maw.git.run import GitError, git
from maw.memory import listing, telling, wording
from maw.memory.index import Index, record_of
from maw.memory.query import Filters, Row
from maw.memory.wording import Said
from maw.review.annotate import Shown, placed
from maw.review.render import Line, findings_parts
from maw.text import one_line, printable

DIFF_MAX = 2_000_000  # bytes that are shown
DIFF_TIMEOUT = 10.0  # seconds
BIG_FILE = 2_000_000  # bytes; larger ones are told as binary


class Entry(NamedTuple):
    """A row of the table, in words."""

    row: Row
    outcome: str
    counts: str
    kinds: tuple[str, ...]
    author: str
    subject: str
    marks: str


class Commit(NamedTuple):
    """All about a commit: what is recorded, and what it changed. `oid` alone is certain."""

    oid: str
    head: list[Line]
    records: list[Shown]
    findings: tuple[Finding, ...]
    said: dict[str, str]
    files: list[FileChange]
    note: str  # why the diff is not all there is; empty otherwise
    parents: tuple[str, ...]


def entries(repo: Repo, index: Index, rows: Sequence[Row]) -> list[Entry]:
    """The rows in words. Raises FatalError when the index cannot be used."""
    commits = [row.commit for row in rows]
    kinds, said = listing.kinds(index, commits), listing.said(index, commits)
    pending = outbox.pending_records(repo)
    return [_entry(row, tuple(kinds.get(row.commit, ())), said, pending) for row in rows]


def _entry(row: Row, kinds: tuple[str, ...], said: Said, pending: Collection[str]) -> Entry:
    return Entry(
        row,
        wording.outcome(row, pending),
        wording.counts(row),
        kinds,
        wording.author(row),
        wording.subject(row),
        ", ".join(wording.marks(row, said)),
    )


def commit(repo: Repo, oid: str, now: float) -> Commit:
    """Read all about a commit. Raises FatalError when the index cannot be used; a commit that is gone is told."""
    with Index(repo) as index:
        rows = index.history(Filters(commit=oid), limit=sys.maxsize - 1).rows
        said = telling.said_last(data for _, data in index.feedback())
    head, parents = _head(repo, oid, rows)
    files, note = _diff(repo, oid) if parents is not None else ([], "this commit is gone from the repository")
    reviews = [(row, telling.findings_of(record_of(row))[0]) for row in rows]
    shown = placed(files, [finding for _, findings in reviews for finding in findings])
    records: list[Shown] = []
    for row, findings in reviews:
        records += map(Shown, [Line(()), *telling.record_lines(row, record_of(row), now)])
        records += _apart(row, findings, shown, said)
    inline = _once(finding for _, findings in reviews for finding in findings if finding in shown)
    return Commit(oid, head, records or [_nothing(oid)], inline, said, files, note, parents or ())


def _apart(row: Row, findings: list[Finding], shown: set[Finding], said: dict[str, str]) -> Iterator[Shown]:
    """The findings of a record that have no line in the diff, or that it has none."""
    rest = [finding for finding in findings if finding not in shown]
    if not findings:
        yield from map(Shown, telling.finding_part(row, findings, said))
    for finding, lines in findings_parts(rest, said):
        for at, line in enumerate(lines):
            yield Shown(line, finding.path, finding.line, finding, begins=at == 0) if finding else Shown(line)


def _once(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Each finding once: an amended commit may carry it in two records."""
    return tuple({(finding.id, finding.line): finding for finding in findings}.values())


def _nothing(oid: str) -> Shown:
    return Shown(Line((("dim", f"nothing is recorded on it; `maw review {oid[:10]}` reviews it"),)))


def _head(repo: Repo, oid: str, rows: list[Row]) -> tuple[list[Line], tuple[str, ...] | None]:
    """What git says of the commit, and its parents; None when it has it no more."""
    options = ("--no-show-signature", "--no-notes", "--no-color", "--no-patch", "--date=iso")
    try:
        said = git("log", "-1", *options, "--format=%P%x00%an <%ae>%x00%ad%x00%B", oid, "--", cwd=repo.root)
    except GitError:
        subject = one_line(rows[0].subject) if rows else ""
        return [Line((("commit", f"commit {oid}"),)), Line((("head", subject),))], None
    parents, author, date, message = said.decode("utf-8", "replace").split("\0", 3)
    subject, *body = printable(message).strip().split("\n")
    lines = [
        Line((("commit", f"commit {oid}"),)),
        Line((("dim", one_line(f"{author}, {date}")),)),
        *_merged(parents.split()),
        Line((("head", one_line(subject)),)),
        *(Line((("plain", line.expandtabs(4)),)) for line in body),
    ]
    return lines, tuple(parents.split())


def _merged(parents: list[str]) -> list[Line]:
    """That it is a merge: its diff alone does not say so."""
    first, *others = parents or [""]
    what = f"merges {' '.join(other[:10] for other in others)}; what that changed against {first[:10]} is shown"
    return [Line((("dim", what),))] if others else []


def _diff(repo: Repo, oid: str) -> tuple[list[FileChange], str]:
    """The files that a commit changed against its first parent, and why that is not all."""
    try:
        what = resolve_range(repo, oid)
        patch, whole = start_of_diff(
            repo, what.base, what.tree, limit=DIFF_MAX, timeout=DIFF_TIMEOUT, big_file_threshold=BIG_FILE
        )
    except GitError as exc:
        return [], f"the diff cannot be read: {one_line(exc.message)}"
    if not whole:
        patch = patch[: patch.rfind(b"\ndiff --git ") + 1]
    try:
        return parse(patch), "" if whole else f"only the first {DIFF_MAX // 1_000_000} MB of the diff are shown"
    except BadPatch as exc:
        return [], f"the diff cannot be read: {exc}"


def child(repo: Repo, oid: str) -> str | None:
    """The next commit on the way from `oid` to HEAD; None for HEAD itself, and off that way."""
    found = git("rev-list", "--ancestry-path", "--reverse", f"{oid}..HEAD", "--", cwd=repo.root, timeout=DIFF_TIMEOUT)
    first = found.split(b"\n", 1)[0].decode("ascii")
    return first or None


def parents(repo: Repo, oid: str) -> list[str]:
    """The commits that `oid` was made from. Raises GitError when it is gone."""
    return git("rev-parse", f"{oid}^@", "--", cwd=repo.root).decode("ascii").replace("--", "").split()
