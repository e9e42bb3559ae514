"""Fetch and push refs with a remote, by git's own command line: it has the user's credentials and transports."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Sequence
from typing import NamedTuple

from maw.errors import FatalError
from maw.git.repo import Repo
from maw.git.run import GitError, GitTimeout, line, no_git_env, program

# Nothing else is fetched, pushed, tidied or run along with what was asked for: no tags, hooks, submodules, gc.
_FETCH = ("--quiet", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules", "--no-auto-maintenance",
          "--no-filter", "--refmap=", "--prune", "--force")  # fmt: skip
_PUSH = ("--porcelain", "--no-verify", "--no-follow-tags", "--recurse-submodules=no", "--no-signed", "--no-force")
# Words of a refusal after which looking again helps: somebody else pushed meanwhile.
_RACES = ("fetch first", "non-fast-forward", "cannot lock ref", "failed to update ref", "stale info", "needs force")
# Without a person nothing may ask: not git, not ssh (which has no terminal in a session of its own), not a helper.
_ASK_NOTHING = {"GIT_TERMINAL_PROMPT": "0", "GIT_ASKPASS": "true", "SSH_ASKPASS_REQUIRE": "never"}


class Refused(NamedTuple):
    """A ref that the remote did not take. `raced`: because somebody else was faster."""

    ref: str
    reason: str
    raced: bool


def names(repo: Repo) -> list[str]:
    """The remotes of a repository."""
    return line("remote", cwd=repo.root).split()


def checked(repo: Repo, name: str | None) -> str:
    """The remote to use: `name`, or origin, or the only one. Raises FatalError."""
    known = names(repo)
    if not known:
        raise FatalError("this repository has no remote", hint="`git remote add origin URL` adds one")
    if name is None:
        name = "origin" if "origin" in known or len(known) > 1 else known[0]
    if name not in known:
        hint = f"it has {', '.join(known)}; `git remote add` adds one, so that what came from where can be told"
        raise FatalError(f"this repository has no remote called {name!r}", hint=hint)
    return name


def fetch(repo: Repo, remote: str, refspecs: Sequence[str], *, give_up: float, ask: bool) -> None:
    """Fetch; a ref that is gone there goes here too. `give_up` is a time.monotonic(). Raises GitError, GitTimeout."""
    _run(repo, ["fetch", *_FETCH, remote, *refspecs], give_up, ask=ask)


def push(repo: Repo, remote: str, refs: Sequence[str], *, give_up: float, ask: bool) -> list[Refused]:
    """Push refs under their own names, never by force; those that were not taken. Raises GitError, GitTimeout."""
    arguments = ["push", *_PUSH, remote, *(f"{ref}:{ref}" for ref in refs)]
    try:
        _run(repo, arguments, give_up, ask=ask)
    except _Failed as exc:
        refused = _refusals(exc.stdout)
        if not refused:
            raise
        return refused
    return []


class _Failed(GitError):
    """With what it printed. What went wrong stands in the first line that says so; advice of git's follows it."""

    def __init__(self, arguments: list[str], code: int, stdout: str, stderr: str) -> None:
        said = [text for text in stderr.splitlines() if text.strip()]
        fatal = [text for text in said if text.startswith(("fatal: ", "error: ", "ssh: "))]
        super().__init__(arguments, code, (fatal or said or [""])[0])
        self.stdout, self.stderr = stdout, stderr


def _refusals(output: str) -> list[Refused]:
    """The lines `!<tab>from:to<tab>[rejected] (reason)` of --porcelain."""
    found = []
    for said in output.splitlines():
        flag, _, rest = said.partition("\t")
        if flag == "!":
            refs, _, reason = rest.partition("\t")
            raced = "[rejected]" in reason or any(word in reason for word in _RACES)
            found.append(Refused(refs.partition(":")[2], reason, raced))
    return found


def _run(repo: Repo, arguments: list[str], give_up: float, *, ask: bool) -> None:
    """Run git, with all that it starts (ssh, credential helpers) in one group that ends with it."""
    environment = {**no_git_env(), "LC_ALL": "C", **({} if ask else _ASK_NOTHING)}
    try:
        process = subprocess.Popen(
            [program(), *arguments], cwd=repo.root, env=environment, start_new_session=not ask,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
    except FileNotFoundError as exc:
        raise GitError(arguments, 127, "git is not installed, or not on PATH") from exc
    with process:
        try:
            output, said = process.communicate(timeout=max(give_up - time.monotonic(), 0.001))
        except BaseException as exc:
            _end(process, group=not ask)
            if isinstance(exc, subprocess.TimeoutExpired):
                raise GitTimeout(arguments[:1], exc.timeout) from exc
            raise
    if process.returncode:
        told = (text.decode("utf-8", "replace") for text in (output, said))
        raise _Failed(arguments[:1], process.returncode, *told)


def _end(process: subprocess.Popen[bytes], *, group: bool) -> None:
    """SIGTERM lets git remove its lock files; what it started sees its pipes close, or is in the group."""
    try:
        os.killpg(process.pid, signal.SIGTERM) if group else process.terminate()
        process.wait(1)
    except subprocess.TimeoutExpired:
        process.kill()
    except ProcessLookupError:
        pass
