"""What OpenSSH's client says on stderr at LogLevel DEBUG1: drained as it comes, and read as steps and errors."""

from __future__ import annotations

import os
import re
import threading
import time
from collections import deque
from typing import NamedTuple

from maw.errors import NodeError
from maw.link import hostkeys
from maw.link.resolve import Route
from maw.link.target import Target

LINES = 200  # kept of what is said
LINE_MAX = 2000  # bytes
_HOST_KEY = re.compile(r"debug1: Server host (?:key|certificate): (\S+) (SHA256:[^\s,]+)")
_ACCEPTED = re.compile(r"debug1: Server accepts key: (.+) (\S+) (SHA256:\S+)")
_METHOD = re.compile(r'^Authenticated to .* using "([^"]+)"')
_STEPS = ("debug1: Connection established", "debug1: Server host ", "Authenticated to ")
_SPOKEN = "debug1: Remote protocol version"
_CHATTER = ("debug", "Authenticated to ", "Transferred: ", "Bytes per second", "OpenSSH_", "Warning: Permanently added")
_REFUSED = ("Connection refused", "No route to host", "Network is unreachable", "Host is down")
_SILENT = ("timed out", "Timeout, server")
_STRANGER = ("Host key verification failed", "REMOTE HOST IDENTIFICATION HAS CHANGED", "REVOKED HOST KEY")


class Login(NamedTuple):
    """How the host let us in: by `method`, and by the key with this fingerprint where it was a key."""

    method: str
    path: str
    key_fingerprint: str


class Log:
    """One process's stderr. `ended` is set once nobody writes to it any more."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._lines: deque[str] = deque(maxlen=LINES)
        self._lock = threading.Lock()
        self._begin = time.monotonic()
        self._host_key: tuple[str, str] | None = None
        self._accepted = ("", "")  # path and fingerprint of the last key the host took
        self._login: Login | None = None
        self._spoken = False
        self.heard = self._begin  # time.monotonic() of the last line
        self.laps: list[float] = []  # seconds since the start at which each of _STEPS was done
        self.ended = threading.Event()
        threading.Thread(target=self._drain, name="maw-ssh-log", daemon=True).start()

    def lines(self) -> list[str]:
        with self._lock:
            return list(self._lines)

    def words(self) -> list[str]:
        """What was said but for ssh's own chatter, oldest first."""
        return [line for line in self.lines() if line.strip() and not line.startswith(_CHATTER)]

    def login(self) -> Login | None:
        """How we were let in, None as long as we are not."""
        with self._lock:
            return self._login

    def wait_for_login(self, timeout: float) -> Login | None:
        """The same, once the words that a connection in use must have said have been read."""
        give_up = time.monotonic() + timeout
        while (login := self.login()) is None and time.monotonic() < give_up:
            if self.ended.wait(0.005):
                return self.login()
        return login

    def host_key(self) -> tuple[str, str] | None:
        """Type and fingerprint of the host's key or certificate."""
        with self._lock:
            return self._host_key

    def spoken(self) -> bool:
        """Whether the host has said what software it is, which is the first it says."""
        return self._spoken

    def agreed(self) -> bool:
        """Whether the host has shown its key, which ends the agreement on keys."""
        return len(self.laps) > _STEPS.index("debug1: Server host ")

    def tailscale(self) -> bool:
        return any("remote software version Tailscale" in line for line in self.lines())

    def _drain(self) -> None:
        rest = b""
        try:
            while data := os.read(self._fd, 65536):
                *whole, rest = (rest + data).split(b"\n")
                self._add(whole)
                rest = rest[-LINE_MAX:]
        except OSError:
            pass
        finally:
            self._add([rest])
            os.close(self._fd)
            self.ended.set()

    def _add(self, lines: list[bytes]) -> None:
        with self._lock:
            self.heard = time.monotonic()
            for raw in lines:
                line = raw[:LINE_MAX].decode("utf-8", "replace").rstrip("\r")
                if self._login is None:
                    self._learn(line)
                self._lines.append(line)

    def _learn(self, line: str) -> None:
        """Take note of what ssh tells on its way in. What comes after the login may be the other side's words."""
        if len(self.laps) < len(_STEPS) and line.startswith(_STEPS[len(self.laps)]):
            self.laps.append(time.monotonic() - self._begin)
        self._spoken = self._spoken or line.startswith(_SPOKEN)
        if match := _HOST_KEY.match(line):
            self._host_key = (match[1], match[2])
        elif match := _ACCEPTED.match(line):
            self._accepted = (match[1], match[3])
        elif match := _METHOD.match(line):
            by_key = match[1] == "publickey"
            self._login = Login(match[1], *(self._accepted if by_key else ("", "")))


def failure(log: Log, route: Route, target: Target) -> NodeError:
    """Why ssh gave up, in the codes and words the other transport uses."""
    words = log.words()
    said = words[-1] if words else "ssh ended without a word"
    text = "\n".join(words)
    if any(part in text for part in _STRANGER):
        return _stranger(log, route, target, said)
    if "Permission denied" in text or "Too many authentication failures" in text:
        return denied(route, target, said)
    if "Could not resolve" in text:
        hint = f"check the name, and whether the network (VPN, Tailscale) that knows it is up: `ssh {route.host}`"
        return NodeError("unresolved", f"cannot find {route.where}: {said}", hint=hint)
    if any(part in text for part in _SILENT):
        return timeout(route, target.connect_timeout)
    if any(part in text for part in _REFUSED):
        hint = f"is sshd running there, on that port? Try `ssh {route.host}`"
        return NodeError("refused", f"{route.where} cannot be reached: {said}", hint=hint)
    hint = f"does `ssh {route.host}` work? It may be overloaded, or no SSH server"
    return NodeError("refused", f"ssh did not reach {route.where}: {said}", hint=hint)


def timeout(route: Route, waited: float) -> NodeError:
    return NodeError(
        "timeout",
        f"{route.where} does not answer (waited {round(waited, 1):g} s)",
        hint=f"is it awake and on this network? Try `ssh {route.host}`; `connect_timeout` sets how long maw waits",
    )


def denied(route: Route, target: Target, said: str) -> NodeError:
    if target.endpoint:
        hint = f"`maw-runner keys add` on {route.host} lets maw's key in; `maw node add {target.node} {route.host} "
        hint += "--endpoint` prints the whole line"
    elif target.identity is not None:
        hint = (
            f"`maw node add {target.node} {route.host}` installs maw's key there again; "
            "a key with a passphrase has to be in ssh-agent (`ssh-add`)"
        )
    else:
        hint = f"does `ssh {route.host}` work without asking for anything? A key with a passphrase needs `ssh-add`"
    return NodeError("auth_failed", f"{route.user}@{route.where} let none of our keys in: {said}", hint=hint)


def _stranger(log: Log, route: Route, target: Target, said: str) -> NodeError:
    found = log.host_key()
    if found is None:  # of a host on the way: only the last one's log is this verbose
        return NodeError("host_key_unknown", f"on the way to {route.where}: {said}", hint=f"try `ssh {route.host}`")
    error = hostkeys.refusal(route, *found)
    error.hint = error.hint and error.hint.replace("maw connect NODE", f"maw connect {target.node}")
    return error
