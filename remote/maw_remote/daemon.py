"""The runner as a process: one a user by a lock, on a socket it binds itself, until it is told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import resource
import signal
import socket
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import uvicorn

from maw import files, paths, sockets
from maw.config.load import Config
from maw.errors import FatalError
from maw_remote import control, logs
from maw_remote.engine.interface import Engine
from maw_remote.http import app
from maw_remote.jobs.interface import Job
from maw_remote.runner.configuration import Configuration
from maw_remote.runner.runner import Runner
from maw_remote.runner.settings import Live, Settings, from_config

log = logging.getLogger(__name__)
_LOCK_WAIT = 20.0  # seconds a runner that is just leaving may take to let go of the lock
_WATCH_EVERY = 1.0  # seconds between looks whether the socket's file is still there
_DESCRIPTORS = 1024  # files and connections; more than select takes would be of no use
_BACKLOG = 256  # connections that wait to be accepted: hooks come in bursts


async def _nothing(_: Config) -> None:
    return


class Program(NamedTuple):
    """What the runner runs: jobs by kind, the engine they use, and further HTTP routes."""

    jobs: Mapping[str, Job]
    engine: Engine
    routes: Sequence[Any] = ()
    apply: Callable[[Config], Awaitable[None]] = _nothing  # a changed configuration, while no task runs


MakeProgram = Callable[[Config], Program]


def run(make: MakeProgram, *, settings: Callable[[Config], Settings] | None = None, idle_exit: float | None = None,
        ready_fd: int | None = None, to_stderr: bool = False) -> int:  # fmt: skip
    """Be the runner until it ends; 0 then, and also when one runs already. Raises FatalError.

    `ready_fd`: where b"ready" is written once the socket listens. `make` is called within the running loop.
    """
    directory = paths.make_private_dir(paths.runner_dir())
    path = paths.runner_socket()
    lock = _sole(os.path.join(directory, "lock"))
    if lock is None:
        _ready(ready_fd)
        return 0
    configuration = Configuration()
    _raise_descriptors()
    logs.set_up(os.path.join(directory, "runner.log"), to_stderr=to_stderr)
    for problem in configuration.problems:
        log.warning("a setting was not taken", extra={"problem": problem})
    try:
        asyncio.run(_serve(make, configuration, settings or partial(from_config, idle_exit=idle_exit), path, ready_fd))
    except FatalError as exc:
        log.error("did not start", extra={"reason": exc.message})
        raise
    finally:
        os.close(lock)
    return 0


def _raise_descriptors() -> None:
    """Each stream that somebody watches is a connection, and macOS lets a process have 256 unless it asks for more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _DESCRIPTORS if hard == resource.RLIM_INFINITY else min(_DESCRIPTORS, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _sole(lock_path: str) -> int | None:
    """The lock that makes this the user's only runner, with our pid in it; None when another one is at work."""
    give_up = time.monotonic() + _LOCK_WAIT
    while (fd := files.try_lock(lock_path)) is None:
        if control.listening():
            return None
        if time.monotonic() >= give_up:
            raise FatalError("another runner holds the lock but does not answer", hint="`maw-runner stop` ends it")
        time.sleep(0.02)
    os.ftruncate(fd, 0)
    os.pwrite(fd, b"%d\n" % os.getpid(), 0)
    return fd


@contextlib.contextmanager
def _bound(path: str) -> Iterator[tuple[socket.socket, os.stat_result]]:
    """The listening socket, 0600 from its first instant on, and its file, which is gone afterwards. The lock must be
    held."""
    sock = sockets.listen(path, _BACKLOG)
    bound = os.stat(path)
    try:
        yield sock, bound
    finally:
        sock.close()
        if sockets.is_still(path, bound):
            os.unlink(path)


async def _watch(path: str, bound: os.stat_result, leave: asyncio.Event) -> None:
    """Leave once nobody can reach us any more: the socket's file is gone, or another runner's lies there."""
    while sockets.is_still(path, bound):
        await asyncio.sleep(_WATCH_EVERY)
    log.warning("the socket is gone: leaving", extra={"file": path})
    leave.set()


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers: the runner has its own, and ends streams before connections."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def _serve(
    make: MakeProgram, configuration: Configuration, settings: Callable[[Config], Settings], path: str,
    ready_fd: int | None,
) -> None:  # fmt: skip
    program = make(configuration.config)
    live = Live(configuration, settings, program.apply)
    runner = Runner(paths.runner_dir(), jobs=program.jobs, engine=program.engine, live=live)
    await runner.start()
    try:
        with _bound(path) as (sock, bound):
            server = _server(app.create(runner, program.routes), runner.settings)
            serving = asyncio.create_task(server.serve(sockets=[sock]))
            with _signals(runner.leave):
                log.info("listening", extra={"pid": os.getpid(), "boot": runner.hello.boot_id})
                _ready(ready_fd)
                watching = asyncio.create_task(_watch(path, bound, runner.leave))
                leaving = asyncio.create_task(runner.leave.wait())
                await asyncio.wait({serving, leaving}, return_when=asyncio.FIRST_COMPLETED)
                leaving.cancel()
                watching.cancel()
            runner.hub.close()
            server.should_exit = True
            await serving
    finally:
        await runner.stop()


def _server(application: Any, settings: Settings) -> _Server:
    config = uvicorn.Config(
        application, log_config=None, access_log=False, lifespan="off", ws="none", loop="asyncio", http="h11",
        backlog=_BACKLOG, timeout_graceful_shutdown=max(round(settings.stop_timeout), 1),
    )  # fmt: skip
    return _Server(config)


@contextlib.contextmanager
def _signals(leave: asyncio.Event) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    names = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    for name in names:
        loop.add_signal_handler(name, leave.set)
    try:
        yield
    finally:
        # A second signal during the clean-up must not cut it short.
        for name in names:
            loop.add_signal_handler(name, lambda: None)


def _ready(fd: int | None) -> None:
    """Tell who started us: control.start by a pipe, systemd by its socket (sd_notify(3))."""
    notify = os.environ.pop("NOTIFY_SOCKET", None)  # not for our children to use
    if notify is not None:
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
            sock.sendto(b"READY=1", "\0" + notify[1:] if notify.startswith("@") else notify)
    if fd is not None:
        with contextlib.suppress(BrokenPipeError):  # who started us did not wait
            os.write(fd, b"ready\n")
        os.close(fd)


def main_program(config: Config) -> Program:
    """The jobs and the engine of a real runner."""
    from maw_remote.engine.choice import ChosenEngine
    from maw_remote.engine.local import make_engine
    from maw_remote.engine.openai.backend import ServerEngine
    from maw_remote.http.models import model_routes
    from maw_remote.jobs.registry import make_jobs

    jobs, local = make_jobs(config), make_engine(config)
    engine = ChosenEngine(local, ServerEngine(config))

    async def apply(changed: Config) -> None:
        for job in jobs.values():
            job.configure(changed)
        await engine.configure(changed)

    return Program(jobs, engine, model_routes(local), apply)
