"""The runner as a service. No user manager is at hand in a test, so `systemctl` and `launchctl` are small programs that
do what the files say (systemctl.py, launchctl.py)."""

from __future__ import annotations

import os
import plistlib
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from maw import client, paths, reach
from maw.errors import FatalError
from maw_remote import control
from maw_remote.service import launchd, manager, systemd
from maw_remote.service.manager import Service
from tests.fixtures.cli import Maw
from tests.fixtures.waiting import eventually

HERE = Path(__file__).parent
ODD = Service("maw-runner", ('/opt/a b/py%thon"3', "-m", "maw_remote", "$HOME"), {"MAW_CONFIG": "/etc/my config%.toml"})


class Programs:
    """A folder in front of PATH, and how what lies in it was called."""

    def __init__(self, home: Path) -> None:
        self.directory = home / "manager"
        self.bin = home / "bin"
        self.directory.mkdir()
        self.bin.mkdir()

    def put(self, name: str) -> None:
        script = f'#!/bin/sh\nexec {sys.executable} -I -S {HERE / f"{name}.py"} {self.directory} "$@"\n'
        (self.bin / name).write_text(script)
        (self.bin / name).chmod(0o755)

    def take_calls(self) -> list[str]:
        path = self.directory / "calls"
        said = path.read_text().splitlines() if path.exists() else []
        path.unlink(missing_ok=True)
        return said


@pytest.fixture
def programs(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Programs]:
    pytest.importorskip("uvicorn", reason="a runner needs the runner extra")
    made = Programs(home)
    monkeypatch.setenv("PATH", f"{made.bin}:{os.environ['PATH']}")
    yield made
    control.stop()


Runner = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def maw_runner(home: Path) -> Runner:
    def run(*arguments: str, first: str = "pass") -> subprocess.CompletedProcess[str]:
        """`maw-runner …`, with a line of Python run before it."""
        code = f"import sys; {first}; from maw_remote.main import main; sys.argv[0] = 'maw-runner'; main()"
        command = [sys.executable, "-c", code, *arguments]
        return subprocess.run(command, cwd=home, capture_output=True, text=True, check=False, timeout=60)

    return run


def ask_runner() -> Any:
    return client.request(reach.LOCAL, "GET", "/api/v1/status")


# What is written


def test_unit_is_one_that_systemd_takes(home: Path) -> None:
    """Paths with blanks, quotes and what systemd would expand arrive as they are."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not here")
    program = home / "a b%c"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    unit = home / "maw-runner.service"
    unit.write_text(systemd.text(Service("maw-runner", (str(program), "start", "$HOME"), ODD.environment)))
    done = subprocess.run(
        ["systemd-analyze", "--user", "verify", str(unit)], capture_output=True, text=True, check=False,
        env=os.environ | {"XDG_RUNTIME_DIR": str(home)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert not [line for line in done.stderr.splitlines() if "maw-runner" in line]


def test_unit_says_what_is_run_and_how_it_ends() -> None:
    unit = dict(line.partition("=")[::2] for line in systemd.text(ODD).splitlines() if "=" in line)
    words = [word.replace("%%", "%").replace("$$", "$") for word in shlex.split(unit["ExecStart"])]
    assert words == list(ODD.command)
    assert shlex.split(unit["Environment"]) == ["MAW_CONFIG=/etc/my config%%.toml"]
    assert unit["OOMPolicy"] == "continue"  # a worker that is killed is the runner's to replace
    assert unit["Restart"] == "on-failure" and unit["WantedBy"] == "default.target"


def test_agent_says_what_is_run_and_how_it_ends() -> None:
    agent = plistlib.loads(launchd.text(ODD).encode())
    assert agent["ProgramArguments"] == list(ODD.command)
    assert agent["EnvironmentVariables"] == ODD.environment
    assert agent["KeepAlive"] == {"SuccessfulExit": False} and agent["Umask"] == 0o077


def test_paths_are_absolute_and_a_state_directory_has_its_own_service(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAW_CONFIG", str(home / "config.toml"))
    ours = manager.service()
    assert os.path.isabs(ours.command[0]) and str(home / "state") in ours.command
    assert ours.environment["MAW_CONFIG"] == str(home / "config.toml") and ours.name != "maw-runner"
    monkeypatch.delenv("MAW_STATE_DIR")
    assert manager.service().name == "maw-runner" and "--state-dir" not in manager.service().command


def test_print_changes_nothing(maw_runner: Runner, home: Path) -> None:
    done = maw_runner("install-service", "--print")
    assert done.returncode == 0 and ("[Service]" in done.stdout or "<plist" in done.stdout)
    assert not (home / ".config" / "systemd").exists() and not (home / "Library").exists()


# Where there is no service manager


@pytest.mark.skipif(sys.platform != "linux", reason="systemd")
def test_without_a_user_manager_it_says_what_to_do_and_writes_nothing(
    programs: Programs, maw_runner: Runner, home: Path
) -> None:
    programs.put("systemctl")
    (programs.directory / "broken").touch()
    done = maw_runner("install-service")
    assert (
        done.returncode == 2 and "no user manager" in done.stderr and "starts with the first connection" in done.stderr
    )
    assert not (home / ".config" / "systemd").exists()


@pytest.mark.parametrize(
    ("kernel", "contained", "word"),
    [
        ("5.15.167.4-microsoft-standard-WSL2", False, "/etc/wsl.conf"),
        ("6.1.0-18-amd64", True, "entry point"),
        ("6.1.0-18-amd64", False, "loginctl enable-linger me"),
    ],
)
def test_remedy_fits_the_machine(kernel: str, contained: bool, word: str) -> None:
    assert word in systemd.remedy(kernel, contained=contained, user="me")


# The whole life


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="the small user manager waits by pidfd_open")
def test_life_of_a_unit(programs: Programs, maw_runner: Runner, home: Path, maw: Maw) -> None:
    programs.put("systemctl")
    on_demand = ask_runner()["pid"]

    done = maw_runner("install-service")
    assert done.returncode == 0, done.stderr
    assert "the runner that was there has stopped" in done.stderr and "enable-linger" in done.stderr
    name = manager.name()
    assert programs.take_calls() == [
        "--user show-environment", "--user daemon-reload", f"--user enable {name}", f"--user restart {name}",
    ]  # fmt: skip
    first = ask_runner()["pid"]
    assert first != on_demand and first == int((programs.directory / name).read_text())

    assert maw_runner("stop").returncode == 0 and control.holder() is None
    assert maw_runner("restart").returncode == 0
    second = ask_runner()["pid"]
    assert programs.take_calls() == [f"--user start {name}"]  # by the service, which so goes on to own it
    assert second == int((programs.directory / name).read_text())

    os.kill(second, 9)
    assert eventually(lambda: control.holder() is None)
    third = ask_runner()["pid"]  # a connection that finds no runner asks the service, too
    assert programs.take_calls() == [f"--user start {name}"]
    assert third == int((programs.directory / name).read_text())

    done_here = maw("uninstall", "--state", "--yes")
    assert done_here.code == 0 and "service removed" in done_here.out
    assert programs.take_calls() == [f"--user disable --now {name}", "--user daemon-reload"]
    assert not systemd.installed() and control.holder() is None and not (home / "state").exists()


def test_service_that_does_not_start_is_no_reason_to_have_no_runner(programs: Programs) -> None:
    programs.put("systemctl")
    path = Path(systemd.file(manager.name()))
    path.parent.mkdir(parents=True)
    path.write_text(systemd.text(manager.service()._replace(command=(sys.executable, "-c", "raise SystemExit(1)"))))
    assert ask_runner()["pid"] == control.holder()
    if sys.platform == "linux":
        assert programs.take_calls() == [f"--user start {manager.name()}"]


def test_second_start_by_the_service_ends_well_and_says_so(programs: Programs) -> None:
    """A connection was faster: the service's own runner finds it, tells its manager so, and leaves."""
    programs.put("systemctl")
    running = ask_runner()["pid"]
    path = Path(systemd.file(manager.name()))
    path.parent.mkdir(parents=True)
    path.write_text(systemd.text(manager.service()))
    assert systemd.start()
    assert ask_runner()["pid"] == running


@pytest.mark.slow
def test_life_of_an_agent(programs: Programs, maw_runner: Runner) -> None:
    programs.put("launchctl")
    mac = "from maw_remote import service; service.MANAGERS = {sys.platform: service.launchd}"
    uid, label = os.getuid(), f"org.git-maw.{manager.name()}"
    path = launchd.file(manager.name())

    done = maw_runner("install-service", first=mac)
    assert done.returncode == 0, done.stderr
    assert f"bootstrap gui/{uid} {path}" in programs.take_calls()
    first = ask_runner()["pid"]
    assert first == int((programs.directory / label).read_text())

    assert maw_runner("restart", first=mac).returncode == 0
    assert f"kickstart gui/{uid}/{label}" in programs.take_calls()
    assert ask_runner()["pid"] != first

    assert maw_runner("uninstall-service", first=mac).returncode == 0
    assert f"bootout gui/{uid}/{label}" in programs.take_calls()
    assert eventually(lambda: control.holder() is None) and not os.path.exists(path)
    assert "no service" in maw_runner("uninstall-service", first=mac).stderr


def test_agent_whose_runner_does_not_load_is_told(programs: Programs) -> None:
    (programs.bin / "launchctl").write_text(
        "#!/bin/sh\n[ $1 = bootstrap ] && echo no such domain >&2\n[ $1 = print ]\n"
    )
    (programs.bin / "launchctl").chmod(0o755)
    with pytest.raises(FatalError, match="no such domain") as caught:
        launchd.install(manager.service())
    assert caught.value.hint and os.path.isdir(paths.runner_dir())
