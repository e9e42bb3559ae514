"""Changes to review: patches made by hand."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from typing import Any

from maw import change
from maw_remote.jobs.interface import Json


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


def words(texts: Sequence[str]) -> list[int]:
    return [len(text.split()) for text in texts]


Count = Callable[[Sequence[str]], Sequence[int]]
