"""The list of what init changed in a repository: <common>/maw/init.json.

An entry is added before its change is made, and taking back what was never done does nothing: so a `maw init` that
was killed half-way can be taken back too. {"v":1,"entries":[{"what":…,…}]}; each `what` has its own keys.
"""

from __future__ import annotations

import hashlib
import json
import os
from typing import Any

from maw import files, paths
from maw.errors import FatalError
from maw.git.repo import Repo

Entry = dict[str, Any]


def path(repo: Repo) -> str:
    return os.path.join(repo.maw_dir, "init.json")


def entries(repo: Repo) -> list[Entry]:
    """What was changed so far, oldest first. Raises FatalError when the file cannot be read."""
    raw = files.read_optional(path(repo)) if os.path.isdir(repo.maw_dir) else None  # a file may be in its way
    if raw is None:
        return []
    try:
        data = json.loads(raw)
        found = [entry for entry in data["entries"] if isinstance(entry["what"], str)]
    except (ValueError, TypeError, KeyError) as exc:
        raise FatalError(f"{path(repo)} is damaged", hint="delete it; `maw init` then starts a new one") from exc
    return found


def note(repo: Repo, entry: Entry) -> None:
    """Add an entry; one that is there already stays single."""
    known = entries(repo)
    if entry not in known:
        _write(repo, [*known, entry])


def forget(repo: Repo, entry: Entry) -> None:
    """Remove an entry after its change was taken back."""
    _write(repo, [known for known in entries(repo) if known != entry])


def digest(data: bytes) -> str:
    """What tells whether a file is still as init wrote it."""
    return hashlib.sha256(data).hexdigest()


def _write(repo: Repo, found: list[Entry]) -> None:
    paths.make_private_dir(repo.maw_dir)
    data = json.dumps({"v": 1, "entries": found}, indent=1).encode("ascii")
    files.write_atomic(path(repo), data + b"\n", durable=True)
