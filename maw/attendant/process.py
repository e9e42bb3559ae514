"""The attendant: one small process per user, started on demand, gone after idling.

It listens on a unix socket for one JSON line a connection: {"v":1,"op":"drain","common_dir":PATH}, "ping" or "stop",
and answers one JSON line before it starts to work. {"v":1,"op":"redact","bytes":N,"allow":[…]} is followed by N bytes
of a diff, and answered by such a line and the diff without the values of secrets.

Notes and indexes have a worker thread each, so that a long first index of one repository delays no note of another.
It keeps nothing in memory that is not also in a file.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from maw import __version__, files, logform, paths, protocol, reach, sockets
from maw.attendant import client, spool
from maw.attendant.warming import Warming, warm
from maw.attendant.work import deliver, learn_messages, refresh_index, write_notes
from maw.git.repo import Repo

IDLE = 300.0  # seconds without work, after which it leaves
LOCK_WAIT = 5.0  # seconds to wait for another attendant that is just leaving
LOG_MAX = 1_000_000  # bytes; then the log starts anew beside the old one
LINE_MAX = 64 * 1024
PAUSE_FIRST, PAUSE_LAST = 1.0, 60.0  # seconds between two attempts to deliver to a node that is away
BACKLOG = 64  # connections that wait to be accepted
READ_TIMEOUT = 5.0
DIFF_MAX = 64 * 1024 * 1024  # bytes of a diff to redact; a review takes half of it

log = logging.getLogger("maw.attendant")


def main(arguments: list[str]) -> int:
    """Run until idle or told to stop; 0 also when another attendant took the work over."""
    idle = IDLE
    if arguments[:1] == ["--idle"]:
        idle, arguments = float(arguments[1]), arguments[2:]
    if arguments and not any(os.path.isdir(common_dir) for common_dir in arguments):
        return 0  # removed before we came up; its state directory may be gone as well, and shall stay gone
    directory = paths.make_private_dir(paths.attendant_dir())
    lock = _lock_or_delegate(paths.attendant_lock(), arguments)
    if lock is None:
        return 0
    os.ftruncate(lock, 0)
    with contextlib.suppress(OSError):  # on a full disk there is no room for it, and hooks need us all the same
        os.pwrite(lock, b"%d\n" % os.getpid(), 0)
    _start_log(os.path.join(directory, "attendant.log"))
    attendant = Attendant(paths.attendant_socket(), idle)
    reach.begin_nothing()  # should our directory go while we deliver
    try:
        asyncio.run(attendant.serve(arguments))
    finally:
        os.close(lock)
    if attendant.delivering:
        os._exit(0)  # its thread may wait long for a node; what it delivers stays in the outbox until it is noted
    return 0


def _lock_or_delegate(path: str, common_dirs: list[str]) -> int | None:
    """The lock, or None once another attendant has accepted the work (or neither could be had in time)."""
    give_up = time.monotonic() + LOCK_WAIT
    while (lock := files.try_lock(path)) is None:
        asked = [client.ask({"v": 1, "op": "drain", "common_dir": common}) for common in common_dirs]
        if all(answer is not None for answer in asked) or time.monotonic() > give_up:
            return None
        time.sleep(0.02)
    return lock


def _start_log(path: str) -> None:
    """Log to standard error, which client.spawn points at `path`; a long old log is put aside first."""
    with contextlib.suppress(FileNotFoundError):
        if os.path.getsize(path) > LOG_MAX and os.path.samestat(os.fstat(2), os.stat(path)):
            os.replace(path, path + ".old")
            fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            os.dup2(fd, 1)
            os.dup2(fd, 2)
            os.close(fd)
    logform.start("%(asctime)sZ %(levelname)s %(message)s", utc=True)


class Attendant:
    """Accepts work on `path` and leaves after `idle` seconds without any."""

    def __init__(self, path: str, idle: float) -> None:
        self._path = path
        self._idle = idle
        self._stop = asyncio.Event()
        self._notes = ThreadPoolExecutor(1, "notes")
        self._indexes = ThreadPoolExecutor(1, "index")
        self._secrets = ThreadPoolExecutor(2, "secrets")
        self._work: set[asyncio.Task[Any]] = set()
        self._deliveries: set[asyncio.Task[None]] = set()
        self._settling: set[str] = set()
        self._warming = Warming()
        self._outbox = ThreadPoolExecutor(1, "outbox")
        self._delivering: dict[str, asyncio.Event] = {}  # by repository; set when there may be more to deliver
        self.delivering = False  # whether a delivery was at work when we left
        self._busy = 0  # deliveries at work; those that wait for their node do not keep us here
        self._stopping = threading.Event()
        self._last = time.monotonic()

    async def serve(self, common_dirs: list[str]) -> None:
        """Serve until stopped or idle; `common_dirs` is work to begin with. What was accepted is finished."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        listener = sockets.listen(self._path, BACKLOG)
        identity = os.stat(self._path)
        server = await asyncio.start_unix_server(self._client, sock=listener, limit=LINE_MAX)
        log.info("attendant %s, pid %d", __version__, os.getpid())
        for common_dir in common_dirs:
            self._accept(common_dir)
        await self._until_done(identity)
        # Gone from the file system first: who connects later starts a new attendant, which waits for our lock.
        if sockets.is_still(self._path, identity):
            os.unlink(self._path)
        server.close()
        await self._finish()
        log.info("attendant leaves")

    async def _until_done(self, identity: os.stat_result) -> None:
        while not self._stop.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), min(1.0, self._idle / 2 + 0.01))
            idle = not self._work and not self._busy and time.monotonic() - self._last > self._idle
            # Without its socket nobody can reach it any more: the state directory was removed.
            if idle or not sockets.is_still(self._path, identity):
                return

    async def _finish(self) -> None:
        await asyncio.sleep(0)  # connections accepted meanwhile get their turn
        self._stop.set()
        self._stopping.set()
        for more in self._delivering.values():
            more.set()
        while self._work:
            await asyncio.wait(self._work)
        self._notes.shutdown()
        self._indexes.shutdown()
        self._secrets.shutdown()
        self.delivering = self._busy > 0
        self._outbox.shutdown(wait=False)

    async def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            message = protocol.parse_line(await asyncio.wait_for(reader.readline(), READ_TIMEOUT))
            if message.get("op") == "redact":
                await self._redact(message, reader, writer)
            else:
                writer.write(protocol.line(self._answer(message)))
                await writer.drain()
        except (ValueError, OSError, TimeoutError, EOFError):
            pass  # a client that says nothing, or nonsense, or is gone
        finally:
            writer.close()

    def _answer(self, message: protocol.Json) -> protocol.Json:
        self._last = time.monotonic()
        match message.get("op"):
            case "drain" if isinstance(message.get("common_dir"), str) and os.path.isabs(message["common_dir"]):
                self._accept(message["common_dir"])
            case "ping":
                return {"v": 1, "ok": True, "pid": os.getpid(), "version": __version__}
            case "stop":
                self._stop.set()
            case _:
                return {"v": 1, "ok": False, "error": "unknown op"}
        return {"v": 1, "ok": True}

    async def _redact(self, message: protocol.Json, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Raises ValueError for a message that makes no sense."""
        size, allow = message.get("bytes"), message.get("allow")
        if not isinstance(size, int) or not 0 <= size <= DIFF_MAX or not isinstance(allow, list):
            raise ValueError("not a diff to redact")
        diff = await asyncio.wait_for(reader.readexactly(size), READ_TIMEOUT)
        # Counted as work: who asked waits for it, so it is finished before we leave.
        work = asyncio.get_running_loop().create_task(self._redacted(diff, [str(entry) for entry in allow]))
        self._work.add(work)
        work.add_done_callback(self._work.discard)
        for part in await work:
            writer.write(part)
        await writer.drain()
        self._last = time.monotonic()

    async def _redacted(self, diff: bytes, allow: list[str]) -> tuple[bytes, bytes]:
        """The answer's line and the diff."""
        from maw.secrets.redact import redact  # with detect-secrets: 150 ms

        done = await asyncio.get_running_loop().run_in_executor(self._secrets, redact, diff, allow)
        findings = [finding.to_json() for finding in done.findings]
        told = {"v": 1, "ok": True, "bytes": len(done.diff), "hidden": done.hidden, "findings": findings}
        return protocol.line(told), done.diff

    def _accept(self, common_dir: str) -> None:
        task = asyncio.get_running_loop().create_task(self._tend(common_dir))
        self._work.add(task)
        task.add_done_callback(self._work.discard)
        self._deliver_soon(common_dir)

    def _deliver_soon(self, common_dir: str) -> None:
        if common_dir in self._delivering:
            self._delivering[common_dir].set()
            return
        self._delivering[common_dir] = asyncio.Event()
        task = asyncio.get_running_loop().create_task(self._deliver(common_dir))
        self._deliveries.add(task)
        task.add_done_callback(self._deliveries.discard)

    async def _deliver(self, common_dir: str) -> None:
        """Send what waits in the outbox; while a node is away, again and again with growing pauses."""
        repo, more, pause = Repo(None, common_dir, common_dir), self._delivering[common_dir], PAUSE_FIRST
        try:
            while not self._stop.is_set():
                more.clear()
                self._busy += 1
                try:
                    done, later = await asyncio.get_running_loop().run_in_executor(
                        self._outbox, deliver, repo, self._stopping
                    )
                finally:
                    self._busy -= 1
                if done:
                    pause, self._last = PAUSE_FIRST, time.monotonic()
                    await self._tend(common_dir)
                if not later and not more.is_set():
                    return
                if later:
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(more.wait(), pause)
                    pause = min(pause * 2, PAUSE_LAST)
        finally:
            del self._delivering[common_dir]

    async def _tend(self, common_dir: str) -> None:
        """Write notes and index; then look again until every note has kept its records (spool.SETTLE)."""
        repo = Repo(None, common_dir, common_dir)
        if not await self._write(repo):
            return
        if self._warming.due(common_dir):
            await asyncio.to_thread(warm, repo)
        if common_dir in self._settling:
            return
        self._settling.add(common_dir)
        try:
            while spool.waiting(repo) and not self._stop.is_set():
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._stop.wait(), spool.SETTLE + 0.1)
                if self._stop.is_set() or not await self._write(repo):
                    return
        finally:
            self._settling.discard(common_dir)

    async def _write(self, repo: Repo) -> bool:
        loop = asyncio.get_running_loop()
        good = await loop.run_in_executor(self._notes, write_notes, repo)
        if good:
            await loop.run_in_executor(self._indexes, refresh_index, repo)
            await loop.run_in_executor(self._indexes, learn_messages, repo)
        self._last = time.monotonic()
        return good
