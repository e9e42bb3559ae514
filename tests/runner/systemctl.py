"""A very small user manager that answers to `systemctl --user …`: it runs what a unit file says, until told not to.

    python systemctl.py DIRECTORY --user VERB …

It writes down how it was called, in DIRECTORY/calls; a file DIRECTORY/broken has everything fail.
"""

from __future__ import annotations

import os
import shlex
import signal
import socket
import subprocess
import sys
from pathlib import Path

UNITS = Path.home() / ".config" / "systemd" / "user"


def main(directory: Path, arguments: list[str]) -> int:
    with open(directory / "calls", "a") as file:
        file.write(" ".join(arguments) + "\n")
    if (directory / "broken").exists():
        print("Failed to connect to bus: No medium found", file=sys.stderr)
        return 1
    _, verb, *rest = arguments
    name = rest[-1] if rest else ""
    wants = UNITS / "default.target.wants" / f"{name}.service"
    if verb == "enable":
        wants.parent.mkdir(exist_ok=True)
        wants.unlink(missing_ok=True)
        wants.symlink_to(UNITS / f"{name}.service")
    if verb in ("disable", "restart"):
        stop(directory / name)
    if verb == "disable":
        wants.unlink()
    return start(directory, name) if verb in ("start", "restart") else 0


def start(directory: Path, name: str) -> int:
    """Run the unit's program, and wait until it says that it is ready (Type=notify), or ends."""
    lines = [line.partition("=") for line in (UNITS / f"{name}.service").read_text().splitlines()]
    unit = {key: value for key, _, value in lines}
    environment = dict(
        pair.partition("=")[::2] for key, _, value in lines if key == "Environment" for pair in shlex.split(value)
    )
    assert unit["Type"] == "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notices:
        path = directory / f"notify-{os.getpid()}"
        notices.bind(str(path))
        notices.settimeout(0.05)
        child = subprocess.Popen(
            [word.replace("%%", "%").replace("$$", "$") for word in shlex.split(unit["ExecStart"])],
            env={"HOME": str(Path.home()), "PATH": "/usr/bin:/bin", "NOTIFY_SOCKET": str(path)} | environment,
            cwd=unit["WorkingDirectory"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        while child.poll() is None:
            try:
                assert notices.recv(100) == b"READY=1"
            except TimeoutError:
                continue
            (directory / name).write_text(str(child.pid))
            return 0
    print(f"Job for {name}.service failed because the service did not take the steps required", file=sys.stderr)
    return 1


def stop(file: Path) -> None:
    """End what was started, and wait for it."""
    if not file.exists():
        return
    pid = int(file.read_text())
    try:
        os.kill(pid, signal.SIGTERM)
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    import select

    select.select([descriptor], [], [], 20)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
