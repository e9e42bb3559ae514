"""Make an ed25519 key pair in OpenSSH's format."""

from __future__ import annotations

import os

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from maw import files, paths


def make_key(path: str, comment: str) -> str:
    """Write a new key to `path` (0600) and its public half beside it (.pub); that half's line, comment included."""
    paths.make_private_dir(os.path.dirname(path))
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
    public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode("ascii") + f" {comment}"
    files.write_atomic(path, private)
    files.write_atomic(path + ".pub", public.encode("utf-8") + b"\n", mode=0o644)
    return public


def public_line(path: str) -> str | None:
    """The public half of the key in `path`, None when there is no such pair."""
    text = files.read_optional(path + ".pub")
    return text.decode("utf-8").strip() if text is not None and os.path.exists(path) else None
