"""Checks of the configuration: the user's file, the repository's, the environment."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator

from maw import network, paths
from maw.checks.check import Check, fail, ok, warn
from maw.config.load import MAKE_IT, REPO_FILE, BackendSettings, Config, load


def checks(worktree: str | None) -> Iterator[Check]:
    """One check a file, and one for each thing that could not be used."""
    yield from _user_file()
    if worktree is not None:
        yield from _repository_file(worktree)
    for backend in load(strict=False).backends.values():
        yield _backend(backend)
    for problem in _beyond(load(strict=False), load(environ={}, strict=False)):
        yield fail("environment", problem, "unset the variable, or correct its name or value")


def _backend(backend: BackendSettings) -> Check:
    """Where a server's settings send code. Asking it is the runner's business."""
    what, host = f"backend {backend.name}", network.host(backend.url)
    if network.is_private(host):
        return ok(what, f"{host} is this machine or on a private network")
    if backend.public:
        mend = f"`maw config unset backends.{backend.name}.public` refuses it"
        return warn(what, f"code that is sent to {host} leaves your own machines, as you allowed", mend)
    mend = f"another backends.{backend.name}.url; or allow it: `maw config set backends.{backend.name}.public true`"
    return fail(what, f"{host} is not on this machine or a private network, and is not asked", mend)


def in_force(worktree: str | None) -> Config:
    """The configuration as hooks use it: whatever cannot be used is left out."""
    return load(worktree=worktree, strict=False)


def _beyond(found: Config, below: Config) -> list[str]:
    """The problems that a layer adds to those of the layers below it."""
    return [problem for problem in found.problems if problem not in below.problems]


def _user_file() -> Iterator[Check]:
    path = paths.config_file()
    problems = load(environ={}, strict=False).problems
    if not os.path.exists(path):
        yield from (fail("settings", problem, MAKE_IT) for problem in problems)
        if not problems:
            yield ok("settings", f"{path} does not exist: defaults")
        return
    for problem in problems:
        yield fail("settings", problem, "`maw config edit` opens the file")
    if os.stat(path).st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        yield fail("settings", f"others may write {path}, which decides what is run", f"chmod go-w {path}")
    elif not problems:
        yield ok("settings", path)


def _repository_file(worktree: str) -> Iterator[Check]:
    path = os.path.join(worktree, REPO_FILE)
    if not os.path.exists(path):
        yield ok("repository's settings", f"no {REPO_FILE}: defaults")
        return
    problems = _beyond(load(worktree=worktree, environ={}, strict=False), load(environ={}, strict=False))
    for problem in problems:
        yield fail("repository's settings", problem, "`maw config edit --repo` opens the file")
    if not problems:
        yield ok("repository's settings", path)
