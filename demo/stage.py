"""Where the demo plays: two roles on one machine, each with a state of its own, nothing of the user's touched.

Sockets need short paths, so state lies below /tmp and goes when the demo ends; the model and the sample repository stay
in .demo/, so that the next run takes seconds and the result can be looked at.
"""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil

HERE = Path(__file__).resolve().parent.parent / ".demo"
_GIT_CONFIG = """\
[user]
\tname = A Developer
\temail = developer@example.invalid
[init]
\tdefaultBranch = main
[commit]
\tgpgsign = false
"""


class Failed(Exception):
    """A step did not do what it should; the message says which."""


class Role:
    """A machine of the demo: `air` types and commits, `pro` thinks. Commands are printed before they run."""

    def __init__(self, name: str, root: Path) -> None:
        self.name = name
        self.state = root / name
        self.background: list[subprocess.Popen[bytes]] = []
        self.env = _clean_environment() | {
            "MAW_STATE_DIR": str(self.state),
            "MAW_CONFIG": str(root / f"{name}.toml"),
            "GIT_CONFIG_GLOBAL": str(root / "gitconfig"),
            "GIT_CONFIG_NOSYSTEM": "1",
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
        }

    def run(self, *command: str, cwd: Path | None = None, may_fail: bool = False) -> int:
        """Run a command with our own terminal; its exit code. Raises Failed unless it may fail."""
        self._print(command)
        with subprocess.Popen(command, cwd=cwd, env=self.env) as process:
            try:
                code = process.wait()
            except BaseException:
                _end_family(process)
                raise
        if code and not may_fail:
            raise Failed(f"{shlex.join(command)} ended with exit code {code}")
        return code

    def read(self, *command: str, cwd: Path | None = None) -> str:
        """Run a command and take what it prints (which is printed too)."""
        self._print(command)
        done = subprocess.run(command, cwd=cwd, env=self.env, stdout=subprocess.PIPE, check=False)
        text = done.stdout.decode("utf-8", "replace")
        print(text, end="", flush=True)
        if done.returncode:
            raise Failed(f"{shlex.join(command)} ended with exit code {done.returncode}")
        return text

    def start(self, *command: str) -> None:
        """Run a command in the background. It gets no Ctrl-C of ours: `end` ends it."""
        self._print((*command, "&"))
        process = subprocess.Popen(command, env=self.env, stdin=subprocess.DEVNULL, start_new_session=True)
        self.background.append(process)

    def end(self) -> None:
        """End what was started in the background, and wait for it."""
        while self.background:
            process = self.background.pop()
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def quietly(self, *command: str, cwd: Path | None = None) -> subprocess.CompletedProcess[bytes]:
        """Run a command of the demo's own housekeeping."""
        return subprocess.run(command, cwd=cwd, env=self.env, capture_output=True, check=False)

    def _print(self, command: tuple[str, ...]) -> None:
        shown = shlex.join(command).replace("'&'", "&")
        print(f"\n\033[1m{self.name}$ {shown}\033[0m" if _colour() else f"\n{self.name}$ {shown}", flush=True)


@contextlib.contextmanager
def stage() -> Iterator[tuple[Role, Role]]:
    """The two roles. Whatever happens, nothing of them runs afterwards, and nothing of theirs is left below /tmp."""
    (HERE / "models").mkdir(parents=True, exist_ok=True)
    root = Path(tempfile.mkdtemp(prefix="maw-demo-", dir="/tmp"))
    (root / "gitconfig").write_text(_GIT_CONFIG)
    air, pro = Role("air", root), Role("pro", root)
    pro.state.mkdir(mode=0o700)
    (pro.state / "models").symlink_to(HERE / "models")
    try:
        yield air, pro
    finally:
        for role in (air, pro):
            role.end()
            # Ends attendant, links and runner, and waits for them; models/ is a link, so the model stays.
            role.quietly("maw", "uninstall", "--yes", "--state", cwd=root)
        shutil.rmtree(root, ignore_errors=True)


def say(text: str) -> None:
    """A word on what comes next."""
    print(f"\n\033[36m# {text}\033[0m" if _colour() else f"\n# {text}", flush=True)


def wait_for(what: str, found: Callable[[], Any], seconds: float = 20.0) -> Any:
    """The first true answer of `found`. Raises Failed when none comes in time."""
    give_up = time.monotonic() + seconds
    while time.monotonic() < give_up:
        answer = found()
        if answer:
            return answer
        time.sleep(0.05)
    raise Failed(f"{what} did not come within {seconds:.0f} s")


def read_json(path: Path) -> Any:
    """The file's content, None while it is not there."""
    try:
        return json.loads(path.read_bytes())
    except (FileNotFoundError, ValueError):
        return None


def _end_family(process: subprocess.Popen[bytes]) -> None:
    """End a command and what it started, such as a hook of git's: a Ctrl-C reached them already, a SIGTERM did not."""
    try:
        root = psutil.Process(process.pid)
        family = [*root.children(recursive=True), root]
    except psutil.NoSuchProcess:
        return
    for member in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            member.send_signal(signal.SIGINT)
    _, left = psutil.wait_procs(family, timeout=10)
    for member in left:
        member.kill()


def _clean_environment() -> dict[str, str]:
    """Without the user's agent, settings and CI: the demo is the same for everybody."""
    drop = ("MAW_", "GIT_", "SSH_AUTH_SOCK", "CI")
    return {name: value for name, value in os.environ.items() if not name.startswith(drop)}


def _colour() -> bool:
    return sys.stdout.isatty() and "NO_COLOR" not in os.environ
