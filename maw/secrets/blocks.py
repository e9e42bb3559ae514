"""Private keys of several lines. They are found by their first or last line, also where a hunk shows only a part."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from maw.secrets.patterns import Found

KIND = "private key"
_BEGIN = re.compile(r"-----?BEGIN (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----?|Private-Lines: \d+")
_END = re.compile(r"-----?END (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----?|Private-MAC: ")
_LONG = re.compile(r"[A-Za-z0-9+/=]{16,}")
_CONTENT = re.compile(r"[A-Za-z0-9+/=]{4,}")
# A line of a key: alone, in a comment or a quotation, or as one of the strings that a program joins.
_LINE = re.compile(
    r"""[\s"'`+.(#*/>|;%-]*(?:[A-Za-z0-9+/]{16,}={0,2}|=?[A-Za-z0-9+/]{2,}={0,2})(?:\\[rn])*["'`+,;)\\\s]*\Z"""
)
_HEADER = re.compile(r"""[\s"'`+#*/>|;%-]*(?:[A-Z][\w-]+: .*|(?:\\[rn])*["'`+\\\s]*)\Z""")
_FULL = re.compile(r"[A-Za-z0-9+/]{40,}={0,2}")
# Files that hold keys: a hunk from the middle of one shows neither its first nor its last line.
_KEY_FILE = re.compile(r"(?:\A|/)(?:id_(?:rsa|dsa|ecdsa|ed25519)|[^/]+\.(?:pem|key|ppk|p8|pk8|asc))\Z", re.IGNORECASE)


def possible(text: str, path: str) -> bool:
    """Whether a file whose part of the diff is `text` may have any of it. Cheap."""
    return "PRIVATE" in text or "Private-" in text or _KEY_FILE.search(path) is not None


def in_hunk(texts: Sequence[str], path: str) -> Iterator[tuple[int, Found]]:
    """Each line, by its index, with what of it belongs to a private key. `texts` are the lines of one hunk."""
    at = 0
    while at < len(texts):
        begin = _BEGIN.search(texts[at])
        if begin is None:
            if _END.search(texts[at]):
                yield from _before(texts, at)
            elif _KEY_FILE.search(path):
                yield from ((at, Found(*match.span(), KIND)) for match in _FULL.finditer(texts[at]))
            at += 1
            continue
        last = _last(texts, at, begin.end())
        if _END.search(texts[at], begin.end()):
            yield from ((at, found) for found in _content(texts[at], begin.end()))
        for index in range(at + 1, last + 1):
            yield from ((index, found) for found in _content(texts[index], 0))
        at = max(last, at) + 1


def _last(texts: Sequence[str], at: int, after: int) -> int:
    """The last line of the key that begins in line `at`; `at` itself when it ends there, or only the words were
    meant."""
    if _END.search(texts[at], after):
        return at
    index = at + 1
    while index < len(texts):
        if _END.search(texts[index]):
            return index
        if not (_LINE.match(texts[index]) or _HEADER.match(texts[index])):
            break
        index += 1
    return index - 1


def _before(texts: Sequence[str], end: int) -> Iterator[tuple[int, Found]]:
    """The lines above the last line of a key whose first line the hunk does not show."""
    yield from ((end, found) for found in _content(texts[end], 0))
    at = end - 1
    while at >= 0 and _LINE.match(texts[at]) and _CONTENT.search(texts[at]):
        yield from ((at, found) for found in _content(texts[at], 0))
        at -= 1


def _content(text: str, start: int) -> Iterator[Found]:
    """What is to be hidden of a line of a key, from `start` on: not its marks and not the words of its headers."""
    end = _END.search(text, start)
    if start == 0 and re.match(r"\s*(?:Proc-Type|Version|Comment|Encryption|PuTTY)", text):
        return
    runs = _LONG if end and start == 0 else _CONTENT  # code may stand before the last mark
    for match in runs.finditer(text, start, end.start() if end else len(text)):
        first = match.start() + (text[match.start() - 1 : match.start() + 1] in ("\\n", "\\r"))  # of an escape, \n
        yield Found(first, match.end(), KIND)
