"""Take the values of secrets out of what is asked, and put lines back in what is answered. Pure but for `redact`.

A line with a value leaves as the line with a placeholder. An answer that repeats such a line as it was shown means the
real one, which takes its place again; one that changes it would put the placeholder over the value, and is refused.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from maw.edits import refusal
from maw.edits.answer import Block, Replace, Whole
from maw.edits.refusal import Refused
from maw.generate.request import Asked, Example, File, Tried
from maw.secrets import MARK, texts
from maw.secrets.texts import Redact

REDACTED = "redacted"  # the code of a refusal


class Hidden(NamedTuple):
    """What was taken out: by path, the lines as they left and as they are; one that two lines left as has none."""

    lines: Mapping[str, Mapping[str, str | None]]
    values: int = 0


def redacted(asked: Asked, redact: Redact) -> tuple[Asked, Hidden]:
    """The same without the values of secrets, in any of its texts. Raises what `redact` raises."""
    tried = [text for one in asked.before for text in _of(one)]
    examples = [text for one in asked.examples for text in one]
    patch = "\n".join(_added(file) for file in asked.files).encode()
    done, found = texts.redacted(redact, patch, [asked.instruction, asked.project, asked.map, *examples, *tried])
    if not done.hidden:
        return asked, Hidden({})
    rest = iter(found)
    made = asked._replace(instruction=next(rest), project=next(rest), map=next(rest), redacted=True)
    made = made._replace(files=tuple(_taken(asked.files, done.diff.decode())))
    made = made._replace(examples=tuple(Example(next(rest), next(rest)) for _ in asked.examples))
    made = made._replace(before=tuple(_with(one, rest) for one in asked.before))
    hidden = {old.path: _lines(old.text, new.text) for old, new in zip(asked.files, made.files, strict=True)}
    return made, Hidden({path: lines for path, lines in hidden.items() if lines}, done.hidden)


def restored(blocks: Sequence[Block], hidden: Hidden) -> list[Block]:
    """The blocks with the real lines where an answer repeats those that were shown. Raises Refused for one that would
    put a placeholder into a file."""
    made = [_restored(block, hidden.lines.get(block.path, {})) for block in blocks] if hidden.values else list(blocks)
    bad = dict.fromkeys(block.path for block in made if hidden.values and any(MARK in line for line in _all(block)))
    if bad:
        message = f"a value was taken out there ({MARK}): such lines are left alone, and changed by hand only"
        raise Refused([refusal.refusal(REDACTED, message, path) for path in bad])
    return made


def _restored(block: Block, real: Mapping[str, str | None]) -> Block:
    def back(lines: Iterable[str]) -> tuple[str, ...]:
        return tuple(real.get(line) or line for line in lines)

    if isinstance(block, Replace):
        return Replace(block.path, back(block.search), back(block.replace))
    return Whole(block.path, block.lines)


def _all(block: Block) -> tuple[str, ...]:
    return (*block.search, *block.replace) if isinstance(block, Replace) else block.lines


def _of(tried: Tried) -> list[str]:
    return [tried.answer, tried.output, *(text for one in tried.refusals for text in (one.message, one.real))]


def _with(tried: Tried, texts: Iterable[str]) -> Tried:
    rest = iter(texts)
    answer, output = next(rest), next(rest)
    refusals = tuple(one._replace(message=next(rest), real=next(rest)) for one in tried.refusals)
    return Tried(answer, refusals, output)


def _lines(old: str, new: str) -> dict[str, str | None]:
    """Lines as they left, and as they are."""
    found: dict[str, str | None] = {}
    for real, shown in zip(old.split("\n"), new.split("\n"), strict=True):
        if real != shown:
            line, was = shown.removesuffix("\r"), real.removesuffix("\r")
            found[line] = was if found.get(line, was) == was else None
    return found


_HEAD = 4  # lines of a file's header in the patch


def _added(file: File) -> str:
    """A file as a patch that adds it: what its name tells counts for what is a secret in it."""
    name = file.path if file.path.isascii() and file.path.isprintable() else f"file{os.path.splitext(file.path)[1]}"
    name = name if name.isascii() and name.isprintable() else "file"
    lines = file.text.split("\n")
    head = [f"diff --git a/{name} b/{name}", "--- /dev/null", f"+++ b/{name}", f"@@ -0,0 +1,{len(lines)} @@"]
    return "\n".join([*head, *(f"+{line}" for line in lines)])


def _taken(files: Sequence[File], patch: str) -> Iterator[File]:
    """The files out of the patch: it has the same lines as before."""
    lines, at = patch.split("\n"), 0
    for file in files:
        at += _HEAD
        size = file.text.count("\n") + 1
        yield file._replace(text="\n".join(line[1:] for line in lines[at : at + size]))
        at += size
