"""What this account on this machine calls itself towards runners: so that cancelling a task ends nobody else's.

A random word, made once. It names nobody, proves nothing, and means something only beside other clients of the same
runner. Standard library only (hook path).
"""

from __future__ import annotations

import os

from maw import files, paths

HEADER = "Maw-Client"
_LENGTH = 16  # hex digits


def word() -> str:
    """The word; empty where it cannot be kept, which costs nothing but that."""
    return _read() or _made()


def header() -> dict[str, str]:
    """The header that tells it, if there is one."""
    name = word()
    return {HEADER: name} if name else {}


def _read() -> str:
    try:
        name = (files.read_optional(paths.client_id_file()) or b"").decode("ascii", "replace").strip()
    except OSError:
        return ""
    return name if len(name) == _LENGTH and name.isalnum() and name.isascii() else ""


def _made() -> str:
    path = paths.client_id_file()
    try:
        paths.make_private_dir(os.path.dirname(path))
        files.write_atomic(path, os.urandom(_LENGTH // 2).hex().encode() + b"\n")
    except OSError:
        return ""
    return _read()  # another process may have been the last to write
