"""Files that are never half-written, and locks that a dead process lets go of. Standard library only (hook path)."""

from __future__ import annotations

import _thread  # `threading` costs a hook a millisecond
import contextlib
import errno
import fcntl
import io
import os
import stat
import time
from collections.abc import Iterator

# What file systems say that know no locks: NFS without its lock daemon, some of SMB and FUSE.
_NO_LOCKS = (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS)
BOUND = 256 * 1024  # bytes; no settings file or hook script that people write comes near


def write_atomic(path: str, data: bytes, *, mode: int = 0o600, durable: bool = False) -> None:
    """Replace `path` with `data`: readers see the old or the new content, never a part. After a `durable` one has
    returned, a power cut does not bring the old content back.

    Raises OSError, whose `filename` is set on a full disk too.
    """
    with replacing(path, mode=mode, durable=durable) as file:
        file.write(data)


@contextlib.contextmanager
def replacing(path: str, *, mode: int = 0o600, durable: bool = False) -> Iterator[io.BufferedWriter]:
    """A file to write into, which takes the place of `path` when the block ends well. As write_atomic, for what comes
    in parts."""
    temporary = f"{path}.{_thread.get_native_id()}.tmp"  # nobody else's, not even of this process
    fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, mode)
    try:
        with open(fd, "wb") as file:
            yield file
            if durable:
                file.flush()
                os.fsync(file.fileno())
        os.replace(temporary, path)
        if durable:
            _sync_directory(os.path.dirname(path) or ".")
    except BaseException as exc:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        if isinstance(exc, OSError) and exc.filename is None:  # a failed write does not know whose it is
            exc.filename = path
        raise


def _sync_directory(path: str) -> None:
    """Sync the names in a directory: a file's new name is no part of the file."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def read_optional(path: str) -> bytes | None:
    """The file's content, None when there is none."""
    try:
        with open(path, "rb") as file:
            return file.read()
    except FileNotFoundError:
        return None


class UnfitFile(OSError):
    """What lies there is not a plain file of a size that makes sense; `strerror` says what instead."""


def read_bounded(path: str, *, follow: bool = False, limit: int = BOUND) -> bytes | None:
    """Like read_optional for a file that somebody else may have put there, such as all of a worktree's.

    A cloned `.maw.toml` may be a link to /dev/zero or a pipe that nobody writes to. Raises UnfitFile for a link
    (unless `follow`), anything else that is no file, and one larger than `limit` bytes.
    """
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | (0 if follow else os.O_NOFOLLOW))
    except FileNotFoundError:
        return None
    except OSError as exc:
        if not follow and os.path.islink(path):
            raise UnfitFile(exc.errno, "it is a symbolic link, which maw does not follow here", path) from exc
        raise
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise UnfitFile(errno.EINVAL, "it is not a plain file", path)
        with open(fd, "rb", closefd=False) as file:
            data = file.read(limit + 1)
    finally:
        os.close(fd)
    if len(data) > limit:
        raise UnfitFile(errno.EFBIG, f"it is larger than {limit} bytes", path)
    return data


def changed(path: str) -> float | None:
    """When the file was last written, in seconds since 1970; None when that cannot be told."""
    try:
        return os.stat(path).st_mtime
    except OSError:
        return None


def try_lock(path: str, *, needed: bool = True) -> int | None:
    """Take an exclusive lock on `path` (created, mode 0600), or None when another process holds it.

    The lock is held by the returned descriptor: closing it, or the end of the process, lets go. The file stays. Where
    it is not `needed`, but only keeps others from trying in vain, nobody holds it on a file system without locks.
    """
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(fd)
        return None
    except OSError as exc:
        if needed or exc.errno not in _NO_LOCKS:
            os.close(fd)
            raise
    return fd


def lock_holder(path: str) -> int | None:
    """The process id that the holder of the lock on `path` wrote into it; None when nobody holds it.

    Looks with a shared lock: two who ask at once must not take each other for the holder, and signal the stale
    process id that the last one left.
    """
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        text = os.pread(fd, 32, 0).strip()
        return int(text) if text.isdigit() else None
    finally:
        os.close(fd)
    return None


@contextlib.contextmanager
def lock(path: str, timeout: float = 10.0, *, needed: bool = True) -> Iterator[None]:
    """Hold the lock on `path` for a block; `needed` as of try_lock. Raises TimeoutError after `timeout` seconds."""
    give_up = time.monotonic() + timeout
    while (fd := try_lock(path, needed=needed)) is None:
        if time.monotonic() >= give_up:
            raise TimeoutError(f"{path} is held by another process")
        time.sleep(0.01)
    try:
        yield
    finally:
        os.close(fd)
