"""Run the user's command on edits, in a scratch worktree, and tell how it went. It cannot hang, and prints to nobody.

The command has no terminal and no input, and a session of its own. When its time is over, somebody stops it, or it has
ended, all that it started is killed; of what it prints a head and a tail are kept.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from maw.edits import scratch
from maw.edits.diff import FileEdit
from maw.errors import FatalError
from maw.git.repo import Repo
from maw.git.run import no_git_env
from maw.text import printable, size

HEAD, TAIL = 16 * 1024, 48 * 1024  # bytes of output that are kept
_DRAIN = 1.0  # seconds for what is still in the pipe when the command is over
_LOOK = 0.05  # seconds between two looks whether it has ended, or is to
_GONE = 1.0  # seconds for all that was killed to be gone: on a busy machine that is not at once
_DYING = 0.005  # seconds between two looks
_MARK = "MAW_VERIFY"


class Outcome(NamedTuple):
    """`code`: the exit code, negative for a signal, None when the time was over. `dropped`: bytes of output between
    `head` and `tail`."""

    code: int | None
    seconds: float
    head: bytes
    tail: bytes
    dropped: int

    @property
    def passed(self) -> bool:
        return self.code == 0

    def text(self) -> str:
        """The output for a person or a model."""
        gap = f"\n[… {size(self.dropped)} left out …]\n" if self.dropped else ""
        return printable(self.head.decode("utf-8", "replace") + gap + self.tail.decode("utf-8", "replace"))


class Stopped(FatalError):
    """Somebody did not want to wait for the end."""

    def __init__(self) -> None:
        super().__init__("stopped; nothing was changed")


def never() -> bool:
    """Nobody stops it."""
    return False


def verify(
    repo: Repo, edits: Sequence[FileEdit], command: str, *, timeout: float, stopped: Callable[[], bool] = never
) -> Outcome:
    """How a shell command goes with the edits. MAW_WORKTREE names the user's own tree: what git ignores (a virtual
    environment) is only there. Raises Stopped, and FatalError when there is no room or no state to run it in."""
    with scratch.worktree(repo, edits) as path:
        return run(command, path, timeout=timeout, env={**no_git_env(), "MAW_WORKTREE": repo.root}, stopped=stopped)


def run(command: str, cwd: str, *, timeout: float, env: dict[str, str], stopped: Callable[[], bool] = never) -> Outcome:
    """Run a shell command, for as long as it may take. Raises Stopped soon after `stopped` has become true."""
    mark = f"{os.getpid()}-{os.urandom(8).hex()}"
    started = time.monotonic()
    try:
        process = subprocess.Popen(
            ["/bin/sh", "-c", command],
            cwd=cwd, env={**env, _MARK: mark, "TERM": "dumb", "GIT_TERMINAL_PROMPT": "0"}, start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
    except OSError as exc:
        raise FatalError(f"the command cannot be started: {exc.strerror}") from exc
    output = _Output()
    try:
        code = _follow(process, output, started + timeout, stopped)
    finally:  # Ctrl-C and Stopped, too
        _kill_all(process, mark)
        process.wait()
    _drain(process, output)
    return Outcome(code, time.monotonic() - started, *output.parts())


class _Output:
    """The head and the tail of what comes."""

    def __init__(self) -> None:
        self._head = bytearray()
        self._tail = bytearray()
        self._dropped = 0

    def take(self, part: bytes) -> None:
        room = HEAD - len(self._head)
        self._head += part[:room]
        self._tail += part[room:] if room > 0 else part
        over = len(self._tail) - TAIL
        if over > TAIL:  # seldom, since it moves the rest
            self._cut(over)

    def parts(self) -> tuple[bytes, bytes, int]:
        self._cut(len(self._tail) - TAIL)
        return bytes(self._head), bytes(self._tail), self._dropped

    def _cut(self, over: int) -> None:
        if over > 0:
            del self._tail[:over]
            self._dropped += over


def _follow(process: subprocess.Popen[bytes], output: _Output, until: float, stopped: Callable[[], bool]) -> int | None:
    """Read until the command itself has ended, whoever else still holds the pipe; None when the time is over. Raises
    Stopped."""
    assert process.stdout is not None
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while (left := until - time.monotonic()) > 0:
            if (code := process.poll()) is not None:
                return code
            if stopped():
                raise Stopped
            if not selector.get_map():
                with contextlib.suppress(subprocess.TimeoutExpired):  # it closed its output, and goes on
                    process.wait(min(left, _LOOK))
            elif selector.select(min(left, _LOOK)):
                part = os.read(process.stdout.fileno(), 65536)
                output.take(part)
                if not part:
                    selector.unregister(process.stdout)
    return process.poll()


def _drain(process: subprocess.Popen[bytes], output: _Output) -> None:
    """Take what is in the pipe, but do not wait for whoever escaped with it."""
    assert process.stdout is not None
    until = time.monotonic() + _DRAIN
    with process.stdout as pipe, selectors.DefaultSelector() as selector:
        selector.register(pipe, selectors.EVENT_READ)
        while time.monotonic() < until and selector.select(0.05):
            part = os.read(pipe.fileno(), 65536)
            if not part:
                return
            output.take(part)


def _kill_all(process: subprocess.Popen[bytes], mark: str) -> None:
    """The command's process group, and what left it for a session of its own (as far as the system tells)."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    until = time.monotonic() + _GONE
    while strays := list(_marked(mark)):  # one that forks all the time is not caught by a single look
        for pid in strays:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        if time.monotonic() >= until:
            return
        time.sleep(_DYING)


def _marked(mark: str) -> Iterator[int]:
    """The processes with the command's mark in their environment. Linux only: none elsewhere."""
    wanted = f"{_MARK}={mark}".encode()
    try:
        names = os.listdir("/proc")
    except FileNotFoundError:
        return
    for name in names:
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/environ", "rb") as file:
                found = wanted in file.read().split(b"\0")
        except OSError:
            continue  # somebody else's, or gone
        if found:
            yield int(name)
