"""`maw-runner connect`: what an SSH key of maw may do here, and all it may do. Standard library only, cheap to import.

Run by sshd as a forced command. It introduces the runner (magic, hello) and copies bytes between its own stdio and
the runner's socket. Of the command the client asked for only the verb counts; nothing of it is ever executed.
"""

from __future__ import annotations

import contextlib
import os
import select
import socket
import sys
import time

from maw import paths, protocol
from maw.errors import FatalError, NodeError

VERBS = frozenset({"connect"})
REFUSED = 126  # the shell's "found, but not allowed"
CHUNK = 256 * 1024


def main() -> int:
    """Serve one connection on stdin and stdout; the exit code."""
    command = os.environ.get("SSH_ORIGINAL_COMMAND", "")
    if not allowed(command):
        sys.stderr.write(refusal(command))
        return REFUSED
    try:
        runner, greeting = introduce()
    except FatalError as exc:
        _write(1, error_greeting(exc))
        return 1
    with runner:
        _write(1, greeting)
        splice(0, 1, runner)
    return 0


def allowed(command: str) -> bool:
    """Whether the command a client asked for is one of the gate's verbs. Nothing asked for means `connect`."""
    words = command.split()
    return not words or words[-1] in VERBS


def refusal(command: str) -> str:
    """The line for who asks for something else. The command is quoted, so that it cannot write to a terminal."""
    return f"maw: this key may only connect to the runner, not run {command[:200]!a}\n"


def introduce() -> tuple[socket.socket, bytes]:
    """A connection to the runner, started if need be, and the bytes that introduce it. Raises FatalError."""
    runner = _runner()
    try:
        return runner, protocol.MAGIC + protocol.line(_hello())
    except BaseException:
        runner.close()
        raise


def error_greeting(exc: FatalError) -> bytes:
    """What is said instead of a hello."""
    code = exc.code if isinstance(exc, NodeError) else "no_runner"
    error = {"code": code, "message": exc.message, "hint": exc.hint}
    return protocol.MAGIC + protocol.line({"v": 1, "error": error})


def _runner() -> socket.socket:
    path = paths.runner_socket()
    runner = _connect(path)
    if runner is None:
        from maw import reach  # brings subprocess along, which a running runner spares us

        reach.start_runner(time.monotonic() + reach.START_TIMEOUT)
        runner = _connect(path)
    if runner is None:
        raise NodeError("no_runner", "the runner does not answer", hint="see `maw-runner logs` there")
    return runner


def _connect(path: str) -> socket.socket | None:
    runner = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        runner.connect(path)
    except (FileNotFoundError, ConnectionRefusedError):
        runner.close()
        return None
    except OSError as exc:
        runner.close()
        raise NodeError(
            "no_runner", f"cannot open {path}: {exc.strerror}", hint="it must be the account's own; see `ls -l` there"
        ) from exc
    return runner


def _hello() -> protocol.Json:
    """What the runner wrote of itself. It does so before it listens, so a runner that answers has one."""
    path = os.path.join(paths.runner_dir(), "hello.json")
    try:
        with open(path, "rb") as file:
            return protocol.parse_line(file.read(protocol.HELLO_MAX))
    except (OSError, ValueError) as exc:
        raise NodeError("no_runner", f"the runner's {path} cannot be read: {exc}", hint="restart it") from exc


class _Flow:
    """One direction: what was read and not yet written."""

    def __init__(self) -> None:
        self.pending = memoryview(b"")
        self.open = True  # more may come
        self.used = False  # something came


def splice(source: int, sink: int, runner: socket.socket) -> None:
    """Copy `source` to the runner and the runner to `sink` until the runner has answered or the client is gone.

    The end of `source` is not passed on: the runner takes a half-closed client for one that left (uvicorn), and the
    answer may still be on its way.
    """
    up, down = _Flow(), _Flow()
    runner.setblocking(False)
    blocking = [(fd, os.get_blocking(fd)) for fd in (source, sink)]
    try:
        for fd, _ in blocking:
            os.set_blocking(fd, False)
        _copy(source, sink, runner.fileno(), up, down)
    finally:
        for fd, before in blocking:
            with contextlib.suppress(OSError):
                os.set_blocking(fd, before)


def _copy(source: int, sink: int, runner: int, up: _Flow, down: _Flow) -> None:
    poll = select.poll()
    poll.register(sink, 0)  # hang-ups and errors are reported though nothing is asked
    while down.open or down.pending:
        # A descriptor we wait for nothing on is left out: its hang-up would be reported again and again.
        _watch(poll, source, select.POLLIN if up.open and not up.pending else 0)
        reading = select.POLLIN if down.open and not down.pending else 0
        _watch(poll, runner, reading | (select.POLLOUT if up.pending else 0))
        poll.modify(sink, select.POLLOUT if down.pending else 0)
        ready = dict(poll.poll())
        if ready.get(sink, 0) & (select.POLLERR | select.POLLHUP | select.POLLNVAL):
            return
        if source in ready:
            _fill(source, up)
            if not up.open and not up.used:
                return  # it asked for nothing: no answer will come
        if ready.get(runner, 0) & ~select.POLLOUT and reading:
            _fill(runner, down)
        if up.pending and not _drain(runner, up):
            up.open, up.pending = False, memoryview(b"")  # it has answered without reading all; the answer counts
        if down.pending and not _drain(sink, down):
            return


def _watch(poll: select.poll, fd: int, events: int) -> None:
    if events:
        poll.register(fd, events)
    else:
        with contextlib.suppress(KeyError):
            poll.unregister(fd)


def _fill(fd: int, flow: _Flow) -> None:
    try:
        data = os.read(fd, CHUNK)
    except BlockingIOError:
        return
    except OSError:
        data = b""
    flow.open = bool(data)
    flow.used = flow.used or flow.open
    flow.pending = memoryview(data)


def _drain(fd: int, flow: _Flow) -> bool:
    """Write what can be written; False when nobody reads it any more."""
    try:
        flow.pending = flow.pending[os.write(fd, flow.pending) :]
    except BlockingIOError:
        pass
    except OSError:
        return False
    return True


def _write(fd: int, data: bytes) -> None:
    """Write all of a short text to a blocking descriptor; a client that left does not care."""
    with contextlib.suppress(OSError):
        while data:
            data = data[os.write(fd, data) :]
