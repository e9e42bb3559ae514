"""The proxy's bearer token: made once, in a file that only its user can read. Standard library only."""

from __future__ import annotations

import os
import secrets

from maw import files, paths


def path() -> str:
    return os.path.join(paths.state_dir(), "proxy.token")


def read() -> str:
    """The token, made when there is none. Read at each use, so that a new one counts at once."""
    found = (files.read_optional(path()) or b"").decode("ascii", "replace").strip()
    return found or rotate()


def rotate() -> str:
    """A new token; the old one opens nothing any more."""
    paths.make_private_dir(paths.state_dir())
    made = f"maw-{secrets.token_urlsafe(32)}"
    files.write_atomic(path(), made.encode("ascii") + b"\n", mode=0o600, durable=True)
    return made
