"""A free text as it grows out of tokens: bytes to whole characters, and its end at a stop text."""

from __future__ import annotations

import codecs
from collections.abc import Sequence


class FreeText:
    """Takes pieces, gives text. `size` is what it has in bytes, `ended` whether a stop text came."""

    def __init__(self, stop: Sequence[str]) -> None:
        self.ended = False
        self._stop = [text for text in stop if text]
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._held = ""  # might be the beginning of a stop text
        self._told: list[str] = []

    def add(self, piece: bytes) -> str:
        """What can be told after one more piece."""
        text = self._held + self._decode(piece)
        found = [at for stop in self._stop if (at := text.find(stop)) >= 0]
        if found:
            self.ended, self._held = True, ""
            return self._tell(text[: min(found)])
        keep = max((_overlap(text, stop) for stop in self._stop), default=0)
        self._held = text[len(text) - keep :]
        return self._tell(text[: len(text) - keep])

    def rest(self) -> str:
        """What was held back: at the end it was no stop text after all. A cut character is left out."""
        held, self._held = self._held, ""
        return self._tell(held)

    def text(self) -> str:
        """All that was told."""
        return "".join(self._told)

    def _tell(self, text: str) -> str:
        if text:
            self._told.append(text)
        return text


def kept(pieces: Sequence[bytes], text: str) -> tuple[int, bytes]:
    """Of the tokens that a text was made of, how many lie wholly in it and end with a character, and the bytes of the
    text that come after them."""
    wanted = text.encode("utf-8", "replace")
    count = size = taken = 0
    for number, piece in enumerate(pieces, 1):
        if wanted[size : size + len(piece)] != piece:
            break
        size += len(piece)
        if size == len(wanted) or wanted[size] & 0xC0 != 0x80:
            count, taken = number, size
    return count, wanted[taken:]


def _overlap(text: str, stop: str) -> int:
    """How many characters at the end of `text` begin `stop`."""
    return next((size for size in range(min(len(stop) - 1, len(text)), 0, -1) if text.endswith(stop[:size])), 0)
