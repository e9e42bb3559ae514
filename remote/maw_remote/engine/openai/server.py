"""A server from the user's settings: its address, whether that is private, and its key."""

from __future__ import annotations

import os
from urllib.parse import urlsplit

from maw import network
from maw.config.load import BackendSettings
from maw.errors import FatalError
from maw.extras import how_to_add
from maw_remote.engine.interface import EngineError

SERVICE = "maw"  # in the keyring


def origin(url: str) -> str:
    """Host and port, for messages and identities: never a path that could hold a secret."""
    parts = urlsplit(url)
    return parts.netloc.rpartition("@")[2]


def check_private(settings: BackendSettings) -> None:
    """Raise EngineError when the address leads out of this machine and its private networks, unless that is allowed.

    Blocks while a name is resolved."""
    if settings.public or network.is_private(network.host(settings.url)):
        return
    raise EngineError(
        "public_server",
        f"{settings.name} at {origin(settings.url)} is not on this machine or a private network",
        hint=f"code would leave your machines; if you want that: `maw config set backends.{settings.name}.public true`",
    )


def key(settings: BackendSettings) -> str | None:
    """The server's key, None where none is set. Read at each use, so that a new one counts. Raises EngineError."""
    if settings.key_env is not None:
        found = os.environ.get(settings.key_env, "")
        if not found:
            raise EngineError(
                "no_key",
                f"{settings.name} needs a key, and the runner has no variable {settings.key_env}",
                hint="set it where the runner is started, or use backends.NAME.keyring",
            )
        return _checked(found, settings.name)
    if settings.keyring is not None:
        return _checked(_from_keyring(settings.name, settings.keyring), settings.name)
    return None


def _from_keyring(name: str, entry: str) -> str:
    try:
        import keyring  # optional, and slow to import
        import keyring.errors
    except ModuleNotFoundError as exc:
        raise EngineError("no_key", f"{name} has its key in a keyring", hint=how_to_add("keyring")) from exc
    try:
        found = keyring.get_password(SERVICE, entry)
    except keyring.errors.KeyringError as exc:
        raise EngineError("no_key", f"the keyring does not open: {exc}", hint="or use backends.NAME.key_env") from exc
    if not found:
        raise EngineError(
            "no_key", f"the keyring has no key {entry!r} for {name}", hint=f"`keyring set {SERVICE} {entry}` adds it"
        )
    return str(found)


def _checked(found: str, name: str) -> str:
    """A key that can stand in a header; its text is told nowhere."""
    if not found.isascii() or not found.isprintable() or found.strip() != found:
        raise EngineError("no_key", f"the key of {name} has characters that no key has", hint="set it again")
    return found


def chain(backends: dict[str, BackendSettings], name: str) -> list[BackendSettings]:
    """A backend and those that stand in for it, in order. Raises FatalError for a name that is not known."""
    found: list[BackendSettings] = []
    while name not in {one.name for one in found}:
        if name not in backends:
            known = ", ".join(sorted(backends)) or "none yet"
            raise FatalError(f"no backend called {name!r} (known: {known})", hint="`maw config edit`: [backends.NAME]")
        found.append(backends[name])
        if backends[name].failover is None:
            break
        name = str(backends[name].failover)
    return found
