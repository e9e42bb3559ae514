"""Start and stop the runner's process from another one. Light: nothing of the server is imported."""

from __future__ import annotations

import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import time

from maw import files, paths, reach
from maw.errors import FatalError

_STOP_TIMEOUT = 20.0  # seconds; a clean stop takes requests and jobs 5 s each at most
_POLL = 0.02
_ROOM = 1 << 20  # bytes free, below which a disk counts as full when nothing else tells why there is no runner


def start(options: list[str]) -> None:
    """Start a runner in the background and wait until it listens; fine when one runs already.

    `options` are those of `start --foreground`. Without any, an installed service is asked first. Raises FatalError
    with what it said.
    """
    directory = paths.make_private_dir(paths.runner_dir())
    paths.runner_socket()  # refuse a path that is too long before anything runs
    if not options and _by_service():
        return
    said = os.path.join(directory, "stderr.log")
    read_end, write_end = os.pipe()
    try:
        child = _spawn(options, said, write_end)
    finally:
        os.close(write_end)
    try:
        if not _is_ready(read_end):
            raise _why(child, said)
    finally:
        os.close(read_end)
    child.returncode = 0  # it lives on, on purpose: nothing to warn of


def _by_service() -> bool:
    from maw_remote import service  # which knows us

    return service.start() and listening()


def _spawn(options: list[str], errors_path: str, ready_fd: int) -> subprocess.Popen[bytes]:
    ours = ("--foreground", "--existing", "--ready-fd", str(ready_fd))  # the directory is there: start made it
    command = [sys.executable, "-P", "-m", "maw_remote", "start", *ours, *options]
    errors = os.open(errors_path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        return subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=errors, stderr=errors, pass_fds=(ready_fd,),
            start_new_session=True, cwd="/", env=_environment(),
        )  # fmt: skip
    finally:
        os.close(errors)


def stop() -> bool:
    """Stop the runner and wait until it is gone; False when none ran. Raises FatalError when it does not go."""
    pid = holder()
    if pid is None:
        return False
    give_up = time.monotonic() + _STOP_TIMEOUT
    try:
        os.kill(pid, signal.SIGTERM)
    except ProcessLookupError:
        return True
    while holder() == pid:
        if time.monotonic() >= give_up:
            raise FatalError(f"the runner (pid {pid}) does not stop", hint=f"`kill -9 {pid}` loses no task")
        time.sleep(_POLL)
    return True


def holder() -> int | None:
    """The pid of the runner at work, whether it answers or not; None when there is none."""
    return files.lock_holder(os.path.join(paths.runner_dir(), "lock"))


def listening() -> bool:
    """True when a runner accepts connections."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        try:
            sock.connect(paths.runner_socket())
        except (FileNotFoundError, ConnectionRefusedError):
            return False
        return True


def _is_ready(fd: int) -> bool:
    """True when the new process said so; False when it ended first or took too long."""
    give_up = time.monotonic() + reach.START_TIMEOUT
    while (left := give_up - time.monotonic()) > 0:
        if select.select([fd], [], [], left)[0]:
            return os.read(fd, 16) == b"ready\n"
    return False


def _why(child: subprocess.Popen[bytes], errors_path: str) -> FatalError:
    """What a runner that did not start said last, with its own hint (maw/cli/failure.py) where it gave one."""
    look = "`maw-runner logs` may tell more"
    try:
        child.wait(1.0)
    except subprocess.TimeoutExpired:
        child.terminate()
        return FatalError(f"the runner did not listen within {reach.START_TIMEOUT:.0f} s", hint=look)
    said = (files.read_optional(errors_path) or b"").decode("utf-8", "replace").strip().splitlines()
    lines = [line.removeprefix("maw: ") for line in said if line.startswith("maw: ")] or said[-1:]
    hints = [line.strip() for line in said if line.startswith("     ")]
    directory = os.path.dirname(errors_path)
    if not lines and shutil.disk_usage(directory).free < _ROOM:  # there was none for what it said either
        return FatalError(f"no space left on the disk of {directory}", hint="make room there, then try again")
    message = lines[0] if lines else f"the runner ended at once with code {child.returncode}"
    return FatalError(message, hint=hints[0] if hints else look)


def _environment() -> dict[str, str]:
    """Ours without git's variables, which name a repository and an index that are no business of the runner."""
    return {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
