"""What a change can be found by: the words of its paths and of the identifiers it changes."""

from __future__ import annotations

import re
from collections.abc import Iterable

NAMES_MAX = 120  # identifiers of a change
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{2,60}")
_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
# Words of languages and of prose, which say nothing about what a change is about.
_COMMON_WORDS = (
    "the and for not with from that this was are but its has have all any can will when into then than none true false "
    "null self cls def class return import else elif while try except finally raise yield lambda pass break continue "
    "async await assert global str int float bool bytes list dict set tuple object type void char const static public "
    "private protected final new let var function func fn impl struct enum interface package use mod pub mut match "
    "case switch default export extends implements throw throws catch string number boolean undefined typeof "
    "instanceof https http www com org"
)
_COMMON = frozenset(_COMMON_WORDS.split())


def path_words(paths: Iterable[str]) -> list[str]:
    """Each path as one word, its parts and their parts: src/netHttp.py gives src_nethttp_py, src, nethttp, net, …"""
    found: dict[str, None] = {}
    for path in paths:
        found["_".join(re.findall(r"\w+", path.lower()))] = None
        for part in re.findall(r"[A-Za-z0-9_]+", path):
            found |= dict.fromkeys(_parts(part))
    return [word for word in found if word]


def names(lines: Iterable[str]) -> list[str]:
    """The identifiers in lines of code, the first NAMES_MAX."""
    found: dict[str, None] = {}
    for line in lines:
        for name in _NAME.findall(line):
            if name.lower() not in _COMMON:
                found[name] = None
                if len(found) == NAMES_MAX:
                    return list(found)
    return list(found)


def name_words(identifiers: Iterable[str]) -> list[str]:
    """Identifiers and their parts, in lower case: readHttpLine gives readhttpline, read, http, line."""
    found: dict[str, None] = {}
    for name in identifiers:
        found |= dict.fromkeys(_parts(name))
    return [word for word in found if word not in _COMMON]


def patch_paths(patch: str) -> list[str]:
    """The paths that a patch names in its headers."""
    lines = (line[6:].rstrip("\t\r") for line in patch.split("\n") if line.startswith(("+++ b/", "--- a/")))
    return list(dict.fromkeys(lines))


def changed_lines(patch: str) -> list[str]:
    """The added and removed lines of a patch, and the definitions that hunks stand in."""
    found = []
    for line in patch.split("\n"):
        if line.startswith("@@ "):
            found.append(line.rpartition("@@")[2])
        elif line[:1] in ("+", "-") and not line.startswith(("+++ ", "--- ")):
            found.append(line[1:])
    return found


def _parts(name: str) -> list[str]:
    return [name.lower(), *(part.lower() for part in _PART.findall(name) if len(part) > 1)]
