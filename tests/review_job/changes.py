"""Changes to review: patches made by hand, and an engine whose answers are written beforehand."""

from __future__ import annotations

import base64
import re
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

from maw import api, change
from maw_remote.engine.interface import EngineError, Generation, Usage
from maw_remote.jobs.interface import Json

NAME = "scripted"


def patch(path: str, added: Sequence[bytes], *, removed: Sequence[bytes] = (), header: bytes = b"") -> bytes:
    """A file whose first lines are replaced: `removed` by `added`."""
    name = path.encode()
    lines = [b"-" + line for line in removed] + [b"+" + line for line in added]
    head = b"diff --git a/%s b/%s\n%s--- a/%s\n+++ b/%s\n" % (name, name, header, name, name)
    counts = b"@@ -1,%d +1,%d @@\n" % (len(removed), len(added)) if removed else b"@@ -0,0 +1,%d @@\n" % len(added)
    return head + counts + b"\n".join(lines) + b"\n"


def one_file(path: str, added: Sequence[bytes], **more: Any) -> change.FileChange:
    return change.parse(patch(path, added, **more))[0]


def payload(diff: bytes, **more: Any) -> Json:
    return {"v": 1, "title": "a change", "diff": base64.b64encode(diff).decode(), "rules": [], "exclude": [],
            "skipped": [], "max_file_bytes": 100_000, **more}  # fmt: skip


class Events:
    """Collects what a job emits."""

    def __init__(self) -> None:
        self.all: list[tuple[str, Json]] = []

    async def emit(self, kind: str, data: Json) -> None:
        self.all.append((kind, data))

    def of(self, kind: str) -> list[Json]:
        return [data for found, data in self.all if found == kind]


class ScriptedEngine:
    """Gives the next answer of its script to each generation: a text, (text, finish), or an error to raise.
    A token is a word."""

    def __init__(self, *script: str | tuple[str, str] | EngineError, context: int = 4096) -> None:
        self.script = list(script)
        self.asked: list[Generation] = []
        self._context = context

    async def generate(self, model: str, request: Generation) -> AsyncIterator[str | Usage]:
        self.asked.append(request)
        answer = self.script.pop(0) if self.script else '{"findings":[]}'
        if isinstance(answer, EngineError):
            raise answer
        text, finish = answer if isinstance(answer, tuple) else (answer, "stop")
        for piece in re.findall(r".{1,7}", text, re.DOTALL):
            yield piece
        yield Usage(100, 40, 10, 1.0, 2.0, finish)  # type: ignore[arg-type]

    async def count(self, model: str, texts: Sequence[str]) -> list[int]:
        return [len(text.split()) for text in texts]

    async def context(self, model: str) -> int:
        return self._context

    def identity(self, model: str) -> str:
        return "scripted"

    async def load(self, model: str) -> None:
        raise AssertionError("nobody asked for it")

    async def unload(self, model: str) -> None:
        raise AssertionError("nobody asked for it")

    def working(self) -> bool:
        return False

    def models(self) -> list[api.Model]:
        return [api.Model(name=NAME, state="loaded")]

    async def close(self) -> None:
        return


def words(texts: Sequence[str]) -> list[int]:
    return [len(text.split()) for text in texts]


Count = Callable[[Sequence[str]], Sequence[int]]
