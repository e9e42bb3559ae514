"""What a client may send through the proxy. Pure, and strict: whatever is not plainly a request to /v1 is refused.

The request that goes on is written anew from what was understood: no header and no second request slips through.
"""

from __future__ import annotations

import hmac
import json
import re
from typing import NamedTuple
from urllib.parse import unquote

HEAD_MAX = 32 * 1024  # bytes
BODY_MAX = 64 * 1024 * 1024  # bytes
HOSTS = ("127.0.0.1", "localhost", "[::1]")
_LINE = re.compile(rb"([A-Z]{1,16}) (\S{1,4096}) HTTP/1\.1")
_HEADER = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\t\x20-\x7e\x80-\xff]*?)[ \t]*")
_TARGET = re.compile(r"/v1/[A-Za-z0-9._~/:@%+-]*(\?[A-Za-z0-9._~/:@%+&=,-]*)?")
_PASSED = ("accept", "content-type", "user-agent")  # of a request's headers, these go on
_METHODS = ("GET", "POST")
_REASONS = {
    400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed",
    411: "Length Required", 413: "Content Too Large", 502: "Bad Gateway", 503: "Service Unavailable",
}  # fmt: skip


class Refused(Exception):
    """A request that does not go on; the client is told why."""

    def __init__(self, status: int, message: str, code: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code

    def answer(self) -> bytes:
        """The whole HTTP answer, in the form of OpenAI's errors."""
        kind = "invalid_request_error" if self.status < 500 else "server_error"
        error = {"message": self.message, "type": kind, "param": None, "code": self.code}
        body = json.dumps({"error": error}).encode("ascii")
        lines = [
            f"HTTP/1.1 {self.status} {_REASONS[self.status]}", "Content-Type: application/json",
            f"Content-Length: {len(body)}", "Connection: close",
        ]  # fmt: skip
        if self.status == 401:
            lines.append('WWW-Authenticate: Bearer realm="maw proxy"')
        return "\r\n".join(lines).encode("ascii") + b"\r\n\r\n" + body


class Forward(NamedTuple):
    """What goes on to the node: a head, and so many bytes of body after it."""

    head: bytes
    length: int
    long: bool  # it may take long: a generation
    expects: bool  # the client waits for a word before it sends the body


def forward(raw: bytes, token: str, port: int) -> Forward:
    """The request of a head, up to and with its empty line. Raises Refused."""
    line, *lines = raw.split(b"\r\n")[:-2]
    found = _LINE.fullmatch(line)
    if found is None:
        raise Refused(400, "not a request of HTTP/1.1")
    headers = _headers(lines)
    _check_host(headers, port)
    _check_token(headers, token)
    method, target = found[1].decode("ascii"), found[2].decode("ascii", "replace")
    _check_target(target)
    if method not in _METHODS:
        raise Refused(405, f"{method} is not used here")
    length = _length(headers)
    passed = [f"{name}: {headers[name][0]}" for name in _PASSED if name in headers]
    head = [f"{method} {target} HTTP/1.1", "Host: maw", "Connection: close", *passed]
    if method == "POST":
        head.append(f"Content-Length: {length}")
    elif length:
        raise Refused(400, "a GET has no body")
    expects = headers.get("expect", [""])[0].lower() == "100-continue"
    return Forward("\r\n".join(head).encode("latin-1") + b"\r\n\r\n", length, method == "POST", expects)


def _headers(lines: list[bytes]) -> dict[str, list[str]]:
    headers: dict[str, list[str]] = {}
    for line in lines:
        found = _HEADER.fullmatch(line)
        if found is None:
            raise Refused(400, "a header that is none")
        headers.setdefault(found[1].decode("ascii").lower(), []).append(found[2].decode("latin-1"))
    return headers


def _check_host(headers: dict[str, list[str]], port: int) -> None:
    """Only by our own names: a page of a browser that was led here by its own name must not get in."""
    found = headers.get("host", [])
    if len(found) != 1 or found[0].lower() not in {f"{host}:{port}" for host in HOSTS}:
        raise Refused(403, f"ask for http://127.0.0.1:{port}", "wrong_host")


def _check_token(headers: dict[str, list[str]], token: str) -> None:
    found = headers.get("authorization", [])
    scheme, _, given = found[0].partition(" ") if len(found) == 1 else ("", "", "")
    # Always compared, and in the same time whatever was given.
    same = hmac.compare_digest(given.strip().encode("latin-1"), token.encode("latin-1"))
    if not same or scheme.lower() != "bearer":
        raise Refused(401, "the API key is not the proxy's token; `maw proxy --token` prints it", "invalid_api_key")


def _check_target(target: str) -> None:
    path = unquote(target.partition("?")[0])
    tricky = not path.isprintable() or "\\" in path or "//" in path or {"..", "."} & {*path.split("/")}
    if _TARGET.fullmatch(target) is None or tricky:
        raise Refused(404, "only /v1 is here", "not_found")


def _length(headers: dict[str, list[str]]) -> int:
    if "transfer-encoding" in headers:
        raise Refused(411, "send the body with its Content-Length")
    found = headers.get("content-length", ["0"])
    if len(found) != 1 or not re.fullmatch(r"[0-9]{1,12}", found[0]):
        raise Refused(400, "a Content-Length that is none")
    if int(found[0]) > BODY_MAX:
        raise Refused(413, f"more than {BODY_MAX >> 20} MiB")
    return int(found[0])
