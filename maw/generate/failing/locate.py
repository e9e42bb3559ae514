"""Which files of a repository the places of an output are. Pure, standard library only.

The output may come from elsewhere: a scratch worktree, a container, a folder below. So a file is found by the end of
its path, where that names one file only; what lies among installed packages is none of the repository's.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Sequence
from typing import NamedTuple

from maw.generate.alike import in_common
from maw.generate.failing.places import Named
from maw.git.worktrees import SCRATCH

_INSTALLED = re.compile(
    r"(?:^|/)(?:site-packages|dist-packages|node_modules|\.cargo/registry|rustc/[0-9a-f]{7,}|go/pkg/mod|vendor/bundle|"
    r"lib/python[\d.]+|usr/(?:lib|include|local/go)|<frozen[^/]*)(?:/|$)"
)
_SCRATCH = re.compile(rf".*/{re.escape(SCRATCH)}[^/]+/[^/]+/")


class Place(NamedTuple):
    """As places.Named, with a path of the repository."""

    path: str
    line: int | None
    kind: str
    symbol: str
    message: str


def locate(named: Sequence[Named], files: Collection[str], root: str) -> list[Place]:
    """Those places that are in files of the repository, in their order, each once."""
    known = frozenset(files)
    ends: dict[str, list[str]] = {}
    for path in known:
        ends.setdefault(path.rpartition("/")[2], []).append(path)
    found: dict[tuple[str, int | str], Place] = {}
    for one in named:
        if where := _path(one.path, known, ends, root):
            found.setdefault((where, one.line or one.symbol), Place(where, *one[1:]))
    return list(found.values())


def _path(path: str, known: frozenset[str], ends: dict[str, list[str]], root: str) -> str | None:
    for prefix in (root.rstrip("/") + "/", os.path.realpath(root) + "/"):
        path = path.removeprefix(prefix)
    path = os.path.normpath(_SCRATCH.sub("", path, count=1))
    if path in known:
        return path
    if _INSTALLED.search(path):
        return None
    return _by_end(path.lstrip("/").split("/"), ends.get(path.rpartition("/")[2], ()), whole=not os.path.isabs(path))


def _by_end(parts: list[str], candidates: Sequence[str], *, whole: bool) -> str | None:
    """The one file whose path ends as this one does: all of one of the two (of the given one where it is `whole`), or
    two parts at least."""
    scored = sorted(((in_common(parts[::-1], path.split("/")[::-1]), path) for path in candidates), reverse=True)
    if not scored or (len(scored) > 1 and scored[1][0] == scored[0][0]):
        return None
    shared, path = scored[0]
    fits = shared >= 2 or shared == path.count("/") + 1 or (whole and shared == len(parts))
    return path if fits else None
