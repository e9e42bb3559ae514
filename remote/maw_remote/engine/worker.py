"""A worker: one process, one model (`python -m maw_remote.engine.worker`). Its runner talks to it in frames.

Three threads: the main one runs the model, one reads frames (so that a cancel is heard while the model works), one
beats. llama.cpp releases the interpreter while it computes, so a beat that stays away means a process that hangs.
"""

from __future__ import annotations

import os
import queue
import sys
import threading
from typing import Any

from maw_remote.engine import frames
from maw_remote.engine.frames import Json
from maw_remote.engine.interface import Generation, Message, Usage


class Worker:
    def __init__(self, source: int, target: int) -> None:
        self._source = os.fdopen(source, "rb", buffering=1 << 16)
        self._target = target
        self._write_lock = threading.Lock()
        self._requests: queue.SimpleQueue[Json] = queue.SimpleQueue()
        self._cancelled: set[int] = set()

    def run(self) -> None:
        """Load the model that the first frame names, then work until the runner is gone."""
        threading.Thread(target=self._beat, daemon=True).start()
        first = frames.read(self._source.read)
        if first is None:
            return
        threading.Thread(target=self._read, daemon=True).start()
        model = self._load(first)
        if model is None:
            return
        self._send({"op": "ready", "context": model.context, "gpu": model.gpu})
        while True:
            self._serve(model, self._requests.get())

    def _load(self, config: Json) -> Any:
        # Imported here: the beat should start before the library's 0.2 s.
        from maw_remote.engine.model import Load, Model

        try:
            return Model(Load(config["path"], config["context"], config["threads"], config["gpu_layers"]))
        except ValueError as exc:
            self._send({"op": "error", "id": 0, "code": "model_broken", "message": str(exc)})
            return None

    def _serve(self, model: Any, request: Json) -> None:
        from maw_remote.engine.model import Cancelled, Refused

        number = request["id"]
        try:
            if request["op"] == "count":
                self._send({"op": "counts", "id": number, "counts": [model.count(text) for text in request["texts"]]})
            elif number not in self._cancelled:
                self._generate(model, number, request)
        except Refused as exc:
            self._send({"op": "error", "id": number, "code": exc.code, "message": str(exc)})
        except Cancelled:
            pass  # nobody waits for an answer
        finally:
            self._cancelled.discard(number)

    def _generate(self, model: Any, number: int, request: Json) -> None:
        for piece in model.generate(_generation(request), lambda: number in self._cancelled):
            if isinstance(piece, Usage):
                self._send({"op": "end", "id": number, **piece._asdict()})
            else:
                self._send({"op": "text", "id": number, "text": piece})

    def _read(self) -> None:
        while (message := self._next()) is not None:
            if message["op"] == "cancel":
                self._cancelled.add(message["id"])
            else:
                self._requests.put(message)
        # The runner is gone. The main thread may be deep in a prompt, so nothing is waited for.
        os._exit(0)

    def _next(self) -> Json | None:
        try:
            return frames.read(self._source.read)
        except (frames.BadFrame, OSError) as exc:
            print(f"worker: {exc}", file=sys.stderr)  # noqa: T201 - standard error is the worker's log
            return None

    def _beat(self) -> None:
        pause = threading.Event()
        while not pause.wait(frames.BEAT):
            self._send({"op": "beat"})

    def _send(self, message: Json) -> None:
        data = memoryview(frames.encode(message))
        with self._write_lock:
            while data:
                try:
                    data = data[os.write(self._target, data) :]
                except BrokenPipeError:
                    os._exit(0)


def _generation(request: Json) -> Generation:
    return Generation(
        messages=[Message(role, text) for role, text in request["messages"]],
        max_tokens=request["max_tokens"],
        grammar=request["grammar"],
        temperature=request["temperature"],
        top_p=request["top_p"],
        seed=request["seed"],
        stop=request["stop"],
    )


def main() -> None:
    """Take standard input and output for frames; whatever llama.cpp prints goes to standard error, the log."""
    source, target = os.dup(0), os.dup(1)
    with open(os.devnull, "rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    os.dup2(2, 1)
    Worker(source, target).run()


if __name__ == "__main__":
    main()
