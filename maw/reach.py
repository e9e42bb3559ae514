"""Open a connection to a node, starting what is not running. Standard library only: the hook path imports this.

`local` is the runner on this machine. Any other name goes through that node's link (maw/link/), a small process
that owns the SSH connection; it is started here on demand, detached, and leaves by itself.
"""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import threading
import time
import weakref
from collections.abc import Iterator

from maw import paths, profiles, protocol, wire
from maw.errors import NodeError
from maw.light import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import subprocess

LOCAL = "local"
START_TIMEOUT = 20.0  # seconds a runner may take to listen; measured: 1 to 2
LINK_START_TIMEOUT = 5.0  # seconds a link may take to listen (importing paramiko included); measured: 0.5 to 1
_POLL = 0.01
_may_begin = True
_looks_only = False
_ahead: dict[str, subprocess.Popen[bytes]] = {}  # links that were started before anybody connected
_open: weakref.WeakSet[socket.socket] = weakref.WeakSet()
_opening = threading.Lock()
_hangups = 0


def hang_up() -> None:
    """Break off whatever any thread of this process waits for: who leaves waits for no answer. It gets a NodeError, and
    nothing is repeated or resumed; what is asked afterwards is asked."""
    global _hangups  # noqa: PLW0603 - of the process, as its sockets are
    with _opening:
        _hangups += 1
        for sock in list(_open):
            with contextlib.suppress(OSError):  # it had ended by itself
                sock.shutdown(socket.SHUT_RDWR)


def hung_up() -> int:
    """How often that was done: another number than before means that this is not to be tried again."""
    return _hangups


def begin_nothing() -> None:
    """From now on start nothing where there is no state directory. For a process that lives in it: it was removed
    then, and what is started for it would bring it back."""
    global _may_begin  # noqa: PLW0603 - one process, one way of life
    _may_begin = False


@contextlib.contextmanager
def only_looking() -> Iterator[None]:
    """Within it this process starts no runner on this machine: to connect to one at rest is a NodeError."""
    global _looks_only  # noqa: PLW0603 - of the process, as the above
    before, _looks_only = _looks_only, True
    try:
        yield
    finally:
        _looks_only = before


class Connection(NamedTuple):
    """An open connection: speak HTTP on `sock`, read through `reader`. `hello` is None for the local runner,
    whose hello is `GET /api/v1/status`."""

    sock: socket.socket
    reader: wire.Reader
    hello: protocol.Json | None


def connect(node: str, *, streams: bool = False, timeout: float = 30.0) -> Connection:
    """A connection to the runner of `node`, ready for one request.

    `timeout` (seconds) bounds the whole of it, and stays as the socket's own timeout. Raises NodeError.
    """
    deadline = time.monotonic() + timeout
    if node == LOCAL:
        return _connect_local(deadline)
    sock = _link_socket(node, streams, deadline)
    try:
        return _read_preface(sock, node, deadline)
    except BaseException:
        sock.close()
        raise


def start_ahead(node: str, since: float) -> None:
    """Have the node's link come up and dial while the caller has other things to do, where it is not up. Who waits has
    waited since `since`, a time.monotonic() value. What goes wrong is for `connect` to tell."""
    if node == LOCAL or os.path.exists(paths.link_socket(node, streams=False)):
        return
    with contextlib.suppress(NodeError, OSError):
        _ahead[node] = start_link(node, since)


def is_up(node: str) -> bool:
    """Whether the node's runner (or its link) takes connections now. Starts nothing."""
    path = paths.runner_socket() if node == LOCAL else paths.link_socket(node, streams=False)
    found = _try_connect(path, time.monotonic() + 1.0)
    if found is not None:
        found.close()
    return found is not None


def is_at_rest(node: str) -> bool:
    """Whether it is this machine, and no runner runs here: to look at one is no reason to start it."""
    return node == LOCAL and not is_up(node)


def at_rest() -> NodeError:
    """For who only looks."""
    hint = "it starts with the first task, or by `maw-runner start`"
    return NodeError("no_runner", "no runner runs on this machine", hint=hint)


def _connect_local(deadline: float) -> Connection:
    path = paths.runner_socket()
    sock = _try_connect(path, deadline)
    if sock is None and _looks_only:
        raise at_rest()
    if sock is None:
        start_runner(deadline)
        sock = _try_connect(path, deadline)
    if sock is None:
        raise NodeError(
            "refused",
            "the runner on this machine does not answer",
            hint="see `maw-runner logs` and `maw doctor`",
        )
    return Connection(sock, wire.Reader(sock), None)


def start_runner(deadline: float) -> None:
    """Start this machine's runner and wait until it listens. Raises NodeError with what it said when it cannot."""
    import subprocess  # here and below: 3 ms, and most often all that is needed runs already

    command = [sys.executable, "-P", "-m", "maw_remote", "start", *(["--existing"] if _state_is_there() else [])]
    wait = min(START_TIMEOUT, max(deadline - time.monotonic(), 0.1))
    # The stubs have Python heed none of its variables (-I); what a hook starts shall not either. By hand they hold.
    environment = _environment() if sys.flags.isolated else None
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            timeout=wait, check=False, cwd="/", env=environment,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise NodeError(
            "timeout",
            f"the runner on this machine did not start within {wait:.0f} s",
            hint="see `maw-runner logs`",
        ) from None
    if done.returncode != 0:
        reason, hint = why_it_failed(done.stderr, done.returncode)
        raise NodeError(
            "no_runner",
            f"the runner on this machine did not start: {reason}",
            hint=hint or "see `maw-runner logs`, or use another machine: `maw node add NAME HOST`",
        )


def why_it_failed(stderr: bytes, code: int) -> tuple[str, str | None]:
    """Why maw-runner failed: one line, and perhaps a hint below it (maw/cli/failure.py); without maw_remote, Python's
    own words: the last."""
    said = stderr.decode("utf-8", "replace").strip().splitlines()
    ours = [text.removeprefix("maw: ") for text in said if text.startswith("maw: ")]
    hints = [text.strip() for text in said if ours and text.startswith("     ")]
    return ours[0] if ours else said[-1] if said else f"exit code {code}", hints[0] if hints else None


def _state_is_there() -> bool:
    """Whether this is not the first use of all. Raises NodeError where that cannot be."""
    found = os.path.isdir(paths.state_dir())
    if not found and not _may_begin:
        raise NodeError("refused", "the state directory was removed", hint="the next maw command makes a new one")
    return found


def _link_socket(node: str, streams: bool, deadline: float) -> socket.socket:
    path = paths.link_socket(node, streams=streams)
    sock = _try_connect(path, deadline)
    if sock is not None:
        return sock
    link = _ahead.pop(node, None) or start_link(node)
    limit = min(deadline, time.monotonic() + LINK_START_TIMEOUT)
    while time.monotonic() < limit:
        sock = _try_connect(path, deadline)
        if sock is not None:
            return sock
        if link.poll():  # it ended, and not because another one serves
            raise NodeError(
                "refused",
                f"the link to {node} did not start{_last_words(node)}",
                hint=f"`maw node test {node}` says more",
            )
        time.sleep(_POLL)
    raise NodeError("timeout", f"the link to {node} did not start", hint=f"run `maw connect {node}` to see why")


def start_link(node: str, since: float | None = None) -> subprocess.Popen[bytes]:
    """Start the link process of `node`, detached. It takes a lock, so that a second one leaves at once, with code 0.
    With `since` it dials at once, and what passed since then is a part of its connect_timeout. Raises NodeError and
    OSError."""
    _state_is_there()
    waiting = [] if since is None else ["--since", f"{since:.3f}"]
    return spawn_detached(["-m", "maw.link", node, *waiting], _link_log(node))


def _link_log(node: str) -> str:
    return os.path.join(paths.make_private_dir(paths.link_dir(node)), "link.log")


def _last_words(node: str) -> str:
    with open(_link_log(node), "rb") as log:
        log.seek(max(os.fstat(log.fileno()).st_size - 4096, 0))
        said = log.read().decode("utf-8", "replace").strip().splitlines()
    return f": {said[-1]}" if said else ""


def spawn_detached(arguments: list[str], log: str, *, cwd: str = "/") -> subprocess.Popen[bytes]:
    """Run our interpreter with `arguments` in a session of its own, its output appended to `log` (mode 0600)."""
    import subprocess

    out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        # The child outlives us on purpose: init reaps it, so there is nothing to wait for.
        return subprocess.Popen(
            [sys.executable, "-P", *arguments], stdin=subprocess.DEVNULL, stdout=out, stderr=out,  # -P: not from `cwd`
            start_new_session=True, cwd=cwd, env=_environment(), close_fds=True,
        )  # fmt: skip
    finally:
        os.close(out)


def _environment() -> dict[str, str]:
    """For a process that outlives us. git's variables name the repository of the hook that runs, and its index;
    Python's may have it import what lies in a project."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "PYTHON"))}


def _try_connect(path: str, deadline: float) -> socket.socket | None:
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    sock.settimeout(max(deadline - time.monotonic(), 0.05))
    try:
        sock.connect(path)
    except (FileNotFoundError, ConnectionRefusedError):
        sock.close()
        return None
    except OSError as exc:
        sock.close()
        raise NodeError(
            "refused", f"cannot open {path}: {exc.strerror or exc}", hint="`maw doctor` looks at the state directory"
        ) from exc
    with _opening:
        _open.add(sock)
    return sock


def _read_preface(sock: socket.socket, node: str, deadline: float) -> Connection:
    sock.settimeout(max(deadline - time.monotonic(), 0.05))
    reader = wire.Reader(sock)
    try:
        message = protocol.parse_line(reader.line(protocol.HELLO_MAX))
    except TimeoutError:
        raise NodeError("timeout", f"{node} did not answer in time", hint=f"try `maw node test {node}`") from None
    except (wire.Cut, ValueError, OSError) as exc:
        raise NodeError("lost", f"the link to {node} broke: {exc}", hint=f"try `maw node test {node}`") from exc
    error = message.get("error")
    if isinstance(error, dict):
        hint = error.get("hint")
        raise NodeError(
            str(error.get("code", "refused")),
            str(error.get("message", "the node cannot be used")),
            hint=hint if isinstance(hint, str) else None,
        )
    hello = message.get("hello")
    if not isinstance(hello, dict) or not protocol.meets(hello.get("protocol")):
        raise NodeError(
            "version",
            f"{node} speaks protocol {hello.get('protocol') if isinstance(hello, dict) else '?'}, "
            f"this maw {protocol.PROTOCOL_MIN} to {protocol.PROTOCOL_MAX}",
            hint=f"install the same version of git-maw on {node} and here",
        )
    profiles.remember(node, hello.get("profiles"))
    return Connection(sock, reader, hello)
