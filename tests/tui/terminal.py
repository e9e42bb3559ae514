"""`maw tui` in a terminal: a process of its own on a pseudo-terminal, as a person starts it."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

PATIENCE = 60.0  # seconds for a condition on a loaded machine
ENTER, LEAVE = b"\x1b[?1049h", b"\x1b[?1049l"  # the alternate screen


class Terminal:
    """`written` is all that it has got. Close it at the end."""

    def __init__(self, *arguments: str, cwd: Path, rows: int = 24, columns: int = 80) -> None:
        self.master, self.slave = pty.openpty()
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.before = termios.tcgetattr(self.slave)
        self.written = b""
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "maw", "tui", *arguments], cwd=cwd,
            stdin=self.slave, stdout=self.slave, stderr=self.slave, start_new_session=True,
            env=os.environ | {"TERM": "xterm-256color"},
        )  # fmt: skip

    def press(self, keys: str) -> None:
        os.write(self.master, keys.encode())

    def read(self, seconds: float) -> bytes:
        """What is written within this time."""
        before, end = len(self.written), time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if select.select([self.master], [], [], left)[0]:
                self.written += os.read(self.master, 65536)
        return self.written[before:]

    def until(self, text: str, after: int = 0) -> None:
        """Wait until this was written, behind so many bytes."""
        give_up = time.monotonic() + PATIENCE
        while text.encode() not in self.written[after:]:
            assert time.monotonic() < give_up, f"waited for {text!r}; it has {self.written[-2000:]!r}"
            self.read(0.05)

    def end(self) -> int:
        """Wait until it has ended; its exit code."""
        give_up = time.monotonic() + PATIENCE
        while (code := self.process.poll()) is None:
            assert time.monotonic() < give_up, f"it does not end; it has {self.written[-2000:]!r}"
            self.read(0.05)
        self.read(0.05)
        return code

    def is_as_before(self) -> bool:
        """The terminal is in the mode it was in, shows its first screen and its cursor, and reports no mouse."""
        written = self.written
        return (
            termios.tcgetattr(self.slave) == self.before
            and written.rfind(LEAVE) > written.rfind(ENTER)
            and written.rfind(b"\x1b[?25h") > written.rfind(b"\x1b[?25l")
            and written.rfind(b"\x1b[?1000l") > written.rfind(b"\x1b[?1000h")
        )

    def hang_up(self) -> None:
        """Take the terminal away. It is nobody's controlling one, so no signal tells of that."""
        os.close(self.master)
        self.master = os.open(os.devnull, os.O_RDONLY)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.master)
        os.close(self.slave)
