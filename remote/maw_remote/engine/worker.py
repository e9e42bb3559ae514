"""A worker: one process, one model (`python -m maw_remote.engine.worker`). Its runner talks to it in frames.

The main thread runs the model, one reads frames (so that a cancel is heard while the model works), one beats, one
writes snapshots. llama.cpp releases the interpreter while it computes, so a beat that stays away means a process that
hangs.
"""

from __future__ import annotations

import os
import queue
import sys
import threading
from typing import Any

from maw import logform
from maw_remote.engine import frames
from maw_remote.engine.frames import Json


class Worker:
    def __init__(self, source: int, target: int) -> None:
        self._source = os.fdopen(source, "rb", buffering=1 << 16)
        self._target = target
        self._write_lock = threading.Lock()
        self._requests: queue.SimpleQueue[Json] = queue.SimpleQueue()
        self._snapshots: queue.SimpleQueue[tuple[str, bytes, int, bytes]] = queue.SimpleQueue()
        self._slots: Any = None  # what the reading thread may interrupt
        self._turns = False  # whether the runner says when this process may compute
        self._turn = True  # whether it may
        self._gpu = False  # then it always may

    def run(self) -> None:
        """Load the model that the first frame names, then work until the runner is gone."""
        threading.Thread(target=self._beat, daemon=True).start()
        first = frames.read(self._source.read)
        if first is None:
            return
        threading.Thread(target=self._read, daemon=True).start()
        service = self._load(first)
        if service is None:
            return
        threading.Thread(target=self._save, daemon=True).start()
        self._slots = service.slots
        self._send(service.ready())
        while True:
            self._work(service)

    def _load(self, config: Json) -> Any:
        # Imported here: the beat should start before the library's 0.2 s.
        from maw_remote.engine.decoder import Broken
        from maw_remote.engine.serving import Service

        try:
            service = Service(config, self._send, lambda *snapshot: self._snapshots.put(snapshot))
        except Broken as exc:
            self._send({"op": "error", "id": 0, "code": "model_broken", "message": str(exc)})
            return None
        self._gpu = service.ready()["gpu"]
        self._turns = config.get("turn", False)
        self._turn = self._gpu or not self._turns
        return service

    def _work(self, service: Any) -> None:
        """Take what was asked, and do a step when there is work and the turn to do it."""
        while not self._requests.empty() or not (self._turn and service.busy):
            self._take(service, self._requests.get())
        service.step()
        if not service.busy:
            self._say("idle")

    def _take(self, service: Any, request: Json) -> None:
        if request["op"] == "turn":
            self._turn = self._gpu or request["on"]
            if not request["on"]:
                self._say("paused")
            elif not service.busy:
                self._say("idle")
        else:
            service.take(request)
            if not self._turn and service.busy:
                self._say("want", interactive=service.slots.interactive)

    def _say(self, op: str, **more: bool) -> None:
        """Tell of the turn, to a runner that gives it."""
        if self._turns:
            self._send({"op": op, **more})

    def _read(self) -> None:
        while (message := self._next()) is not None:
            self._requests.put(message)
            if self._slots is not None:
                self._interrupt(self._slots, message)
        # The runner is gone. The main thread may be deep in a prompt, so nothing is waited for.
        os._exit(0)

    def _interrupt(self, slots: Any, message: Json) -> None:
        """What cannot wait until the running step is over."""
        if message["op"] == "cancel":
            slots.interrupt(message["id"])
        elif message["op"] == "run" and not message.get("background"):
            slots.give_way(background=True)
        elif message["op"] == "turn" and not message["on"]:
            slots.give_way(background=False)

    def _next(self) -> Json | None:
        try:
            return frames.read(self._source.read)
        except (frames.BadFrame, OSError) as exc:
            _log(f"worker: {exc}")
            return None

    def _beat(self) -> None:
        pause = threading.Event()
        while not pause.wait(frames.BEAT):
            self._send({"op": "beat"})

    def _save(self) -> None:
        """Write snapshots. One that cannot be written is missed by nobody."""
        from maw_remote.engine import snapshots

        while True:
            path, key, tokens, state = self._snapshots.get()
            try:
                snapshots.write(path, key, tokens, state)
            except OSError as exc:
                _log(f"worker: {os.path.basename(path)} cannot be written: {exc.strerror}")

    def _send(self, message: Json) -> None:
        data = memoryview(frames.encode(message))
        with self._write_lock:
            while data:
                try:
                    data = data[os.write(self._target, data) :]
                except BrokenPipeError:
                    os._exit(0)


def _log(line: str) -> None:
    print(line, file=sys.stderr, flush=True)  # noqa: T201 - standard error is the worker's log


def main() -> None:
    """Take standard input and output for frames; whatever llama.cpp prints goes to standard error, the log."""
    logform.hook_up()
    source, target = os.dup(0), os.dup(1)
    with open(os.devnull, "rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    os.dup2(2, 1)
    os.environ["GGML_NO_BACKTRACE"] = "1"  # ggml would start a debugger when it gives up
    Worker(source, target).run()


if __name__ == "__main__":
    main()
