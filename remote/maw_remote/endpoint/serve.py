"""`maw-runner serve --listen HOST:PORT`: the gate without sshd, for WSL2, containers, the demo and tests.

Public keys only, no shell, no forwarding (door.py). The channels lead to the same runner's socket, through the same
gate; the copying is the link's own.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import paramiko

from maw import files, paths
from maw.errors import FatalError
from maw.link.hostkeys import fingerprint
from maw.link.keygen import make_key
from maw.link.paramiko_channel import ParamikoFlow, send_all
from maw.link.splice import Splice
from maw_remote import gate
from maw_remote.endpoint.door import Door

STRANGERS = 10  # connections that have not logged in yet, at once
CONNECTIONS = 32  # in all
LOGIN_TIMEOUT = 20.0  # seconds a connection has to log in
THREADS = 64
PAUSE = 0.2  # seconds after a connection that could not be taken
# Seconds of silence before the first probe, between probes, and probes; TCP_USER_TIMEOUT is in milliseconds.
KEEPALIVE = {
    "TCP_KEEPIDLE": 60,
    "TCP_KEEPALIVE": 60,
    "TCP_KEEPINTVL": 15,
    "TCP_KEEPCNT": 4,
    "TCP_USER_TIMEOUT": 120_000,
}
WINDOW = 4 << 20  # bytes one channel may have in flight towards us

log = logging.getLogger("maw.endpoint")


def serve(host: str, port: int) -> int:
    """Listen until SIGTERM or Ctrl-C; the exit code. Port 0 takes a free one, told in runner/endpoint.json."""
    paths.make_private_dir(paths.runner_dir())
    logging.getLogger("paramiko").setLevel(logging.CRITICAL)  # what strangers send is no news
    with _listen(host, port) as listener, _sole():
        _announce(listener, host_key())
        try:
            asyncio.run(_Endpoint(host_key()).run(listener))
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(announcement_file())
    return 0


@contextlib.contextmanager
def _sole() -> Iterator[None]:
    """Hold the lock that says an endpoint is at work, with our process id in it: `maw uninstall` ends it by that.

    Raises FatalError when another one of this state directory holds it.
    """
    path = paths.endpoint_lock()
    fd = files.try_lock(path)
    if fd is None:
        raise FatalError(
            f"an endpoint is at work already (pid {files.lock_holder(path)})", hint=f"{announcement_file()} tells where"
        )
    try:
        os.ftruncate(fd, 0)
        os.pwrite(fd, b"%d\n" % os.getpid(), 0)
        yield
    finally:
        os.close(fd)


def announcement_file() -> str:
    """Where a running endpoint tells scripts its address, host key and process id."""
    return os.path.join(paths.runner_dir(), "endpoint.json")


def host_key() -> Any:
    """The endpoint's own host key, made at first use (ed25519, 0600)."""
    path = os.path.join(paths.runner_dir(), "ssh_host_ed25519_key")
    if not os.path.exists(path):
        make_key(path, "maw-endpoint")
    try:
        return paramiko.Ed25519Key(filename=path)
    except (OSError, ValueError, paramiko.SSHException) as exc:
        raise FatalError(f"the host key {path} cannot be read: {exc}", hint="remove it to have a new one made") from exc


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, kind, number, _, address = socket.getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, number)
    except OSError as exc:
        raise FatalError(f"cannot listen on {host}: {exc.strerror or exc}") from exc
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(address)
    except OSError as exc:
        listener.close()
        raise FatalError(f"cannot listen on {host}:{port}: {exc.strerror}", hint="choose another port") from exc
    listener.listen(64)
    listener.setblocking(False)
    return listener


def keep_alive(sock: socket.socket) -> None:
    """Have the kernel notice a client that is gone without a word, where it can be told how soon.

    By default it would take two hours, and a dead connection holds its place so long.
    """
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in KEEPALIVE.items():
        if hasattr(socket, name):
            with contextlib.suppress(OSError):  # known when Python was built, and not to this kernel
                sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


def _announce(listener: socket.socket, key: Any) -> None:
    host, port = listener.getsockname()[:2]
    print_ = fingerprint(key.asbytes())
    public = f"{key.get_name()} {key.get_base64()}"
    message = {"v": 1, "host": host, "port": port, "fingerprint": print_, "host_key": public, "pid": os.getpid()}
    files.write_atomic(announcement_file(), json.dumps(message).encode("ascii") + b"\n")
    sys.stdout.write(f"listening on {host} port {port}\nhost key {print_}\n")
    sys.stdout.flush()


class _Endpoint:
    def __init__(self, key: Any) -> None:
        self._key = key
        self._executor = ThreadPoolExecutor(THREADS, thread_name_prefix="maw-endpoint")
        self._connections: list[Any] = []
        self._sessions: set[asyncio.Task[None]] = set()

    async def run(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        accepting = loop.create_task(self._accept(listener))
        await stop.wait()
        accepting.cancel()
        for transport in self._connections:
            transport.close()
        await asyncio.gather(accepting, *self._sessions, return_exceptions=True)
        self._executor.shutdown(cancel_futures=True)

    async def _accept(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                sock, address = await loop.sock_accept(listener)
            except OSError as exc:  # that one broke before it was taken, or no descriptor is left
                log.warning("a connection could not be taken: %s", exc)
                await asyncio.sleep(PAUSE)
                continue
            self._connections = [transport for transport in self._connections if transport.is_alive()]
            strangers = sum(not transport.is_authenticated() for transport in self._connections)
            if strangers >= STRANGERS or len(self._connections) >= CONNECTIONS:
                log.warning("turned %s away: too many connections", address[0])
                sock.close()
                continue
            try:
                self._begin(sock)
            except (OSError, RuntimeError, paramiko.SSHException) as exc:  # it has left again, or no thread is left
                log.warning("a connection of %s came to nothing: %s", address[0], exc)
                sock.close()

    def _begin(self, sock: socket.socket) -> None:
        """Start one connection; paramiko gives it a thread, which ends with it."""
        loop = asyncio.get_running_loop()
        sock.setblocking(True)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        keep_alive(sock)
        transport = paramiko.Transport(sock, default_window_size=WINDOW)
        transport.daemon = True
        transport.add_server_key(self._key)

        def run(channel: Any, command: str) -> None:
            loop.call_soon_threadsafe(self._session, door, channel, command)

        door = Door(transport, run)
        transport.start_server(event=threading.Event(), server=door)
        self._connections.append(transport)
        loop.call_later(LOGIN_TIMEOUT, self._expel, transport)

    def _expel(self, transport: Any) -> None:
        if transport.is_alive() and not transport.is_authenticated():
            self._executor.submit(transport.close)

    def _session(self, door: Door, channel: Any, command: str) -> None:
        task = asyncio.get_running_loop().create_task(self._serve(door, channel, command))
        self._sessions.add(task)
        task.add_done_callback(self._sessions.discard)

    async def _serve(self, door: Door, channel: Any, command: str) -> None:
        loop = asyncio.get_running_loop()
        try:
            status = await self._connect(channel, command)
            await loop.run_in_executor(self._executor, _finish, channel, status)
        except (OSError, EOFError, paramiko.SSHException) as exc:
            log.info("a session ended: %s", exc)
        finally:
            door.ended(channel)

    async def _connect(self, channel: Any, command: str) -> int:
        """The gate: its verbs only, then the hello, then bytes. The session's exit status."""
        loop = asyncio.get_running_loop()
        if not gate.allowed(command):
            await loop.run_in_executor(self._executor, channel.sendall_stderr, gate.refusal(command).encode())
            return gate.REFUSED
        try:
            runner, greeting = await loop.run_in_executor(self._executor, gate.introduce)
        except FatalError as exc:
            await loop.run_in_executor(self._executor, send_all, channel, gate.error_greeting(exc))
            return 1
        with runner:
            runner.setblocking(False)
            await loop.run_in_executor(self._executor, send_all, channel, greeting)
            flow = ParamikoFlow(channel, self._executor)
            await Splice(runner, flow).run_for_runner(flow.until_closed)
        return 0


def _finish(channel: Any, status: int) -> None:
    if not channel.closed:
        channel.send_exit_status(status)
    channel.close()
