"""`maw node install`: git-maw comes to the node over ssh, by real (if small) stand-ins for uv and pipx.

The stand-ins do what the real ones do with a wheel: an environment of its own, and its scripts in ~/.local/bin.
"""

from __future__ import annotations

import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from maw import paths
from maw.link import remote_install
from maw.link.remote_install import Plan
from maw.link.target import Target
from tests.fixtures.ssh import USER, Air, Pro, Sshd, make_key
from tests.ssh.test_node_cli import maw

ROOT = Path(__file__).parents[2]
TARGET = Target("pro", "pro", None, None, "maw-runner", None, 2.0)
# $spec is the last argument, "git-maw[runner] @ file:///…whl".
TOOL = f"""#!/bin/sh
echo "$0 $*" >> "$HOME/ran"
for spec; do :; done
case $spec in *file://*) wheel=${{spec#*file://}} ;; *) echo "no index here: $spec" >&2; exit 3 ;; esac
echo "installing $(basename "$wheel")" >&2
venv=$HOME/venv
{sys.executable} -m venv --without-pip "$venv" || exit 1
{sys.executable} -m pip --python "$venv" install -q --no-deps --no-index --force-reinstall "$wheel" >&2 || exit 1
mkdir -p "$HOME/.local/bin"
ln -sf "$venv/bin/maw-runner" "$HOME/.local/bin/maw-runner"
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real wheel of this tree."""
    pytest.importorskip("hatchling", reason="a wheel is built by hatchling, of the development extra")
    out = tmp_path_factory.mktemp("wheel")
    code = f"import hatchling.build as b; b.build_wheel({str(out)!r})"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True)
    return next(out.glob("*.whl"))


@pytest.fixture
def bare(served: Air, sshd: Sshd, pro: Pro) -> Callable[[str], Path]:
    """A user who can log in to a node without maw; gives it the named tool."""
    own = served.home / "id_user"
    sshd.authorized_keys.write_text(f"{make_key(own)} me@air\n")
    Path(paths.config_file()).unlink()
    with open(served.ssh_config, "a") as file:
        file.write(f"Host pro\n  HostName 127.0.0.1\n  Port {sshd.port}\n  User {USER}\n  IdentityFile {own}\n")
    pro.runner.unlink()
    sshd.stop()
    pro.env["PATH"] = "/usr/bin:/bin"
    sshd.start()

    def give(name: str) -> Path:
        tool = pro.home / ".local" / "bin" / name
        tool.write_text(TOOL)
        tool.chmod(0o755)
        return tool

    return give


@pytest.mark.slow
def test_the_wheel_has_what_people_read(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {f"maw/docs/{page.name}" for page in (ROOT / "docs").glob("*.md")} <= set(names)
    assert sum(name.endswith(("share/man/man1/git-maw.1", "share/man/man1/maw.1")) for name in names) == 2


@pytest.mark.slow
@pytest.mark.parametrize("name", ["uv", "pipx"])
def test_wheel_is_installed_and_then_found(
    bare: Callable[[str], Path], pro: Pro, sshd: Sshd, wheel: Path, name: str
) -> None:
    tool = bare(name)
    done = maw("node", "install", "pro", "pro", "--from", str(wheel), "--yes")
    assert done.returncode == 0, done.stderr
    ran = (pro.home / "ran").read_text()
    verb = "tool install" if name == "uv" else "install"
    assert ran.startswith(f"{tool} {verb} --force git-maw[runner] @ file:///")
    shown, *progress = done.stderr.splitlines()
    assert shown == f"to run on pro: {tool} {verb} --force 'git-maw[runner] @ file:///…/{wheel.name}'"
    assert any(f"installing {wheel.name}" in line for line in progress)
    assert "maw node add pro pro" in done.stderr
    assert not Path(ran.split("file://")[1].strip()).exists()  # the copy is gone
    added = maw("node", "add", "pro", "pro", "--yes")
    assert added.returncode == 0, added.stderr
    assert f'command="{pro.home}/venv/bin/maw-runner connect"' in sshd.authorized_keys.read_text()


def test_without_yes_and_terminal_nothing_is_run(bare: Callable[[str], Path], pro: Pro) -> None:
    bare("uv")
    done = maw("node", "install", "pro", "pro")
    assert done.returncode == 2 and "--yes" in done.stderr and "git-maw[runner]==" in done.stderr
    assert not (pro.home / "ran").exists()


def test_failure_over_there_is_told(bare: Callable[[str], Path], pro: Pro) -> None:
    bare("pipx")
    done = maw("node", "install", "pro", "pro", "--yes")
    assert done.returncode == 4
    assert "no index here: git-maw[runner]==" in done.stderr


def test_node_without_either_tool(bare: Callable[[str], Path]) -> None:
    done = maw("node", "install", "pro", "pro", "--yes")
    assert done.returncode == 2 and "neither uv nor pipx" in done.stderr


def test_unknown_node_needs_a_host(home: Path) -> None:
    done = maw("node", "install", "pro", "--yes")
    assert done.returncode == 2 and "maw node add pro HOST" in done.stderr


@pytest.mark.parametrize("source", ["--index-url=http://x", "", "other-1.0-py3-none-any.whl", "git_maw-1 x.whl"])
def test_strange_sources_are_refused(bare: Callable[[str], Path], pro: Pro, source: str) -> None:
    bare("uv")
    done = maw("node", "install", "pro", "pro", "--yes", f"--from={source}")
    assert done.returncode == 2
    assert not (pro.home / "ran").exists()


def test_script_quotes_what_it_runs(home: Path) -> None:
    """The words arrive as they are, whatever they contain."""
    out = home / "out"
    spec = "git-maw[runner]; touch $HOME/trace `id` 'x'"
    shell = remote_install.script(Plan(("/bin/sh", "-c", f'printf "%s" "$1" > {out}', "sh", spec), None))
    subprocess.run(["sh", "-s"], input=shell.encode(), check=True, capture_output=True)
    assert out.read_text() == spec and not (home / "trace").exists()
