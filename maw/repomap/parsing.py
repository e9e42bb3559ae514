"""Parse files in processes of their own (worker.py), each watched: one that crashes or takes too long is replaced, and
the file it had gets an outline by plain patterns. Standard library only."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import select
import subprocess
import sys
import time
import types
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from maw.repomap.languages import installed
from maw.repomap.plain import outline
from maw.repomap.tags import GAVE_UP, Tags, decode

SECONDS = 2.0  # for one file; large ones take 50 ms
START_SECONDS = 20.0  # until the first answer of a process, on a busy machine
SLOW_MAX = 10  # files that took too long, after which the rest is outlined by patterns
PROCESSES_MAX = 4
_ANSWER_MAX = 32 << 20  # bytes


class Job(NamedTuple):
    key: str
    language: str
    data: bytes


class Parsers:
    """Use as a context manager: no process stays behind."""

    def __init__(self, processes: int = 1) -> None:
        self._count = max(1, min(processes, PROCESSES_MAX))
        self._idle: queue.SimpleQueue[_Process] = queue.SimpleQueue()
        self._all = [_Process() for _ in range(self._count)]
        for process in self._all:
            self._idle.put(process)
        self._slow = 0

    def __enter__(self) -> Parsers:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: types.TracebackType | None
    ) -> None:
        for process in self._all:
            process.close()

    def each(self, jobs: Iterable[Job]) -> Iterator[tuple[str, Tags]]:
        """The tags of each job by its key, in the order of the jobs, which are read a few ahead only."""
        with ThreadPoolExecutor(self._count) as pool:
            waiting = []
            try:
                for job in jobs:
                    waiting.append((job.key, pool.submit(self.tags, job)))
                    if len(waiting) > 4 * self._count:
                        key, first = waiting.pop(0)
                        yield key, first.result()
                for key, future in waiting:
                    yield key, future.result()
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                for process in self._all:
                    process.kill()
                raise

    def tags(self, job: Job) -> Tags:
        """The tags of one file, by plain patterns where its parser is missing or does not manage it."""
        if job.language not in installed():
            return outline(job.data)
        if self._slow >= SLOW_MAX:
            return outline(job.data, GAVE_UP)
        process = self._idle.get()
        try:
            found = process.ask(job)
        except TimeoutError:
            self._slow += 1
            return outline(job.data, "its parser took too long")
        except EOFError:
            return outline(job.data, "its parser crashed")
        finally:
            self._idle.put(process)
        return outline(job.data, found.trouble) if found.trouble else found

    def problem(self, job: Job) -> tuple[int, str] | None:
        """Where the text of a job is no valid source first, and how; None also where nobody can tell."""
        found = self._told(job, b" syntax")
        return (int(found[0]), str(found[1])) if isinstance(found, list) else None

    def code(self, job: Job) -> str | None:
        """What stands for the text of a job without its comments; None where nobody can tell."""
        found = self._told(job, b" code")
        return found if isinstance(found, str) else None

    def _told(self, job: Job, about: bytes) -> object:
        if job.language not in installed():
            return None
        process = self._idle.get()
        try:
            return json.loads(process.line(job, about))
        except (TimeoutError, EOFError):
            return None
        finally:
            self._idle.put(process)


class _Process:
    """One process of parsers; started when it is first asked, and again after it has died."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def ask(self, job: Job) -> Tags:
        """Raises TimeoutError, and EOFError when the process died."""
        try:
            return decode(self.line(job))
        except ValueError as exc:
            self.close()
            raise EOFError from exc

    def line(self, job: Job, about: bytes = b"") -> bytes:
        """Raises TimeoutError, and EOFError when the process died."""
        fresh = self._process is None
        process = self._process = self._process or _start()
        assert process.stdin is not None and process.stdout is not None
        try:
            process.stdin.write(b"%s %d%s\n" % (job.language.encode("ascii"), len(job.data), about) + job.data)
            process.stdin.flush()
            limit = START_SECONDS if fresh else SECONDS
            return _line(process.stdout.fileno(), time.monotonic() + limit)
        except (OSError, EOFError) as exc:
            self.close()
            if isinstance(exc, TimeoutError):
                raise
            raise EOFError from exc

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()

    def close(self) -> None:
        if self._process is not None:
            self._process.kill()  # it holds nothing
            with contextlib.suppress(BrokenPipeError):
                self._process.__exit__(None, None, None)
            self._process = None


def _start() -> subprocess.Popen[bytes]:
    # -P and another directory: a module that lies in the repository must never be imported.
    command = [sys.executable, "-P", "-m", "maw.repomap.worker"]
    return subprocess.Popen(command, cwd="/", stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)


def _line(fd: int, give_up: float) -> bytes:
    """A line from `fd`. Raises TimeoutError, and EOFError at its end."""
    parts = bytearray()
    while not parts.endswith(b"\n"):
        left = give_up - time.monotonic()
        if left <= 0 or not select.select([fd], [], [], left)[0]:
            raise TimeoutError
        part = os.read(fd, 1 << 20)
        if not part or len(parts) > _ANSWER_MAX:
            raise EOFError
        parts += part
    return bytes(parts)
