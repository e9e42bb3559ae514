"""What a model's tokens are as bytes, and how text becomes tokens: all that decoding needs to know of a vocabulary."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache

SHORT = 96  # bytes of a text whose tokens are remembered: options and fixed texts come again and again
_APART = b"\n"  # a text of its own in vocabularies that put a space before each text


class Vocabulary:
    """`tokenize(text, control)` and `piece(token)` as Decoder has them; `is_end(token)`: no text goes on after it.
    `adds_space`: the vocabulary puts a space before each text by itself (SentencePiece)."""

    def __init__(
        self,
        tokenize: Callable[[bytes, bool], list[int]],
        piece: Callable[[int], bytes],
        is_end: Callable[[int], bool],
        *,
        adds_space: bool = False,
    ) -> None:
        self.adds_space = adds_space
        self.tokenize = tokenize
        self.piece = lru_cache(1 << 16)(piece)
        self.is_end = lru_cache(1 << 16)(is_end)
        self._head = tokenize(_APART, False) if adds_space else []
        self._short = lru_cache(1 << 15)(self._tokens)

    def tokens(self, text: bytes, *, goes_on: bool) -> list[int]:
        """A text's tokens, as data. `goes_on`: it continues another text, so that no space is put before it."""
        return list(self._short(text, goes_on)) if len(text) <= SHORT else self._tokens(text, goes_on)

    def count(self, text: str) -> int:
        return len(self.tokens(text.encode("utf-8", "replace"), goes_on=False))

    def _tokens(self, text: bytes, goes_on: bool) -> list[int]:
        if not (self.adds_space and goes_on):
            return self.tokenize(text, False)
        found = self.tokenize(_APART + text, False)
        size = len(self._head)
        return found[size:] if found[:size] == self._head else self.tokenize(text, False)

    def text_of(self, tokens: Sequence[int]) -> bytes:
        return b"".join(map(self.piece, tokens))


def shared(lists: Sequence[list[int]]) -> int:
    """How many leading tokens all lists have in common."""
    first, last = min(lists), max(lists)
    return next((at for at, pair in enumerate(zip(first, last, strict=False)) if pair[0] != pair[1]), len(first))
