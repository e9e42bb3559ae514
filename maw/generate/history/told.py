"""What commits say of themselves: their messages, and what is noted on them, by people and by maw."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from secrets import token_hex
from typing import NamedTuple

from maw.finding import SEVERITIES
from maw.generate.memory import remember
from maw.git.repo import Repo
from maw.git.run import OFFLINE, git_start, no_git_env, of
from maw.memory.dismissals import DISMISSED, of_record
from maw.memory.index import Index, record_of
from maw.memory.query import STALE, Filters
from maw.record import Json
from maw.text import one_line

NOTES_MAX = 8  # lines of a commit
NOTE_MAX = 300  # characters of a line
UNREVIEWED, FOUND = "it was not reviewed", "its review found: "
# Of notes those that people write: maw's own are read from the index.
_OPTIONS = (
    "--no-merges", "--notes=refs/notes/commits", "--no-show-signature", "--no-color", "--no-patch", "--encoding=UTF-8",
)  # fmt: skip
_BYTES_MAX = 16 * 1024 * 1024  # of all messages
_WARNING = SEVERITIES.index("warning")
# Trailers that name people or tools, which are nobody's business here.
_TRAILER = re.compile(r"(?:[A-Za-z]+(?:-[A-Za-z]+)*-[Bb]y|Change-Id|git-svn-id)(?::| ).*")
_OID = "([0-9a-f]{7,64})"
_REVERTS = re.compile(rf"^This reverts commit {_OID}(?:,\s+reversing\s+changes\s+made\s+to\s+{_OID})?", re.MULTILINE)


class Told(NamedTuple):
    """A commit's message without trailers, and what is noted on it, a line each."""

    id: str
    message: str
    notes: tuple[str, ...] = ()

    @property
    def subject(self) -> str:
        return self.message.partition("\n")[0]

    @property
    def body(self) -> str:
        return self.message.partition("\n")[2].strip()

    @property
    def reverts(self) -> tuple[str, str | None] | None:
        """The start of the id of the commit that this one takes back, and where that is a merge, of the parent to which
        it goes back."""
        found = _REVERTS.search(self.message)
        return (found[1], found[2]) if found else None


def read(repo: Repo, index: Index | None, revisions: Sequence[str], most: int) -> list[Told]:
    """The commits of `revisions`, merges left out, the newest `most`; oldest first. The index is asked as it is.
    Raises GitError."""
    end = token_hex(8)  # which no message and no note can know
    command = (*of(repo.common_dir), "log", f"--max-count={most}", *_OPTIONS, f"--format=%H%x00%B%x00%N{end}")
    output, _ = git_start(
        *command, *revisions, "--", limit=_BYTES_MAX, cwd=repo.common_dir, env={**no_git_env(), **OFFLINE}
    )
    found = [entry.split("\0", 2) for entry in output.decode("utf-8", "replace").split(end)[:-1]]
    return [_told(index, *(part.strip() for part in entry)) for entry in reversed(found)]


def _told(index: Index | None, commit: str, message: str, note: str) -> Told:
    lines = [line for line in message.split("\n") if not _TRAILER.fullmatch(line.strip())]
    noted = [line.strip() for line in note.split("\n") if line.strip()]
    noted += _by_maw(index, commit) if index is not None else ()
    notes = [one_line(line)[:NOTE_MAX] for line in noted]
    return Told(commit, "\n".join(lines).strip(), tuple(notes[:NOTES_MAX]))


def _by_maw(index: Index, commit: str) -> Iterator[str]:
    rows = index.history(Filters(commit=commit), limit=20).rows
    dismissed = {
        about.finding.id
        for _, data in index.feedback(commit)
        if data.get("status") == DISMISSED and (about := of_record(data)) is not None
    }
    for row in rows:
        data = record_of(row)
        if row.kind == "review" and row.standing != STALE:
            yield from _findings(data, dismissed)
        elif row.kind == "generate" and row.status in remember.TAKEN and data.get("instruction"):
            yield f"asked for with `maw generate {data.get('command')}`: {data['instruction']}"


def _findings(data: Json, dismissed: set[str]) -> Iterator[str]:
    """What a review found, and nobody dismissed."""
    if data.get("status") == "unreviewed":
        yield UNREVIEWED
    items = data.get("findings")
    for item in items if isinstance(items, list) else ():
        severity = item.get("severity") if isinstance(item, dict) else None
        if severity in SEVERITIES[_WARNING:] and item.get("id") not in dismissed:
            yield f"{FOUND}{severity}: {item.get('title')} ({item.get('path')}:{item.get('line')})"
