"""The second transport: OpenSSH's own client as child processes, for what paramiko cannot do (choose.py).

One process is the connection (a ControlMaster of our own, its socket in the link's directory), and one more for each
channel, which joins it in milliseconds. Where a control socket cannot be, each channel has a connection of its own.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
import threading
import time
from base64 import b64decode
from collections.abc import Callable
from typing import Any

from maw import files, paths
from maw.errors import NodeError
from maw.link import hostkeys, opensshargs
from maw.link.channel import Channel
from maw.link.channels import lost as connection_lost
from maw.link.opensshlog import Log, denied, failure, timeout
from maw.link.process_channel import LEAVE, ProcessChannel, end, environment, spawn
from maw.link.resolve import Route, resolve
from maw.link.target import Target
from maw.link.terms import AUTH_TIMEOUT, KEX_TIMEOUT, OPEN_NOTE, RETRY_PAUSE, Step, Terms
from maw.link.transport import accepted

SUN_PATH = 108 if sys.platform == "linux" else 104  # bytes of a unix socket's path, with the closing NUL
SUFFIX = 17  # ssh binds PATH.XXXXXXXXXXXXXXXX first, and renames it
_POLL = 0.01
# What ssh says when a session was refused, or when the connection was not there to be joined.
_NOT_JOINED = ("mux_client", "Connection closed by UNKNOWN", "Control socket", "ControlSocket", "kex_exchange")
# A connection must not outlive the link, though the link be killed: the shell waits for the end of its stdin.
_GUARD = '"$@" </dev/null & pid=$!; exec 2>/dev/null; read -r _; kill $pid; wait $pid'


def connect(route: Route, target: Target, terms: Terms, lane: str, step: Step | None = None) -> OpensshConnection:
    """A logged-in connection, or one that logs in with each channel. Blocking. Raises NodeError."""
    try:
        return _connect(route, target, terms, lane, step)
    except NodeError as exc:
        if exc.code != "host_key_unknown" or not _accept(route, target, terms):
            raise
    return _connect(route, target, terms, lane, step)


def _connect(route: Route, target: Target, terms: Terms, lane: str, step: Step | None) -> OpensshConnection:
    common = _common(route, target, terms)
    path = control_path(target.node, lane)
    if path is None:
        return OpensshConnection(route, target, common, None)
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)  # of a link that was killed: its connection ended with it
    master = Master(opensshargs.master(common, path, route.host), path)
    try:
        shared = master.wait_until_shared(route, target, target.connect_timeout + KEX_TIMEOUT + AUTH_TIMEOUT)
        check_login(master.log, route, target)
    except BaseException:
        master.close()
        raise
    _tell_steps(master.log, step)
    if not shared:
        master.close()
        return OpensshConnection(route, target, common, None)
    return OpensshConnection(route, target, common, master)


def pinned(target: Target, pin: str) -> Target:
    """Make sure that the host's key is the one whose fingerprint is `pin`, and have the user's own ssh go by it.

    Raises NodeError: `host_key_changed` for another key.
    """
    route = resolve(target.host, user=target.user, port=target.port)
    if not _accept(route, target, Terms(pin=pin)):
        raise NodeError(
            "refused",
            f"{route.where} did not show its host key, so it was not compared with {pin}",
            hint=f"does `ssh {route.host}` work?",
        )
    return target._replace(known_hosts=_known_hosts(route))


def _known_hosts(route: Route) -> tuple[str, ...]:
    """The user's own files, and maw's."""
    users = [path for value in route.options.get("userknownhostsfile", ()) for path in value.split()]
    return (*(path for path in users if path != "none"), paths.known_hosts_file())


def _common(route: Route, target: Target, terms: Terms) -> list[str]:
    return opensshargs.base(route, target, terms, _known_hosts(route))


def control_path(node: str, lane: str) -> str | None:
    """Where the connection's socket goes, None when that path would be too long for ssh."""
    path = os.path.join(paths.make_private_dir(paths.link_dir(node)), f"{lane}.ssh")
    return path if len(os.fsencode(path)) + SUFFIX < SUN_PATH else None


def check_login(log: Log, route: Route, target: Target) -> None:
    """Make sure that maw's key was taken, and no other one of the user's configuration, which ssh offers after it.

    Raises NodeError `auth_failed`.
    """
    login = log.wait_for_login(LEAVE)
    if target.identity is None or (login is not None and login.method != "publickey"):
        return
    if login is None:
        raise denied(route, target, "ssh did not say which key was taken")
    if login.key_fingerprint != _fingerprint(target.identity):
        raise denied(route, target, f"{target.identity} was refused, and {login.path} is not for maw to use")


def _fingerprint(private: str) -> str:
    """Of a key file, as ssh prints it; '' when ssh-keygen cannot tell."""
    done = subprocess.run(
        ["ssh-keygen", "-lf", private], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    return done.stdout.split()[1] if done.returncode == 0 else ""


def _tell_steps(log: Log, step: Step | None) -> None:
    last = 0.0
    for name, at in zip(("connect", "host key", "login"), log.laps, strict=False):
        if step is not None:
            step(name, at - last)
        last = at


def _accept(route: Route, target: Target, terms: Terms) -> bool:
    """Show the host's key to a person, or compare it with their pin; what they take goes into maw's own file."""
    if terms.ask is None and terms.pin is None:
        return False
    with tempfile.TemporaryDirectory() as directory:
        file = os.path.join(directory, "known_hosts")
        command = opensshargs.look(_common(route, target, terms), file, route.host)
        limit = target.connect_timeout + KEX_TIMEOUT + AUTH_TIMEOUT
        with contextlib.suppress(subprocess.TimeoutExpired):
            subprocess.run(
                command, stdin=subprocess.DEVNULL, capture_output=True, timeout=limit, check=False, env=environment(),
                start_new_session=True,
            )  # fmt: skip
        words = (files.read_optional(file) or b"").decode("ascii", "replace").split()
    if len(words) < 3:
        return False
    key_type, blob = words[1], b64decode(words[2])
    if not accepted(route, key_type, hostkeys.fingerprint(blob), terms):
        return False
    if all(entry.blob != blob for entry in hostkeys.known(route)):
        hostkeys.remember(route.known_as, key_type, blob)
    return True


class Master:
    """The process that is the connection."""

    def __init__(self, command: list[str], path: str) -> None:
        self.path = path
        reading, self._guard = os.pipe()
        try:
            self.process, self.log = spawn(["/bin/sh", "-c", _GUARD, "maw-ssh", *command], reading, subprocess.DEVNULL)
        except BaseException:
            os.close(self._guard)
            raise
        finally:
            os.close(reading)
        self._closing = threading.Lock()

    def wait_until_shared(self, route: Route, target: Target, limit: float) -> bool:
        """True once channels can join; False when it connected and cannot be shared. Raises NodeError."""
        begin = time.monotonic()
        # ssh bounds connecting by whole seconds, the look-up and a silence after the first word not at all.
        patience = target.connect_timeout * (1 if route.proxy is None else 2) + 1
        while not os.path.exists(self.path):
            if self.log.ended.wait(_POLL):
                raise failure(self.log, route, target)
            if any(line.startswith("debug1: Entering interactive session") for line in self.log.lines()):
                return os.path.exists(self.path)
            now = time.monotonic()
            silence = 0.0 if self.log.agreed() else now - (self.log.heard if self.log.spoken() else begin)
            if silence > patience or now - begin > limit:
                raise timeout(route, now - begin)
        return True

    def close(self) -> None:
        """Blocking, a few milliseconds; from any thread, and as often as one likes."""
        with self._closing:
            if self.process.returncode is not None:
                return
            os.close(self._guard)
            end(self.process, first=None)
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self.path)


class OpensshConnection:
    def __init__(self, route: Route, target: Target, common: list[str], master: Master | None) -> None:
        self.route = route
        self.key: Any = None
        self.note = OPEN_NOTE if master is not None and _open_to_all(master.log) else ""
        self._target = target
        self._common = common
        self._master = master

    @property
    def host_key_type(self) -> str:
        found = self._master.log.host_key() if self._master is not None else None
        return found[0] if found else ""

    def open(self, command: str, give_up: float) -> Channel:
        while True:
            channel = self._spawn(command)
            try:
                if channel.wait(give_up):
                    return self._checked(channel)
                error = self._why_not(channel, give_up)
            except BaseException:
                channel.close()
                raise
            if error is None:
                return channel  # the command itself ended: its stderr tells more than we do
            channel.close()
            if error.code != "busy":
                raise error
            time.sleep(RETRY_PAUSE)

    def _spawn(self, command: str) -> ProcessChannel:
        if self._master is None:
            return ProcessChannel(opensshargs.alone(self._common, self.route.host, command))
        return ProcessChannel(opensshargs.shared(self._master.path, command))

    def _checked(self, channel: ProcessChannel) -> ProcessChannel:
        if self._master is None:
            check_login(channel.log, self.route, self._target)
        return channel

    def _why_not(self, channel: ProcessChannel, give_up: float) -> NodeError | None:
        """Why nothing came: None when that was the command's doing, `busy` when it may be tried again."""
        if channel.exit_code() not in (255, None):
            return None
        if self._master is None:
            return failure(channel.log, self.route, self._target)
        words = channel.log.words()
        if not self.alive() or time.monotonic() >= give_up:
            return connection_lost(self.route.host, OSError(words[-1] if words else ""))
        # Without a word of ssh's own the command was killed over there, which is 255 as well.
        joined = not any(line.startswith(_NOT_JOINED) for line in words)
        return None if joined else NodeError("busy", "the host has no session left")

    def alive(self) -> bool:
        return self._master is None or not self._master.log.ended.is_set()

    def watch(self, lost: Callable[[], None]) -> None:
        master = self._master
        if master is None:
            return  # each channel notices for itself

        def wait() -> None:
            master.log.ended.wait()
            lost()

        threading.Thread(target=wait, name="maw-ssh-watch", daemon=True).start()

    def close(self) -> None:
        if self._master is not None:
            self._master.close()


def _open_to_all(log: Log) -> bool:
    login = log.login()
    return log.tailscale() or (login is not None and login.method == "none")
