"""The commits of which a change log tells: what goes along, and the entries that come back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from maw.errors import FatalError
from maw.generate.history import told
from maw.generate.history.sections import SECTIONS
from maw.generate.history.told import Told
from maw.git.repo import Repo, resolve_commit
from maw.git.run import GitError, git, try_line
from maw.memory.index import Index
from maw.messages import log
from maw.record import Json
from maw.secrets import texts
from maw.secrets.texts import Redact
from maw.text import printable

COMMITS_MAX = 1000
PATCH_MAX = 4000  # characters of a commit's patch that are sent
PATHS_MAX = 50
ENTRY_MAX = 400  # characters
REVERTED = "it was reverted"


class Commit(NamedTuple):
    """`patch` is the start of it, without context."""

    told: Told
    paths: tuple[str, ...] = ()
    patch: str = ""


class Changes(NamedTuple):
    """`since` names where they begin, empty for the very beginning; `commits` oldest first. `reverted` are those that
    one of them takes back, and it: no user ever had them. `style`: entries as the project writes them; `instruction`:
    what is asked for this time; `project`: what the project asks for always."""

    since: str
    commits: tuple[Commit, ...]
    reverted: tuple[Told, ...] = ()
    style: tuple[str, ...] = ()
    instruction: str = ""
    project: str = ""
    redacted: bool = False


class Entry(NamedTuple):
    """What users notice of some commits (their ids)."""

    section: str
    text: str
    commits: tuple[str, ...] = ()
    breaking: bool = False

    @property
    def shown(self) -> str:
        return f"**Breaking:** {self.text}" if self.breaking else self.text


def last_tag(repo: Repo) -> str | None:
    """The newest tag that HEAD's history has."""
    return try_line("describe", "--tags", "--abbrev=0", "HEAD", cwd=repo.root)


def gather(repo: Repo, index: Index | None, since: str | None) -> Changes:
    """The commits after `since` up to HEAD; without it, after the newest tag. Raises FatalError where there are none,
    or more than COMMITS_MAX."""
    since = since if since is not None else last_tag(repo)
    revisions = [resolve_commit(repo, "HEAD"), *([f"^{resolve_commit(repo, since)}"] if since is not None else [])]
    after = f" after {since}" if since is not None else ""
    number = int(git("rev-list", "--count", "--no-merges", *revisions, "--", cwd=repo.root))
    if not number:
        raise FatalError(f"there are no commits{after}", hint="--since names an older tag")
    if number > COMMITS_MAX:
        raise FatalError(f"{number:,} commits{after}, more than {COMMITS_MAX:,}", hint="--since names a newer tag")
    commits = told.read(repo, index, revisions, COMMITS_MAX)
    gone = _reverted(repo, commits)
    patches = _patches(repo, revisions)
    kept = [_commit(one, patches.get(one.id)) for one in commits if one.id not in gone]
    return Changes(since or "", tuple(kept), tuple(one for one in commits if one.id in gone))


def _reverted(repo: Repo, commits: Sequence[Told]) -> set[str]:
    """Reverts and what they take back, where both are among the commits. A revert that was reverted counts for
    nothing, and what it had taken back stands."""
    gone: set[str] = set()
    known = {commit.id for commit in commits}
    for commit in reversed(commits):
        if commit.reverts is not None and commit.id not in gone:
            sources = _taken_back(repo, *commit.reverts, known)
            gone |= {commit.id, *sources} if sources else set()
    return gone


def _taken_back(repo: Repo, reverted: str, parent: str | None, known: set[str]) -> set[str]:
    """The commits that a revert takes back: one, or with the `parent` all that a merge brought. None where users have
    had a part of that, or it is not here."""
    if parent is None:
        return {one for one in known if one.startswith(reverted)}
    try:
        brought = git("rev-list", "--no-merges", reverted, f"^{parent}", "--", cwd=repo.root).decode("ascii").split()
    except GitError:
        return set()
    return set(brought) if known.issuperset(brought) else set()


def _patches(repo: Repo, revisions: Sequence[str]) -> dict[str, log.Commit]:
    """The patches; in a partial clone, where they would have to be fetched, the paths only."""
    found: dict[str, log.Commit] = {}
    patches = log.has_patches(repo)
    log.read(repo, revisions, lambda one: found.update({one.oid: one}), most=COMMITS_MAX, patches=patches)
    return found


def _commit(one: Told, found: log.Commit | None) -> Commit:
    if found is None:
        return Commit(one)
    return Commit(one, tuple(found.paths[:PATHS_MAX]), found.patch.strip()[:PATCH_MAX])


def redacted(asked: Changes, redact: Redact) -> Changes:
    """The same without the values of secrets, in any of its texts."""
    own = (asked.since, asked.instruction, asked.project, *asked.style)
    said = [*own, *(text for one in asked.commits for text in (one.patch, one.told.message, *one.told.notes))]
    done, found = texts.redacted(redact, b"", said)
    rest = iter(found)
    asked = asked._replace(since=next(rest), instruction=next(rest), project=next(rest))
    style = tuple(next(rest) for _ in asked.style)
    commits = tuple(_said(one, rest) for one in asked.commits)
    return asked._replace(style=style, commits=commits, redacted=done.hidden > 0)


def _said(one: Commit, found: Iterator[str]) -> Commit:
    patch, message = next(found), next(found)
    notes = tuple(next(found) for _ in one.told.notes)
    return one._replace(patch=patch, told=one.told._replace(message=message, notes=notes))


def payload(asked: Changes, repo_name: str, *, model: str = "") -> Json:
    """The payload of a changelog task (docs/protocol.md)."""
    commits = [
        {
            "id": one.told.id, "message": one.told.message, "paths": list(one.paths), "patch": one.patch,
            "notes": list(one.told.notes),
        }
        for one in asked.commits
    ]  # fmt: skip
    made: Json = {
        "v": 1,
        "title": f"{repo_name}: change log since {asked.since or 'the beginning'}",
        "commits": commits,
        "style": list(asked.style),
        "instruction": asked.instruction,
        "project": asked.project,
        "redacted": asked.redacted,
    }
    return made | ({"model": model} if model else {})


def read(result: Json) -> list[Entry]:
    """The entries that a node answered, in the order of sections; one of no known section is left out."""
    items = result.get("entries")
    found = [_entry(item) for item in items if isinstance(item, dict)] if isinstance(items, list) else []
    return [entry for name in SECTIONS for entry in found if entry.section == name and entry.text]


def _entry(item: Json) -> Entry:
    text, ids = item.get("text"), item.get("commits")
    line = " ".join(printable(text[:ENTRY_MAX]).split()) if isinstance(text, str) else ""
    commits = tuple(one for one in ids if isinstance(one, str)) if isinstance(ids, list) else ()
    return Entry(str(item.get("section")), line, commits, item.get("breaking") is True)
