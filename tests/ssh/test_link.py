"""The whole way: client, link, real sshd, forced command, gate, a server's socket."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import stat
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from maw import client, paths, reach, wire
from maw.errors import NodeError
from maw.link import control
from maw.link.failures import Failures
from tests.fixtures.ssh import Air, LinkProcess, Pro, Sshd, free_port
from tests.fixtures.waiting import wait_for
from tests.ssh.helpers import ask, failure, hold_stream, numbers

Start = Callable[..., LinkProcess]


@pytest.fixture(params=["paramiko", "openssh"])
def transport(request: pytest.FixtureRequest) -> str:
    """All of this holds whoever speaks SSH for us."""
    word = request.param
    assert isinstance(word, str)
    return word


one = pytest.mark.parametrize("transport", ["paramiko"])  # where it makes no difference


def test_request_reaches_the_server(served: Air) -> None:
    assert ask("/echo", b'{"a":1}', "POST").json() == {"a": 1}


@one
def test_hello_comes_first(served: Air) -> None:
    connection = reach.connect("pro", timeout=20)
    connection.sock.close()
    assert connection.hello is not None and connection.hello["node_id"] == "n"


@pytest.mark.slow
def test_twenty_clients_at_once(served: Air) -> None:
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda number: ask("/echo", b"%d" % number, "POST").body, range(20)))
    assert answers == [b"%d" % number for number in range(20)]


def test_streams_do_not_starve_requests(served: Air) -> None:
    """Nine streams hold every channel of their connection; requests have one of their own."""
    held = [hold_stream() for _ in range(9)]
    assert ask("/echo", b"x", "POST").body == b"x"
    for sock in held:
        sock.close()


def test_client_beyond_the_limit_waits_its_turn(served: Air) -> None:
    held = [hold_stream() for _ in range(9)]
    late: list[list[int]] = []
    thread = threading.Thread(target=lambda: late.append(numbers(3, 1)))
    thread.start()
    held.pop().close()
    thread.join(20)
    assert late == [[1, 2, 3]]
    for sock in held:
        sock.close()


def test_events_arrive_in_order(served: Air) -> None:
    assert numbers(50, 1) == list(range(1, 51))


def test_cut_stream_is_resumed_without_loss_or_double(served: Air, sshd: Sshd) -> None:
    found = []
    for event in client.events("pro", "120-5"):
        found.append(event.id)
        if event.id in (20, 60):
            for pid in sshd.children():
                os.kill(pid, signal.SIGKILL)
    assert found == list(range(1, 121))


@pytest.mark.slow
def test_frozen_peer_is_noticed_and_replaced(served: Air, sshd: Sshd, start_link: Start) -> None:
    """A stopped process keeps its TCP connection: only an unanswered request tells."""
    link = start_link("--ping", "0.1")
    found = []
    for event in client.events("pro", "60-5"):
        found.append(event.id)
        if event.id == 20:
            for pid in sshd.children():
                os.kill(pid, signal.SIGSTOP)
    assert found == list(range(1, 61))
    assert "the connection to 127.0.0.1:" in link.log()


def test_client_that_leaves_ends_the_request_there(served: Air) -> None:
    sock = hold_stream()
    wait_for(lambda: ask("/stuck-now").body == b"1", "the stream")
    sock.close()
    wait_for(lambda: ask("/stuck-now").body == b"0", "its end")


def test_half_closed_client_gets_its_answer(served: Air) -> None:
    connection = reach.connect("pro", timeout=20)
    with connection.sock as sock:
        wire.send_request(sock, "GET", "/down?1000000")
        sock.shutdown(socket.SHUT_WR)
        assert len(wire.read_response(connection.reader).body) == 1_000_000


@pytest.mark.parametrize("size", [0, 1, 70_000, 20_000_000])
def test_bytes_arrive_as_sent(served: Air, size: int) -> None:
    body = os.urandom(size)
    assert ask("/echo", body, "POST").body == body


def test_large_transfer_lets_others_through(served: Air) -> None:
    """While 40 MB are on their way down, small requests are answered: before it ends, not after."""
    ask("/echo", b"x", "POST")
    done = threading.Event()

    def large() -> None:
        ask("/down?40000000")
        done.set()

    thread = threading.Thread(target=large)
    thread.start()
    answered = 0
    while not done.is_set():
        answered += ask("/echo", b"x", "POST").body == b"x"
    thread.join()
    assert answered >= 2


def test_flood_on_stderr_does_not_stall_the_answer(served: Air, pro: Pro) -> None:
    """What a runner says on stderr is unread by any client, yet it uses the channel's window."""
    pro.write_runner(f"(head -c 40000000 /dev/zero >&2) &\n{pro.gate}")
    assert len(ask("/down?2000000").body) == 2_000_000


def test_sockets_are_private(served: Air) -> None:
    ask("/echo", b"x", "POST")
    directory = paths.link_dir("pro")
    assert stat.S_IMODE(os.stat(directory).st_mode) == 0o700
    found = {entry.name: stat.S_IMODE(entry.stat().st_mode) for entry in os.scandir(directory)}
    assert {"requests.sock", "streams.sock", "link.log", "link.lock", "transport.json"} <= set(found)
    assert set(found.values()) == {0o600}


@one
def test_second_link_leaves_at_once(served: Air, start_link: Start) -> None:
    first = start_link()
    second = start_link()
    assert second.process.wait(10) == 0
    assert first.process.poll() is None
    assert control.running("pro") == first.process.pid


@one
def test_stale_sockets_are_replaced(served: Air, start_link: Start) -> None:
    first = start_link()
    first.process.kill()
    first.process.wait()
    assert os.path.exists(paths.link_socket("pro", streams=False))
    assert ask("/echo", b"x", "POST").body == b"x"


@one
def test_idle_link_leaves_and_the_next_client_starts_another(served: Air, start_link: Start) -> None:
    link = start_link("--idle-exit", "0.3")
    assert ask("/echo", b"x", "POST").body == b"x"
    assert link.process.wait(20) == 0
    assert not os.path.exists(paths.link_socket("pro", streams=False))
    assert ask("/echo", b"x", "POST").body == b"x"


@one
def test_busy_link_does_not_count_as_idle(served: Air, start_link: Start) -> None:
    start_link("--idle-exit", "0.2")
    assert numbers(100, 8) == list(range(1, 101))


@one
def test_link_without_its_directory_leaves(served: Air, start_link: Start) -> None:
    link = start_link()
    shutil.rmtree(paths.link_dir("pro"))
    assert link.process.wait(20) == 0
    assert not os.path.exists(paths.link_dir("pro"))


def test_terminated_link_leaves_nothing(served: Air, sshd: Sshd, start_link: Start) -> None:
    link = start_link()
    ask("/echo", b"x", "POST")
    link.process.send_signal(signal.SIGTERM)
    assert link.process.wait(10) == 0
    assert not os.path.exists(paths.link_socket("pro", streams=True))
    wait_for(lambda: not sshd.gates(), "the gates' end")


@pytest.mark.slow
def test_runner_that_restarts_is_found_again(served: Air, pro: Pro, sshd: Sshd) -> None:
    """Spare channels lead to the runner that was there when they were opened; they end with it."""
    ask("/echo", b"x", "POST")
    wait_for(lambda: len(sshd.gates()) >= 2, "spare channels")
    pro.stop_server()
    wait_for(lambda: not sshd.gates(), "the spares' end")
    assert failure().code == "no_runner"
    pro.start_server()
    wait_for(_works, "the runner")
    assert ask("/echo", b"y", "POST").body == b"y"


def test_refused_connection(air: Air) -> None:
    air.write_config(port=free_port())
    error = failure()
    assert error.code == "refused"
    assert "127.0.0.1:" in error.message and "ssh 127.0.0.1" in (error.hint or "")


@one
def test_unknown_name(air: Air) -> None:
    air.write_config(host="no-such-host.invalid")
    assert failure().code == "unresolved"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux drops connections when the backlog is full")
def test_black_hole_is_remembered_until_somebody_says_otherwise(air: Air, sshd: Sshd, pro: Pro) -> None:
    pro.start_server()
    sshd.stop()
    air.write_config(top="connect_timeout = 1")
    with black_hole(sshd.port):
        assert failure().code == "timeout"
    sshd.start()
    assert failure().code == "timeout"  # it would answer now, but nobody asks it
    control.forget_failure("pro")
    wait_for(_works, "the node")


def _works() -> bool:
    try:
        return ask("/echo", b"x", "POST").body == b"x"
    except NodeError:
        return False


@contextmanager
def black_hole(port: int) -> Iterator[None]:
    """A port that takes no more connections and does not say so: its backlog is full."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen(0)
        fill = [socket.socket() for _ in range(4)]
        for sock in fill:
            sock.setblocking(False)
            sock.connect_ex(("127.0.0.1", port))
        time.sleep(0.05)  # the kernel's own hand-shakes
        yield
        for sock in fill:
            sock.close()


def test_failures_known_at_once_are_soon_forgotten() -> None:
    failures = Failures(black_hole=60)
    failures.failed(NodeError("refused", "x"), failures.era)
    assert failures.remembered() is not None
    wait_for(lambda: failures.remembered() is None, "forgetting", timeout=2)


def test_failure_of_many_clients_counts_once() -> None:
    failures = Failures()
    error = NodeError("refused", "x")
    for _ in range(20):
        failures.failed(error, failures.era)
    wait_for(lambda: failures.remembered() is None, "forgetting", timeout=2)


def test_late_failure_does_not_bring_back_what_was_forgotten() -> None:
    failures = Failures()
    begun = failures.era
    failures.clear()
    failures.failed(NodeError("timeout", "x"), begun)
    assert failures.remembered() is None


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="counts threads in /proc")
def test_two_hundred_clients_leave_nothing_behind(served: Air, sshd: Sshd, start_link: Start) -> None:
    link = start_link()
    with ThreadPoolExecutor(9) as pool:
        list(pool.map(lambda _: ask("/echo", b"x", "POST"), range(40)))  # the link's own pool fills up first
        wait_for(lambda: len(sshd.gates()) <= 3, "the channels' end")
        before = _files(link)
        list(pool.map(lambda _: ask("/echo", b"x", "POST"), range(160)))
    wait_for(lambda: len(sshd.gates()) <= 3, "the channels' end")
    wait_for(lambda: _files(link) <= before, "the descriptors")
    assert _threads(link) <= 48 + 8  # its pool, two connections of three threads, the loop


def _files(link: LinkProcess) -> int:
    return len(os.listdir(f"/proc/{link.process.pid}/fd"))


def _threads(link: LinkProcess) -> int:
    return len(os.listdir(f"/proc/{link.process.pid}/task"))


@pytest.mark.parametrize("transport", ["paramiko", "openssh"])
def test_banner_of_the_host_is_not_in_the_way(served: Air, sshd: Sshd) -> None:
    """sshd shows it before the login, beside the channels; what it would do to a terminal stays there."""
    banner = sshd.directory / "banner"
    banner.write_text("Authorized use only \x1b[2J\n" * 40)
    sshd.stop()
    sshd.options.append(f"Banner {banner}")
    sshd.start()
    assert ask("/echo", b"x", "POST").body == b"x"
    assert "\x1b" not in Path(paths.link_dir("pro"), "link.log").read_text()
