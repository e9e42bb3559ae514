"""Read TOML, or what was made of the very same text before. Standard library only (hook path).

Loading tomllib and what it needs costs 5 ms, a fifth of a hook's time, for files that hardly ever change. The last
few texts and what they mean lie in the state directory, where there is one; a text is compared as a whole, so that
nothing outdated is ever taken for it.
"""

from __future__ import annotations

import json
import os

from maw import files, paths
from maw.light import Any

KEPT = 6  # texts: the user's, and those of the repositories last committed to
TEXT_MAX = 64 * 1024  # characters of one that is kept
DOTS_MAX = 100  # on one line; tomllib takes minutes for a key of 100,000 parts, which a cloned repository may have

Json = dict[str, Any]


def loads(text: str) -> Json:
    """The tables of a TOML text. Raises ValueError when it is none, RecursionError when it is absurd."""
    path = os.path.join(paths.state_dir(), "toml.json")
    known = _known(path)
    for before, data in known:
        if before == text:
            return data
    import tomllib

    check(text)
    data = tomllib.loads(text)
    if len(text) <= TEXT_MAX and os.path.isdir(paths.state_dir()):
        _keep(path, [(text, data), *known[: KEPT - 1]])
    return data


def check(text: str) -> None:
    """Raises ValueError for a line that could be an absurdly long key. Dots in a row are in no key."""
    for number, line in enumerate(text.split("\n"), 1):
        if line.count(".") > DOTS_MAX and not line.lstrip().startswith("#"):
            parts = [part for part in line.split(".") if part]
            if len(parts) > DOTS_MAX:
                raise ValueError(f"more than {DOTS_MAX} dots on line {number}; break the line in two")


def _known(path: str) -> list[tuple[str, Json]]:
    """Texts and their tables, newest first; none where the file is missing or damaged."""
    try:
        with open(path, "rb") as file:
            kept = json.load(file)
        return [(text, data) for text, data in kept if isinstance(text, str) and isinstance(data, dict)]
    except (OSError, ValueError, TypeError, RecursionError):
        return []


def _keep(path: str, known: list[tuple[str, Json]]) -> None:
    try:
        raw = json.dumps(known)
        if json.loads(raw)[0][1] == known[0][1]:  # not so with nan, for one
            files.write_atomic(path, raw.encode("ascii"))
    except (OSError, TypeError):  # TypeError: a date, which JSON has not
        pass
