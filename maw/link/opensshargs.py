"""The command lines of OpenSSH's client, as the `openssh` transport runs it. Pure: lists of arguments.

Nothing may prompt, nothing is forwarded, no host key is added, and nothing of the user's configuration may turn the
channel into something else (RemoteCommand, SessionType, …). The rest of their configuration holds.
"""

from __future__ import annotations

import math

from maw.link.resolve import Route
from maw.link.target import Target
from maw.link.terms import Terms

_ALWAYS = (
    "BatchMode=yes", "StrictHostKeyChecking=yes", "UpdateHostKeys=no", "RemoteCommand=none", "RequestTTY=no",
    "ClearAllForwardings=yes", "ForwardAgent=no", "ForwardX11=no", "PermitLocalCommand=no", "Compression=no",
)  # fmt: skip
# Known to ssh since 8.7 only, so they are named where `ssh -G` shows that it knows them.
_WHERE_KNOWN = {"stdinnull": "StdinNull=no", "forkafterauthentication": "ForkAfterAuthentication=no"}


def base(route: Route, target: Target, terms: Terms, known_hosts: tuple[str, ...]) -> list[str]:
    """Options of a process that makes a connection, without the host. `known_hosts`: the user's files, and maw's."""
    options = [*_ALWAYS, "LogLevel=DEBUG1"]
    options += [text for key, text in _WHERE_KNOWN.items() if key in route.options]
    options += [
        f"ConnectTimeout={max(1, math.ceil(target.connect_timeout))}",
        f"ServerAliveInterval={max(1, math.ceil(terms.ping))}",
        f"ServerAliveCountMax={terms.misses}",
        f"UserKnownHostsFile={' '.join(_quoted(path) for path in known_hosts)}",
    ]
    if target.identity is not None:
        options += ["IdentitiesOnly=yes", "PubkeyAuthentication=yes", "PreferredAuthentications=publickey"]
    return ["-T", *_each(options), *_place(target), *_identity(target)]


def master(common: list[str], path: str, host: str) -> list[str]:
    """A connection without a session of its own, which others share through the socket `path`."""
    mine = ("ControlMaster=yes", f"ControlPath={_literal(path)}", "ControlPersist=no")
    return ["ssh", *_each(mine), *common, "-N", "--", host]


def shared(path: str, command: str) -> list[str]:
    """A channel of the connection at `path`. It reads no configuration and, without that connection, makes none."""
    options = ("BatchMode=yes", "ControlMaster=no", f"ControlPath={_literal(path)}", "ProxyCommand=false")
    return ["ssh", "-F", "/dev/null", "-T", *_each((*options, "LogLevel=ERROR")), "--", "shared", command]


def alone(common: list[str], host: str, command: str) -> list[str]:
    """A channel with a connection of its own."""
    return ["ssh", *_each(("ControlMaster=no", "ControlPath=none")), *common, "--", host, command]


def look(common: list[str], known_hosts: str, host: str) -> list[str]:
    """Writes the host's key into the empty file `known_hosts`, and logs in by no key."""
    options = (
        "ControlMaster=no", "ControlPath=none", "StrictHostKeyChecking=accept-new", "GlobalKnownHostsFile=none",
        f"UserKnownHostsFile={_quoted(known_hosts)}", "HashKnownHosts=no", "PreferredAuthentications=none",
    )  # fmt: skip
    return ["ssh", *_each(options), *common, "--", host, "exit"]


def known_by(known_hosts: tuple[str, ...]) -> list[str]:
    """Nobody else's key is taken than one of these files, and nobody is asked."""
    files = " ".join(_quoted(path) for path in known_hosts)
    return _each(("StrictHostKeyChecking=yes", "UpdateHostKeys=no", f"UserKnownHostsFile={files}"))


def _place(target: Target) -> list[str]:
    user = ["-l", target.user] if target.user else []
    return user + (["-p", str(target.port)] if target.port else [])


def _identity(target: Target) -> list[str]:
    return ["-i", target.identity] if target.identity is not None else []


def _each(options: list[str] | tuple[str, ...]) -> list[str]:
    return [part for option in options for part in ("-o", option)]


def _literal(path: str) -> str:
    """ssh expands % in a ControlPath."""
    return _quoted(path.replace("%", "%%"))


def _quoted(path: str) -> str:
    return f'"{path}"' if " " in path else path
