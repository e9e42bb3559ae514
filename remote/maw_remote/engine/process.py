"""One worker process as the runner sees it: start, ask, notice that it died or hangs, end it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any, Literal

import psutil

from maw import paths
from maw_remote.engine import frames
from maw_remote.engine.frames import Json
from maw_remote.engine.interface import EngineError
from maw_remote.engine.turns import Turns

HANG_AFTER = 15.0  # seconds without a beat; a loaded machine was seen to delay one by 2
LOG_MAX = 1 << 20  # bytes; a larger log is begun anew
_TAIL = 4096
_COMPUTING = frozenset({"run", "warm", "embed"})
_PARTS = frozenset({"text", "field"})  # of an answer that goes on


class WorkerProcess:
    """A process with one model. `ready` comes before the first request; then any number of them, each with an id, some
    of which the worker does at once. Once it is lost every answer, and every later request, raises EngineError."""

    def __init__(
        self, name: str, config: Json, *, turns: Turns, hang_after: float = HANG_AFTER,
        on_lost: Callable[[bool], None] = lambda _: None,
    ) -> None:  # fmt: skip
        """`turns`: when it may compute, unless it does so on a GPU. `on_lost` is called with False when it fails, and
        with True once the process is gone."""
        self.name = name
        self.context = 0
        self.gpu = False
        self._on_lost = on_lost
        self._turns = turns
        self._work: dict[int, bool] = {}  # what it has to compute: request, whether a background one
        self._config = config
        self._hang_after = hang_after
        self._answers: dict[int, asyncio.Queue[Json]] = {}
        self._next_id = 1
        self._process: asyncio.subprocess.Process | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._error: EngineError | None = None
        self._log = Path(paths.runner_dir()) / "workers" / f"{name}.log"
        self._log_start = 0

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process is not None else None

    @property
    def busy(self) -> int:
        """Requests that wait or run."""
        return len(self._answers)

    @property
    def lost(self) -> bool:
        return self._error is not None

    def memory(self) -> int | None:
        """Bytes the process holds: on Linux its proportional share and its model's file, elsewhere what is its alone;
        None when it is gone."""
        return _memory(self.pid, str(self._config["path"])) if self.pid is not None and not self.lost else None

    async def start(self) -> None:
        """Start the process and wait until its model is loaded. Raises EngineError."""
        try:
            self._process = await self._spawn()
        except OSError as exc:  # no descriptor, process or room on the disk is left
            said = f"the worker of {self.name} cannot be started: {exc.strerror or exc}"
            raise EngineError("worker_lost", said, retry=True) from exc
        self._tasks = [asyncio.create_task(self._read()), asyncio.create_task(self._watch())]
        try:
            self._write({"op": "load", "turn": True, **self._config})
            await self._ready
        except BaseException:
            await self.end()
            raise

    def new_id(self) -> int:
        """The id of a request to come."""
        number, self._next_id = self._next_id, self._next_id + 1
        return number

    async def ask(self, message: Json, number: int) -> AsyncGenerator[Json, None]:
        """Send a request under a new id; its answers, up to the one that ends it. Leaving early cancels it. Raises
        EngineError."""
        answers = self._answers[number] = asyncio.Queue()
        try:
            if message["op"] in _COMPUTING:
                self._work[number] = bool(message.get("background"))
                self._work_changed()
            async with aclosing(self._exchange({**message, "id": number}, answers)) as found:
                async for answer in found:
                    yield answer
        finally:
            del self._answers[number]
            if self._work.pop(number, None) is not None:
                self._work_changed()

    def urge(self, number: int, background: bool) -> None:
        """What was asked is for the background now, or no longer."""
        if number in self._work and not self.lost:
            self._work[number] = background
            with contextlib.suppress(EngineError):  # a lost one is told of when it is gone
                self._write({"op": "urge", "id": number, "background": background})
            self._work_changed()

    @property
    def urgency(self) -> Literal[0, 1, 2]:
        """Of what it has to compute: nothing, for the background, for somebody who waits."""
        if not self._work:
            return 0
        return 1 if all(self._work.values()) else 2

    def send_turn(self, on: bool) -> None:
        """Let it compute, or have it pause at the end of its step and say so."""
        with contextlib.suppress(EngineError):  # a lost one computes no more, and is told of when it is gone
            self._write({"op": "turn", "on": on})

    def _work_changed(self) -> None:
        if not self.gpu and not self.lost:
            self._turns.changed(self)

    async def _exchange(self, message: Json, answers: asyncio.Queue[Json]) -> AsyncGenerator[Json, None]:
        self._write(message)
        done = False
        try:
            while not done:
                answer = await answers.get()
                done = answer["op"] not in _PARTS
                if answer["op"] == "error":
                    raise _error(answer)
                yield answer
        finally:
            if not done and not self.lost:
                with contextlib.suppress(EngineError):
                    self._write({"op": "cancel", "id": message["id"]})

    def call_off(self, number: int, error: EngineError) -> None:
        """Let a request end with `error`."""
        if number in self._answers:
            self._answers[number].put_nowait({"op": "error", "error": error})
            with contextlib.suppress(EngineError):
                self._write({"op": "cancel", "id": number})

    async def end(self, error: EngineError | None = None) -> None:
        """Kill the process; what is asked of it fails with `error`. Returns when it is gone."""
        self._fail(error or EngineError("worker_lost", f"{self.name} was unloaded", retry=True))
        if self._process is None:
            return
        # A worker holds nothing that it would have to put in order; SIGKILL also ends a stopped one.
        self._kill()
        await self._process.wait()
        assert self._process.stdin is not None
        self._process.stdin.close()
        me = asyncio.current_task()
        for task in self._tasks:
            if task is not me:
                task.cancel()
                await asyncio.wait([task])
        self._gone()

    def _gone(self) -> None:
        self._turns.gone(self)
        self._on_lost(True)

    def _kill(self) -> None:
        assert self._process is not None
        # Process.kill reaps one that has just died, behind the back of asyncio, which then takes its end for code 255.
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._process.pid, signal.SIGKILL)

    async def _spawn(self) -> asyncio.subprocess.Process:
        paths.make_private_dir(str(self._log.parent))
        if self._log.exists() and self._log.stat().st_size > LOG_MAX:
            self._log.unlink()
        out = os.open(self._log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._log_start = os.fstat(out).st_size
        # A session of its own: Ctrl-C at a runner in the foreground is for the runner, which then ends us.
        try:
            return await asyncio.create_subprocess_exec(
                sys.executable, "-P", "-m", "maw_remote.engine.worker",
                stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=out,
                cwd="/", start_new_session=True,
            )  # fmt: skip
        except FileNotFoundError as exc:
            hint = "`maw-runner restart` starts it from the installation that is there now"
            raise EngineError("worker_lost", f"the runner's Python is gone: {sys.executable}", hint=hint) from exc
        finally:
            os.close(out)

    def _write(self, message: Json) -> None:
        if self._error is not None:
            raise self._error
        assert self._process is not None
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(frames.encode(message))
        except frames.BadFrame as exc:
            raise EngineError("too_long", f"{self.name} cannot be asked: {exc}") from exc

    async def _read(self) -> None:
        assert self._process is not None
        stream = self._process.stdout
        assert stream is not None
        try:
            while True:
                size = frames.size_of(await stream.readexactly(frames.LENGTH.size))
                self._take(frames.decode(await stream.readexactly(size)))
        except (asyncio.IncompleteReadError, frames.BadFrame, ConnectionError):
            pass
        if not self.lost:
            self._kill()
            code = await self._process.wait()
            hint = _fault_hint(code, _processor_flags()) or self._log_hint()
            self._fail(EngineError("worker_lost", self._last_words(code), hint=hint, retry=True))
            self._gone()

    def _take(self, message: Json) -> None:
        self._beat_at = time.monotonic()
        if message["op"] == "ready":
            self.context, self.gpu = int(message["context"]), bool(message["gpu"])
            self._ready.set_result(None)
        elif message["op"] == "paused":
            self._turns.paused(self)
        elif message["op"] == "error" and message["id"] == 0:
            said = next((line for line in self._log_tail() if "error" in line), message["message"])
            self._fail(EngineError(message["code"], f"{self.name} cannot be loaded: {said}", hint=self._log_hint()))
        elif message.get("id") in self._answers:
            self._answers[message["id"]].put_nowait(message)

    async def _watch(self) -> None:
        """Kill a worker that does not beat."""
        pause = self._hang_after / 5
        self._beat_at = checked = time.monotonic()
        while True:
            await asyncio.sleep(pause)
            now = time.monotonic()
            if now - checked > 2 * pause + 1:
                self._beat_at = now  # it is we who stood still: what it sent meanwhile is still to be read
            checked = now
            if now - self._beat_at > self._hang_after:
                message = f"the worker of {self.name} gave no sign of life for {self._hang_after:g} s and was ended"
                await self.end(EngineError("worker_hung", message, hint=self._log_hint(), retry=True))
                return

    def _fail(self, error: EngineError) -> None:
        if self._error is not None:
            return
        self._error = error
        if not self._ready.done():
            self._ready.set_exception(error)
            self._ready.exception()  # looked at here, since nobody may be waiting any more
        for answers in self._answers.values():
            answers.put_nowait({"op": "error", "error": error})
        self._on_lost(False)

    def _last_words(self, code: int) -> str:
        how = f"ended with code {code}"
        if code < 0:
            with contextlib.suppress(ValueError):
                how = f"was ended by {signal.Signals(-code).name}"
        return " | ".join([f"the worker of {self.name} {how}", *self._log_tail()[-2:]])

    def _log_tail(self) -> list[str]:
        """The last lines this process wrote."""
        try:
            with open(self._log, "rb") as file:
                file.seek(max(self._log_start, os.fstat(file.fileno()).st_size - _TAIL))
                lines = file.read().decode("utf-8", "replace").split("\n")
        except OSError:
            return []
        return [line.strip() for line in lines if line.strip()][-5:]

    def _log_hint(self) -> str:
        return f"its log is {self._log}"


def _fault_hint(code: int, flags: frozenset[str]) -> str:
    """What may be wrong when a worker faults on such a processor; nothing where that says nothing."""
    if code in (-signal.SIGSEGV, -signal.SIGILL) and "hypervisor" in flags and any(f.startswith("amx") for f in flags):
        return "a virtual machine that announces AMX may fault when it is used: `maw docs troubleshooting` helps"
    return ""


def _processor_flags() -> frozenset[str]:
    """What Linux tells of the processor; nothing elsewhere."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text("utf-8", "replace").splitlines():
            if line.startswith("flags"):
                return frozenset(line.partition(":")[2].split())
    return frozenset()


def _error(answer: Json) -> EngineError:
    if "error" in answer:
        error: EngineError = answer["error"]
        return EngineError(error.code, error.message, hint=error.hint, retry=error.retry)
    return EngineError(answer["code"], answer["message"])


def _memory(pid: int, model: str) -> int | None:
    """What a process holds: its proportional share, but all of its model's file that is in memory. Others that map the
    same file come and go; what is reckoned with should not move with them."""
    with contextlib.suppress(OSError):
        return _held(Path(f"/proc/{pid}/smaps").read_bytes(), os.fsencode(model))
    try:
        info: Any = psutil.Process(pid).memory_full_info()
    except psutil.Error:
        return None
    return int(info.uss)


def _held(smaps: bytes, model: bytes) -> int:
    """Bytes, out of Linux's list of a process's mappings."""
    total, field = 0, b"Pss:"
    for line in smaps.splitlines():
        name, _, rest = line.partition(b" ")
        if not name.endswith(b":"):  # the first line of a mapping
            field = b"Rss:" if line.endswith(model) else b"Pss:"
        elif name == field:
            total += int(rest.split()[0]) * 1024
    return total
