"""The link through a real sshd, beside the same clients directly on the runner's socket.

Behind the gate is the small server of tests/ssh/server.py, so that the figures are the transport's. A "hook" is a whole
process: interpreter, maw.client, one submit of 20 KB, the answer, exit.
"""

from __future__ import annotations

import os
import shutil
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from benchmarks.rows import Row
from maw import paths, reach, wire
from maw.link import control
from tests.fixtures.ssh import Air, Pro, Sshd

HOOKS = 60
TRANSFER = 20_000_000
HOOK = (
    "import sys; from maw import client; "
    "client.submit(sys.argv[1], {'kind': 'review', 'payload': {'diff': 'x' * 20000}}, timeout=20)"
)


def run() -> list[Row]:
    """Rows of the whole hook process, events and transfers. Needs OpenSSH's sshd."""
    with machines() as pro:
        os.symlink(pro.state / "runner", os.path.join(_made(paths.state_dir()), "runner"))
        _hook("pro")
        return [*_hooks(), _together(), _event_latency(), _up(), _down()]


def _made(directory: str) -> str:
    return paths.make_private_dir(directory)


@contextmanager
def machines() -> Iterator[Pro]:
    """An Air and a Pro below the benchmark's home, a server running, a node `pro`."""
    home = Path(os.environ["HOME"])
    _wrap_ssh(home)
    pro = Pro(home / "pro")
    sshd = Sshd(home / "sshd", pro)
    sshd.start()
    try:
        air = Air(home, sshd)
        sshd.authorize(air.public_key)
        air.trust()
        pro.start_server()
        yield pro
    finally:
        control.stop("pro")
        sshd.stop()
        pro.stop_server()


def _wrap_ssh(home: Path) -> None:
    """ssh reads the configuration of the password file's home; this one's is put in its way."""
    wrapper = home / "bin" / "ssh"
    wrapper.parent.mkdir(parents=True)
    wrapper.write_text(f'#!/bin/sh\nexec {shutil.which("ssh")} -F {home}/.ssh/config "$@"\n')
    wrapper.chmod(0o755)
    (home / ".ssh").mkdir(mode=0o700)
    os.environ["PATH"] = f"{wrapper.parent}:{os.environ['PATH']}"


def _hook(node: str) -> float:
    begin = time.perf_counter()
    subprocess.run([sys.executable, "-c", HOOK, node], check=True)
    return (time.perf_counter() - begin) * 1000


def _hooks() -> list[Row]:
    """Direct and linked ones take turns, so that both see the same load."""
    pairs = [(_hook(reach.LOCAL), _hook("pro")) for _ in range(HOOKS)]
    direct, linked = (sorted(times) for times in zip(*pairs, strict=True))
    p50, p95 = statistics.median(linked), linked[int(len(linked) * 0.95)]
    ratio = p50 / statistics.median(direct)
    return [
        Row("hook process, submit to ack, on the socket, p50", statistics.median(direct), "", "ms", None),
        Row("hook process, submit to ack, warm link, p50", p50, "≤ 60", "ms", p50 <= 60),
        Row("hook process, submit to ack, warm link, p95", p95, "≤ 120", "ms", p95 <= 120),
        Row("hook process, warm link against socket", ratio, "≤ 1.6", "×", ratio <= 1.6),
    ]


def _together() -> Row:
    with ThreadPoolExecutor(20) as pool:
        futures = [pool.submit(_hook, "pro") for _ in range(20)]
    failed = sum(future.exception() is not None for future in futures)
    return Row("20 hook processes at once, failed", failed, "0", "", failed == 0)


def _event_latency() -> Row:
    connection = reach.connect("pro", streams=True)
    late = []
    with connection.sock as sock:
        wire.send_request(sock, "GET", "/api/v1/tasks/1000-2/events")
        for event in wire.read_events(connection.reader):
            late.append((time.time() - event.data["sent"]) * 1000)
    p50 = statistics.median(late)
    return Row("streamed event, sent to received, p50", p50, "≤ 2", "ms", p50 <= 2)


def _up() -> Row:
    body = os.urandom(TRANSFER)
    speed = _best(lambda sock: wire.send_request(sock, "POST", "/up", body))
    return Row("20 MB up", speed, "≥ 30", "MB/s", speed >= 30)


def _down() -> Row:
    speed = _best(lambda sock: wire.send_request(sock, "GET", f"/down?{TRANSFER}"))
    return Row("20 MB down", speed, "≥ 60", "MB/s", speed >= 60)


def _best(send: Callable[[socket.socket], None]) -> float:
    """MB/s of the best of five: others use the machine, too."""
    best = 0.0
    for _ in range(5):
        connection = reach.connect("pro")
        with connection.sock as sock:
            begin = time.perf_counter()
            send(sock)
            wire.read_response(connection.reader)
            best = max(best, TRANSFER / 1e6 / (time.perf_counter() - begin))
    return best
