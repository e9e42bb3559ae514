"""Where a host is and how to get there, as ssh itself sees it: `ssh -G HOST`, never a parser of ours.

(paramiko's own parser ignores Include, takes unknown Match criteria for matching, and acts on neither ProxyJump,
HostKeyAlias nor UserKnownHostsFile.)
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from maw.errors import FatalError, NodeError

SSH_PORT = 22
_TIMEOUT = 10.0  # seconds; ssh -G takes 20 to 40 ms, unless a Match exec in the user's file hangs


class Route(NamedTuple):
    """`host` is the name the user gave. `known_hosts` are files, the user's first. `proxy` is a command whose stdin
    and stdout lead to the host, or None. `agent` is a socket's path, or None for no agent. `options` is all that
    `ssh -G` printed, keywords in lower case."""

    host: str
    hostname: str
    port: int
    user: str
    identity_files: tuple[str, ...]
    identities_only: bool
    agent: str | None
    known_hosts: tuple[str, ...]
    host_key_alias: str | None
    proxy: tuple[str, ...] | None
    options: Mapping[str, tuple[str, ...]] = MappingProxyType({})

    @property
    def where(self) -> str:
        """How messages name the place: the user's word for it, and what it stands for."""
        address = f"{self.hostname}:{self.port}"
        return address if self.host == self.hostname else f"{self.host} ({address})"

    @property
    def known_as(self) -> str:
        """The name under which known_hosts files list this host."""
        if self.host_key_alias:
            return self.host_key_alias
        name = self.hostname.lower()
        return name if self.port == SSH_PORT else f"[{name}]:{self.port}"


def resolve(host: str, *, user: str | None = None, port: int | None = None) -> Route:
    """Ask ssh. `user` and `port` override its configuration.

    Raises FatalError for a host that ssh would take for an option, NodeError `unresolved` when ssh cannot tell.
    """
    if not host or host.startswith("-"):
        raise FatalError(f"not a host: {host!r}", hint="a host may not start with a dash")
    command = ["ssh", "-G"]
    command += ["-l", user] if user else []
    command += ["-p", str(port)] if port else []
    return parse(host, _run([*command, "--", host], host))


def _run(command: list[str], host: str) -> str:
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=_TIMEOUT, check=False)
    except FileNotFoundError:
        raise NodeError(
            "unresolved", f"cannot look up {host}: there is no ssh here", hint="install OpenSSH's client"
        ) from None
    except subprocess.TimeoutExpired:
        raise NodeError(
            "timeout", f"`ssh -G {host}` took longer than {_TIMEOUT:g} s", hint="look for a Match exec in ~/.ssh/config"
        ) from None
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        told = [line for line in said if ": terminating, " not in line] or said  # that line names no option
        reason = f": {told[-1]}" if told else ""
        raise NodeError("unresolved", f"ssh cannot resolve {host}{reason}", hint=f"try `ssh -G {host}`")
    return done.stdout.decode("utf-8", "surrogateescape")


def parse(host: str, text: str) -> Route:
    """The route told by the output of `ssh -G`: a keyword and its value on each line, keywords may repeat."""
    values: dict[str, list[str]] = {}
    for line in text.splitlines():
        key, _, value = line.partition(" ")
        values.setdefault(key.lower(), []).append(value.strip())

    def first(key: str) -> str | None:
        value = values.get(key, [""])[0]
        return None if value in ("", "none") else value

    files = [*_files(values, "userknownhostsfile"), *_files(values, "globalknownhostsfile")]
    route = Route(
        host,
        first("hostname") or host,
        int(first("port") or SSH_PORT),
        first("user") or "",
        tuple(os.path.expanduser(path) for path in values.get("identityfile", ())),
        first("identitiesonly") == "yes",
        _agent(values.get("identityagent", ["SSH_AUTH_SOCK"])[0]),
        tuple(os.path.expanduser(path) for path in files),
        first("hostkeyalias"),
        None,
        {key: tuple(value) for key, value in values.items()},
    )
    return route._replace(proxy=_proxy(route, first("proxyjump"), first("proxycommand")))


def _files(values: dict[str, list[str]], key: str) -> list[str]:
    return [path for value in values.get(key, ()) for path in value.split() if path != "none"]


def _agent(value: str) -> str | None:
    if value == "none":
        return None
    if value == "SSH_AUTH_SOCK":
        return os.environ.get("SSH_AUTH_SOCK")
    if value.startswith("$"):
        return os.environ.get(value[1:].strip("{}"))
    return os.path.expanduser(value)


def _proxy(route: Route, jump: str | None, command: str | None) -> tuple[str, ...] | None:
    """The command that reaches the host: ssh's own -W through the last jump, or the user's ProxyCommand."""
    if jump is not None:
        *before, last = jump.split(",")
        through = ("-J", ",".join(before)) if before else ()
        return ("ssh", "-o", "BatchMode=yes", *through, "-W", f"[{route.hostname}]:{route.port}", *_jump_host(last))
    if command is None:
        return None
    return ("/bin/sh", "-c", "exec " + _expand(command, route))


def _jump_host(jump: str) -> tuple[str, ...]:
    """ssh's argument for one hop, [user@]host[:port] or an ssh:// URI: ssh takes a port in a URI only."""
    if jump.startswith("-"):
        raise FatalError(f"not a host to jump through: {jump!r}", hint="see ProxyJump in ~/.ssh/config")
    return (jump if jump.startswith("ssh://") or ":" not in jump else f"ssh://{jump}",)


def _expand(command: str, route: Route) -> str:
    """ssh's percent escapes in a ProxyCommand (ssh_config(5), TOKENS); those it does not know stay as they are."""
    names = {"h": route.hostname, "p": str(route.port), "r": route.user, "n": route.host}

    def value(match: re.Match[str]) -> str:
        return "%" if match[1] == "%" else shlex.quote(names[match[1]])

    return re.sub("%([hprn%])", value, command)
