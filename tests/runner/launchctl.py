"""A very small launchd that answers to `launchctl …`: it runs what an agent's plist says, until it is told not to.

    python launchctl.py DIRECTORY VERB …

It writes down how it was called, in DIRECTORY/calls.
"""

from __future__ import annotations

import os
import plistlib
import signal
import subprocess
import sys
from pathlib import Path


def main(directory: Path, arguments: list[str]) -> int:
    with open(directory / "calls", "a") as file:
        file.write(" ".join(arguments) + "\n")
    verb, target, *rest = arguments
    agent = directory / target.rpartition("/")[2]
    match verb:
        case "print":
            return 0 if target == f"gui/{os.getuid()}" else 113
        case "bootstrap":
            loaded = plistlib.loads(Path(rest[0]).read_bytes())
            agent = directory / loaded["Label"]
            agent.with_suffix(".plist").write_bytes(Path(rest[0]).read_bytes())
            return start(agent) if loaded["RunAtLoad"] else 0
        case "kickstart":
            return start(agent)
        case "bootout":
            return stop(agent)
    return 64


def start(agent: Path) -> int:
    if not agent.with_suffix(".plist").exists():
        return 113
    loaded = plistlib.loads(agent.with_suffix(".plist").read_bytes())
    with open(loaded["StandardErrorPath"], "ab") as errors:
        child = subprocess.Popen(
            loaded["ProgramArguments"], cwd=loaded["WorkingDirectory"], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=errors, start_new_session=True, umask=loaded["Umask"],
            env={"HOME": str(Path.home()), "PATH": "/usr/bin:/bin"} | loaded["EnvironmentVariables"],
        )  # fmt: skip
    agent.write_text(str(child.pid))
    return 0


def stop(agent: Path) -> int:
    if not agent.exists():
        return 3
    try:
        os.kill(int(agent.read_text()), signal.SIGTERM)
    except ProcessLookupError:
        pass
    agent.unlink()
    agent.with_suffix(".plist").unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
