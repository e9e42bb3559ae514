"""Globs over paths as git names them, for review rules and exclusions. Standard library only (hook path).

As in .gitignore: `*`, `?` and `[abc]` stay within a folder; `**` as a whole part stands for any folders; a glob
without a slash matches a name in any folder, as does one whose only slash ends it, which covers all below it.
Globs come from repositories, which may be a stranger's: matching takes time in proportion to both lengths, where one
regular expression for the whole glob would take years for some.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable
from functools import lru_cache

# A part's pattern; None stands for `**`.
_Parts = tuple["re.Pattern[str] | None", ...]


def matches(path: str, glob: str) -> bool:
    """True when `glob` covers `path`."""
    parts = _parts(glob)
    states = _skip({0}, parts)
    for name in path.split("/"):
        states = _skip(set(_step(states, parts, name)), parts)
    return len(parts) in states


def first_match(path: str, globs: Iterable[str]) -> str | None:
    """The first of `globs` that covers `path`."""
    return next((glob for glob in globs if matches(path, glob)), None)


def _step(states: set[int], parts: _Parts, name: str) -> Iterable[int]:
    """Where in the glob one may be after one more part of the path."""
    for at in states:
        if at == len(parts):
            continue
        part = parts[at]
        if part is None:
            yield at
            if at + 1 == len(parts):
                yield at + 1
        elif part.match(name):
            yield at + 1


def _skip(states: set[int], parts: _Parts) -> set[int]:
    """`**` may stand for no folder at all; at the glob's end it needs something that it covers."""
    for at in sorted(states):
        while at < len(parts) - 1 and parts[at] is None:
            at += 1  # noqa: PLW2901 - walks on from where it began
            states.add(at)
    return states


@lru_cache(maxsize=512)
def _parts(glob: str) -> _Parts:
    glob = glob.removeprefix("./")
    if glob.endswith("/"):
        glob += "**"
        anywhere = glob.count("/") == 1
    else:
        anywhere = "/" not in glob
    names = [*(["**"] if anywhere else []), *glob.removeprefix("/").split("/")]
    # fnmatch's expressions use atomic groups, so that many stars in a part do no harm either.
    return tuple(None if name == "**" else re.compile(fnmatch.translate(name)) for name in names)
