"""Try a node step by step, each one timed, on connections of our own: what `maw node test` and `maw connect` show."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

from maw import protocol, wire
from maw.errors import NodeError
from maw.link.channel import Connection
from maw.link.channels import Line, open_line
from maw.link.choice import Choice
from maw.link.dial import Dialer
from maw.link.target import Target
from maw.link.terms import Ask, Terms

STEPS = ("resolve", "connect", "host key", "login", "gate", "runner")
_STEP_OF = {"host_key_unknown": "host key", "host_key_changed": "host key", "auth_failed": "login"}
_ANSWER_TIMEOUT = 10.0
_T = TypeVar("_T")


class Step(NamedTuple):
    """`seconds` the step took; `detail` is what it found."""

    name: str
    seconds: float
    detail: str


class Report(NamedTuple):
    """The steps that worked. `error` is why the next one did not, None when all did; `failed` names that step.
    `key` is the private key that was let in, where paramiko knows; `choice` the transport, None when it did not come
    to that; `note` what a person should know of the connection, or ''."""

    steps: list[Step]
    hello: protocol.Json | None
    error: NodeError | None
    failed: str | None
    key: Any
    choice: Choice | None = None
    note: str = ""


def probe(target: Target, *, ask: Ask | None = None, pin: str | None = None) -> Report:
    """Go the whole way once. Never raises NodeError: it is in the report."""
    way = _Way(target, Dialer(target, Terms(ask=ask, pin=pin)))
    error = None
    try:
        way.go()
    except NodeError as exc:
        error = exc
    finally:
        if way.connection is not None:
            way.connection.close()
    steps = list(way.steps.values())
    failed = _failed(error, steps) if error is not None else None
    connection = way.connection
    return Report(
        steps,
        way.hello,
        error,
        failed,
        connection and connection.key,
        way.dialer.choice,
        connection.note if connection else "",
    )


class _Way:
    """The way to a node, as far as it has been gone. `steps` are by name: a second transport begins anew."""

    def __init__(self, target: Target, dialer: Dialer) -> None:
        self.dialer = dialer
        self.steps: dict[str, Step] = {}
        self.hello: protocol.Json | None = None
        self.connection: Connection | None = None
        self._target = target

    def go(self) -> None:
        target = self._target
        self.connection = connection = self.dialer.connect(f"probe-{os.getpid()}", self._step)
        for name, step in self.steps.items():
            self.steps[name] = step._replace(detail=_detail(name, connection, target))
        line = self._timed("gate", lambda: open_line(connection, target))
        try:
            self.hello = line.hello
            self._say("gate", f"maw {line.hello.get('version')}, protocol {line.hello.get('protocol')}")
            self._say("runner", self._timed("runner", lambda: _status(line, target)))
        finally:
            line.channel.close()

    def _step(self, name: str, took: float) -> None:
        self.steps[name] = Step(name, took, "")

    def _say(self, name: str, detail: str) -> None:
        self.steps[name] = self.steps[name]._replace(detail=detail)

    def _timed(self, name: str, action: Callable[[], _T]) -> _T:
        begin = time.monotonic()
        result = action()
        self._step(name, time.monotonic() - begin)
        return result


def _failed(error: NodeError, steps: list[Step]) -> str:
    """The step that failed. ssh tells by its words only, so what they mean comes before the order of the steps."""
    if error.code in _STEP_OF:
        return _STEP_OF[error.code]
    return STEPS[STEPS.index(steps[-1].name) + 1] if steps else STEPS[0]


def _detail(name: str, connection: Connection, target: Target) -> str:
    route = connection.route
    if name == "resolve":
        through = " through a proxy" if route.proxy else ""
        return f"{route.user}@{route.hostname} port {route.port}{through}"
    if name == "host key":
        return connection.host_key_type
    if name == "login":
        return "maw's own key" if target.identity else "a key of yours"
    return ""


def _status(line: Line, target: Target) -> str:
    """Ask the runner itself, over the channel."""
    channel: Any = line.channel  # as much of a socket as a request needs
    channel.settimeout(_ANSWER_TIMEOUT)
    reader = wire.Reader(channel)
    reader.push(line.early)
    try:
        wire.send_request(channel, "GET", "/api/v1/status")
        response = wire.read_response(reader)
    except TimeoutError:
        raise NodeError(
            "timeout", f"the runner on {target.host} did not answer in {_ANSWER_TIMEOUT:g} s", hint=_restart(target)
        ) from None
    except (wire.Cut, OSError) as exc:
        raise NodeError("no_runner", f"the runner on {target.host} broke off: {exc}", hint=_restart(target)) from exc
    if response.status != 200:
        raise NodeError(
            "no_runner", f"the runner on {target.host} answered HTTP {response.status}", hint=_restart(target)
        )
    return "it answers"


def _restart(target: Target) -> str:
    return f"`maw-runner logs` on {target.host} tells more; `maw-runner restart` there begins anew"
