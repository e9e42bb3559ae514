"""The link process: two local sockets, two SSH connections, and the copying between them."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket
import stat
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from maw import files, logform, paths, protocol, sockets
from maw.errors import NodeError
from maw.link.control import lock_file
from maw.link.dial import Dialer
from maw.link.failures import Failures
from maw.link.lane import Habits, Lane
from maw.link.splice import Splice
from maw.link.target import Target
from maw.link.terms import Terms

THREADS = 48  # two lanes of nine channels, each with a blocked send and a large read, and a few that connect
LOG_MAX = 1 << 20
LEAVING = 5.0  # seconds a link that is leaving may hold the lock
BACKLOG = 128  # connections that wait to be accepted
_GREETING_TIMEOUT = 10.0  # seconds a client may take to accept its first line

log = logging.getLogger("maw.link")


def serve(target: Target, habits: Habits) -> int:
    """Run the link of a node until it idles or is told to stop; its exit code. A second one leaves at once."""
    paths.make_private_dir(paths.link_dir(target.node))
    lock = _take_lock(target.node)
    if lock is None:
        return 0
    _sign(lock)
    listeners = [sockets.listen(paths.link_socket(target.node, streams=streams), BACKLOG) for streams in (False, True)]
    for listener in listeners:
        listener.setblocking(False)
    try:
        asyncio.run(_Link(target, habits).run(listeners))
    finally:
        for listener in listeners:
            listener.close()
        os.close(lock)
    return 0


def begin_log() -> None:
    """Log to stderr, which maw.reach points at link.log; start it anew when it has grown large."""
    found = os.fstat(sys.stderr.fileno())
    if stat.S_ISREG(found.st_mode) and found.st_size > LOG_MAX:
        os.truncate(sys.stderr.fileno(), 0)
    logform.start("%(asctime)s %(name)s: %(message)s")


def _take_lock(node: str) -> int | None:
    """The lock, or None when another link serves. One that is leaving has no sockets any more: wait for its end."""
    give_up = time.monotonic() + LEAVING
    while (fd := files.try_lock(lock_file(node))) is None:
        if os.path.exists(paths.link_socket(node, streams=True)) or time.monotonic() > give_up:
            return None
        time.sleep(0.02)
    return fd


def _sign(lock: int) -> None:
    """Leave our process id for control.py."""
    os.truncate(lock, 0)
    try:
        os.pwrite(lock, str(os.getpid()).encode(), 0)
    except OSError as exc:  # on a full disk there is no room for it, and hooks need us all the same
        log.warning("pid %d is not in the lock file: %s", os.getpid(), exc.strerror)


class _Link:
    def __init__(self, target: Target, habits: Habits) -> None:
        self._target = target
        self._habits = habits
        self._executor = ThreadPoolExecutor(THREADS, thread_name_prefix="maw-link")
        self._failures = Failures(habits.black_hole)
        terms = Terms(keys=habits.keys, ping=habits.ping, misses=habits.misses)
        dialer = Dialer(target, terms, since=habits.since)
        self._requests = Lane("requests", target, self._executor, self._failures, dialer, spares=2)
        self._streams = Lane("streams", target, self._executor, self._failures, dialer, spares=1)
        self._clients: set[asyncio.Task[None]] = set()
        self._tasks: list[asyncio.Task[None]] = []
        self._last = time.monotonic()

    async def run(self, listeners: list[socket.socket]) -> None:
        loop = asyncio.get_running_loop()
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        loop.add_signal_handler(signal.SIGHUP, self._failures.clear)
        lanes = (self._requests, self._streams)
        self._tasks = [loop.create_task(self._accept(sock, lane)) for sock, lane in zip(listeners, lanes, strict=True)]
        self._tasks += [loop.create_task(self._idle(stop)), loop.create_task(self._warm())]
        log.info("%s: listening", self._target.node)
        await stop.wait()
        await self._leave()

    async def _leave(self) -> None:
        """Sockets first, so that new clients start a new link; then whoever is still served is cut off."""
        for streams in (False, True):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(paths.link_socket(self._target.node, streams=streams))
        for task in (*self._tasks, *self._clients):
            task.cancel()
        for lane in (self._requests, self._streams):
            lane.close()
        await asyncio.gather(*self._tasks, *self._clients, return_exceptions=True)
        self._executor.shutdown(wait=False, cancel_futures=True)
        log.info("%s: left", self._target.node)

    async def _accept(self, listener: socket.socket, lane: Lane) -> None:
        loop = asyncio.get_running_loop()
        while True:
            sock, _ = await loop.sock_accept(listener)
            sock.setblocking(False)
            task = loop.create_task(self._client(sock, lane))
            self._clients.add(task)
            task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._clients.discard(task)
        self._last = time.monotonic()
        if not task.cancelled() and task.exception() is not None:
            log.error("a client's connection failed", exc_info=task.exception())

    async def _client(self, sock: socket.socket, lane: Lane) -> None:
        with sock:
            try:
                pool, line = await lane.line()
            except NodeError as exc:
                await _tell(sock, protocol.preface_error(exc.code, exc.message, exc.hint))
                return
            try:
                if await _tell(sock, protocol.preface(line.hello)):
                    await Splice(sock, line.channel.flow(self._executor)).run_for_client(line.early)
            finally:
                await pool.give_back(line)

    async def _warm(self) -> None:
        """Whoever submits a task watches it next: connect for streams as soon as there is a first client. Where one is
        on its way, connect now."""
        if self._habits.since is not None:
            await asyncio.gather(self._requests.warm(), self._streams.warm())
            return
        while not self._clients:
            await asyncio.sleep(0.05)
        await self._streams.warm()

    async def _idle(self, stop: asyncio.Event) -> None:
        """Stop after idling, or once the socket is gone with its directory: nobody can reach us any more."""
        path = paths.link_socket(self._target.node, streams=False)
        while os.path.exists(path):
            left = self._last + self._habits.idle_exit - time.monotonic()
            if left <= 0 and not self._clients:
                log.info("%s: idle", self._target.node)
                break
            await asyncio.sleep(min(left if left > 0 else self._habits.idle_exit, 1.0))
        stop.set()


async def _tell(sock: socket.socket, data: bytes) -> bool:
    """Write the preface; False when the client is gone."""
    try:
        await asyncio.wait_for(asyncio.get_running_loop().sock_sendall(sock, data), _GREETING_TIMEOUT)
    except (OSError, TimeoutError):
        return False
    return True
