"""What maw's key may do on the node: connect to the runner, and nothing else."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys

import pytest

from maw import protocol
from maw.link.channels import read_hello
from maw.link.target import Target
from maw_remote import gate
from tests.fixtures.ssh import USER, Air, Pro, Sshd
from tests.ssh.helpers import ask, failure

TARGET = Target("pro", "pro", None, None, "maw-runner", None, 2.0)


def ssh(air: Air, sshd: Sshd, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    """OpenSSH's client with maw's key."""
    command = ["ssh", "-i", str(air.key), "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes", "-p", str(sshd.port)]
    return subprocess.run(
        [*command, "-l", USER, *arguments], capture_output=True, check=False, stdin=subprocess.DEVNULL, timeout=30
    )


@pytest.mark.parametrize(
    "command",
    [
        "touch {0}", "sh -c 'touch {0}'", "bash -i", "connect; touch {0}", "maw-runner connect && touch {0}",
        "git-receive-pack x", "git-upload-pack /etc", "scp -f /etc/passwd", "\x1b[31mconnected",
    ],
)  # fmt: skip
def test_anything_else_is_refused_and_not_run(served: Air, sshd: Sshd, pro: Pro, command: str) -> None:
    trace = pro.home / "trace"
    done = ssh(served, sshd, "127.0.0.1", command.format(trace))
    assert done.returncode == gate.REFUSED
    assert done.stdout == b""
    assert b"may only connect" in done.stderr and b"\x1b" not in done.stderr
    assert not trace.exists()


def test_only_the_verb_counts_nothing_of_the_command_is_run(served: Air, sshd: Sshd, pro: Pro) -> None:
    trace = pro.home / "trace"
    done = ssh(served, sshd, "127.0.0.1", f"touch {trace}; /elsewhere/maw-runner connect")
    assert done.stdout.startswith(protocol.MAGIC)
    assert not trace.exists()


def test_sftp_is_refused(served: Air, sshd: Sshd) -> None:
    sshd.stop()
    sshd.options.append("Subsystem sftp internal-sftp")
    sshd.start()
    done = ssh(served, sshd, "-s", "127.0.0.1", "sftp")
    assert done.returncode != 0 and done.stdout == b""


BACKWARD = ("-N", "-o", "ExitOnForwardFailure=yes", "-R", "0:x:1")


@pytest.mark.parametrize("forward", [("-W", "127.0.0.1:{port}"), BACKWARD])
def test_forwarding_is_refused(served: Air, sshd: Sshd, forward: tuple[str, ...]) -> None:
    done = ssh(served, sshd, *(part.format(port=sshd.port) for part in forward), "127.0.0.1")
    assert done.returncode != 0 and b"SSH-" not in done.stdout


def test_noise_of_a_login_shell_is_skipped(served: Air, pro: Pro) -> None:
    pro.write_runner(f"head -c 60000 /dev/zero | tr '\\0' n\necho 'Welcome! MAW1'\n{pro.gate}")
    assert ask("/echo", b"x", "POST").body == b"x"


def test_bashrc_that_prints_is_skipped(served: Air, pro: Pro) -> None:
    (pro.home / ".bashrc").write_text("echo 'good morning'\n")
    assert ask("/echo", b"x", "POST").body == b"x"


def test_endless_noise_is_given_up(served: Air, pro: Pro) -> None:
    pro.write_runner("exec yes")
    error = failure()
    assert error.code == "no_runner" and "did not answer as a runner" in error.message


def test_missing_runner_is_told_with_its_last_words(served: Air, pro: Pro) -> None:
    pro.runner.unlink()
    error = failure()
    assert error.code == "no_runner"
    assert ("maw-runner" in error.message and "No such file" in error.message) or "not found" in error.message
    assert "maw node install pro" in (error.hint or "")


def test_other_protocol_is_told_with_both_versions(served: Air, pro: Pro) -> None:
    hello = json.dumps({"v": 1, "protocol": [7, 9], "version": "9.9"})
    pro.write_runner(f"printf '\\000MAW1\\n'; echo '{hello}'; cat")
    error = failure()
    assert error.code == "version"
    assert "9.9" in error.message and "[7, 9]" in error.message and "1 to 1" in error.message


def test_error_of_the_gate_reaches_the_client(served: Air, pro: Pro) -> None:
    """The runner's socket is there, its hello is not."""
    (pro.state / "runner" / "hello.json").write_text("{")
    error = failure()
    assert error.code == "no_runner" and "hello.json" in error.message


@pytest.fixture
def process(pro: Pro) -> subprocess.Popen[bytes]:
    """The gate as a process with pipes, a server behind it."""
    pro.start_server()
    return subprocess.Popen(
        [str(pro.runner)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=pro.env
    )


def test_end_of_input_does_not_cut_the_answer_off(process: subprocess.Popen[bytes]) -> None:
    out, err = process.communicate(b"GET /down?3000000 HTTP/1.1\r\n\r\n", timeout=20)
    assert err == b"" and process.returncode == 0
    head, _, body = out.partition(b"\r\n\r\n")
    assert head.startswith(protocol.MAGIC) and len(body) == 3_000_000


def test_gate_leaves_when_nobody_reads(process: subprocess.Popen[bytes]) -> None:
    assert process.stdout is not None and process.stdin is not None and process.stderr is not None
    process.stdin.write(b"GET /stuck HTTP/1.1\r\n\r\n")
    process.stdin.flush()
    process.stdout.readline()
    process.stdout.close()
    assert process.wait(10) == 0
    process.stdin.close()
    process.stderr.close()


def test_large_request_and_answer_at_once(process: subprocess.Popen[bytes]) -> None:
    body = os.urandom(5_000_000)
    out, _ = process.communicate(b"POST /echo HTTP/1.1\r\nContent-Length: 5000000\r\n\r\n" + body, timeout=20)
    assert out.endswith(body)


def test_gate_over_one_socket_as_sshd_gives_it(pro: Pro) -> None:
    """sshd hands a command one socket as both stdin and stdout; the peer's leaving shows as a hang-up there."""
    pro.start_server()
    ours, theirs = socket.socketpair()
    with theirs:
        process = subprocess.Popen([str(pro.runner)], stdin=theirs, stdout=theirs, env=pro.env)
    ours.sendall(b"GET /stuck HTTP/1.1\r\n\r\n")
    assert ours.recv(6) == protocol.MAGIC
    ours.close()
    assert process.wait(10) == 0


def test_gate_is_cheap_to_import() -> None:
    """It runs for every channel: what it does not need costs each of them."""
    code = "import sys; before = set(sys.modules); import maw_remote.gate; print(*set(sys.modules) - before)"
    modules = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"asyncio", "subprocess", "dataclasses", "pathlib", "argparse", "ssl", "logging"} & set(modules)
    outside = {name.partition(".")[0] for name in modules} - sys.stdlib_module_names
    assert outside == {"maw", "maw_remote"}


@pytest.mark.parametrize("size", [1, 7, 4096])
def test_hello_is_found_however_it_is_cut(size: int) -> None:
    hello = {"v": 1, "protocol": [1, 1], "node_id": "x"}
    data = b"noise\n\x00MAW noise" + protocol.MAGIC + protocol.line(hello) + b"early"
    parts = [data[start : start + size] for start in range(0, len(data), size)]
    found, early = read_hello(lambda: parts.pop(0) if parts else b"", TARGET, lambda: "")
    assert found == hello
    assert early + b"".join(parts) == b"early"
