"""Models that are on this machine already: in Ollama's store, LM Studio's, a hub's cache, or any folder.

Nothing is copied and nothing is written there: what is adopted becomes a `path:` source.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from maw.errors import FatalError
from maw_remote.engine import gguf
from maw_remote.engine.catalogue import Entry

ENTRIES_MAX = 20_000  # files and folders below one place; whoever has more names a folder further down
DEPTH_MAX = 6
MANIFEST_MAX = 1 << 20  # bytes
_DIGEST = re.compile(r"sha256[:-]([0-9a-f]{64})\Z")
_OLLAMA_MODEL = "application/vnd.ollama.image.model"


class Found(NamedTuple):
    """`error` says why it cannot be adopted; what its header tells is empty then."""

    name: str
    path: str
    origin: str  # ollama, lm-studio, huggingface, path
    bytes: int
    architecture: str = ""
    license: str = ""
    context: int = 0
    error: str = ""


def known_places() -> list[tuple[str, Path]]:
    """(origin, folder) of the stores that others keep, where they are usually; those that exist."""
    home = Path.home()
    cache = Path(os.environ.get("HF_HOME") or home / ".cache" / "huggingface")
    places = [
        ("ollama", Path(os.environ.get("OLLAMA_MODELS") or home / ".ollama" / "models")),
        ("ollama", Path("/usr/share/ollama/.ollama/models")),  # where its Linux service keeps them
        ("lm-studio", home / ".lmstudio" / "models"),
        ("lm-studio", home / ".cache" / "lm-studio" / "models"),
        ("huggingface", Path(os.environ.get("HF_HUB_CACHE") or cache / "hub")),
    ]
    return [(origin, path) for origin, path in places if path.is_dir()]


def scan(entries: Iterable[Entry], places: Iterable[tuple[str, Path]]) -> list[Found]:
    """All models of these places, each file once, names told apart."""
    files = {entry.file.lower(): entry.name for entry in entries if entry.file and entry.scheme != "pypi"}
    found: dict[str, Found] = {}
    for origin, place in places:
        for derived, path in _models(origin, place):
            real = os.path.realpath(path)
            if real not in found:
                name = files.get(path.name.lower(), derived)
                found[real] = _looked_at(_other(name, {one.name for one in found.values()}), path, origin)
    return list(found.values())


def look(entries: Iterable[Entry], path: Path) -> list[Found]:
    """What is at `path`: a GGUF file, a folder of them, or Ollama's store. Raises FatalError."""
    if not path.is_absolute():
        raise FatalError(f"not an absolute path: {str(path)!r}", hint="the node that runs the model must find it")
    if path.is_dir():
        found = scan(entries, [("ollama" if _is_ollama(path) else "path", path)])
        if not found:
            raise FatalError(f"no GGUF file in {path}", hint="name the file itself, or try `maw model import --scan`")
        return found
    if not path.exists():
        raise FatalError(f"no such file on the node: {path}", hint="the path is the node's, not this machine's")
    files = {entry.file.lower(): entry.name for entry in entries if entry.file and entry.scheme != "pypi"}
    return [_looked_at(files.get(path.name.lower(), derived_name(path.name)), path, "path")]


def derived_name(text: str) -> str:
    """A model's name out of a file's or a tag's: what catalogue.checked_name takes."""
    text = re.sub(r"\.gguf\Z", "", text, flags=re.IGNORECASE).lower()
    text = re.sub(r"[^a-z0-9._-]+", "-", text).strip("._-")
    return text[:60].rstrip("._-") or "model"


def _other(name: str, taken: set[str]) -> str:
    number = 2
    other = name
    while other in taken:
        other, number = f"{name}-{number}", number + 1
    return other


def _looked_at(name: str, path: Path, origin: str) -> Found:
    try:
        size = path.stat().st_size
        header = gguf.read_header(str(path))
    except gguf.BadModel as exc:
        return Found(name, str(path), origin, size, error=str(exc))
    except OSError as exc:
        return Found(name, str(path), origin, 0, error=f"it cannot be read: {exc.strerror}")
    return Found(name, str(path), origin, size, header.architecture, header.license, header.context)


def _models(origin: str, place: Path) -> Iterator[tuple[str, Path]]:
    if origin == "ollama":
        yield from _ollama(place)
        return
    for path in _files(place):
        if path.suffix.lower() == ".gguf" and not path.name.lower().startswith("mmproj"):
            yield derived_name(path.name), path


def _is_ollama(path: Path) -> bool:
    return (path / "manifests").is_dir() and (path / "blobs").is_dir()


def _ollama(store: Path) -> Iterator[tuple[str, Path]]:
    """manifests/REGISTRY/NAMESPACE/MODEL/TAG names layers; the model's is blobs/sha256-…"""
    for path in _files(store / "manifests"):
        parts = path.relative_to(store / "manifests").parts
        digests = _layers(path)
        if len(parts) < 3 or len(digests) != 1:
            continue
        namespace, model, tag = parts[-3:]
        words = [namespace if namespace != "library" else "", model, tag if tag != "latest" else ""]
        yield derived_name("-".join(filter(None, words))), store / "blobs" / f"sha256-{digests[0]}"


def _layers(manifest: Path) -> list[str]:
    """The SHA-256 of each of its model layers. Whatever a file says, nothing else becomes part of a path."""
    try:
        with gguf.open_regular(str(manifest)) as file:
            data: Any = json.loads(file.read(MANIFEST_MAX))
        layers = [layer for layer in data["layers"] if layer["mediaType"] == _OLLAMA_MODEL]
        matches = [_DIGEST.match(layer["digest"]) for layer in layers]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return []
    return [match[1] for match in matches if match]


def _files(place: Path) -> Iterator[Path]:
    """Files below `place`, in a fixed order; linked folders are not entered."""
    count = 0
    for directory, folders, names in os.walk(place):
        count += 1
        depth = len(Path(directory).relative_to(place).parts)
        folders[:] = sorted(folders) if depth < DEPTH_MAX and count <= ENTRIES_MAX else []
        for name in sorted(names):
            count += 1
            if count > ENTRIES_MAX:
                return
            yield Path(directory) / name
