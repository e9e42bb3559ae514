"""Write configuration files: one key at a time, checked against the schema, comments and order kept.

For the user's file and for a repository's .maw.toml alike (`repository=True`: only the keys it is trusted with).
A new file is made with mode 0600 (a repository's: as the umask says); an existing one keeps its mode, and a symlink
into a dotfiles repository stays a symlink.
"""

from __future__ import annotations

import copy
import os
import tomllib
from contextlib import AbstractContextManager
from typing import Any

import tomli_w

from maw import files, paths
from maw.config import lines, toml
from maw.config.schema import BY_KEY, NAMED, Setting
from maw.config.text import initial_repository_text, initial_text, literal, written
from maw.errors import FatalError

__all__ = ["initial_repository_text", "initial_text", "remove", "set_value", "setting_of", "write_new"]

Json = dict[str, Any]


def set_value(path: str, dotted_key: str, value: object, *, repository: bool = False) -> None:
    """Set one key of the file at `path`, made when missing. `value` is a TOML value or a command line's text.

    Keys are those of schema.SETTINGS, `nodes.NAME.KEY` and `backends.NAME.KEY`. Raises FatalError for an unknown or
    untrusted key, a value of the wrong type, and a file that is not TOML.
    """
    setting = setting_of(dotted_key, repository=repository)
    try:
        new = written(setting, value)
    except ValueError as exc:
        raise FatalError(f"{dotted_key}: {exc}, not {value!r}", hint=setting.help) from exc
    key = tuple(dotted_key.split("."))
    with _editing():
        text, data = _read(path, follow=not repository)
        wanted = copy.deepcopy(data)
        _put(wanted, key, new, path)
        _write(path, _checked(lines.put(text, key, literal(new)), wanted), private=not repository)


def remove(path: str, dotted_key: str) -> bool:
    """Remove one key, or a whole table such as `nodes.pro`; False when it is not there. Raises FatalError."""
    key = tuple(dotted_key.split("."))
    with _editing():
        text, data = _read(path, follow=True)
        wanted = copy.deepcopy(data)
        if not _take(wanted, key):
            return False
        _write(path, _checked(lines.drop(text, key), wanted), private=True)
    return True


def write_new(path: str, text: str, *, private: bool) -> bool:
    """Write a file that is not there yet; False when it is."""
    if os.path.lexists(path):
        return False
    _write(path, text, private=private)
    return True


def setting_of(dotted_key: str, *, repository: bool = False) -> Setting:
    """The setting a key names. Raises FatalError that suggests the nearest one."""
    setting = BY_KEY.get(dotted_key)
    parts = dotted_key.split(".")
    if setting is None and len(parts) == 3 and parts[0] in NAMED:
        paths.checked_node_name(parts[1])
        setting = NAMED[parts[0]].get(parts[2])
    if setting is None:
        raise FatalError(f"unknown key {dotted_key!r}{_nearest(parts)}", hint="`maw config list` shows every key")
    if repository and not setting.repo:
        raise FatalError(
            f"{dotted_key!r} may not be set by a repository",
            hint=f"leave --repo away to put it into {paths.config_file()}",
        )
    return setting


def _nearest(parts: list[str]) -> str:
    from difflib import get_close_matches  # only when something is wrong already

    known = list(BY_KEY)
    if len(parts) > 1:
        known += [f"{kind}.{parts[1]}.{key}" for kind, keys in NAMED.items() for key in keys]
    close = get_close_matches(".".join(parts), known, n=1, cutoff=0.5)
    return f"; did you mean {close[0]!r}?" if close else ""


def _editing() -> AbstractContextManager[None]:
    """Two commands that edit at once take turns. The lock lies in the state directory: no litter beside the file."""
    paths.make_private_dir(paths.state_dir())
    return files.lock(os.path.join(paths.state_dir(), "config.lock"))


def _read(path: str, *, follow: bool) -> tuple[str, Json]:
    try:
        raw = files.read_bounded(path, follow=follow)
    except OSError as exc:
        raise FatalError(f"{path}: cannot be read: {exc.strerror}", hint="make a plain file of it") from exc
    try:
        text = (raw or b"").decode("utf-8")
        toml.check(text)
        return text, tomllib.loads(text)
    except ValueError as exc:  # TOMLDecodeError and UnicodeDecodeError are such
        raise FatalError(f"{path}: not TOML: {exc}", hint="mend it with `maw config edit`") from exc


def _write(path: str, text: str, *, private: bool) -> None:
    # A repository's file is never written through a link: it could lead out of the worktree.
    target = os.path.realpath(path) if private else path
    try:
        os.makedirs(os.path.dirname(target), exist_ok=True)
        mode = os.stat(target).st_mode & 0o777 if os.path.exists(target) else None
        files.write_atomic(target, text.encode("utf-8"), mode=0o600 if private else 0o666)
        if mode is not None:
            os.chmod(target, mode)
    except OSError as exc:
        raise FatalError(f"cannot write {path}: {exc.strerror}") from exc


def _checked(text: str, wanted: Json) -> str:
    """`text` when it means `wanted`, else `wanted` written anew: comments may be lost then, keys never."""
    try:
        if _pruned(tomllib.loads(text)) == _pruned(wanted):
            return text
    except tomllib.TOMLDecodeError:
        pass
    return tomli_w.dumps(wanted)


def _pruned(value: Any) -> Any:
    """Without empty tables: a header whose last key is gone means the same as no header."""
    if not isinstance(value, dict):
        return value
    below = {name: _pruned(part) for name, part in value.items()}
    return {name: part for name, part in below.items() if part != {}}


def _put(data: Json, key: tuple[str, ...], value: Any, path: str) -> None:
    for name in key[:-1]:
        data = data.setdefault(name, {})
        if not isinstance(data, dict):
            raise FatalError(f"{path}: {name!r} is not a table", hint="mend it with `maw config edit`")
    data[key[-1]] = value


def _take(data: Json, key: tuple[str, ...]) -> bool:
    for name in key[:-1]:
        below = data.get(name)
        if not isinstance(below, dict):
            return False
        data = below
    return data.pop(key[-1], None) is not None
