"""The program pre-commit: the one installed beside maw (its extra), else the one on PATH."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
from typing import NamedTuple

from maw.errors import FatalError
from maw.extras import how_to_add

OLDEST = (3, 2)  # the first that knows the stages by git's names for them; as pyproject.toml has it
_PATIENCE = 300.0  # seconds; none of these needs the network, but a home directory can be slow


class Program(NamedTuple):
    """How it is started."""

    command: tuple[str, ...]

    def run(self, cwd: str, *arguments: str) -> str:
        """What it printed. Raises FatalError with its last line when it fails."""
        words = f"`pre-commit {' '.join(arguments)}`"
        try:
            done = subprocess.run(
                [*self.command, *arguments], cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                errors="replace", timeout=_PATIENCE, check=False,
            )  # fmt: skip
        except OSError as exc:
            raise FatalError(f"{words} did not start: {exc.strerror}: {self.command[0]}") from exc
        except subprocess.TimeoutExpired as exc:
            raise FatalError(f"{words} took over {_PATIENCE:.0f} s") from exc
        if done.returncode != 0:
            said = (done.stdout + done.stderr).strip().splitlines()
            raise FatalError(f"{words} failed: {said[-1] if said else done.returncode}")
        return done.stdout


def found() -> Program | None:
    """The program, None without one. PATH may name the directory one stands in: that one is the repository's."""
    if importlib.util.find_spec("pre_commit") is not None:
        return Program((sys.executable, "-P", "-m", "pre_commit"))
    path = shutil.which("pre-commit")
    return Program((path,)) if path is not None and os.path.isabs(path) else None


def needed() -> Program:
    """The program, of a version that can do what is asked of it. Raises FatalError."""
    program = found()
    if program is None:
        raise FatalError("pre-commit is neither installed beside maw nor on PATH", hint=how_to_add("pre-commit"))
    said = program.run("/", "--version").strip()
    match = re.search(r"(\d+)\.(\d+)", said)
    if match is None or (int(match[1]), int(match[2])) < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        raise FatalError(f"pre-commit {oldest} or later is needed; {program.command[0]} is {said!r}")
    return program


def validate(program: Program, text: str) -> None:
    """Raises FatalError when pre-commit would not read this as a configuration."""
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", suffix=".yaml") as file:
        file.write(text)
        file.flush()
        program.run("/", "validate-config", file.name)
