"""A repository with many commits and a review note on each, built by git fast-import."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path

from maw import record

_SEVERITIES = ("info", "warning", "error")


def build(path: Path, count: int) -> None:
    """A new repository at `path`: `count` commits of a few authors in 40 folders, and as many notes."""
    path.mkdir(parents=True)
    _git(path, b"", "init", "-q")
    _git(path, b"".join(_commit(number) for number in range(1, count + 1)), "fast-import", "--quiet")
    log = _git(path, b"", "log", "--reverse", "--format=%H %T %ct", "refs/heads/main").decode()
    head = b"commit refs/notes/maw/review\ncommitter A Benchmark <benchmark@example.invalid> 1700000000 +0000\n"
    parts = [head, b"data 5\nnotes\n"]
    base = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
    for number, line in enumerate(log.splitlines()):
        commit, tree, when = line.split()
        note = json.dumps(review(number, commit, tree, base, int(when)), separators=(",", ":"), sort_keys=True).encode()
        parts.append(b"N inline %s\ndata %d\n%s\n\n" % (commit.encode(), len(note) + 1, note))
        base = tree
    _git(path, b"".join(parts), "fast-import", "--quiet")


def review(number: int, commit: str, tree: str, base: str, when: int) -> record.Json:
    """A review record as a hook writes it; every third one has a finding."""
    finding = {
        "id": f"{number:08x}", "path": _file(number), "line": 1, "end_line": 1, "unit": "u1", "confidence": None,
        "severity": _SEVERITIES[number % 9 // 3], "category": "bug", "title": f"Value {number} is never checked",
        "scenario": "With an empty list this fails.", "suggestion": "Check it first.", "replacement": None,
        "quote": f"value = {number}",
    }  # fmt: skip
    found = [finding] if number % 3 == 0 else []
    return {
        "v": 1, "id": f"{when * 1000:012x}{number:012x}", "ts": _rfc3339(when), "kind": "review",
        "status": "reviewed", "head": commit, "tree": tree, "base": base, "patch_id": f"{number:040x}",
        "has_binary": False, "verdict": ("warn" if number % 9 < 6 else "block") if found else "pass",
        "block_at": "error", "findings": found, "skipped": [], "units": {"total": 1, "done": 1, "failed": 0},
        "model": "manager", "profile": "0" * 16, "stats": _stats(number), "node": "local", "task": f"{number:024x}",
    }  # fmt: skip


def _stats(number: int) -> record.Json:
    return {
        "prompt_tokens": 900 + number % 500, "cached_tokens": 600, "completion_tokens": 20 + number % 90,
        "first_token_ms": 150 + number % 70, "elapsed_ms": 800 + number % 5000, "tokens_per_s": 40.0,
    }  # fmt: skip


def _rfc3339(when: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(when))


def _file(number: int) -> str:
    return f"src/part{number % 40}/file{number % 400}.py"


def _commit(number: int) -> bytes:
    who = f"Author {number % 7} <author{number % 7}@example.invalid> {1_600_000_000 + number * 60} +0000"
    message = f"Change {number}"
    content = f"value = {number}\n"
    return (
        f"commit refs/heads/main\nmark :{number}\ncommitter {who}\ndata {len(message)}\n{message}\n"
        f"M 100644 inline {_file(number)}\ndata {len(content)}\n{content}\n"
    ).encode()


def _git(path: Path, stdin: bytes, *arguments: str) -> bytes:
    return subprocess.run(["git", *arguments], cwd=path, input=stdin, check=True, capture_output=True).stdout
