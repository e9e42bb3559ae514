"""Read an answer while it comes. A parser is a generator over a Source: it yields what is complete, and None when it
needs more text. What it cannot read ends it, with the reason; what it had read by then counts."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from maw_remote.engine.interface import Field, Text
from maw_remote.engine.program import Option, Pick, Program

Parser = Iterator[Text | Field | None]


class Unreadable(ValueError):
    """What came is not what was asked for. The message says where, without the answer's text."""


class Source:
    """Text as far as it has come and was not taken yet."""

    def __init__(self) -> None:
        self.text = ""
        self.taken = 0  # characters
        self.closed = False
        self.cut = False  # closed because a limit was reached, not because the answer was whole

    def take(self, count: int) -> str:
        found, self.text = self.text[:count], self.text[count:]
        self.taken += len(found)
        return found

    def unreadable(self, wanted: str) -> Unreadable:
        what = "ends before" if self.closed and not self.text else "has something else than"
        return Unreadable(f"the answer {what} {wanted}, after {self.taken} characters")


class Reading:
    """An answer on its way. `problem`: why nothing more can be read of it. `done`: all that was asked for is there."""

    def __init__(self, program: Program, parse: Callable[[Source, Program], Parser]) -> None:
        self._source = Source()
        self._parser = parse(self._source, program)
        self.problem: str | None = None
        self.done = False

    def feed(self, text: str) -> list[Text | Field]:
        """What is complete after more text."""
        if self.problem is not None:
            return []
        self._source.text += text
        return self._read()

    def close(self, *, cut: bool = False) -> list[Text | Field]:
        """What is complete when nothing more comes. `cut`: the server stopped at its limit of tokens."""
        self._source.closed, self._source.cut = True, cut
        return [] if self.problem is not None else self._read()

    def _read(self) -> list[Text | Field]:
        found: list[Text | Field] = []
        try:
            while (part := next(self._parser)) is not None:
                found.append(part)
        except StopIteration:
            self.done = True
            if self._source.text.strip():
                self.problem = f"the answer goes on after its end, after {self._source.taken} characters"
            self._source.text = ""
        except Unreadable as exc:
            self.problem = str(exc)
        return found


class Taken:
    """What Picks have taken, for those that are to be unlike them."""

    def __init__(self) -> None:
        self._values: dict[str, set[str]] = {}

    def left(self, pick: Pick) -> list[Option]:
        """The options that may still be taken. Raises Unreadable when there is none."""
        gone = {value for name in pick.unlike for value in self._values.get(name, ())}
        found = [option for option in pick.options if option.value not in gone]
        if not found:
            raise Unreadable(f"no option of {pick.name!r} is left")
        return found

    def take(self, pick: Pick, option: Option) -> Field:
        self._values.setdefault(pick.name, set()).add(option.value)
        return Field(pick.name, option.value)


class Bounded:
    """A Write's text, kept up to its bound."""

    def __init__(self, name: str, limit: int) -> None:
        self._name, self._left = name, limit
        self._parts: list[str] = []
        self._over = False

    def add(self, piece: str) -> str:
        """What of this piece still belongs to the text."""
        kept = piece[: self._left]
        self._over |= len(kept) < len(piece)
        self._left -= len(kept)
        self._parts.append(kept)
        return kept

    def field(self, *, cut: bool) -> Field:
        return Field(self._name, "".join(self._parts), cut=cut or self._over)
