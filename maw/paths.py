"""Where maw keeps things. Standard library only: the hook path imports this.

State lives in ~/.local/state/maw on every platform, because a process started by an SSH forced command sees
no XDG variables and must still find the same runner as a login shell. MAW_STATE_DIR moves it (tests, demo).
"""

from __future__ import annotations

import os
import re

from maw.errors import FatalError

# sun_path holds 108 bytes on Linux and 104 on macOS, with the closing NUL (unix(7), sys/un.h).
SOCKET_PATH_MAX = 103
_NODE_NAME = r"[a-z0-9][a-z0-9_-]{0,31}\Z"  # compiled at its first use: a runner on this machine needs none


def state_dir() -> str:
    """The state directory's path; it need not exist yet."""
    return _chosen("MAW_STATE_DIR") or os.path.join(_home(), ".local", "state", "maw")


def config_file() -> str:
    """The user's own configuration file; it need not exist."""
    return _chosen("MAW_CONFIG") or os.path.join(_home(), ".config", "maw", "config.toml")


def config_is_named() -> bool:
    """Whether MAW_CONFIG names that file, so that it is a mistake when it is not there."""
    return bool(os.environ.get("MAW_CONFIG"))


def catalogue_file() -> str:
    """The user's own additions to the model catalogue, beside the configuration; it need not exist."""
    return os.path.join(os.path.dirname(config_file()), "models.toml")


def runner_dir() -> str:
    return os.path.join(state_dir(), "runner")


def runner_socket() -> str:
    return checked_socket_path(os.path.join(runner_dir(), "runner.sock"))


def endpoint_lock() -> str:
    """Held by the embedded SSH endpoint while it runs; it contains its process id."""
    return os.path.join(runner_dir(), "endpoint.lock")


def attendant_lock() -> str:
    """Held by the attendant while it runs; it contains its process id."""
    return os.path.join(attendant_dir(), "attendant.lock")


def model_dir() -> str:
    return os.path.join(state_dir(), "models")


def link_dir(node: str) -> str:
    return os.path.join(state_dir(), "link", checked_node_name(node))


def link_socket(node: str, *, streams: bool) -> str:
    """One socket for requests, one for event streams, so that streams never starve requests."""
    return checked_socket_path(os.path.join(link_dir(node), "streams.sock" if streams else "requests.sock"))


def attendant_dir() -> str:
    return os.path.join(state_dir(), "attendant")


def attendant_socket() -> str:
    return checked_socket_path(os.path.join(attendant_dir(), "attendant.sock"))


def client_id_file() -> str:
    """What this account calls itself towards runners."""
    return os.path.join(state_dir(), "client-id")


def known_hosts_file() -> str:
    """Host keys the user accepted through maw; read beside the user's own known_hosts."""
    return os.path.join(state_dir(), "known_hosts")


def node_key_file(node: str) -> str:
    """The private key maw made for this node (its public half is beside it, with .pub)."""
    return os.path.join(state_dir(), "keys", checked_node_name(node))


def make_private_dir(path: str) -> str:
    """Create `path` with mode 0700, and return it. An existing one is tightened.

    So is every directory between it and the state directory, since makedirs gives parents the mode of the umask.
    """
    os.makedirs(path, mode=0o700, exist_ok=True)
    top = state_dir()
    directory = path
    while True:
        if os.stat(directory).st_mode & 0o077:
            os.chmod(directory, 0o700)
        if not directory.startswith(top + os.sep):
            return path
        directory = os.path.dirname(directory)


def checked_socket_path(path: str) -> str:
    if len(os.fsencode(path)) > SOCKET_PATH_MAX:
        raise FatalError(
            f"the socket path is longer than {SOCKET_PATH_MAX} bytes: {path}",
            hint="set MAW_STATE_DIR to a shorter directory",
        )
    return path


def checked_node_name(name: str) -> str:
    if not re.match(_NODE_NAME, name):
        raise FatalError(
            f"not a node name: {name!r}",
            hint="use lower-case letters, digits, - and _, starting with a letter or digit, 32 at most",
        )
    return name


def _chosen(variable: str) -> str | None:
    """The path a variable names. Relative ones, of both, become absolute for those we start, too: they run in / ."""
    for name in ("MAW_STATE_DIR", "MAW_CONFIG"):
        path = os.environ.get(name)
        if path and not os.path.isabs(path):
            os.environ[name] = os.path.abspath(path)
    return os.environ.get(variable)


def _home() -> str:
    return os.path.expanduser("~")
