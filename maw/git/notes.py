"""Read and write git notes at refs/notes/maw/<kind>. Needs pygit2 (store.py): never on the hook path.

Writing is compare-and-swap on the ref: git's own `notes add` and libgit2's `create_note` silently lose what another
process wrote meanwhile. maw's writers also take turns by a lock, so that they seldom have to try again.
"""

from __future__ import annotations

import contextlib
import functools
import getpass
import os
import random
import re
import socket
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

from maw import files, paths
from maw.errors import FatalError
from maw.git import notetree, refs
from maw.git.objects import Objects, Person, Raced, TooLarge, format_commit, missing
from maw.git.repo import Repo
from maw.git.run import GitError, git, no_git_env, of
from maw.git.store import open_store
from maw.record import KINDS, LINES_MAX, NOTE_MAX, Record, format_note, merge, parse_note

ATTEMPTS = 50  # 18 were seen with two writers that never pause
# Seconds; then we write without, as on a file system that knows no locks: the ref's compare-and-swap is what protects.
LOCK_TIMEOUT = 10.0
STALE_LOCK = 10.0  # seconds; who locks a ref holds it for milliseconds: this one was killed meanwhile
Done = TypeVar("Done")
_IDENT = re.compile(rb"(.+) <(.+)> \d+ [+-]\d+$")
_OID = re.compile(r"[0-9a-f]+\Z")


def ref_name(kind: str) -> str:
    """The ref of a kind of records. Raises ValueError for an unknown kind."""
    if kind not in KINDS:
        raise ValueError(f"unknown kind of record: {kind!r}")
    return refs.NOTES + kind


class Taken(NamedTuple):
    """What came from another tip: how many notes have more lines now, and the commits whose note there is too large
    to be read, which was left out."""

    notes: int
    refused: Sequence[str] = ()


@dataclass
class _Joined:
    """Notes made of two sides' lines, by commit, as blobs. `kept`: ours have lines that theirs lack."""

    notes: dict[str, str]
    refused: list[str]
    kept: bool = False


class Notes:
    """The notes of one repository. Raises GitError when it cannot be opened."""

    def __init__(self, repo: Repo) -> None:
        self.repo = repo
        self.objects = open_store(repo)

    def tip(self, kind: str) -> str | None:
        """The commit the ref points to, None while there are no notes of that kind."""
        return self.objects.ref(ref_name(kind))

    def tree(self, tip: str | None) -> str | None:
        """The id of a tip's notes tree, None when the repository no longer has it."""
        commit = self.objects.commit(tip) if tip else None
        return commit.tree if commit is not None else None

    def current_tree(self, tip: str | None) -> str | None:
        """The same for where the ref points to now. Raises FatalError for a tip that is not there: what is on it
        must not be taken for nothing, and written over."""
        tree = self.tree(tip)
        if tip is not None and tree is None:
            raise missing("commit", tip)
        return tree

    def read(self, kind: str, commit: str) -> list[Record]:
        """The records on a commit (a full id), each line once; none when it has no note. Raises TooLarge."""
        return self.read_in(self.current_tree(self.tip(kind)), self.checked_oid(commit))

    def read_in(self, tree: str | None, commit: str) -> list[Record]:
        """Like read, in a given notes tree."""
        blobs = notetree.lookup(self.objects, tree, commit)
        return _distinct(record for blob in blobs for record in lines(self.objects, blob))

    def checked_oid(self, text: str) -> str:
        """`text` when it is a full object id of this repository. Raises ValueError."""
        if len(text) != self.objects.oid_length or not _OID.match(text):
            raise ValueError(f"not a full object id: {text!r}")
        return text

    def append(self, kind: str, commit: str, records: Iterable[Record]) -> bool:
        """Add records to a commit's note; False when it had them all. See append_many."""
        return self.append_many(kind, {commit: records}) > 0

    def append_many(self, kind: str, additions: Mapping[str, Iterable[Record]]) -> int:
        """Add records to several commits' notes in one update of the ref; how many notes changed.

        A record whose id the note has already is not added again, so repeating a call is harmless.
        Raises ValueError for what is no full object id, FatalError when the ref cannot be updated.
        """
        wanted = {self.checked_oid(commit): list(records) for commit, records in additions.items()}
        return self._update(kind, lambda: self._append_once(kind, wanted))

    def take_in(self, kind: str, theirs: str) -> Taken:
        """Bring what another tip of that kind holds into ours, as the union of their lines.

        Afterwards `theirs` is part of our history, so that a push which replaces it loses nothing. Nothing is taken
        away either: a line that is missing there stays here. Raises as append_many does.
        """
        return self._update(kind, lambda: self._take_in_once(kind, theirs))

    def _update(self, kind: str, once: Callable[[], Done]) -> Done:
        """Do what moves the ref of a kind, again when somebody else was faster."""
        with self._turn():
            self._drop_stale_lock(kind)
            for attempt in range(ATTEMPTS):
                try:
                    return once()
                except Raced as exc:
                    refusal = exc.message
                time.sleep(random.uniform(0.001, min(0.002 * (attempt + 1), 0.05)))
        raise FatalError(
            f"cannot update {ref_name(kind)}: {refusal.strip()}",
            hint="when no git command is running there, remove that .lock file",
        )

    def _drop_stale_lock(self, kind: str) -> None:
        """A writer that was killed leaves the ref's lock file behind, with which nobody could write a note again."""
        path = os.path.join(self.repo.common_dir, f"{ref_name(kind)}.lock")
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            if time.time() - os.stat(path).st_mtime > STALE_LOCK:
                os.unlink(path)

    def _append_once(self, kind: str, additions: Mapping[str, list[Record]]) -> int:
        tip = self.tip(kind)
        tree = self.current_tree(tip)
        changed = {}
        for commit, records in additions.items():
            old = self.read_in(tree, commit)
            new = _added(old, records)
            if len(new) != len(old):
                changed[commit] = self.objects.write("blob", format_note(new))
        if changed:
            more = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
            first = next(iter(changed))
            parents = [tip] if tip is not None else []
            made = notetree.put(self.objects, tree, changed)
            self._commit(kind, made, parents, f"maw: {kind} {first[:12]}{more}\n", self._person(first))
        return len(changed)

    def _take_in_once(self, kind: str, theirs: str) -> Taken:
        tip = self.tip(kind)
        if tip is None:
            self.objects.move_ref(ref_name(kind), None, theirs)
            return Taken(sum(1 for _ in notetree.walk(self.objects, self.current_tree(theirs))))
        if tip == theirs or self._holds(tip, theirs):
            return Taken(0)
        tree = self.current_tree(tip)
        assert tree is not None
        joined = self._joined(tree, self.current_tree(theirs))
        if not joined.kept and self._holds(theirs, tip):
            self.objects.move_ref(ref_name(kind), tip, theirs)
        else:
            tree = notetree.put(self.objects, tree, joined.notes) if joined.notes else tree
            self._commit(kind, tree, [tip, theirs], f"maw: join {kind} of {theirs[:12]}\n", self._person(theirs))
        return Taken(len(joined.notes), joined.refused)

    def _joined(self, ours: str, theirs: str | None) -> _Joined:
        """The notes that differ, with the lines of both sides. A note that is too large to be read is left out."""
        found = _Joined({}, [])
        assert theirs is not None
        for commit in sorted(notetree.changed(self.objects, ours, theirs)):
            mine = self.read_in(ours, commit)
            try:
                other = self.read_in(theirs, commit)
            except TooLarge:
                found.refused.append(commit)
                continue
            both = merge(mine, other)
            if len(both) != len(mine):
                found.notes[commit] = self.objects.write("blob", format_note(both))
            found.kept |= len(both) != len(other)
        found.kept |= bool(found.refused)
        return found

    def _holds(self, tip: str, other: str) -> bool:
        """Whether `other` is `tip` or one of its ancestors."""
        directory = self.repo.common_dir
        try:
            git(*of(directory), "merge-base", "--is-ancestor", other, tip, cwd=directory, env=no_git_env())
        except GitError as exc:
            if exc.code == 1:
                return False
            raise
        return True

    def _commit(self, kind: str, tree: str, parents: list[str], message: str, who: Person) -> None:
        """Make a commit, and the ref point to it: from the first of `parents`, or from nothing."""
        made = self.objects.write("commit", format_commit(tree, parents, who, message))
        self.objects.move_ref(ref_name(kind), parents[0] if parents else None, made)

    def _person(self, commit: str) -> Person:
        """The user's own identity: servers refuse invented ones. Where git knows none (it may have been in the
        environment of `git commit` only), that of the commit's committer, who is the one we write for."""
        now = int(time.time())
        if self._identity is not None:
            return Person(*self._identity, now)
        noted = self.objects.commit(commit)
        if noted is not None and noted.committer.name and noted.committer.email:
            return noted.committer._replace(time=now)
        login = getpass.getuser()
        return Person(login.encode(), f"{login}@{socket.gethostname()}".encode(), now)

    @functools.cached_property
    def _identity(self) -> tuple[bytes, bytes] | None:
        """Name and address as git has them: libgit2 knows neither GIT_CONFIG_GLOBAL nor every system's gitconfig."""
        try:
            said = git(*of(self.repo.common_dir), "var", "GIT_COMMITTER_IDENT", cwd=self.repo.common_dir)
        except GitError:
            return None
        match = _IDENT.match(said.decode("utf-8", "replace").encode())
        return (match[1], match[2]) if match else None

    @contextlib.contextmanager
    def _turn(self) -> Iterator[None]:
        path = os.path.join(paths.make_private_dir(self.repo.maw_dir), "notes.lock")
        with contextlib.ExitStack() as stack:
            with contextlib.suppress(TimeoutError):
                stack.enter_context(files.lock(path, LOCK_TIMEOUT, needed=False))
            yield


def lines(objects: Objects, blob: str) -> list[Record]:
    """The lines of a note. Raises TooLarge, and FatalError when the repository has it not."""
    content = objects.needed_blob(blob)
    if len(content) > NOTE_MAX or content.count(b"\n") > LINES_MAX:
        raise TooLarge(f"the note {blob} has {len(content):,} bytes")
    return parse_note(content)


def _distinct(records: Iterable[Record]) -> list[Record]:
    return list({record.raw: record for record in records}.values())


def _added(old: list[Record], records: list[Record]) -> list[Record]:
    have = {record.id for record in old if record.data is not None}
    return merge(old, [record for record in records if record.data is None or record.id not in have])
