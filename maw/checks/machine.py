"""Checks of this machine: programs, versions, the state directory."""

from __future__ import annotations

import errno
import importlib.util
import os
import platform
import re
import shutil
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator

from maw import __version__, paths
from maw.checks.check import Check, fail, ok, warn
from maw.errors import FatalError
from maw.files import try_lock
from maw.text import size

GIT_NEEDED = (2, 31)  # `git rev-parse --end-of-options` and `git config --fixed-value`
SQLITE_NEEDED = (3, 35)  # UPDATE … RETURNING
DISK_LOW = 2 * 2**30  # bytes: less than one small model
DISK_FULL = 2**20  # bytes: a queue or a note may not be written any more
# What helps where the owner is not the reason.
_WRITABLE = {
    errno.EROFS: "mount that file system writable, or set MAW_STATE_DIR to a directory that is",
    errno.ENOSPC: "free some space there, or set MAW_STATE_DIR to a directory on another disk",
}
_LONGEST_NODE = "n" * 32


def checks() -> Iterator[Check]:
    yield ok("maw", f"{__version__}, Python {platform.python_version()} ({sys.executable})")
    yield _git()
    yield _ssh()
    yield _sqlite()
    yield from _state_dir()
    yield _socket_paths()
    yield _disk()
    if "MAW_SKIP" in os.environ:
        yield warn("MAW_SKIP", "is set: hooks do nothing", "unset MAW_SKIP")


def runner_extra() -> list[str]:
    """Modules of the runner extra that are missing here."""
    return [name for name in ("litestar", "uvicorn", "llama_cpp", "psutil") if importlib.util.find_spec(name) is None]


def _git() -> Check:
    said = _output("git", "--version")
    if said is None:
        return fail("git", "not found on PATH", "install git 2.31 or later")
    match = re.search(r"(\d+)\.(\d+)", said)
    if match is None or (int(match[1]), int(match[2])) < GIT_NEEDED:
        return fail("git", said, "install git 2.31 or later")
    return ok("git", said.removeprefix("git version "))


def _ssh() -> Check:
    said = _output("ssh", "-V")
    if said is None:
        return warn("ssh", "not found on PATH", "install OpenSSH's client; nodes other than 'local' need it")
    return ok("ssh", said)


def _sqlite() -> Check:
    if sqlite3.sqlite_version_info < SQLITE_NEEDED:
        return fail("sqlite", sqlite3.sqlite_version, "use a Python that brings SQLite 3.35 or later")
    return ok("sqlite", sqlite3.sqlite_version)


def _state_dir() -> Iterator[Check]:
    directory = paths.state_dir()
    if not os.path.isdir(directory):
        if os.path.lexists(directory):
            yield fail("state", f"{directory} is no directory", "move it away, or set MAW_STATE_DIR")
        else:
            yield ok("state", f"{directory} (made when it is first needed)")
        return
    try:
        lock = try_lock(os.path.join(directory, "doctor.lock"))
    except OSError as exc:
        mend = _WRITABLE.get(exc.errno or 0, f"chown -R $(id -un) {directory}")
        yield fail("state", f"{directory} cannot be written: {exc.strerror}", mend)
        return
    if lock is not None:
        os.close(lock)
        os.unlink(os.path.join(directory, "doctor.lock"))
    loose = _too_open(directory)
    if loose:
        yield fail("state", f"others may read {', '.join(loose)}", f"chmod -R go= {directory}")
    else:
        yield ok("state", directory)


def _too_open(directory: str) -> list[str]:
    """What others could read or enter of the places that must be private: sockets and keys lie there."""
    private = [directory, *(os.path.join(directory, name) for name in ("runner", "link", "attendant", "keys"))]
    keys = os.path.join(directory, "keys")
    if os.path.isdir(keys):
        private += [os.path.join(keys, name) for name in os.listdir(keys) if not name.endswith(".pub")]
    return [path for path in private if os.path.exists(path) and stat.S_IMODE(os.stat(path).st_mode) & 0o077]


def _socket_paths() -> Check:
    try:
        longest = max(paths.runner_socket(), paths.attendant_socket(), key=len)
    except FatalError as exc:
        return fail("sockets", exc.message, exc.hint or "set MAW_STATE_DIR to a shorter directory")
    try:
        paths.link_socket(_LONGEST_NODE, streams=True)
    except FatalError:
        return warn(
            "sockets",
            "room for short node names only: the state directory's path is long",
            "use short node names, or set MAW_STATE_DIR to a shorter directory",
        )
    return ok("sockets", f"paths are short enough ({len(os.fsencode(longest))} of {paths.SOCKET_PATH_MAX} bytes)")


def _disk() -> Check:
    directory = paths.state_dir()
    while not os.path.isdir(directory):
        directory = os.path.dirname(directory)
    free = shutil.disk_usage(directory).free
    if free < DISK_LOW:
        found, mend = f"{size(free)} free at {directory}", "free some space: `maw model list`, `maw model rm`"
        return fail("disk", f"full: {found}", mend) if free < DISK_FULL else warn("disk", found, mend)
    return ok("disk", f"{size(free)} free")


def _output(*command: str) -> str | None:
    """First line of what a program says, on either stream (ssh -V uses stderr); None when it is not there."""
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return None
    text = (done.stdout + done.stderr).decode("utf-8", "replace").strip()
    return text.splitlines()[0] if text else ""
