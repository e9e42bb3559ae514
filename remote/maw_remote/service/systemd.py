"""The runner as a unit of systemd's user manager."""

from __future__ import annotations

import contextlib
import getpass
import os
import subprocess

from maw import files
from maw.errors import FatalError
from maw_remote.service import manager
from maw_remote.service.manager import Service, call, failed

# mixed: the runner ends its workers itself, and what is left of them after that is killed. continue: a worker that the
# kernel kills for its memory is the runner's to replace; systemd would end the whole service. A clean end (`maw-runner
# stop`, idle_exit, a second runner) is no failure, and starts nothing anew.
_UNIT = """\
# Written by `maw-runner install-service`; `maw-runner uninstall-service` removes it.
[Unit]
Description=maw runner: reviews changes with models on this machine
StartLimitIntervalSec=60
StartLimitBurst=5

[Service]
Type=notify
ExecStart={command}
{environment}WorkingDirectory=/
UMask=0077
Restart=on-failure
RestartSec=2
TimeoutStartSec=45
TimeoutStopSec=30
KillMode=mixed
OOMPolicy=continue

[Install]
WantedBy=default.target
"""
_ON_DEMAND = "without a service the runner starts with the first connection that needs it"


def file(name: str) -> str:
    return os.path.join(_folder(), f"{name}.service")


def text(service: Service) -> str:
    environment = [f"Environment={_quoted(f'{key}={value}')}\n" for key, value in service.environment.items()]
    command = " ".join(_quoted(word.replace("$", "$$")) for word in service.command)
    return _UNIT.format(command=command, environment="".join(environment))


def installed() -> bool:
    return os.path.exists(file(manager.name()))


def trouble() -> FatalError | None:
    done = _systemctl("show-environment")
    if done.returncode == 0:
        return None
    why = "systemd has no user manager for this account here"
    if done.returncode == 127:
        why = "there is no systemd here"
    kernel = (files.read_optional("/proc/sys/kernel/osrelease") or b"").decode("ascii", "replace")
    contained = os.path.exists("/.dockerenv") or os.path.exists("/run/.containerenv")
    return FatalError(
        f"{why}, so there is no service to install; {_ON_DEMAND}",
        hint=remedy(kernel, contained=contained, user=getpass.getuser()),
    )


def remedy(kernel: str, *, contained: bool, user: str) -> str:
    """What makes a user manager where there is none. `kernel` is its release; `contained`: this is a container."""
    if contained:
        return "a container has none: have its entry point run `maw-runner start --foreground`"
    if "microsoft" in kernel.lower():
        return "WSL2: put `systemd=true` below `[boot]` into /etc/wsl.conf, then `wsl --shutdown` in Windows, and again"
    return f"`sudo loginctl enable-linger {user}` starts a user manager where systemd runs; then log in anew"


def install(service: Service) -> list[str]:
    path = file(service.name)
    os.makedirs(_folder(), exist_ok=True)
    files.write_atomic(path, text(service).encode(), mode=0o644)
    hint = f"`systemctl --user status {service.name}` and `maw-runner logs` tell more"
    for verb in (("daemon-reload",), ("enable", service.name), ("restart", service.name)):
        done = _systemctl(*verb)
        if done.returncode != 0:
            raise failed(done, hint)
    return [f"{path} is enabled", *_linger()]


def uninstall() -> list[str]:
    name = manager.name()
    path = file(name)
    if not installed():
        return []
    reachable = _systemctl("disable", "--now", name).returncode == 0
    for leftover in (path, os.path.join(_folder(), "default.target.wants", f"{name}.service")):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(leftover)
    if reachable:
        _systemctl("daemon-reload")
    return [f"{path} removed"]


def start() -> bool:
    return _systemctl("start", manager.name()).returncode == 0


def _folder() -> str:
    """Always this one: the user manager does not know what XDG_CONFIG_HOME a shell has set."""
    return os.path.join(os.path.expanduser("~"), ".config", "systemd", "user")


def _systemctl(*arguments: str) -> subprocess.CompletedProcess[str]:
    env = dict(os.environ)
    runtime = f"/run/user/{os.getuid()}"
    if "XDG_RUNTIME_DIR" not in env and os.path.isdir(runtime):
        env["XDG_RUNTIME_DIR"] = runtime  # a forced command of sshd has none, where PAM is not asked
    return call("systemctl", "--user", *arguments, env=env)


def _quoted(word: str) -> str:
    """A word of a unit file (systemd.syntax(7), systemd.unit(5)): quoted, and without specifiers."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("\n", "\\n")
    return f'"{escaped}"'


def _linger() -> list[str]:
    """Without lingering a user manager ends with the user's last session, and its services with it."""
    user = getpass.getuser()
    done = call("loginctl", "show-user", user, "--property=Linger", "--value")
    if done.returncode == 0 and done.stdout.strip() == "yes":
        return []
    return [f"it runs while you are logged in; `sudo loginctl enable-linger {user}` has it run from boot on"]
