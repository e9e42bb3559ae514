"""Bring a repository's files and the cache together: what each file defines and uses, parsing only what is new.
Standard library only."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from maw.errors import FatalError
from maw.git.repo import Repo
from maw.repomap import skip, sources
from maw.repomap.cache import Cache
from maw.repomap.languages import installed, language_of
from maw.repomap.tags import GAVE_UP, Names, Tags, decode, decode_names, encode, names_of

if TYPE_CHECKING:
    from maw.repomap.parsing import Job, Parsers

TAGS_VERSION = 2  # of what is extracted; rises with the queries and patterns
_FEW = 8  # files for which one process is enough
_BATCH = 200  # files that are put into the cache at once: what Ctrl-C loses at most

Progress = Callable[[int, int], None]  # files parsed, files to parse


class Snapshot(NamedTuple):
    """The source files of a working tree (`commit` is None) or a commit, by path: what each defines and uses, and its
    key in the cache. `left_out` has the reasons of those that are no part of it."""

    commit: str | None
    files: dict[str, Names]
    keys: dict[str, str]
    left_out: dict[str, str]

    @property
    def troubles(self) -> dict[str, str]:
        """The files that their language's parser did not manage, and why."""
        return {path: names.trouble for path, names in self.files.items() if names.trouble}


def load(
    repo: Repo, cache: Cache, commit: str | None = None, progress: Progress = lambda _done, _all: None
) -> Snapshot:
    """The repository as it is, or as it is in a commit. Raises GitError, and FatalError without a working tree."""
    if commit is None:
        if repo.worktree is None:
            raise FatalError("a bare repository has no working tree to map", hint="`--at COMMIT` maps a commit")
        listing = sources.in_worktree(repo)
        blobs, left_out = _worktree_blobs(repo, cache, listing)
    else:
        tree = sources.in_commit(repo, commit)
        blobs, left_out = {path: tree.blobs[path] for path in tree.listing.paths}, tree.listing.left_out
    keys = {path: _key(path, blob) for path, blob in blobs.items()}
    known = cache.names(keys.values())
    names = {key: decode_names(text) for key, text in known.items()}
    missing = {keys[path]: path for path in blobs if keys[path] not in names}
    for key, tags in _parsed(cache, _contents(repo, commit, missing, blobs), len(missing), progress):
        names[key] = names_of(tags)
    return _snapshot(commit, keys, names, left_out)


def tags_of(cache: Cache, snapshot: Snapshot, path: str) -> Tags:
    """All that is known of a file of the snapshot."""
    text = cache.tags(snapshot.keys[path])
    return decode(text) if text is not None else Tags([], {}, trouble=GAVE_UP)


def _snapshot(commit: str | None, keys: dict[str, str], names: dict[str, Names], left_out: dict[str, str]) -> Snapshot:
    files: dict[str, Names] = {}
    for path, key in keys.items():
        known = names.get(key)
        if known is None or known.left_out:
            left_out[path] = known.left_out if known else "not to be read"
        else:
            files[path] = known
    return Snapshot(commit, files, keys, left_out)


def _worktree_blobs(repo: Repo, cache: Cache, listing: sources.Listing) -> tuple[dict[str, str], dict[str, str]]:
    """The blob of each file; only those that changed since they were last seen are read."""
    seen = cache.blobs()
    folders = sources.Folders(repo.root)
    blobs: dict[str, str] = {}
    left_out = dict(listing.left_out)
    news = []
    for path in listing.paths:
        stat = folders.stat(path)
        if stat is None:
            continue  # deleted, a link, no file
        blob, as_it_was = seen.get(path, ("", None))
        if stat != as_it_was:
            if reason := skip.too_large(stat.size):
                left_out[path] = reason
                continue
            data = sources.read(repo, path)
            if data is None:
                left_out[path] = "not to be read"
                continue
            blob = sources.blob_id(data, listing.algorithm)
            news.append((path, blob, stat))
        blobs[path] = blob
    gone = seen.keys() - blobs.keys()
    if news or gone:
        cache.note_blobs(news, gone)
    return blobs, left_out


def _key(path: str, blob: str) -> str:
    """Of a content in the cache: the same text is another thing in another language, or to another parser."""
    language = language_of(path)
    return f"{blob}:{language}:{installed().get(language or '', 'plain')}:{TAGS_VERSION}"


def _contents(
    repo: Repo, commit: str | None, missing: dict[str, str], blobs: dict[str, str]
) -> Iterator[tuple[str, str, bytes]]:
    """Key, path and content of what is to be parsed."""
    if commit is None:
        for key, path in missing.items():
            data = sources.read(repo, path)
            # A file that changed since it was looked at is parsed at the next call.
            if data is not None and sources.blob_id(data, _algorithm(blobs[path])) == blobs[path]:
                yield key, path, data
        return
    wanted: dict[str, list[tuple[str, str]]] = {}
    for key, path in missing.items():
        wanted.setdefault(blobs[path], []).append((key, path))
    for blob, data in sources.read_blobs(repo, list(wanted)):
        for key, path in wanted.get(blob, ()):
            yield key, path, data


def _algorithm(oid: str) -> str:
    return "sha256" if len(oid) == 64 else "sha1"


def _parsed(
    cache: Cache, contents: Iterable[tuple[str, str, bytes]], count: int, progress: Progress
) -> Iterator[tuple[str, Tags]]:
    """Parse and keep."""
    if not count:
        return
    from maw.repomap.parsing import Parsers  # processes and threads: 7 ms, and a warm map needs none

    rows: list[tuple[str, str, str]] = []
    with Parsers(1 if count <= _FEW else os.cpu_count() or 1) as parsers:
        left_out: list[tuple[str, Tags]] = []
        for done, (key, tags) in enumerate(_both(parsers, contents, left_out), 1):
            if tags.trouble != GAVE_UP:
                rows.append((key, encode(names_of(tags)), encode(tags)))
            if len(rows) >= _BATCH:
                cache.put(rows)
                rows = []
            progress(done, count)
            yield key, tags
    cache.put(rows)


def _both(
    parsers: Parsers, contents: Iterable[tuple[str, str, bytes]], left_out: list[tuple[str, Tags]]
) -> Iterator[tuple[str, Tags]]:
    """What is parsed, and then what is not fit to be."""
    from maw.repomap.parsing import Job

    def jobs() -> Iterator[Job]:
        for key, path, data in contents:
            reason = skip.by_content(data)
            if reason:
                left_out.append((key, Tags([], {}, left_out=reason)))
            else:
                yield Job(key, language_of(path) or "", data)

    yield from parsers.each(jobs())
    yield from left_out
