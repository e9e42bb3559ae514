"""The runner as an agent of macOS's launchd."""

from __future__ import annotations

import os
import plistlib
import time
from typing import Any

from maw import files, paths, reach
from maw.errors import FatalError
from maw_remote import control
from maw_remote.service import manager
from maw_remote.service.manager import Service, call, failed

_POLL = 0.05


def file(name: str) -> str:
    return os.path.join(os.path.expanduser("~"), "Library", "LaunchAgents", f"{_label(name)}.plist")


def text(service: Service) -> str:
    agent: dict[str, Any] = {
        "Label": _label(service.name),
        "ProgramArguments": list(service.command),
        "EnvironmentVariables": service.environment,
        "WorkingDirectory": "/",
        "Umask": 0o077,
        "RunAtLoad": True,
        # A clean end (`maw-runner stop`, idle_exit, a second runner) is no failure, and starts nothing anew.
        "KeepAlive": {"SuccessfulExit": False},
        "ThrottleInterval": 10,
        "ExitTimeOut": 30,
        # launchd slows down what it takes for background work: fewer cores, and the slow ones.
        "ProcessType": "Interactive",
        # What a runner says that does not start; the rest goes into its own log.
        "StandardErrorPath": os.path.join(paths.runner_dir(), "stderr.log"),
    }
    return plistlib.dumps(agent, sort_keys=False).decode()


def installed() -> bool:
    return os.path.exists(file(manager.name()))


def trouble() -> FatalError | None:
    done = call("launchctl", "print", _domain())
    if done.returncode == 0:
        return None
    return FatalError(
        "launchd has no session for this account; without an agent the runner starts with the first connection",
        hint="log in at the Mac's screen once, or switch automatic login on, and try again",
    )


def install(service: Service) -> list[str]:
    path = file(service.name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    paths.make_private_dir(paths.runner_dir())  # for its standard error
    call("launchctl", "bootout", f"{_domain()}/{_label(service.name)}")  # one of before, which need not be there
    files.write_atomic(path, text(service).encode(), mode=0o644)
    done = call("launchctl", "bootstrap", _domain(), path)
    if done.returncode != 0:
        raise failed(done, f"`launchctl print {_domain()}` and `maw-runner logs` tell more")
    if not _listens():
        raise FatalError("the agent is loaded, but the runner does not listen", hint="see `maw-runner logs`")
    return [f"{path} is loaded"]


def uninstall() -> list[str]:
    if not installed():
        return []
    path = file(manager.name())
    call("launchctl", "bootout", f"{_domain()}/{_label(manager.name())}")
    os.unlink(path)
    return [f"{path} removed"]


def start() -> bool:
    done = call("launchctl", "kickstart", f"{_domain()}/{_label(manager.name())}")
    return done.returncode == 0 and _listens()


def _label(name: str) -> str:
    return f"org.git-maw.{name}"


def _domain() -> str:
    """The user's graphical session where there is one: an agent of it reaches the GPU."""
    gui = f"gui/{os.getuid()}"
    return gui if call("launchctl", "print", gui).returncode == 0 else f"user/{os.getuid()}"


def _listens() -> bool:
    """launchctl does not wait for what it starts."""
    give_up = time.monotonic() + reach.START_TIMEOUT
    while not control.listening():
        if time.monotonic() >= give_up:
            return False
        time.sleep(_POLL)
    return True
