"""Globs over paths as git names them, for review rules and exclusions. Standard library only (hook path).

`*` and `?` stay within a folder, `**` does not, `[abc]` and `[!abc]` are sets. A glob without a slash matches a name
in any folder; one that ends in a slash, everything below it. Where git says more (negation, anchors), use git.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache


def matches(path: str, glob: str) -> bool:
    """True when `glob` covers `path`."""
    return _compile(glob).fullmatch(path) is not None


def first_match(path: str, globs: Iterable[str]) -> str | None:
    """The first of `globs` that covers `path`."""
    return next((glob for glob in globs if matches(path, glob)), None)


@lru_cache(maxsize=512)
def _compile(glob: str) -> re.Pattern[str]:
    glob = glob.removeprefix("./").removeprefix("/") if "/" in glob.strip("/") else glob
    if glob.endswith("/"):
        glob += "**"
    if "/" not in glob or ("/" not in glob.removesuffix("/**") and glob.endswith("/**")):
        glob = "**/" + glob
    # Adjacent stars of a hostile glob would make matching exponential.
    return re.compile(_translate(re.sub(r"\*{3,}", "**", glob)), re.DOTALL)


def _translate(glob: str) -> str:
    parts = []
    at = 0
    while at < len(glob):
        if glob.startswith("**/", at):
            parts.append("(?:[^/]+/)*")
            at += 3
        elif glob.startswith("**", at):
            parts.append(".*")
            at += 2
        elif glob[at] == "*":
            parts.append("[^/]*")
            at += 1
        elif glob[at] == "?":
            parts.append("[^/]")
            at += 1
        elif glob[at] == "[" and (end := glob.find("]", at + 2)) > 0:
            parts.append(_set(glob[at + 1 : end]))
            at = end + 1
        else:
            parts.append(re.escape(glob[at]))
            at += 1
    return "".join(parts)


def _set(inside: str) -> str:
    negated = inside.startswith(("!", "^"))
    members = re.sub(r"([\\\[\]^&~|])", r"\\\1", inside[1:] if negated else inside)
    return f"(?!/)[{'^' if negated else ''}{members}]"
