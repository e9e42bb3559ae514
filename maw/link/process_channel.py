"""A child process of OpenSSH's client as a channel (channel.py): its stdin and stdout are a socket's other end."""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
import signal
import socket
import subprocess
import threading
import time
from concurrent.futures import Executor

from maw.errors import NodeError
from maw.link.opensshlog import Log

CHUNK = 256 * 1024  # bytes read at once
LEAVE = 2.0  # seconds a process may take to end when it is told to


def environment() -> dict[str, str]:
    """No window may ask for a passphrase in the name of a link."""
    return {**os.environ, "SSH_ASKPASS_REQUIRE": "never"}


def spawn(command: list[str], stdin: int, stdout: int) -> tuple[subprocess.Popen[bytes], Log]:
    """A process without a terminal, and its stderr."""
    reading, writing = os.pipe()
    try:
        process = subprocess.Popen(
            command, stdin=stdin, stdout=stdout, stderr=writing, start_new_session=True, env=environment()
        )
    except FileNotFoundError:
        os.close(reading)
        raise NodeError("unresolved", "there is no ssh here", hint="install OpenSSH's client") from None
    finally:
        os.close(writing)
    return process, Log(reading)


class ProcessChannel:
    """An ssh process whose stdin and stdout are the other end of a socket of ours."""

    def __init__(self, command: list[str]) -> None:
        self._sock, theirs = socket.socketpair()
        try:
            with theirs:
                self._process, self.log = spawn(command, theirs.fileno(), theirs.fileno())
        except BaseException:
            self._sock.close()
            raise
        self._closing = threading.Lock()

    def wait(self, give_up: float) -> bool:
        """Whether something came; False when the process ended first. Raises TimeoutError at `give_up`."""
        poll = select.poll()
        poll.register(self._sock, select.POLLIN)
        if not poll.poll(max(give_up - time.monotonic(), 0.0) * 1000):
            return True  # nothing yet: whoever reads the hello has the same patience, and the better words
        return not self.ended()

    def exit_code(self) -> int | None:
        """Of the process that hung up; None when it is still there."""
        try:
            code = self._process.wait(LEAVE)
        except subprocess.TimeoutExpired:
            return None
        self.log.ended.wait(LEAVE)
        return code

    def settimeout(self, seconds: float | None) -> None:
        self._sock.settimeout(seconds)

    def recv(self, size: int) -> bytes:
        return self._sock.recv(size)

    def sendall(self, data: bytes) -> None:
        self._sock.sendall(data)

    def ended(self) -> bool:
        try:
            return self._sock.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
        except BlockingIOError:
            return False
        except OSError:
            return True

    def complaint(self) -> str:
        self.log.ended.wait(1.0)
        words = self.log.words()
        return words[-1] if words else ""

    def flow(self, executor: Executor) -> SocketFlow:
        return SocketFlow(self._sock)

    def close(self) -> None:
        with self._closing:
            self._sock.close()
            if self._process.returncode is None:
                end(self._process)


class SocketFlow:
    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        self._sock = sock
        self._loop = asyncio.get_running_loop()

    async def receive(self) -> bytes:
        try:
            return await self._loop.sock_recv(self._sock, CHUNK)
        except ConnectionResetError:  # the process ended with bytes of ours unread
            return b""

    async def send(self, data: bytes) -> None:
        await self._loop.sock_sendall(self._sock, data)

    async def finish(self) -> None:
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_WR)

    async def abandon(self) -> None:
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)


def end(process: subprocess.Popen[bytes], first: signal.Signals | None = signal.SIGTERM) -> None:
    """Wait for a process that has been told to end, or is told by `first`; it leads a group of its own."""
    for number in (first, signal.SIGKILL):
        if number is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(LEAVE)
            return
    process.wait()
