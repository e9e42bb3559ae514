"""A program in a pseudo-terminal: keys go in, and what it draws comes with the time it came."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import termios
import threading
import time
from collections.abc import Sequence

PATIENCE = 60.0  # seconds until something has to come


class Terminal:
    def __init__(
        self, command: Sequence[str], *, cwd: str, env: dict[str, str], columns: int = 160, rows: int = 48
    ) -> None:
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.process = subprocess.Popen(
            command, cwd=cwd, env=env, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
        )
        os.close(theirs)
        self._fd = ours
        self._news = threading.Condition()
        self._came: list[tuple[float, bytes]] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def press(self, keys: bytes) -> int:
        """Send keys; a place in the output, for `until` and `settled`."""
        with self._news:
            place = len(self._came)
        os.write(self._fd, keys)
        return place

    def until(self, text: bytes, place: int = 0) -> float:
        """When a text had come, after a place in the output."""
        give_up = time.monotonic() + PATIENCE
        with self._news:
            while True:
                so_far = b""
                for when, data in self._came[place:]:
                    so_far += data
                    if text in so_far:
                        return when
                self._wait(give_up, text.decode("utf-8", "replace"))

    def first(self, place: int) -> float:
        """When the first output came, after a place in the output."""
        give_up = time.monotonic() + PATIENCE
        with self._news:
            while len(self._came) <= place:
                self._wait(give_up, "any output")
            return self._came[place][0]

    def settled(self, place: int, quiet: float = 0.15) -> float:
        """When the last output came before a silence of `quiet` seconds, after a place in the output."""
        self.first(place)
        with self._news:
            while time.monotonic() - self._came[-1][0] < quiet:
                self._news.wait(quiet / 4)
            return self._came[-1][0]

    def close(self, keys: bytes = b"q") -> None:
        """Leave by these keys."""
        self.press(keys)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._reader.join(5)
        os.close(self._fd)

    def _wait(self, give_up: float, what: str) -> None:
        if not self._news.wait(max(give_up - time.monotonic(), 0)):
            shown = b"".join(data for _, data in self._came)[-2000:]
            raise RuntimeError(f"{what} did not come; last came {shown!r}")

    def _read(self) -> None:
        while True:
            try:
                data = os.read(self._fd, 1 << 16)
            except OSError:  # the other end is closed
                return
            with self._news:
                self._came.append((time.monotonic(), data))
                self._news.notify_all()
