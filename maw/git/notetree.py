"""The tree below a notes ref: which blob is whose note.

git spreads notes over subtrees as it likes: `aabbcc…` (flat), `aa/bbcc…`, `aa/bb/cc…`. maw reads all of these and
always writes `aa/bbcc…`: mixed trees make `git notes merge` stumble, and flat ones make each further note slower.
Entries that are no notes are left alone, as git leaves them; what is called like one and is a submodule's commit has
nothing to be read. Every function raises FatalError when the repository
lacks an object of the tree; trees are named by their ids, None being the tree of no notes at all.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping

from maw.git.objects import BLOB, SUBMODULE, TREE, Objects, changed_paths, counted, subtree

_FAN = re.compile(rb"[0-9a-f]{2}\Z")
_HEX = re.compile(rb"[0-9a-f]+\Z")


def walk(objects: Objects, tree: str | None) -> Iterator[tuple[str, str]]:
    """Each note: the id of the object it is on, and its blob. An object may come twice in a mixed tree."""
    waiting = [(b"", tree)] if tree is not None else []
    seen = 0
    while waiting:
        above, oid = waiting.pop()
        entries = objects.needed_tree(oid)
        seen = counted(seen, len(entries))
        for name, (mode, raw) in entries.items():
            if mode != TREE:
                if mode != SUBMODULE and _is_note(objects, above + name):
                    yield (above + name).decode("ascii"), raw.hex()
            elif _FAN.match(name) and len(above) + 2 < objects.oid_length:
                waiting.append((above + name, raw.hex()))


def lookup(objects: Objects, tree: str | None, object_id: str) -> list[str]:
    """The blobs of an object's note at whatever depth they are; more than one in a mixed tree."""
    found: list[str] = []
    rest = object_id.encode("ascii")
    while tree is not None and rest:
        entries = objects.needed_tree(tree)
        mode, raw = entries.get(rest, (TREE, b""))
        if mode not in (TREE, SUBMODULE):
            found.append(raw.hex())
        tree, rest = subtree(entries, rest[:2]), rest[2:]
    return found


def put(objects: Objects, tree: str | None, notes: Mapping[str, str]) -> str:
    """A tree with these notes set, all of it with one level of fan-out; its id.

    A tree that has another layout somewhere near is re-made as a whole: whoever made it so did that everywhere.
    """
    groups: dict[bytes, dict[bytes, str]] = defaultdict(dict)
    for object_id, blob in notes.items():
        groups[object_id[:2].encode("ascii")][object_id[2:].encode("ascii")] = blob
    if tree is not None and not _is_fanned(objects, tree, set(groups)):
        tree = _refan(objects, tree)
    root = dict(objects.needed_tree(tree)) if tree is not None else {}
    for fan, group in groups.items():
        root[fan] = (TREE, _with(objects, subtree(root, fan), group))
    return objects.write_tree(root)


def changed(objects: Objects, old: str, new: str) -> set[str]:
    """The ids of the objects whose notes may differ between two trees."""
    names = (path.replace(b"/", b"") for path in changed_paths(objects, old, new))
    return {name.decode("ascii") for name in names if _is_note(objects, name)}


def _is_note(objects: Objects, name: bytes) -> bool:
    return len(name) == objects.oid_length and _HEX.match(name) is not None


def _is_fanned(objects: Objects, tree: str, fans: set[bytes]) -> bool:
    """True when the root and the subtrees `fans` hold notes as maw writes them."""
    root = objects.needed_tree(tree)
    if any(_is_note(objects, name) and mode != TREE for name, (mode, _) in root.items()):
        return False
    subtrees = [oid for oid in (subtree(root, fan) for fan in fans) if oid is not None]
    return not any(_FAN.match(name) for oid in subtrees for name in objects.needed_tree(oid))


def _refan(objects: Objects, tree: str) -> str:
    groups: dict[bytes, dict[bytes, list[str]]] = defaultdict(lambda: defaultdict(list))
    for object_id, blob in walk(objects, tree):
        groups[object_id[:2].encode("ascii")][object_id[2:].encode("ascii")].append(blob)
    old = objects.needed_tree(tree)
    root = {name: entry for name, entry in old.items() if entry[0] == TREE or not _is_note(objects, name)}
    for fan, group in groups.items():
        notes = {rest: _joined(objects, blobs) for rest, blobs in group.items()}
        root[fan] = (TREE, _with(objects, subtree(old, fan), notes))
    return objects.write_tree(root)


def _with(objects: Objects, tree: str | None, notes: Mapping[bytes, str]) -> bytes:
    """A subtree with `notes` set, and without deeper levels, whose notes are among them; its id in bytes."""
    old = objects.needed_tree(tree) if tree is not None else {}
    kept = {name: entry for name, entry in old.items() if entry[0] != TREE or not _FAN.match(name)}
    made = objects.write_tree(kept | {rest: (BLOB, bytes.fromhex(blob)) for rest, blob in notes.items()})
    return bytes.fromhex(made)


def _joined(objects: Objects, blobs: list[str]) -> str:
    """One blob with the lines of all; the writer and readers take equal lines as one."""
    if len(blobs) == 1:
        return blobs[0]
    parts = [objects.needed_blob(blob) for blob in blobs]
    return objects.write("blob", b"".join(part if part.endswith(b"\n") else part + b"\n" for part in parts))
