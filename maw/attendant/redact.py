"""Have the attendant redact a change: it has the libraries for it. Standard library only (hook path)."""

from __future__ import annotations

import json
import os
import socket
import time

from maw import paths, protocol, wire
from maw.attendant import client
from maw.errors import FatalError
from maw.finding import finding_from_json
from maw.light import TYPE_CHECKING
from maw.secrets.texts import Redacted

if TYPE_CHECKING:
    import subprocess

ANSWER_MAX = 8 * 1024 * 1024  # bytes of the line before the diff: it has the findings
START_TIMEOUT = 10.0  # seconds for an attendant to start; measured: 0.3
CUTS_MAX = 3
_POLL = 0.02
_WHO = "the attendant, which redacts secrets,"


class NotRedacted(FatalError):
    """The attendant did not do it (in time). What is not redacted is not sent."""


def redact(diff: bytes, allow: tuple[str, ...], common_dir: str, *, deadline: float) -> Redacted:
    """`diff` without the values of secrets. Starts the attendant when it is not there, with `common_dir` as its first
    work. `deadline` is a time.monotonic() value. Raises NotRedacted."""
    if not diff:
        return Redacted(diff, 0, ())
    started, cuts = None, 0
    give_up = min(deadline, time.monotonic() + START_TIMEOUT)
    while time.monotonic() < give_up:
        try:
            answer = _asked(diff, allow, deadline)
        except (ConnectionError, wire.Cut) as exc:  # it is just leaving, or cannot do it
            answer, cuts = None, cuts + 1
            if cuts == CUTS_MAX:
                raise NotRedacted(f"{_WHO} breaks off: {exc}") from exc
        except (OSError, ValueError, KeyError) as exc:
            raise NotRedacted(f"{_WHO} cannot be asked: {exc}") from exc
        if answer is not None:
            return answer
        if started is None:
            started = _spawned(common_dir)
        elif started.poll():
            log = os.path.join(paths.attendant_dir(), "attendant.log")
            raise NotRedacted(f"{_WHO} did not start ({log} tells why)")
        time.sleep(_POLL)
    raise NotRedacted(f"{_WHO} did not answer in time")


def _spawned(common_dir: str) -> subprocess.Popen[bytes]:
    try:
        return client.spawn(common_dir)
    except OSError as exc:
        raise NotRedacted(f"{_WHO} cannot be started: {exc}") from exc


def _asked(diff: bytes, allow: tuple[str, ...], deadline: float) -> Redacted | None:
    """The answer; None when nobody listens, or one of another version, which is told to leave. Raises OSError,
    ValueError, KeyError, NotRedacted and wire.Cut."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.settimeout(max(deadline - time.monotonic(), 0.01))
        try:
            sock.connect(paths.attendant_socket())
        except (FileNotFoundError, ConnectionRefusedError):
            return None
        try:
            sock.sendall(protocol.line({"v": 1, "op": "redact", "bytes": len(diff), "allow": list(allow)}))
            sock.sendall(diff)
            reader = wire.Reader(sock)
            answer = json.loads(reader.line(ANSWER_MAX))
            if answer.get("error") == "unknown op":
                client.ask({"v": 1, "op": "stop"})
                return None
            found = tuple(finding_from_json(item) for item in answer["findings"])
            return Redacted(reader.exactly(answer["bytes"]), answer["hidden"], found)
        except TimeoutError:
            raise NotRedacted(f"{_WHO} did not answer in time") from None
