"""Talk to a node's runner: requests, and event streams that survive a cut. Standard library only (hook path).

The typed form of what travels is in maw/api.py; here it stays JSON, since msgspec is not for the hook path.
"""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Iterator

from maw import clientid, reach, wire
from maw.errors import ApiError, NodeError
from maw.light import Any

RESUME_FOR = 60.0  # seconds a runner keeps a task for a client whose stream broke (DESIGN: a task's life)
_RESUME_PAUSE = 0.1
_REPEAT_FIRST, _REPEAT_LAST = 0.05, 1.0  # seconds before a lost submit is repeated: doubled each time, up to the last
TERMINAL = frozenset({"done", "failed", "cancelled", "dead"})


def request(
    node: str,
    method: str,
    path: str,
    body: dict[str, Any] | None = None,
    *,
    timeout: float = 30.0,
    whole: bool = False,
) -> Any:
    """One request to `node`; the answer's JSON. `timeout` (seconds) bounds the connect, and each wait after it; with
    `whole`, all of these together. Raises NodeError and ApiError."""
    deadline = time.monotonic() + timeout if whole else None
    data = b"" if body is None else json.dumps(body, separators=(",", ":")).encode("ascii")
    connection = reach.connect(node, timeout=timeout)
    with connection.sock as sock:
        try:
            sock.settimeout(timeout if deadline is None else _left(deadline))
            wire.send_request(sock, method, path, data, clientid.header())
            reader = _Deadline(sock, connection.reader, deadline, _Peer(), timeout) if whole else connection.reader
            response = wire.read_response(reader)
            answer = response.json() if response.body else None
        except TimeoutError:
            raise NodeError(
                "timeout", f"{node} did not answer {method} {path} within {timeout:g} s", hint=_look(node)
            ) from None
        except (wire.Cut, OSError) as exc:
            raise NodeError("lost", f"the connection to {node} broke: {exc}", hint=_look(node)) from exc
    if response.status >= 400:
        raise api_error(response.status, answer)
    return answer


def submit(node: str, task: dict[str, Any], *, timeout: float = 30.0) -> dict[str, Any]:
    """Submit a task (api.TaskRequest); the task as the runner took it (api.Task), perhaps finished already.

    A submit is safe to repeat, because the runner joins equal keys; so where the connection broke it is tried again
    for as long as `timeout` (seconds, for all of it) allows.
    """
    answer = _repeated(lambda left: request(node, "POST", "/api/v1/tasks", task, timeout=left, whole=True), timeout)
    if not isinstance(answer, dict):
        raise NodeError("lost", f"{node} answered a submit with something else than a task", hint=_look(node))
    return answer


def _repeated(ask: Callable[[float], Any], timeout: float) -> Any:
    """What `ask` returns, given the seconds that are left; again after a pause when its connection broke."""
    deadline, hung_up = time.monotonic() + timeout, reach.hung_up()
    pause = _REPEAT_FIRST
    while True:
        try:
            return ask(max(deadline - time.monotonic(), 0.001))
        except NodeError as exc:
            if exc.code != "lost" or time.monotonic() + pause >= deadline or hung_up != reach.hung_up():
                raise
        time.sleep(pause)
        pause = min(2 * pause, _REPEAT_LAST)


def cancel(node: str, task_id: str, *, timeout: float = 5.0) -> None:
    """Ask the runner to cancel a task, for `timeout` seconds in all. Raises NodeError and ApiError."""
    request(node, "DELETE", f"/api/v1/tasks/{task_id}", timeout=timeout, whole=True)


def events(
    node: str, task_id: str, *, after: int = 0, deadline: float | None = None, resume_for: float = RESUME_FOR
) -> Iterator[wire.Event]:
    """A task's events with ids above `after`, in order, each once, until its end; and in between those without an
    id, which tell how things are at that moment (`waiting`).

    A stream that breaks is asked for again with Last-Event-ID, for `resume_for` seconds since the runner was last
    heard. `deadline` is a time.monotonic() value; past it TimeoutError is raised. Raises NodeError and ApiError.
    """
    for event in _resumed(node, f"/api/v1/tasks/{task_id}/events", after or None, deadline, resume_for=resume_for):
        yield event
        if event.type in TERMINAL:
            return


class Breaker:
    """Ends a stream from another thread: who reads it gets a NodeError."""

    def __init__(self) -> None:
        self.broken = False
        self._sock: socket.socket | None = None

    def guard(self, sock: socket.socket) -> None:
        """The stream is read from this socket from now on."""
        self._sock = sock
        if self.broken:  # between the connect and here
            self.trip()

    def trip(self) -> None:
        self.broken = True
        try:
            if self._sock is not None:
                self._sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # it had ended by itself


def _at_once() -> None:
    """Nothing has to come first."""


def all_events(
    node: str, *, after: int | None = None, resume_for: float = RESUME_FOR, ready: Callable[[], None] = _at_once
) -> Iterator[wire.Event]:
    """Events of all tasks, from now on (None) or with ids above `after`, resumed like one task's; without an end.
    `ready` is called before each connection, and returns when there may be one. Raises NodeError and ApiError."""
    yield from _resumed(node, "/api/v1/events", after, None, resume_for=resume_for, ready=ready)


def _resumed(
    node: str,
    path: str,
    after: int | None,
    deadline: float | None,
    *,
    resume_for: float,
    ready: Callable[[], None] = _at_once,
) -> Iterator[wire.Event]:
    peer, hung_up = _Peer(), reach.hung_up()
    while True:
        ready()
        try:
            for event in _stream(node, path, after, deadline, peer=peer):
                if event.id > (after or 0) or not event.id:
                    after = max(after or 0, event.id) or after
                    yield event
        except NodeError:
            if peer.silence() >= resume_for or hung_up != reach.hung_up():
                raise
        if deadline is not None and time.monotonic() >= deadline:
            raise TimeoutError
        if peer.silence() >= resume_for:
            raise NodeError("lost", f"the events stopped coming from {node}", hint=_look(node))
        time.sleep(_RESUME_PAUSE)


class _Peer:
    """When the other side was last heard: an event or a keep-alive. A task may be silent for long, its runner not."""

    def __init__(self) -> None:
        self.last = time.monotonic()

    def silence(self) -> float:
        return time.monotonic() - self.last


def follow(
    node: str,
    method: str,
    path: str,
    body: dict[str, Any] | None = None,
    *,
    after: int | None = None,
    breaker: Breaker | None = None,
) -> Iterator[wire.Event]:
    """The events that a request is answered with, of a stream that resumes those `after` this one, up to the end of
    the stream; a cut is not mended. Raises NodeError and ApiError."""
    data = b"" if body is None else json.dumps(body, separators=(",", ":")).encode("ascii")
    yield from _stream(node, path, after, None, method=method, body=data, breaker=breaker)


def _stream(
    node: str,
    path: str,
    after: int | None,
    deadline: float | None,
    *,
    method: str = "GET",
    body: bytes = b"",
    peer: _Peer | None = None,
    breaker: Breaker | None = None,
) -> Iterator[wire.Event]:
    connection = reach.connect(node, streams=True, timeout=_left(deadline))
    headers = {"Accept": "text/event-stream"}
    if after is not None:
        headers["Last-Event-ID"] = str(after)
    with connection.sock as sock:
        if breaker is not None:
            breaker.guard(sock)
        try:
            wire.send_request(sock, method, path, body, headers)
            yield from wire.read_events(_Deadline(sock, connection.reader, deadline, peer or _Peer()))
        except TimeoutError:
            if deadline is not None and time.monotonic() >= deadline:
                raise
            raise NodeError("timeout", f"{node} has been silent for too long", hint=_look(node)) from None
        except wire.Refused as exc:
            raise api_error(exc.response.status, _error_body(exc.response)) from None
        except (wire.Cut, OSError) as exc:
            raise NodeError("lost", f"the connection to {node} broke: {exc}", hint=_look(node)) from exc


# The runner sends a comment every 5 s on an idle stream; three of them missing is a dead peer.
STREAM_SILENCE = 15.0


class _Deadline(wire.Reader):
    """A reader that sets the socket's timeout anew before each read, so that a slow trickle cannot outlive it.
    `silence`: seconds the other side may pause before that."""

    def __init__(
        self, sock: Any, reader: wire.Reader, deadline: float | None, peer: _Peer, silence: float = STREAM_SILENCE
    ) -> None:
        super().__init__(sock)
        self._silence = silence
        self._sock = sock
        self._peer = peer
        self._buffer = reader._buffer
        self._deadline = deadline

    def _more(self, size: int = 65536) -> bytes:
        self._sock.settimeout(min(self._silence, _left(self._deadline)))
        data = super()._more(size)
        self._peer.last = time.monotonic()
        return data


def _left(deadline: float | None) -> float:
    if deadline is None:
        return 30.0
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _error_body(response: wire.Response) -> Any:
    try:
        return response.json()
    except wire.Cut:
        return None


def api_error(status: int, answer: Any) -> ApiError:
    """The error an answer's body tells: {"v":1,"error":{"code","message","hint"}}."""
    error = answer.get("error") if isinstance(answer, dict) else None
    if not isinstance(error, dict):
        return ApiError(status, "http", f"the runner answered HTTP {status}")
    code, message, hint = (error.get(key) for key in ("code", "message", "hint"))
    return ApiError(
        status,
        code if isinstance(code, str) else "http",
        message if isinstance(message, str) else f"the runner answered HTTP {status}",
        hint=hint if isinstance(hint, str) else None,
    )


def _look(node: str) -> str:
    """Where to look when a connection that was open breaks."""
    return "see `maw-runner logs`" if node == reach.LOCAL else f"try `maw node test {node}`"
