"""The link through what happens to laptops and networks: sleep, a changed network, a black hole, a restarted sshd."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from maw import client, paths
from maw.config.load import load
from maw.errors import NodeError
from maw.link import control
from maw.link.channels import open_line
from maw.link.choice import recorded
from maw.link.dial import Dialer
from maw.link.target import from_config
from maw.link.terms import Terms
from tests.fixtures.ssh import USER, Air, Endpoint, LinkProcess, Pro, Sshd, make_key
from tests.fixtures.waiting import wait_for
from tests.ssh.helpers import ask, code, go

Start = Callable[..., LinkProcess]
both = pytest.mark.parametrize("transport", ["paramiko", "openssh"])


class Network:
    """The proxy between the Air and sshd."""

    def __init__(self, port: int) -> None:
        script = Path(__file__).parent / "proxy.py"
        self.process = subprocess.Popen([sys.executable, str(script), str(port)], stdout=subprocess.PIPE)
        assert self.process.stdout is not None
        self.port = int(self.process.stdout.readline())

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def stop(self) -> None:
        assert self.process.stdout is not None
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


@pytest.fixture
def network(served: Air, sshd: Sshd) -> Iterator[Network]:
    proxy = Network(sshd.port)
    served.write_config(port=proxy.port)
    served.known_hosts.write_text(f"[127.0.0.1]:{proxy.port} {sshd.public_host_key}\n")
    yield proxy
    control.stop("pro")
    proxy.stop()


@pytest.mark.slow
@both
def test_sleep_longer_than_the_patience_loses_nothing(served: Air, start_link: Start) -> None:
    """The link was stopped, the other side was not: the connection is well, and is kept."""
    link = start_link("--ping", "0.2")
    found = []
    for event in client.events("pro", "200-5"):
        found.append(event.id)
        if event.id == 20:
            link.process.send_signal(signal.SIGSTOP)
            time.sleep(1.5)  # more than three pings of patience
            link.process.send_signal(signal.SIGCONT)
    assert found == list(range(1, 201))
    assert ask("/echo", b"x", "POST").body == b"x"
    assert "ended" not in link.log()


@pytest.mark.slow
@both
def test_changed_network_is_noticed_and_streams_go_on(served: Air, network: Network, start_link: Start) -> None:
    link = start_link("--ping", "0.2")
    found = []
    for event in client.events("pro", "120-5"):
        found.append(event.id)
        if event.id == 20:
            network.send(signal.SIGUSR1)
    assert found == list(range(1, 121))
    assert ask("/echo", b"x", "POST").body == b"x"
    wait_for(lambda: "ended" in link.log(), "the loss in the log")


@pytest.mark.slow
@both
def test_black_hole_ends_and_work_goes_on(served: Air, network: Network, start_link: Start) -> None:
    start_link("--ping", "0.2", "--black-hole", "0.2")
    assert ask("/echo", b"x", "POST").body == b"x"
    network.send(signal.SIGUSR2)
    with pytest.raises((NodeError, TimeoutError)):
        client.request("pro", "GET", "/api/v1/status", timeout=1)
    network.send(signal.SIGHUP)
    wait_for(_works, "the node", timeout=40)


def _works() -> bool:
    try:
        return ask("/echo", b"x", "POST").body == b"x"
    except (NodeError, TimeoutError):
        return False


@both
def test_restarted_sshd_is_found_again(served: Air, sshd: Sshd) -> None:
    found = []
    for event in client.events("pro", "120-5"):
        found.append(event.id)
        if event.id == 20:
            sshd.stop()
            sshd.start()
    assert found == list(range(1, 121))
    assert ask("/echo", b"x", "POST").body == b"x"


@both
def test_submit_outlives_a_connection_that_dies_again_and_again(served: Air, pro: Pro) -> None:
    """Five gates in a row introduce themselves, take the request, and are killed before the runner has it."""
    dies = "import os; from maw_remote import gate; os.write(1, gate.introduce()[1]); "
    dies += "os.read(0, 20); os.kill(os.getpid(), 9)"
    pro.write_runner(
        f"echo x >> {pro.home}/gates\n"
        f"test $(wc -l < {pro.home}/gates) -gt 5 || exec {sys.executable} -c '{dies}'\n"
        f"{pro.gate}"
    )
    assert client.submit("pro", {"v": 1, "kind": "review", "payload": {}}, timeout=20)["state"] == "queued"
    assert len((pro.home / "gates").read_text().splitlines()) > 5


@both
def test_slow_login_shell_is_waited_for(served: Air, sshd: Sshd) -> None:
    (sshd.pro.home / ".bashrc").write_text("sleep 1\n")
    assert ask("/echo", b"x", "POST").body == b"x"


@pytest.mark.slow
@both
def test_too_slow_login_shell_is_named(served: Air, sshd: Sshd) -> None:
    (sshd.pro.home / ".bashrc").write_text("sleep 60\n")
    target = from_config(load(), "pro")
    connection = Dialer(target, Terms()).connect("test")
    try:
        with pytest.raises(NodeError) as caught:
            open_line(connection, target, timeout=0.5)
    finally:
        connection.close()
    assert caught.value.code == "timeout" and ".bashrc" in (caught.value.hint or "")


@both
def test_broken_maw_over_there_is_told(served: Air, sshd: Sshd) -> None:
    sshd.pro.write_runner(f"exec {sys.executable} -c 'import maw_remote_that_is_not_there'")
    error = go().error
    assert error is not None and error.code == "no_runner" and "maw_remote_that_is_not_there" in error.message
    assert "maw node install pro" in (error.hint or "")


def test_two_nodes_at_once_and_one_of_them_down(served: Air, sshd: Sshd) -> None:
    """Each node has a link of its own, with another key."""
    key = served.home / "second"
    sshd.authorize(make_key(key))
    with open(paths.config_file(), "a") as file:
        file.write(f'[nodes.gpu]\nhost = "127.0.0.1"\nuser = "{USER}"\nport = {sshd.port}\nidentity = "{key}"\n')
        file.write(f'transport = "openssh"\ncommand = "{sshd.pro.runner}"\n')
        file.write('[nodes.down]\nhost = "127.0.0.1"\nport = 1\n')
    try:
        with ThreadPoolExecutor(9) as pool:
            answers = list(pool.map(_status_of, ["pro", "gpu", "down"] * 6))
        assert answers == [True, True, False] * 6
        assert control.running("pro") != control.running("gpu")
    finally:
        for name in ("gpu", "down"):
            control.stop(name)


def _status_of(node: str) -> bool:
    try:
        client.request(node, "GET", "/api/v1/status", timeout=20)
    except NodeError:
        return False
    return True


# Hosts that let in without a key, as Tailscale SSH does

NONE_ONLY = (
    "import paramiko; from maw_remote.endpoint.door import Door; "
    "Door.check_auth_none = lambda self, user: paramiko.AUTH_SUCCESSFUL; "
    "Door.check_auth_publickey = lambda self, user, key: paramiko.AUTH_FAILED; "
    "Door.get_allowed_auths = lambda self, user: 'publickey'"
)
TAILSCALE = "import paramiko; paramiko.Transport._CLIENT_ID = 'Tailscale'"


@pytest.fixture
def lenient(home: Path, pro: Pro, ssh_config: Path, request: pytest.FixtureRequest) -> Iterator[Endpoint]:
    """An SSH server with the given line of Python run first."""
    pro.start_server()
    server = Endpoint(home, pro, request.param)
    server.write_config()
    server.trust()
    server.authorize()
    yield server
    control.stop("pro")
    server.stop()


@pytest.mark.parametrize("lenient", [NONE_ONLY], indirect=True)
def test_host_that_asks_for_no_key_is_reached_through_openssh(lenient: Endpoint) -> None:
    report = go()
    assert code(report) is None and report.choice is not None
    assert report.choice.transport == "openssh" and "without a key" in report.choice.why
    assert "restriction" in report.note
    assert ask("/echo", b"x", "POST").body == b"x"
    choice = recorded("pro")
    assert choice is not None and choice.note == report.note


@pytest.mark.parametrize("lenient", [TAILSCALE], indirect=True)
@pytest.mark.parametrize("transport", ["paramiko", "openssh"])
def test_tailscale_is_told_by_its_name(lenient: Endpoint, transport: str) -> None:
    with open(paths.config_file(), "a") as file:
        file.write(f'transport = "{transport}"\n')
    report = go()
    assert code(report) is None and "Tailscale" in report.note
