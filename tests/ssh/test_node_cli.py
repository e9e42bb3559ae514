"""`maw node` and `maw connect`, as a user runs them."""

from __future__ import annotations

import json
import os
import socket
import stat
import subprocess
import sys
from base64 import b64decode
from pathlib import Path

import pytest

from maw import paths
from maw.link import install
from maw.link.hostkeys import fingerprint
from tests.fixtures.runner import RunnerProcess
from tests.fixtures.ssh import USER, Air, Endpoint, Pro, Sshd, make_key
from tests.ssh.helpers import ask


def maw(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The command, without a terminal."""
    code = "from maw.cli.main import main; main()"
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
        timeout=60,
    )  # fmt: skip


@pytest.fixture
def user(served: Air, sshd: Sshd) -> Air:
    """A user who can log in by `ssh pro`, and has no node yet."""
    own = served.home / "id_user"
    sshd.authorized_keys.write_text(f"{make_key(own)} me@air")  # without a newline at its end
    Path(paths.config_file()).unlink()
    with open(served.ssh_config, "a") as file:
        file.write(f"Host pro\n  HostName 127.0.0.1\n  Port {sshd.port}\n  User {USER}\n  IdentityFile {own}\n")
    return served


def test_add_installs_a_restricted_key_and_tests_the_way(user: Air, sshd: Sshd, pro: Pro) -> None:
    done = maw("node", "add", "pro", "pro", "--yes")
    assert done.returncode == 0, done.stderr
    before, line = sshd.authorized_keys.read_text().splitlines()
    assert before.endswith(" me@air")
    assert line.startswith(f'command="{pro.runner} connect",restrict ssh-ed25519 ')
    assert line.rsplit(" ", 1)[1].startswith("maw:pro@")
    assert stat.S_IMODE(os.stat(sshd.authorized_keys).st_mode) == 0o600
    assert stat.S_IMODE(os.stat(paths.node_key_file("pro")).st_mode) == 0o600
    assert "runner" in done.stdout and "it answers" in done.stdout
    assert ask("/echo", b"x", "POST").body == b"x"


def test_add_again_changes_nothing(user: Air, sshd: Sshd) -> None:
    namesake = f'command="x connect",restrict ssh-ed25519 AAAA {install.tag("pro", socket.gethostname(), "")}\n'
    with open(sshd.authorized_keys, "a") as file:
        file.write(namesake)  # of another machine that has kept the host name it came with
    maw("node", "add", "pro", "pro", "--yes")
    first = sshd.authorized_keys.read_text()
    assert namesake in first
    config = Path(paths.config_file()).read_text()
    assert maw("node", "add", "pro", "pro", "--yes").returncode == 0
    assert sshd.authorized_keys.read_text() == first
    assert Path(paths.config_file()).read_text() == config


def test_add_survives_noise_and_finds_the_runner_outside_path(user: Air, sshd: Sshd, pro: Pro) -> None:
    (pro.home / ".bashrc").write_text("echo welcome\nprintf 'no newline'\n")
    assert maw("node", "add", "pro", "pro", "--yes").returncode == 0
    assert f'command="{pro.runner} connect"' in sshd.authorized_keys.read_text()


def test_add_follows_a_symlinked_authorized_keys(user: Air, sshd: Sshd, pro: Pro) -> None:
    real = pro.home / "dotfiles"
    sshd.authorized_keys.rename(real)
    sshd.authorized_keys.symlink_to(real)
    assert maw("node", "add", "pro", "pro", "--yes").returncode == 0
    assert sshd.authorized_keys.is_symlink() and "maw:pro@" in real.read_text()


def test_add_without_yes_and_terminal_installs_nothing(user: Air, sshd: Sshd) -> None:
    before = sshd.authorized_keys.read_text()
    done = maw("node", "add", "pro", "pro")
    assert done.returncode == 2 and "--yes" in done.stderr
    assert sshd.authorized_keys.read_text() == before


def test_add_without_a_runner_there_says_so(user: Air, sshd: Sshd, pro: Pro) -> None:
    pro.runner.unlink()
    sshd.stop()
    pro.env["PATH"] = "/usr/bin:/bin"  # the tests' own maw-runner may be on the PATH
    sshd.start()
    done = maw("node", "add", "pro", "pro", "--yes")
    assert done.returncode == 2 and "there is no maw-runner on pro" in done.stderr
    assert "maw node install pro pro" in done.stderr


def test_add_where_ssh_fails_says_what_ssh_said(user: Air, sshd: Sshd) -> None:
    sshd.authorized_keys.write_text("")
    done = maw("node", "add", "pro", "pro", "--yes")
    assert done.returncode == 4
    assert "`ssh pro` failed" in done.stderr and "Permission denied" in done.stderr


@pytest.mark.parametrize("arguments", [("pro", "-oProxyCommand=x"), ("Pro!", "pro"), ("local", "pro")])
def test_add_refuses_strange_names(home: Path, arguments: tuple[str, str]) -> None:
    done = maw("node", "add", "--yes", "--", *arguments)
    assert done.returncode == 2
    assert not os.path.exists(paths.config_file())


def test_add_does_not_accept_an_unknown_host_key_by_yes(user: Air, sshd: Sshd) -> None:
    """The user's ssh takes any key here; maw does not."""
    user.known_hosts.unlink()
    with open(user.ssh_config, "a") as file:
        file.write("  StrictHostKeyChecking no\n  UserKnownHostsFile /dev/null\n")
    text = user.ssh_config.read_text().replace(f"UserKnownHostsFile {user.known_hosts}\n", "")
    user.ssh_config.write_text(text)
    done = maw("node", "add", "pro", "pro", "--yes")
    assert done.returncode == 4 and "host key" in done.stderr and "SHA256:" in done.stderr


def test_rm_takes_everything_back(user: Air, sshd: Sshd) -> None:
    before = sshd.authorized_keys.read_text()
    maw("node", "add", "pro", "pro", "--yes")
    assert maw("node", "rm", "pro").returncode == 0
    assert sshd.authorized_keys.read_text().strip() == before
    assert not os.path.exists(paths.node_key_file("pro"))
    assert json.loads(maw("node", "list", "--json").stdout)["nodes"] == []


def test_rm_of_an_unreachable_node_tells_what_is_left(user: Air, sshd: Sshd) -> None:
    maw("node", "add", "pro", "pro", "--yes")
    sshd.stop()
    done = maw("node", "rm", "pro")
    assert done.returncode == 0 and "the key is still on pro" in done.stderr and "maw:pro@" in done.stderr
    assert not os.path.exists(paths.node_key_file("pro"))


def test_list(served: Air) -> None:
    found = json.loads(maw("node", "list", "--json").stdout)
    assert found["v"] == 1
    assert [(row["name"], row["default"], row["link"]) for row in found["nodes"]] == [("pro", False, None)]
    assert "pro" in maw("node", "list").stdout


def test_test_times_each_step(served: Air) -> None:
    found = json.loads(maw("node", "test", "pro", "--json").stdout)
    assert found["v"] == 1 and found["ok"] is True and found["error"] is None
    assert [step["step"] for step in found["steps"]] == ["resolve", "connect", "host key", "login", "gate", "runner"]
    assert all(step["ok"] and step["ms"] >= 0 for step in found["steps"])
    assert found["hello"]["node_id"] == "n"
    assert found["transport"] == {"name": "paramiko", "why": "nothing asks for more", "note": None}
    assert "by paramiko, since nothing asks for more" in maw("node", "test", "pro").stdout


def test_test_names_the_step_that_fails(served: Air, sshd: Sshd) -> None:
    sshd.authorized_keys.write_text("")
    done = maw("node", "test", "pro", "--json")
    found = json.loads(done.stdout)
    assert done.returncode == 4 and found["ok"] is False and found["error"]["code"] == "auth_failed"
    assert found["steps"][-1] == {"step": "login", "ok": False, "ms": None, "detail": ""}
    shown = maw("node", "test", "pro")
    assert shown.returncode == 4 and "login     failed" in shown.stdout and "maw: " in shown.stderr


def test_unknown_node(home: Path) -> None:
    done = maw("node", "test", "nobody")
    assert done.returncode == 2 and "maw node add nobody HOST" in done.stderr


def test_endpoint_is_added_by_its_line(bare_endpoint: Endpoint) -> None:
    Path(paths.config_file()).unlink()
    print_, port = bare_endpoint.announcement["fingerprint"], str(bare_endpoint.port)
    done = maw("node", "add", "pro", "127.0.0.1", "--port", port, "--endpoint", "--host-key", print_)
    assert done.returncode == 0, done.stderr
    line = done.stdout.strip()
    assert line.startswith("maw-runner keys add 'ssh-ed25519 ")
    assert bare_endpoint.keys("add", line.split("'")[1]).returncode == 0
    assert maw("node", "test", "pro").returncode == 0
    assert ask("/echo", b"x", "POST").body == b"x"


def test_connect_in_the_background(served: Air) -> None:
    done = maw("connect", "pro")
    assert done.returncode == 0 and "runs in the background" in done.stderr
    assert json.loads(maw("node", "list", "--json").stdout)["nodes"][0]["link"]


def test_connect_without_a_terminal_accepts_no_host_key(served: Air) -> None:
    served.known_hosts.unlink()
    done = maw("connect", "pro")
    assert done.returncode == 4 and "SHA256:" in done.stderr
    assert not os.path.exists(paths.known_hosts_file())


def test_rm_of_the_node_in_use_gives_the_work_back(user: Air) -> None:
    maw("node", "add", "pro", "pro", "--yes")
    maw("config", "set", "node", "pro")
    done = maw("node", "rm", "pro")
    assert done.returncode == 0 and "`node` is `local` again" in done.stderr
    assert maw("config", "get", "node").stdout.strip() == "local"


def test_rm_cleans_up_after_an_add_that_failed(user: Air, sshd: Sshd) -> None:
    sshd.stop()
    assert maw("node", "add", "pro2", "pro", "--yes").returncode == 4
    assert os.path.exists(paths.node_key_file("pro2"))
    done = maw("node", "rm", "pro2")
    assert done.returncode == 0, done.stderr
    assert not os.path.exists(paths.node_key_file("pro2"))
    assert maw("node", "rm", "pro2").returncode == 2


def test_add_compares_the_host_key_before_ssh_is_run(user: Air, sshd: Sshd) -> None:
    """The user's ssh would take any key."""
    user.known_hosts.unlink()
    text = user.ssh_config.read_text().replace(f"UserKnownHostsFile {user.known_hosts}\n", "")
    user.ssh_config.write_text(text + "  StrictHostKeyChecking no\n  UserKnownHostsFile /dev/null\n")
    before = sshd.authorized_keys.read_text()
    done = maw("node", "add", "pro", "pro", "--yes", "--host-key", "SHA256:wrong")
    assert done.returncode == 4 and "SHA256:wrong" in done.stderr
    assert sshd.authorized_keys.read_text() == before and not os.path.exists(paths.node_key_file("pro"))
    done = maw(
        "node", "add", "pro", "pro", "--yes", "--host-key", fingerprint(b64decode(sshd.public_host_key.split()[1]))
    )
    assert done.returncode == 0, done.stderr
    assert sshd.public_host_key in Path(paths.known_hosts_file()).read_text()


def test_endpoint_is_told_from_an_sshd(bare_endpoint: Endpoint) -> None:
    Path(paths.config_file()).unlink()
    print_, port = bare_endpoint.announcement["fingerprint"], str(bare_endpoint.port)
    maw("node", "add", "pro", "127.0.0.1", "--port", port, "--endpoint", "--host-key", print_)
    assert "endpoint = true" in Path(paths.config_file()).read_text()
    error = json.loads(maw("node", "test", "pro", "--json").stdout)["error"]
    assert error["code"] == "auth_failed" and "maw-runner keys add" in error["hint"]
    done = maw("node", "rm", "pro")
    assert done.returncode == 0 and "maw-runner keys rm maw:pro@" in done.stderr and "still on" not in done.stderr


def test_local_is_tested_by_asking_the_runner(runner: RunnerProcess) -> None:
    done = maw("node", "test", "local")
    assert done.returncode == 0 and "local: runner    ok" in done.stdout, done.stderr
    found = json.loads(maw("node", "test", "local", "--json").stdout)
    assert found["ok"] is True and [step["step"] for step in found["steps"]] == ["runner"]
