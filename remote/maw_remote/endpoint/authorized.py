"""The keys that may use the embedded SSH endpoint: one line a key, as in OpenSSH's files but without options."""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import re
from contextlib import AbstractContextManager
from typing import NamedTuple

from maw import files, paths
from maw.errors import FatalError

_TYPE = re.compile(r"ssh-ed25519|ecdsa-sha2-nistp(?:256|384|521)|ssh-rsa")
_NAME = re.compile(r"[\w.@:+-]{1,100}", re.ASCII)


class AuthorizedKey(NamedTuple):
    """`blob` is the public key as it travels; `name` the comment behind it."""

    key_type: str
    blob: bytes
    name: str

    @property
    def fingerprint(self) -> str:
        return "SHA256:" + base64.b64encode(hashlib.sha256(self.blob).digest()).decode("ascii").rstrip("=")

    @property
    def line(self) -> str:
        return f"{self.key_type} {base64.b64encode(self.blob).decode('ascii')} {self.name}"


def path() -> str:
    return os.path.join(paths.runner_dir(), "authorized_keys")


def parse(line: str) -> AuthorizedKey:
    """A key of `type base64 name`. Raises FatalError for anything else, options included."""
    words = line.split()
    if len(words) != 3 or not _TYPE.fullmatch(words[0]) or not _NAME.fullmatch(words[2]):
        raise FatalError(
            "not a public key: expected `ssh-ed25519 AAAA… NAME` on one line, without options",
            hint="NAME is up to 100 letters, digits and . @ : + - _; `maw node add --endpoint` prints such a line",
        )
    try:
        blob = base64.b64decode(words[1], validate=True)
    except (binascii.Error, ValueError):
        raise FatalError("not a public key: its middle part is not base64") from None
    if _blob_type(blob) != words[0]:
        raise FatalError(f"not a public key: its content is not of type {words[0]}")
    return AuthorizedKey(words[0], blob, words[2])


def _blob_type(blob: bytes) -> str:
    """The type a key's blob names: a length of four bytes, and the name (RFC 4253, section 6.6)."""
    size = int.from_bytes(blob[:4], "big")
    return blob[4 : 4 + size].decode("ascii", "replace") if len(blob) > 4 + size else ""


def load() -> list[AuthorizedKey]:
    """The keys that are let in. Raises FatalError that names a line which is not a key."""
    keys = []
    for number, line in enumerate((files.read_optional(path()) or b"").decode("utf-8", "replace").splitlines(), 1):
        if line.strip() and not line.startswith("#"):
            try:
                keys.append(parse(line))
            except FatalError as exc:
                raise FatalError(f"{path()} line {number}: {exc.message}", hint=exc.hint) from None
    return keys


def save(keys: list[AuthorizedKey]) -> None:
    paths.make_private_dir(paths.runner_dir())
    files.write_atomic(path(), "".join(key.line + "\n" for key in keys).encode("ascii"))


def add(line: str) -> tuple[AuthorizedKey, bool]:
    """Let a key in; whether it is new. A name belongs to one key: the same name with another key is refused."""
    key = parse(line)
    with _lock():
        keys = load()
        if any(known.blob == key.blob for known in keys):
            return key, False
        if any(known.name == key.name for known in keys):
            raise FatalError(
                f"another key is called {key.name} already", hint=f"remove it first: `maw-runner keys rm {key.name}`"
            )
        save([*keys, key])
    return key, True


def remove(name: str) -> list[AuthorizedKey]:
    """Take keys out by name or fingerprint; those that were. Raises FatalError when there is none."""
    with _lock():
        keys = load()
        gone = [key for key in keys if name in (key.name, key.fingerprint)]
        if not gone:
            raise FatalError(f"no key called {name}", hint="`maw-runner keys list` shows them")
        save([key for key in keys if key not in gone])
    return gone


def _lock() -> AbstractContextManager[None]:
    paths.make_private_dir(paths.runner_dir())
    return files.lock(path() + ".lock")
