"""Read and write git notes at refs/notes/maw/<kind>. Needs pygit2: never on the hook path.

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
from collections.abc import Iterable, Iterator, Mapping

import pygit2

from maw import files, paths
from maw.errors import FatalError
from maw.git import notetree
from maw.git.libgit import find, get, open_repository
from maw.git.repo import Repo
from maw.git.run import GitError, git
from maw.record import KINDS, Record, format_note, merge, parse_note

PREFIX = "refs/notes/maw/"
ATTEMPTS = 50  # 18 were seen with two writers that never pause
LOCK_TIMEOUT = 10.0  # seconds; then we write without: the ref's compare-and-swap is what protects
STALE_LOCK = 10.0  # seconds; who locks a ref holds it for milliseconds: this one was killed meanwhile
_IDENT = re.compile(r"(.+) <(.+)> \d+ [+-]\d+$")
_OID = re.compile(rf"[0-9a-f]{{{notetree.OID_LENGTH}}}\Z")
# How libgit2 says that somebody else was faster.
_RACES = (
    "old reference value does not match",
    "current tip is not the first parent",
    "failed to lock file",
    "failed to create locked file",
)


def ref_name(kind: str) -> str:
    """The ref of a kind of records. Raises ValueError for an unknown kind."""
    if kind not in KINDS:
        raise ValueError(f"unknown kind of record: {kind!r}")
    return PREFIX + kind


class Notes:
    """The notes of one repository. Raises FatalError when libgit2 cannot open it."""

    def __init__(self, repo: Repo) -> None:
        self.repo = repo
        self.repository = open_repository(repo)

    def tip(self, kind: str) -> str | None:
        """The commit the ref points to, None while there are no notes of that kind."""
        try:
            reference = self.repository.lookup_reference(ref_name(kind)).resolve()
        except KeyError:
            return None
        return str(reference.target)

    def tree(self, tip: str | None) -> pygit2.Tree | None:
        """The notes tree of a tip, None when the repository no longer has it."""
        commit = find(self.repository, tip, pygit2.Commit) if tip else None
        return commit.tree if commit is not None else None

    def read(self, kind: str, commit: str) -> list[Record]:
        """The records on a commit (a full id), each line once; none when it has no note."""
        return self.read_in(self.tree(self.tip(kind)), checked_oid(commit))

    def read_in(self, tree: pygit2.Tree | None, commit: str) -> list[Record]:
        """Like read, in a given notes tree."""
        if tree is None:
            return []
        blobs = notetree.lookup(self.repository, tree, commit)
        return _distinct(record for blob in blobs for record in parse_note(self._content(blob)))

    def append(self, kind: str, commit: str, records: Iterable[Record]) -> bool:
        """Add records to a commit's note; False when it had them all. See append_many."""
        return self.append_many(kind, {commit: records}) > 0

    def append_many(self, kind: str, additions: Mapping[str, Iterable[Record]]) -> int:
        """Add records to several commits' notes in one update of the ref; how many notes changed.

        A record whose id the note has already is not added again, so repeating a call is harmless.
        Raises ValueError for what is no full object id, FatalError when the ref cannot be updated.
        """
        wanted = {checked_oid(commit): list(records) for commit, records in additions.items()}
        with self._turn():
            self._drop_stale_lock(kind)
            for attempt in range(ATTEMPTS):
                try:
                    return self._append_once(kind, wanted)
                except pygit2.AlreadyExistsError as exc:  # somebody else wrote the first note meanwhile
                    refusal = str(exc)
                except (pygit2.GitError, OSError) as exc:
                    if not any(text in str(exc) for text in _RACES):
                        raise
                    refusal = str(exc)
                time.sleep(random.uniform(0.001, min(0.002 * (attempt + 1), 0.05)))
        raise FatalError(
            f"cannot update {ref_name(kind)}: {refusal.strip()}",
            hint="when no git command is running there, remove that .lock file",
        )

    def _drop_stale_lock(self, kind: str) -> None:
        """A writer that was killed leaves the ref's lock file behind, with which nobody could write a note again."""
        path = os.path.join(self.repo.common_dir, f"{ref_name(kind)}.lock")
        with contextlib.suppress(FileNotFoundError):
            if time.time() - os.stat(path).st_mtime > STALE_LOCK:
                os.unlink(path)

    def _append_once(self, kind: str, additions: Mapping[str, list[Record]]) -> int:
        tip = self.tip(kind)
        tree = self.tree(tip)
        changed = {}
        for commit, records in additions.items():
            old = self.read_in(tree, commit)
            new = _added(old, records)
            if len(new) != len(old):
                changed[commit] = self.repository.create_blob(format_note(new))
        if changed:
            self._commit(kind, tip, notetree.put(self.repository, tree, changed), list(changed))
        return len(changed)

    def _commit(self, kind: str, tip: str | None, tree: pygit2.Oid, commits: list[str]) -> None:
        who = self._signature(commits[0])
        more = f" and {len(commits) - 1} more" if len(commits) > 1 else ""
        message = f"maw: {kind} {commits[0][:12]}{more}\n"
        if tip is not None:
            self.repository.create_commit(ref_name(kind), who, who, message, tree, [pygit2.Oid(hex=tip)])
            return
        # With no ref yet, create_commit would not compare: create the ref apart, which fails when there is one.
        first = self.repository.create_commit(None, who, who, message, tree, [])
        self.repository.references.create(ref_name(kind), first, force=False)

    def _signature(self, commit: str) -> pygit2.Signature:
        """The user's own identity: servers refuse invented ones. Where git knows none (it may have been in the
        environment of `git commit` only), that of the commit's committer, who is the one we write for."""
        if self._identity is not None:
            return pygit2.Signature(*self._identity)
        noted = find(self.repository, commit, pygit2.Commit)
        if noted is not None and noted.committer.name and noted.committer.email:
            return pygit2.Signature(noted.committer.name, noted.committer.email)
        return pygit2.Signature(getpass.getuser(), f"{getpass.getuser()}@{socket.gethostname()}")

    @functools.cached_property
    def _identity(self) -> tuple[str, str] | None:
        """Name and address as git has them: libgit2 knows neither GIT_CONFIG_GLOBAL nor every system's gitconfig."""
        try:
            said = git("var", "GIT_COMMITTER_IDENT", cwd=self.repo.common_dir).decode("utf-8", "replace")
        except GitError:
            return None
        match = _IDENT.match(said)
        return (match[1], match[2]) if match else None

    def _content(self, blob: pygit2.Oid) -> bytes:
        return get(self.repository, blob, pygit2.Blob).data

    @contextlib.contextmanager
    def _turn(self) -> Iterator[None]:
        path = os.path.join(paths.make_private_dir(self.repo.maw_dir), "notes.lock")
        with contextlib.ExitStack() as stack:
            with contextlib.suppress(TimeoutError):
                stack.enter_context(files.lock(path, LOCK_TIMEOUT))
            yield


def checked_oid(text: str) -> str:
    """`text` when it is a full object id. Raises ValueError."""
    if not _OID.match(text):
        raise ValueError(f"not a full object id: {text!r}")
    return text


def _distinct(records: Iterable[Record]) -> list[Record]:
    return list({record.raw: record for record in records}.values())


def _added(old: list[Record], records: list[Record]) -> list[Record]:
    have = {record.id for record in old if record.data is not None}
    return merge(old, [record for record in records if record.data is None or record.id not in have])
