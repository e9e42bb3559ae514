"""Texts that go along with a change, redacted together with it: a value that is a secret there is one here, too.
Standard library only (hook path)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from maw.finding import Finding
from maw.light import NamedTuple

_SEPARATOR = b"\n\x1e\n"  # between what is redacted together
_INDENT = " "  # before each line of a text: none is then taken for a header of the diff


class Redacted(NamedTuple):
    """`hidden` values are not in `diff` any more; `findings` are the secrets that the change adds."""

    diff: bytes
    hidden: int
    findings: tuple[Finding, ...]


Redact = Callable[[bytes], Redacted]


def redacted(redact: Redact, diff: bytes, texts: Sequence[str]) -> tuple[Redacted, list[str]]:
    """`diff` and `texts` without the values of secrets. Raises what `redact` raises."""
    whole = redact(_SEPARATOR.join([diff, *map(_indented, texts)]))
    left, *rest = whole.diff.rsplit(_SEPARATOR, len(texts))
    return whole._replace(diff=left), [_plain(text) for text in rest]


def _indented(text: str) -> bytes:
    lines = text.replace("\x1e", " ").split("\n")
    return "\n".join(_INDENT + line for line in lines).encode("utf-8", "replace")


def _plain(text: bytes) -> str:
    return "\n".join(line.removeprefix(_INDENT) for line in text.decode("utf-8", "replace").split("\n"))
