"""A branch that is to be described for its reviewers: what goes along, and the description as Markdown."""

from __future__ import annotations

import binascii
import re
from collections.abc import Sequence
from typing import NamedTuple

from maw import change
from maw.errors import FatalError
from maw.generate.history import facts, told
from maw.generate.history.facts import Facts
from maw.generate.history.told import Told
from maw.git.repo import Repo, resolve_commit
from maw.git.run import line, try_line
from maw.memory.index import Index
from maw.messages.request import fitted
from maw.record import Json
from maw.review.request import committed_change
from maw.secrets import texts
from maw.secrets.texts import Redact
from maw.text import count, printable

COMMITS_MAX = 200
FINDINGS_MAX = 6
POINTS_MAX, POINT_MAX = 20, 600  # of what a node says
# Where a branch usually goes, the first that there is.
_BASES = ("refs/remotes/origin/HEAD", "refs/remotes/origin/main", "refs/remotes/origin/master", "refs/heads/main",
          "refs/heads/master")  # fmt: skip


class Branch(NamedTuple):
    """`what` is the range for people; `diff` against the merge base, `commits` oldest first. `instruction`: what is
    asked for this time; `project`: what the project asks for always."""

    what: str
    diff: bytes
    commits: tuple[Told, ...]
    facts: Facts
    skipped: tuple[Json, ...] = ()
    instruction: str = ""
    project: str = ""
    redacted: bool = False


class Description(NamedTuple):
    """`level` of risk: low, medium or high, empty where the model said none."""

    title: str
    summary: tuple[str, ...]
    level: str
    risk: str
    tests: tuple[str, ...]


def range_of(repo: Repo, what: str | None) -> tuple[str, str]:
    """The base and the head that `A..B`, `A` (against which HEAD is described) or nothing at all mean. Raises
    FatalError and GitError."""
    for dots in ("...", ".."):
        if what is not None and dots in what:
            base, _, head = what.partition(dots)
            return base or "HEAD", head or "HEAD"
    if what is not None:
        return what, "HEAD"
    head = resolve_commit(repo, "HEAD")
    for name in _BASES:
        found = try_line("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}", cwd=repo.root)
        if found is not None and found != head:
            return _short(repo, name), "HEAD"
    raise FatalError("no branch to compare HEAD with", hint="name it: `maw generate pr main..topic`")


def _short(repo: Repo, name: str) -> str:
    return line("rev-parse", "--abbrev-ref", name, cwd=repo.root)


def gather(repo: Repo, index: Index | None, base: str, head: str, max_file_bytes: int) -> Branch:
    """Raises FatalError where there is nothing to describe, and GitError."""
    found = committed_change(repo, f"{base}...{head}", max_file_bytes)
    if found.empty:
        raise FatalError(f"{head} changes nothing that {base} has not", hint="name the range: `maw generate pr A..B`")
    revisions = [f"^{resolve_commit(repo, base)}", resolve_commit(repo, head)]
    commits = told.read(repo, index, revisions, COMMITS_MAX)
    diff, left = fitted(found.diff)
    certain = facts.of(change.parse(found.diff), [str(item["path"]) for item in found.skipped])
    certain = certain._replace(lines=(*certain.lines, *_reviewed(commits)))
    return Branch(f"{base}..{head}", diff, tuple(commits), certain, (*found.skipped, *left))


def _reviewed(commits: Sequence[Told]) -> list[str]:
    """What is still open of the commits' reviews."""
    notes = [note for commit in commits for note in commit.notes]
    found = list(dict.fromkeys(note.removeprefix(told.FOUND) for note in notes if note.startswith(told.FOUND)))
    lines = [f"open finding: {line}" for line in found[:FINDINGS_MAX]]
    if len(found) > FINDINGS_MAX:
        lines.append(f"and {len(found) - FINDINGS_MAX} more open findings")
    unreviewed = notes.count(told.UNREVIEWED)
    return [*lines, *([f"{count(unreviewed, 'commit')} not reviewed"] if unreviewed else [])]


def redacted(asked: Branch, redact: Redact) -> Branch:
    """The same without the values of secrets, in any of its texts."""
    own = (asked.what, asked.instruction, asked.project, *asked.facts.lines)
    said = [*own, *(text for commit in asked.commits for text in (commit.message, *commit.notes))]
    done, found = texts.redacted(redact, asked.diff, said)
    rest = iter(found)
    asked = asked._replace(what=next(rest), instruction=next(rest), project=next(rest))
    certain = asked.facts._replace(lines=tuple(next(rest) for _ in asked.facts.lines))
    commits = tuple(
        commit._replace(message=next(rest), notes=tuple(next(rest) for _ in commit.notes)) for commit in asked.commits
    )
    return asked._replace(diff=done.diff, commits=commits, facts=certain, redacted=done.hidden > 0)


def payload(asked: Branch, repo_name: str, *, model: str = "") -> Json:
    """The payload of a pr task (docs/protocol.md)."""
    commits = [
        {"subject": commit.subject, "body": commit.body, "notes": list(commit.notes)} for commit in asked.commits
    ]
    made: Json = {
        "v": 1,
        "title": f"{repo_name}: description of {asked.what}",
        "diff": binascii.b2a_base64(asked.diff, newline=False).decode("ascii"),
        "commits": commits,
        "facts": list(asked.facts.lines),
        "instruction": asked.instruction,
        "project": asked.project,
        "skipped": list(asked.skipped),
        "redacted": asked.redacted,
    }
    return made | ({"model": model} if model else {})


def read(result: Json, asked: Branch) -> Description:
    """What a node answered; where it has no title, the one of the only commit, or the branch's name. What only repeats
    what is certain is left out: that is told beside it."""
    certain = _words("; ".join(asked.facts.lines))
    risk = result.get("risk")
    risk = risk if isinstance(risk, dict) else {}
    title = _line(result.get("title")) or _line(asked.commits[0].subject if len(asked.commits) == 1 else asked.what)
    summary, tests = (_points(result.get(key), certain) for key in ("summary", "tests"))
    text = _line(risk.get("text"))
    return Description(title, summary, _line(risk.get("level")), "" if _words(text) in certain else text, tests)


def markdown(found: Description, asked: Branch) -> str:
    """The title, a blank line, and the body."""
    return f"{found.title}\n\n{body(found, asked)}"


def body(found: Description, asked: Branch) -> str:
    """As a forge takes it. What is certain is told beside the risk."""
    parts = ["## Summary", _listed(found.summary or [commit.subject for commit in asked.commits])]
    parts += [f"## Risk: {found.level}" if found.level else "## Risk"]
    parts += [found.risk] if found.risk else []
    parts += [_listed(asked.facts.lines)]
    parts += ["## How to test", _listed(found.tests)] if found.tests else []
    return "\n\n".join(parts) + "\n"


def _listed(points: Sequence[str]) -> str:
    return "\n".join(f"- {_line(point)}" for point in points)


def _points(value: object, certain: str) -> tuple[str, ...]:
    points = [_line(item) for item in value[:POINTS_MAX]] if isinstance(value, list) else []
    return tuple(point for point in points if point and _words(point) not in certain)


def _words(text: str) -> str:
    """The words alone, a space around each, so that one text of words is in another or is not."""
    return " ".join(["", *re.findall(r"[^\W_]+", text.casefold()), ""])


def _line(value: object) -> str:
    return " ".join(printable(value[:POINT_MAX]).split()) if isinstance(value, str) else ""
