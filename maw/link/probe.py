"""Try a node step by step, each one timed, on connections of our own: what `maw node test` and `maw connect` show."""

from __future__ import annotations

import time
from typing import Any, NamedTuple

from maw import protocol, wire
from maw.errors import NodeError
from maw.link.auth import Ask
from maw.link.channels import Line, open_line
from maw.link.target import Target
from maw.link.transport import Connection, connect

STEPS = ("resolve", "connect", "host key", "login", "gate", "runner")
_ANSWER_TIMEOUT = 10.0


class Step(NamedTuple):
    """`seconds` the step took; `detail` is what it found."""

    name: str
    seconds: float
    detail: str


class Report(NamedTuple):
    """The steps that worked. `error` is why the next one did not, None when all did; `failed` names that step.
    `key` is the private key that was let in."""

    steps: list[Step]
    hello: protocol.Json | None
    error: NodeError | None
    failed: str | None
    key: Any


def probe(target: Target, *, ask: Ask | None = None, pin: str | None = None) -> Report:
    """Go the whole way once. Never raises NodeError: it is in the report."""
    steps: list[Step] = []
    hello: protocol.Json | None = None
    connection: Connection | None = None
    try:
        connection = connect(target, ask=ask, pin=pin, step=lambda name, took: steps.append(Step(name, took, "")))
        steps = [step._replace(detail=_detail(step.name, connection, target)) for step in steps]
        line = _timed(steps, "gate", lambda: open_line(connection.transport, target))
        hello = line.hello
        steps[-1] = steps[-1]._replace(detail=f"maw {hello.get('version')}, protocol {hello.get('protocol')}")
        status = _timed(steps, "runner", lambda: _status(line, target))
        steps[-1] = steps[-1]._replace(detail=status)
    except NodeError as exc:
        return Report(steps, hello, exc, STEPS[len(steps)], connection and connection.key)
    finally:
        if connection is not None:
            connection.close()
    return Report(steps, hello, None, None, connection.key)


def _timed(steps: list[Step], name: str, action: Any) -> Any:
    begin = time.monotonic()
    result = action()
    steps.append(Step(name, time.monotonic() - begin, ""))
    return result


def _detail(name: str, connection: Connection, target: Target) -> str:
    route = connection.route
    if name == "resolve":
        through = " through a proxy" if route.proxy else ""
        return f"{route.user}@{route.hostname} port {route.port}{through}"
    if name == "host key":
        return str(connection.transport.get_remote_server_key().get_name())
    if name == "login":
        return "maw's own key" if target.identity else "a key of yours"
    return ""


def _status(line: Line, target: Target) -> str:
    """Ask the runner itself, over the channel."""
    line.channel.settimeout(_ANSWER_TIMEOUT)
    reader = wire.Reader(line.channel)
    reader.push(line.early)
    try:
        wire.send_request(line.channel, "GET", "/api/v1/status")
        response = wire.read_response(reader)
    except TimeoutError:
        raise NodeError("timeout", f"the runner on {target.host} did not answer in {_ANSWER_TIMEOUT:g} s") from None
    except (wire.Cut, OSError) as exc:
        raise NodeError("no_runner", f"the runner on {target.host} broke off: {exc}", hint="see its log") from exc
    if response.status != 200:
        raise NodeError("no_runner", f"the runner on {target.host} answered HTTP {response.status}")
    return "it answers"
