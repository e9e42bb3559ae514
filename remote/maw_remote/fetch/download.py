"""One file over HTTP: resumed after a cut, bounded by the size that was announced, checked on the way.

A server is a stranger: it can stop, lie about sizes, serve something else, or never end. What it sends is written
under a name that no listing takes, and becomes a model only when size, first bytes and checksum are right.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import httpx

from maw import __version__
from maw_remote.engine.gguf import MAGIC
from maw_remote.engine.sources import Progress, StoreError
from maw_remote.fetch import address
from maw_remote.fetch.partial import Partial
from maw_remote.fetch.patience import Lost, Patience

_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18})\Z")
_LENGTH = re.compile(r"\d{1,18}\Z")
AGAIN = "run the same command again: it goes on from where it stopped"
LOG_IN = "log in on the node (`hf auth login`) with an account that may read it and has accepted its terms"
_LOOK = "look at the address, or download the file by hand and `maw model import` it"
_WHOLE_DAMAGE = "it was removed; run the same command again, and if it stays so, do not trust this source"


class Target(NamedTuple):
    """What to fetch. `headers` go to the url's own origin only. `size` and `sha256` are what was promised for it,
    None where nobody promised; `identity` tells whether a half-file is of the same file."""

    url: str
    identity: str
    size: int | None = None
    sha256: str | None = None
    headers: tuple[tuple[str, str], ...] = ()


class Limits(NamedTuple):
    """Seconds: the pause before a second try, and how long a server may be silent."""

    pause: float = 0.5
    silence: float = 30.0


def download(target: Target, folder: Path, limits: Limits, progress: Progress) -> tuple[Path, str]:
    """Fetch `target` into `folder`: the file and its SHA-256. Raises StoreError and FatalError."""
    part = Partial(folder, target.identity)
    try:
        part.resume(checked_later=target.sha256 is not None, progress=lambda done, all_: progress("check", done, all_))
        timeout = httpx.Timeout(limits.silence, connect=min(limits.silence, 10.0))
        with httpx.Client(timeout=timeout, follow_redirects=False) as client:
            _insist(client, target, part, Patience(limits.pause, progress), progress)
        _judge(target, part)
    finally:
        part.close()
    return part.path, part.digest.hexdigest()


def _insist(client: httpx.Client, target: Target, part: Partial, patience: Patience, progress: Progress) -> None:
    most = part.size  # ever: a server that makes us begin again and again brings nothing new
    while True:
        try:
            return _attempt(client, target, part, progress)
        except Lost as exc:
            patience.lost(exc, moved=part.size > most, hint=AGAIN)
            most = max(most, part.size)


def _judge(target: Target, part: Partial) -> None:
    sha256 = part.digest.hexdigest()
    if target.sha256 is not None and sha256 != target.sha256:
        part.drop()
        raise StoreError(
            "checksum",
            f"what came is not the promised file (SHA-256 {sha256[:12]}…, expected {target.sha256[:12]}…)",
            hint=_WHOLE_DAMAGE,
        )


def _attempt(client: httpx.Client, target: Target, part: Partial, progress: Progress) -> None:
    """One request, up to the file's end. Raises Lost when another may bring more."""
    if target.size is not None and part.size == target.size:
        return
    if not (part.validator or target.sha256):
        part.restart()  # nothing would tell whether what comes now is of the same file
    try:
        with _answer(client, target, part) as response:
            total = _total(response, target, part)
            part.begin(total, _validator(response))
            for chunk in response.iter_raw():
                _take(part, chunk, total)
                progress("download", part.size, total)
    except httpx.InvalidURL as exc:
        raise StoreError("bad_input", f"not a web address: {exc}", hint=_LOOK) from exc
    except httpx.TimeoutException as exc:
        raise Lost(f"{_host(target)} did not answer in time") from exc
    except httpx.TransportError as exc:
        raise _broken(exc, target) from exc
    if part.size < total:
        raise Lost(f"{_host(target)} stopped at {part.size:,} of {total:,} bytes")


def _take(part: Partial, chunk: bytes, total: int) -> None:
    if part.size == 0 and not chunk.startswith(MAGIC[: len(chunk)]):
        part.drop()
        raise StoreError(
            "checksum",
            f"what the server sends is no GGUF file: it begins with {chunk[:12]!r}",
            hint="look at the address in a browser: it may be a page that asks to log in",
        )
    if part.size + len(chunk) > total:
        part.drop()
        raise StoreError("checksum", f"the server sends more than the {total:,} bytes it announced", hint=_WHOLE_DAMAGE)
    part.write(chunk)


@contextlib.contextmanager
def _answer(client: httpx.Client, target: Target, part: Partial) -> Iterator[httpx.Response]:
    """The answer to a request for what is missing, after a bounded number of redirects."""
    url = target.url
    for _ in range(address.REDIRECTS_MAX + 1):
        with client.stream("GET", url, headers=_headers(target, url, part)) as response:
            if not response.has_redirect_location:
                yield response
                return
            url = address.redirected(url, response.headers["location"])
    raise StoreError("download", f"{_host(target)} redirects more than {address.REDIRECTS_MAX} times", hint=_LOOK)


def _headers(target: Target, url: str, part: Partial) -> dict[str, str]:
    headers = {"user-agent": f"maw/{__version__}", "accept": "*/*", "accept-encoding": "identity"}
    if address.same_origin(url, target.url):
        headers.update(target.headers)
    if part.size:
        headers["range"] = f"bytes={part.size}-"
        if part.validator:
            headers["if-range"] = part.validator
    return headers


def _total(response: httpx.Response, target: Target, part: Partial) -> int:
    """The whole file's size, as announced; the part is begun anew where the answer begins there."""
    _refuse(response, target, part)
    announced = _length(response)
    if response.status_code == 206:
        match = _RANGE.match(response.headers.get("content-range", ""))
        if match is None or int(match[1]) != part.size or part.total not in (0, int(match[3])):
            part.restart()
            raise Lost(f"{_host(target)} sent another part than it was asked for")
        announced = int(match[3])
    elif part.size:
        part.restart()
    if announced is None and target.size is None:
        raise StoreError(
            "download",
            f"{_host(target)} does not say how large the file is",
            hint="download it by hand, then `maw model import FILE`",
        )
    if target.size is not None and announced not in (None, target.size):
        part.drop()
        raise StoreError(
            "checksum",
            f"the file should have {target.size:,} bytes, and the server announces {announced:,}",
            hint="another file is there now, or the server lies; the half that had come was removed",
        )
    return announced if announced is not None else target.size or 0


def _refuse(response: httpx.Response, target: Target, part: Partial) -> None:
    """Raise for an answer that is no file: StoreError, or Lost where it may be one later."""
    status, host = response.status_code, _host(target)
    if status in (200, 206):
        if response.headers.get("content-encoding", "identity") != "identity":
            raise StoreError("download", f"{host} sends the file compressed, though it was asked not to", hint=_LOOK)
        return
    if status == 416:
        part.restart()
        raise Lost(f"{host} has no more of the file, though it is not whole")
    if status in (408, 425, 429) or status >= 500:
        raise Lost(f"{host} answers {status}", after=_after(response))
    raise refused(status, host)


def refused(status: int, host: str) -> StoreError:
    """What an HTTP status that no second try mends says to the user."""
    if status in (401, 403):
        return StoreError("forbidden", f"{host} does not let us have this file ({status})", hint=LOG_IN)
    if status in (404, 410):
        return StoreError("not_found", f"{host} has no such file ({status})", hint="look at the name of the file")
    return StoreError("download", f"{host} answers {status}", hint=_LOOK)


def _broken(exc: httpx.TransportError, target: Target) -> Exception:
    if "CERTIFICATE_VERIFY_FAILED" in str(exc):
        hint = "its certificate is not trusted here; SSL_CERT_FILE can name your own authority's"
        return StoreError("download", f"{_host(target)} cannot be trusted: {exc}", hint=hint)
    return Lost(f"the connection to {_host(target)} broke: {exc or type(exc).__name__}")


def _length(response: httpx.Response) -> int | None:
    length = response.headers.get("content-length", "")
    return int(length) if _LENGTH.match(length) else None


def _validator(response: httpx.Response) -> str:
    """What If-Range takes; a weak tag says nothing about bytes."""
    tag: str = response.headers.get("etag", "")
    return tag if tag.startswith('"') else str(response.headers.get("last-modified", ""))


def _after(response: httpx.Response) -> float:
    seconds = response.headers.get("retry-after", "")
    return float(seconds) if re.fullmatch(r"\d{1,4}", seconds) else 0.0


def _host(target: Target) -> str:
    return httpx.URL(target.url).host


def web_target(url: str, size: int | None, sha256: str | None) -> Target:
    """A plain address. Raises FatalError. A size is a promise only beside a checksum, see catalogue.toml."""
    return Target(address.checked_url(url), f"url:{url}", size if sha256 else None, sha256)
