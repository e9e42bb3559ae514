"""A repository's objects and refs as maw reads and writes them, whatever gives access to them (store.py chooses).

Objects are taken and given as git stores them, so that what is made of them is the same for each kind of access. What
a repository holds may be a stranger's: an object is read up to OBJECT_MAX bytes and never trusted to be well-formed.
"""

from __future__ import annotations

import hashlib
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from maw.errors import FatalError

TREE, BLOB, SUBMODULE = b"40000", b"100644", b"160000"  # modes
OBJECT_MAX = 64 * 1024 * 1024  # bytes
ENTRIES_MAX = 1_000_000  # of trees below one another; a tree that is its own children's tree many times over has more
_CACHED_MAX = 200_000  # entries of trees that are kept in memory
_OID = re.compile(r"[0-9a-f]+\Z")
_PERSON = re.compile(rb"(.*?) ?<([^<>\n]*)> (-?\d{1,18}) [+-]\d{1,9}\Z", re.DOTALL)


class Raced(FatalError):
    """Somebody else moved the ref, holds its lock, or tidied up where we were writing: look again."""


class TooLarge(FatalError):
    """What is stored there is larger than anything that maw writes or a person would."""


Entry = tuple[bytes, bytes]  # mode and object id in bytes, as a tree holds them: there may be millions
Tree = Mapping[bytes, Entry]


class Person(NamedTuple):
    """`time` in seconds since 1970."""

    name: bytes
    email: bytes
    time: int


NOBODY = Person(b"", b"", 0)


class Commit(NamedTuple):
    oid: str
    tree: str
    parents: tuple[str, ...]
    author: Person
    committer: Person
    message: bytes


class Objects(ABC):
    """Every method raises FatalError when the repository is damaged or cannot be written."""

    def __init__(self, algorithm: str) -> None:
        self.algorithm = algorithm  # sha1 or sha256
        self.oid_length = 2 * hashlib.new(algorithm, usedforsecurity=False).digest_size
        self.empty_tree = hashlib.new(algorithm, b"tree 0\0", usedforsecurity=False).hexdigest()
        self._cached: dict[str, Tree] = {self.empty_tree: {}}
        self._cached_entries = 0

    @abstractmethod
    def read(self, oid: str) -> tuple[str, bytes] | None:
        """Kind (blob, tree, commit, tag) and content of an object; None when there is none, nor will be fetched.
        Raises TooLarge."""

    @abstractmethod
    def write(self, kind: str, content: bytes) -> str:
        """Store an object; its id. Raises Raced."""

    @abstractmethod
    def ref(self, name: str) -> str | None:
        """What a ref points to, None when there is no such ref."""

    @abstractmethod
    def move_ref(self, name: str, old: str | None, new: str) -> None:
        """Let a ref point to `new`. Raises Raced unless it points to `old` (None: there is no such ref)."""

    @abstractmethod
    def patch_id(self, base: str, tree: str) -> PatchId | None:
        """The patch id of the change from one tree to another; None when the repository lacks some of it."""

    def blob(self, oid: str) -> bytes | None:
        return self._of_kind("blob", oid)

    def commit(self, oid: str) -> Commit | None:
        """The commit, None when it is missing or none."""
        content = self._of_kind("commit", oid)
        return None if content is None else parse_commit(oid, content)

    def tree(self, oid: str) -> Tree | None:
        if oid in self._cached:
            return self._cached[oid]
        content = self._of_kind("tree", oid)
        if content is None:
            return None
        found = parse_tree(oid, content, self.oid_length // 2)
        if self._cached_entries + len(found) > _CACHED_MAX:
            self._cached, self._cached_entries = {self.empty_tree: {}}, 0
        self._cached[oid] = found
        self._cached_entries += len(found)
        return found

    def needed_tree(self, oid: str) -> Tree:
        """A tree that another object names. Raises FatalError when it is missing all the same."""
        found = self.tree(oid)
        if found is None:
            raise missing("tree", oid)
        return found

    def needed_blob(self, oid: str) -> bytes:
        found = self.blob(oid)
        if found is None:
            raise missing("blob", oid)
        return found

    def write_tree(self, entries: Tree) -> str:
        return self.write("tree", format_tree(entries))

    def _of_kind(self, kind: str, oid: str) -> bytes | None:
        if len(oid) != self.oid_length or not _OID.match(oid):
            return None  # a damaged or hostile object named it
        found = self.read(oid)
        return found[1] if found is not None and found[0] == kind else None


class PatchId(NamedTuple):
    """`patch_id` is what `git patch-id --stable` prints for text. With `has_binary` it proves nothing: libgit2 gives
    two different edits of a binary file the same id."""

    patch_id: str
    has_binary: bool


def missing(kind: str, oid: str) -> FatalError:
    return FatalError(f"the repository lacks the {kind} {oid}", hint="`git fsck` tells what else is missing")


def parse_tree(oid: str, content: bytes, oid_bytes: int) -> Tree:
    """Raises FatalError for what is no tree."""
    entry = rb"([0-7]{5,6}) ([^\0]+)\0(.{%d})" % oid_bytes
    if not re.fullmatch(rb"(?:%s)*+" % entry, content, re.DOTALL):
        raise FatalError(f"the tree {oid} is damaged", hint="does `git fsck` find it, too?")
    return {name: (mode, raw) for mode, name, raw in re.findall(entry, content, re.DOTALL)}


def format_tree(entries: Tree) -> bytes:
    """In git's order, which takes a directory's name as if it ended in a slash."""
    ordered = sorted(entries.items(), key=lambda item: item[0] + (b"/" if item[1][0] == TREE else b""))
    return b"".join(b"%s %s\0%s" % (mode, name, raw) for name, (mode, raw) in ordered)


def subtree(entries: Tree, name: bytes) -> str | None:
    """The id of the tree with this name, None when there is none."""
    mode, raw = entries.get(name, (b"", b""))
    return raw.hex() if mode == TREE else None


def parse_commit(oid: str, content: bytes) -> Commit | None:
    """None for what is no commit. Names that nobody can make sense of are empty."""
    head, _, message = content.partition(b"\n\n")
    fields = [line.split(b" ", 1) for line in head.split(b"\n")]
    named: dict[bytes, list[bytes]] = {}
    for field in fields:
        named.setdefault(field[0], []).append(field[-1])
    trees, parents = (
        [value.decode("ascii", "replace") for value in named.get(key, ())] for key in (b"tree", b"parent")
    )
    author, committer = (_person(named.get(key, [b""])[0]) for key in (b"author", b"committer"))
    return Commit(oid, trees[0], tuple(parents), author, committer, message) if trees else None


def format_commit(tree: str, parents: Sequence[str], who: Person, message: str) -> bytes:
    """A commit of `who`, as author and committer, on top of `parents`."""
    ident = b"%s <%s> %d +0000" % (_plain(who.name), _plain(who.email), who.time)
    lines = [b"tree " + tree.encode(), *(b"parent " + parent.encode() for parent in parents)]
    return b"\n".join([*lines, b"author " + ident, b"committer " + ident, b"", message.encode()])


def changed_paths(objects: Objects, old: str | None, new: str | None) -> Iterator[bytes]:
    """The paths of what differs between two trees, None being nothing; subtrees that are equal are not even read.

    Raises FatalError when one is missing, or when they hold more than ENTRIES_MAX entries.
    """
    waiting: list[tuple[bytes, str | None, str | None]] = [(b"", old, new)]
    seen = 0
    while waiting:
        above, old, new = waiting.pop()
        if old == new:
            continue
        before: Tree = objects.needed_tree(old) if old is not None else {}
        after: Tree = objects.needed_tree(new) if new is not None else {}
        seen = counted(seen, len(before) + len(after))
        for name in {name for name, _ in before.items() ^ after.items()}:
            left, right = subtree(before, name), subtree(after, name)
            if left is not None or right is not None:
                waiting.append((above + name + b"/", left, right))
            if (left is None and name in before) or (right is None and name in after):
                yield above + name


def counted(seen: int, more: int) -> int:
    """How many entries were seen by now. Raises TooLarge beyond ENTRIES_MAX."""
    if seen + more > ENTRIES_MAX:
        raise TooLarge(f"more than {ENTRIES_MAX:,} entries below one tree")
    return seen + more


def _person(text: bytes) -> Person:
    match = _PERSON.match(text)
    return Person(match[1], match[2], int(match[3])) if match else NOBODY


def _plain(text: bytes) -> bytes:
    """A name or address without what would end it."""
    return bytes(byte for byte in text if byte not in b"<>\n\0")
