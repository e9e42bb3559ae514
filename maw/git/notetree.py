"""The tree below a notes ref: which blob is whose note. Needs pygit2.

git spreads notes over subtrees as it likes: `aabbcc…` (flat), `aa/bbcc…`, `aa/bb/cc…`. maw reads all of these and
always writes `aa/bbcc…`: mixed trees make `git notes merge` stumble, and flat ones make each further note slower.
Entries that are no notes are left alone, as git leaves them. Every function raises FatalError when the repository
lacks an object of the tree.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping

import pygit2

from maw.git.libgit import get

OID_LENGTH = 40
_TREE = 0o040000
_BLOB = 0o100644
_FAN = re.compile(r"[0-9a-f]{2}\Z")
_HEX = re.compile(r"[0-9a-f]+\Z")


def walk(repository: pygit2.Repository, tree: pygit2.Tree, above: str = "") -> Iterator[tuple[str, pygit2.Oid]]:
    """Each note: the id of the object it is on, and its blob. An object may come twice in a mixed tree."""
    for entry in tree:
        name = entry.name or ""
        if entry.filemode == _TREE:
            if _FAN.match(name) and len(above) + 2 < OID_LENGTH:
                yield from walk(repository, get(repository, entry.id, pygit2.Tree), above + name)
        elif len(above) + len(name) == OID_LENGTH and _HEX.match(name):
            yield above + name, entry.id


def lookup(repository: pygit2.Repository, tree: pygit2.Tree, object_id: str) -> list[pygit2.Oid]:
    """The blobs of an object's note at whatever depth they are; more than one in a mixed tree."""
    found = []
    rest = object_id
    while True:
        if rest in tree and tree[rest].filemode != _TREE:
            found.append(tree[rest].id)
        fan, rest = rest[:2], rest[2:]
        if not rest or fan not in tree or tree[fan].filemode != _TREE:
            return found
        tree = get(repository, tree[fan].id, pygit2.Tree)


def put(repository: pygit2.Repository, tree: pygit2.Tree | None, notes: Mapping[str, pygit2.Oid]) -> pygit2.Oid:
    """A tree with these notes set, all of it with one level of fan-out; its id.

    A tree that has another layout somewhere near is re-made as a whole: whoever made it so did that everywhere.
    """
    if tree is not None and not _is_fanned(repository, tree, {object_id[:2] for object_id in notes}):
        tree = get(repository, _refan(repository, tree), pygit2.Tree)
    groups: dict[str, dict[str, pygit2.Oid]] = defaultdict(dict)
    for object_id, blob in notes.items():
        groups[object_id[:2]][object_id[2:]] = blob
    root = _builder(repository, tree)
    for fan, group in groups.items():
        root.insert(fan, _with(repository, _subtree(repository, tree, fan), group), _TREE)
    return root.write()


def changed(old: pygit2.Tree, new: pygit2.Tree) -> set[str]:
    """The ids of the objects whose notes may differ between two trees. Equal subtrees are not even read."""
    found = set()
    for delta in old.diff_to_tree(new).deltas:
        for path in (delta.old_file.path, delta.new_file.path):
            object_id = path.replace("/", "")
            if len(object_id) == OID_LENGTH and _HEX.match(object_id):
                found.add(object_id)
    return found


def _is_fanned(repository: pygit2.Repository, tree: pygit2.Tree, fans: set[str]) -> bool:
    """True when the root and the subtrees `fans` hold notes as maw writes them."""
    if any(len(entry.name or "") == OID_LENGTH and entry.filemode != _TREE for entry in tree):
        return False
    subtrees = (_subtree(repository, tree, fan) for fan in fans)
    return not any(_FAN.match(entry.name or "") for subtree in subtrees if subtree is not None for entry in subtree)


def _refan(repository: pygit2.Repository, tree: pygit2.Tree) -> pygit2.Oid:
    groups: dict[str, dict[str, list[pygit2.Oid]]] = defaultdict(lambda: defaultdict(list))
    for object_id, blob in walk(repository, tree):
        groups[object_id[:2]][object_id[2:]].append(blob)
    root = _builder(repository, tree)
    for entry in tree:
        if entry.name and len(entry.name) == OID_LENGTH and entry.filemode != _TREE:
            root.remove(entry.name)
    for fan, group in groups.items():
        notes = {rest: _joined(repository, blobs) for rest, blobs in group.items()}
        root.insert(fan, _with(repository, _subtree(repository, tree, fan), notes), _TREE)
    return root.write()


def _with(repository: pygit2.Repository, subtree: pygit2.Tree | None, notes: Mapping[str, pygit2.Oid]) -> pygit2.Oid:
    """`subtree` with `notes` set, and without deeper levels, whose notes are among them."""
    builder = _builder(repository, subtree)
    for entry in subtree if subtree is not None else ():
        if entry.name and _FAN.match(entry.name) and entry.filemode == _TREE:
            builder.remove(entry.name)
    for rest, blob in notes.items():
        builder.insert(rest, blob, _BLOB)
    return builder.write()


def _joined(repository: pygit2.Repository, blobs: list[pygit2.Oid]) -> pygit2.Oid:
    """One blob with the lines of all; the writer and readers take equal lines as one."""
    if len(blobs) == 1:
        return blobs[0]
    parts = [get(repository, blob, pygit2.Blob).data for blob in blobs]
    return repository.create_blob(b"".join(part if part.endswith(b"\n") else part + b"\n" for part in parts))


def _subtree(repository: pygit2.Repository, tree: pygit2.Tree | None, fan: str) -> pygit2.Tree | None:
    if tree is None or fan not in tree or tree[fan].filemode != _TREE:
        return None
    return get(repository, tree[fan].id, pygit2.Tree)


def _builder(repository: pygit2.Repository, tree: pygit2.Tree | None) -> pygit2.TreeBuilder:
    return repository.TreeBuilder() if tree is None else repository.TreeBuilder(tree)
