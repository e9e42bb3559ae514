"""Whether a host is the one we know: the user's known_hosts files, and maw's own beside them.

Our own reader, since paramiko's refuses a whole file that holds one @cert-authority or @revoked line.
Format: sshd(8), SSH_KNOWN_HOSTS FILE FORMAT. Nothing is ever added without a person's word.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import fnmatch
import hashlib
import hmac
import os
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from maw import files, paths
from maw.errors import NodeError
from maw.link.resolve import SSH_PORT, Route


class Known(NamedTuple):
    """One line of a known_hosts file that speaks of the host. `marker` is '', '@revoked' or '@cert-authority'."""

    marker: str
    key_type: str
    blob: bytes
    file: str
    line: int


def fingerprint(blob: bytes) -> str:
    """SHA256:… as ssh and ssh-keygen print it."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode("ascii").rstrip("=")


def known(route: Route) -> list[Known]:
    """What is known of the host, in the user's files and maw's own."""
    return list(_lines(dict.fromkeys((*route.known_hosts, paths.known_hosts_file())), route.known_as))


def key_types(entries: Iterable[Known]) -> list[str]:
    """The key types the host is known by: they are asked for first, else another key of it would look unknown."""
    return list(dict.fromkeys(entry.key_type for entry in entries if not entry.marker))


def check(route: Route, key_type: str, blob: bytes, entries: list[Known]) -> None:
    """Return when the key is known. Raises NodeError `host_key_unknown` or `host_key_changed` (also when revoked)."""
    for entry in entries:
        if entry.marker == "@revoked" and entry.blob == blob:
            raise _revoked(route, entry)
    plain = [entry for entry in entries if not entry.marker]
    if any(entry.blob == blob for entry in plain):
        return
    other = next((entry for entry in plain if entry.key_type == key_type), None)
    if other is not None:
        raise _changed(route, other, fingerprint(blob))
    if {entry.marker for entry in _without_port(route) if entry.blob == blob} == {""}:
        return
    raise _unknown(route, key_type, fingerprint(blob), entries)


def _without_port(route: Route) -> list[Known]:
    """What is known of the host at sshd's own port: where it listens at another one, ssh takes that as well."""
    if route.host_key_alias or route.port == SSH_PORT:
        return []
    return known(route._replace(port=SSH_PORT))


def refusal(route: Route, key_type: str, key_fingerprint: str) -> NodeError:
    """The same words for a key that ssh has refused, of which only the fingerprint is known."""
    entries = known(route)
    mine = [entry for entry in entries if fingerprint(entry.blob) == key_fingerprint]
    revoked = next((entry for entry in mine if entry.marker == "@revoked"), None)
    if revoked is not None:
        return _revoked(route, revoked)
    other = next((entry for entry in entries if not entry.marker and entry.key_type == key_type), None)
    if other is not None and not mine:
        return _changed(route, other, key_fingerprint)
    return _unknown(route, key_type, key_fingerprint, entries)


def _revoked(route: Route, entry: Known) -> NodeError:
    return NodeError(
        "host_key_changed",
        f"the host key of {route.where} is marked @revoked in {entry.file} line {entry.line}",
        hint="somebody may be listening; ask whoever runs that host",
    )


def _changed(route: Route, other: Known, key_fingerprint: str) -> NodeError:
    return NodeError(
        "host_key_changed",
        f"the host key of {route.where} has changed: it is {key_fingerprint}, "
        f"not the one in {other.file} line {other.line}",
        hint="somebody may be listening. If the host was set up anew, forget the old key with "
        f"`ssh-keygen -R '{route.known_as}' -f '{other.file}'`",
    )


def _unknown(route: Route, key_type: str, key_fingerprint: str, entries: list[Known]) -> NodeError:
    note = ""
    if any(entry.marker == "@cert-authority" for entry in entries):
        note = " (no certificate of an @cert-authority that your known_hosts trusts)"
    elif entries:
        note = " (it is known by keys of another type)"
    return NodeError(
        "host_key_unknown",
        f"the host key of {route.where} is unknown: {key_type} {key_fingerprint}{note}",
        hint=f"compare it with the host's own, then accept it with `maw connect NODE`, or log in once with "
        f"`ssh {route.host}`",
    )


def remember(name: str, key_type: str, blob: bytes) -> str:
    """Add a key a person accepted to maw's own known_hosts (mode 0600); that file's path."""
    path = paths.known_hosts_file()
    paths.make_private_dir(os.path.dirname(path))
    with files.lock(path + ".lock"):
        old = files.read_optional(path) or b""
        line = f"{name} {key_type} {base64.b64encode(blob).decode('ascii')}\n".encode()
        files.write_atomic(path, old + (b"" if not old or old.endswith(b"\n") else b"\n") + line)
    return path


def _lines(names: Iterable[str], host: str) -> Iterator[Known]:
    for name in names:
        try:
            content = files.read_optional(name) or b""
        except OSError:  # a file of the user's that we may not read knows nothing
            continue
        for number, raw in enumerate(content.decode("utf-8", "surrogateescape").splitlines(), 1):
            entry = _entry(raw.split(), host, name, number)
            if entry is not None:
                yield entry


def _entry(words: list[str], host: str, file: str, number: int) -> Known | None:
    marker = words.pop(0) if words and words[0].startswith("@") else ""
    if len(words) < 3 or words[0].startswith("#") or not _matches(words[0], host):
        return None
    with contextlib.suppress(binascii.Error, ValueError):
        return Known(marker, words[1], base64.b64decode(words[2], validate=True), file, number)
    return None


def _matches(patterns: str, host: str) -> bool:
    if patterns.startswith("|1|"):
        return _hash_matches(patterns, host)
    found = False
    for pattern in patterns.split(","):
        negated = pattern.startswith("!")
        if _pattern_matches(pattern.removeprefix("!").lower(), host.lower()):
            if negated:
                return False
            found = True
    return found


def _pattern_matches(pattern: str, host: str) -> bool:
    # fnmatch would take the brackets of [host]:port for a set of characters.
    return fnmatch.fnmatchcase(host, pattern.replace("[", "[[]"))


def _hash_matches(text: str, host: str) -> bool:
    try:
        _, _, salt, digest = text.split("|")
        expected = base64.b64decode(digest, validate=True)
        key = base64.b64decode(salt, validate=True)
    except (ValueError, binascii.Error):
        return False
    # SHA-1 is what the format prescribes; it hides names here, it protects nothing.
    return hmac.compare_digest(hmac.new(key, host.encode(), hashlib.sha1).digest(), expected)
