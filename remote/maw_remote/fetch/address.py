"""Which addresses a model may come from: https, and plain http from this very machine only."""

from __future__ import annotations

import ipaddress
import re
from typing import NamedTuple
from urllib.parse import SplitResult, urljoin, urlsplit

from maw.errors import FatalError

REDIRECTS_MAX = 5
_PART = r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}"
_REPOSITORY = re.compile(rf"({_PART}/{_PART})(?:@({_PART}))?(?:/(.+))?\Z")
_FILE = re.compile(rf"(?:{_PART}/){{0,4}}{_PART}\.gguf\Z")


class HubFile(NamedTuple):
    """OWNER/REPOSITORY[@REVISION][/FILE.gguf]; `revision` and `file` are '' where it does not say."""

    repository: str
    revision: str
    file: str


def hub_file(text: str) -> HubFile:
    """What comes after `hf:`. Raises FatalError."""
    match = _REPOSITORY.match(text)
    if match is None or (match[3] and not _FILE.match(match[3])) or ".." in text:
        raise FatalError(f"not a file of a hub: {text!r}", hint="write hf:OWNER/REPOSITORY[@REVISION][/FILE.gguf]")
    return HubFile(match[1], match[2] or "", match[3] or "")


def checked_url(url: str) -> str:
    """`url`, when a model may come from there. Raises FatalError."""
    parts = _split(url)
    if parts.scheme not in ("https", "http") or not parts.hostname:
        raise FatalError(f"not a web address: {shown(url)!r}", hint="write https://HOST/PATH/FILE.gguf")
    if parts.username is not None or parts.password is not None:
        raise FatalError("the address holds a name or password", hint="those would be kept and shown; leave them out")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise FatalError(
            f"{parts.hostname} is not this machine, so plain http is refused",
            hint="use https://; what comes over http may have been changed on its way",
        )
    return url


def redirected(current: str, location: str) -> str:
    """Where a redirect leads. Raises FatalError when that is neither https nor this machine talking of itself."""
    target = checked_url(urljoin(current, location))
    if is_loopback(_split(target).hostname) and not is_loopback(_split(current).hostname):
        raise FatalError(
            f"{_split(current).hostname} sends us to this machine's own services", hint="do not trust this address"
        )
    return target


def same_origin(one: str, other: str) -> bool:
    """Whether what is secret to `one` may be told to `other`."""
    return _origin(one) == _origin(other)


def is_loopback(host: str | None) -> bool:
    """Whether the name can only mean this machine, whatever a resolver says."""
    try:
        return host == "localhost" or ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False


def shown(url: str) -> str:
    """An address as it may be kept and shown: without name, password, query and fragment, which can be secrets."""
    parts = _split(url)
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{parts.path}"


def _origin(url: str) -> tuple[str, str | None, int]:
    parts = _split(url)
    return parts.scheme, parts.hostname, parts.port or {"https": 443, "http": 80}.get(parts.scheme, 0)


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port  # a port that is no number is noticed only when it is asked for
    except ValueError as exc:
        raise FatalError(f"not a web address: {exc}", hint="write https://HOST/PATH/FILE.gguf") from None
    return parts
