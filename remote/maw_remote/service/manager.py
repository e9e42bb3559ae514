"""What a service manager has to offer, and what is to be run: the modules systemd and launchd fit this Protocol."""

from __future__ import annotations

import binascii
import os
import subprocess
import sys
from typing import NamedTuple, Protocol

from maw import paths
from maw.errors import FatalError

# Carried over from whoever installs the service: a service manager starts with an environment of its own. No secrets:
# what is written down here is no secret any more (a hub's token comes from the hub's own store).
_CARRIED = ("MAW_CONFIG", "HF_HOME", "HF_ENDPOINT", "CUDA_VISIBLE_DEVICES", "LD_LIBRARY_PATH")
_TIMEOUT = 60.0  # seconds one call may take; starting waits until the runner listens


class Service(NamedTuple):
    """What is to be run. `name` is the same for one state directory each time."""

    name: str
    command: tuple[str, ...]
    environment: dict[str, str]


class Manager(Protocol):
    """One service manager. All but `text` and `installed` may run its program."""

    def file(self, name: str) -> str:
        """Where the description of the service lies."""

    def text(self, service: Service) -> str:
        """That description."""

    def installed(self) -> bool:
        """Whether there is one."""

    def trouble(self) -> FatalError | None:
        """Why services cannot be had here, with what to do about it; None when they can."""

    def install(self, service: Service) -> list[str]:
        """Write, enable and start it; a line for each thing a person should know. Raises FatalError."""

    def uninstall(self) -> list[str]:
        """Stop it and take it back; a line for each thing done, none when there was nothing. Raises FatalError."""

    def start(self) -> bool:
        """Start what is installed, and wait until the runner listens; False when that did not work."""


def service() -> Service:
    """The runner of this Python and this state directory."""
    state = paths.state_dir()
    where = () if state == default_state() else ("--state-dir", state)
    command = (sys.executable, "-P", "-m", "maw_remote", *where, "start", "--foreground", "--quiet")
    paths.config_file()  # makes a relative MAW_CONFIG absolute
    return Service(name(), command, {key: os.environ[key] for key in _CARRIED if os.environ.get(key)})


def name() -> str:
    """A state directory of its own has a service of its own."""
    state = paths.state_dir()
    return "maw-runner" if state == default_state() else f"maw-runner-{binascii.crc32(os.fsencode(state)):08x}"


def default_state() -> str:
    return os.path.join(os.path.expanduser("~"), ".local", "state", "maw")


def call(*command: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run a service manager's program. Its code is 127 when it is not there, and 124 when it does not answer."""
    try:
        return subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", timeout=_TIMEOUT,
            check=False, env=env,
        )  # fmt: skip
    except FileNotFoundError:
        return subprocess.CompletedProcess(command, 127, "", f"{command[0]} is not installed")
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(command, 124, "", f"no answer within {_TIMEOUT:.0f} s")


def failed(done: subprocess.CompletedProcess[str], hint: str) -> FatalError:
    """What a call that failed said, as an error."""
    said = (done.stderr.strip() or done.stdout.strip() or f"exit code {done.returncode}").splitlines()
    return FatalError(f"`{' '.join(done.args)}` failed: {said[0]}", hint=hint)
