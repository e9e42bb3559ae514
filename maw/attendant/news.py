"""Outcomes that came after their commit, until the next commit's hook tells them. Standard library only (hook path).

One file each, <common>/maw/news/<record id>.json: {"v","text"}.
"""

from __future__ import annotations

import contextlib
import json
import os

from maw import files, paths
from maw.git.repo import Repo

KEPT = 20  # the newest; nobody reads more at a commit
TOLD = 3


def directory(repo: Repo) -> str:
    return os.path.join(repo.maw_dir, "news")


def put(repo: Repo, record_id: str, text: str) -> None:
    """Have `text`, one line, told once. Raises OSError."""
    folder = paths.make_private_dir(directory(repo))
    files.write_atomic(os.path.join(folder, f"{record_id}.json"), json.dumps({"v": 1, "text": text}).encode("ascii"))
    for name in _names(repo)[:-KEPT]:
        _forget(repo, name)


def take(repo: Repo) -> list[str]:
    """The lines to tell now, which nobody is told again; of many the newest, and how many more there were."""
    names = _names(repo)
    told = [text for name in names[-TOLD:] if (text := _text(repo, name))]
    for name in names:
        _forget(repo, name)
    more = len(names) - TOLD
    return told + ([f"and {more} more that came late; `maw history` lists them"] if more > 0 else [])


def _names(repo: Repo) -> list[str]:
    """None where they may not be read, as after a `sudo git commit`: news keep no commit from its review."""
    try:
        return sorted(name for name in os.listdir(directory(repo)) if name.endswith(".json"))
    except OSError:
        return []


def _text(repo: Repo, name: str) -> str:
    try:
        data = json.loads(files.read_optional(os.path.join(directory(repo), name)) or b"null")
    except (ValueError, OSError, RecursionError):
        return ""
    text = data.get("text") if isinstance(data, dict) else None
    return text if isinstance(text, str) else ""


def _forget(repo: Repo, name: str) -> None:
    with contextlib.suppress(OSError):
        os.unlink(os.path.join(directory(repo), name))
