"""What hooks keep and read in <common>/maw about messages, without a database. Standard library only (hook path).

profile.json is the profile (index.py makes it). suggested/<tree>-<head or "none">.json is a suggestion that was put
into the editor, until post-commit looks what became of it.
"""

from __future__ import annotations

import contextlib
import json
import os
import time

from maw import files, paths
from maw.git.repo import Repo
from maw.light import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from maw.messages.profile import Profile

MESSAGE_MAX = 20_000  # characters of a message that anybody looks at
MAX_AGE = 14 * 86400.0  # seconds; then nobody will make that commit any more

Json = dict[str, Any]


def load(repo: Repo) -> Profile | None:
    """The profile as it was made last; None when it never was, or by another version."""
    from maw.messages import profile  # its expressions cost a post-commit, which needs none, 5 ms

    try:
        data = json.loads(files.read_optional(_profile_path(repo)) or b"null")
        return profile.from_json(data["profile"]) if data is not None and data.get("v") == 1 else None
    except (ValueError, OSError, KeyError, AttributeError, RecursionError):
        return None


def save(repo: Repo, found: Profile) -> None:
    """Raises OSError."""
    from maw.messages import profile

    paths.make_private_dir(repo.maw_dir)
    data = json.dumps({"v": 1, "profile": profile.to_json(found)}, separators=(",", ":"))
    files.write_atomic(_profile_path(repo), data.encode("ascii"))


def put(repo: Repo, tree: str, head: str | None, suggestion: Json) -> None:
    """Keep a suggestion for the commit of `tree` on top of `head`. Raises OSError."""
    paths.make_private_dir(repo.maw_dir)
    path = _path(paths.make_private_dir(_folder(repo)), tree, head)
    files.write_atomic(path, json.dumps(suggestion, separators=(",", ":")).encode("ascii"))


def get(repo: Repo, tree: str, head: str | None) -> Json | None:
    """The suggestion for that commit, None where none was made."""
    try:
        found = json.loads(files.read_optional(_path(_folder(repo), tree, head)) or b"null")
    except (ValueError, OSError, RecursionError):
        return None
    return found if isinstance(found, dict) and isinstance(found.get("message"), str) else None


def forget(repo: Repo, tree: str, head: str | None) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(_path(_folder(repo), tree, head))


def expire(repo: Repo, max_age: float = MAX_AGE) -> None:
    """Remove suggestions whose commit was never made."""
    oldest = time.time() - max_age
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        for entry in os.scandir(_folder(repo)):
            with contextlib.suppress(FileNotFoundError):
                if entry.stat().st_mtime < oldest:
                    os.unlink(entry.path)


def _profile_path(repo: Repo) -> str:
    return os.path.join(repo.maw_dir, "profile.json")


def _folder(repo: Repo) -> str:
    return os.path.join(repo.maw_dir, "suggested")


def _path(folder: str, tree: str, head: str | None) -> str:
    return os.path.join(folder, f"{tree}-{head or 'none'}.json")
