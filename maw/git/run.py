"""Run the git command line. All git commands of maw go through here. Standard library only (hook path)."""

from __future__ import annotations

import os
import selectors
import subprocess
import time

from maw.errors import INCOMPLETE, FatalError
from maw.light import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

# Set by git inside hooks (git-rev-parse(1) --local-env-vars). They belong to the repository the hook runs in and
# would redirect a git command that is meant for another one; an inherited GIT_INDEX_FILE even corrupts its index.
LOCAL_ENV = (
    "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_CONFIG", "GIT_CONFIG_PARAMETERS", "GIT_CONFIG_COUNT",
    "GIT_OBJECT_DIRECTORY", "GIT_DIR", "GIT_WORK_TREE", "GIT_IMPLICIT_WORK_TREE", "GIT_GRAFT_FILE", "GIT_INDEX_FILE",
    "GIT_NO_REPLACE_OBJECTS", "GIT_REPLACE_REF_BASE", "GIT_PREFIX", "GIT_SHALLOW_FILE", "GIT_COMMON_DIR",
    "GIT_INTERNAL_SUPER_PREFIX",
)  # fmt: skip


# With it git fetches nothing that a partial clone lacks: the second is for those before 2.45.
OFFLINE = {"GIT_NO_LAZY_FETCH": "1", "GIT_ALLOW_PROTOCOL": "none"}

# Why git refuses a whole repository: a word of it that no translation changes, what it means, and what to do about it.
_REFUSALS = (
    ("safe.directory", "it belongs to another user", "`git config --global --add safe.directory PATH` trusts it"),
    ("refstorage", "its refs are a reftable, which this git does not know", "git 2.45 and later read it"),
    ("extension", "it has an extension that this git does not know", "`git status` there names it"),
)


class GitError(FatalError):
    """A git command failed. `code` is its exit status, `stderr` what it said."""

    def __init__(self, arguments: list[str], code: int, stderr: str) -> None:
        said = stderr.strip().splitlines()
        super().__init__(f"`git {' '.join(arguments)}` failed ({code})" + (f": {said[-1]}" if said else ""))
        self.code = code
        self.stderr = stderr


class RepositoryRefused(GitError):
    """git does not work in this repository at all, whatever it is asked."""

    def __init__(self, stderr: str, reason: str, hint: str) -> None:
        FatalError.__init__(self, f"git refuses this repository: {reason}", hint=hint)
        self.code = 128
        self.stderr = stderr


class GitTimeout(GitError):
    """A git command was ended because it took longer than it had: no end after `timeout` seconds."""

    exit_code = INCOMPLETE

    def __init__(self, arguments: list[str], timeout: float) -> None:
        super().__init__(arguments, 124, f"no end after {timeout:.3g} s")


def of(git_dir: str) -> tuple[str, str]:
    """Options that name the repository, so that git does not look for one. It found this one before, and judged it by
    safe.directory and safe.bareRepository; looked for from within, the same one may be refused."""
    return ("--git-dir", git_dir)


def no_git_env() -> dict[str, str]:
    """The environment for a git command in a repository other than the one whose hook may be running."""
    return {name: value for name, value in os.environ.items() if name not in LOCAL_ENV}


def git(
    *arguments: str,
    cwd: str | None = None,
    stdin: bytes | None = None,
    env: dict[str, str] | None = None,
    timeout: float | None = None,
    well: tuple[int, ...] = (0,),
) -> bytes:
    """Run git and return its standard output. Raises GitError, also when git is not installed, and GitTimeout after
    `timeout` seconds. `well`: the exit codes that are no failure.

    Without `env` the caller's is used: inside a hook that names the right index.
    """
    # An empty input is a closed one: git never reads our terminal or the hook's own standard input.
    try:
        done = subprocess.run(
            [program(), *arguments],
            input=stdin or b"", cwd=cwd, env=env, timeout=timeout, check=False, capture_output=True,
        )  # fmt: skip
    except FileNotFoundError as exc:
        raise _not_started(arguments, cwd) from exc
    except subprocess.TimeoutExpired as exc:
        raise GitTimeout(list(arguments), timeout or 0.0) from exc
    if done.returncode not in well:
        raise _failure(arguments, done.returncode, done.stderr)
    return done.stdout


def _not_started(arguments: tuple[str, ...], cwd: str | None) -> GitError:
    """Either git is not there, or the folder that it was to run in."""
    gone = cwd is not None and not os.path.isdir(cwd)
    return GitError(list(arguments), 127, f"{cwd} is not there" if gone else "git is not installed, or not on PATH")


def _failure(arguments: tuple[str, ...], code: int, stderr: bytes) -> GitError:
    said = stderr.decode("utf-8", "replace")
    for word, reason, hint in _REFUSALS if code == 128 else ():
        if word in said.lower():
            return RepositoryRefused(said, reason, hint)
    return GitError(list(arguments), code, said)


def git_start(
    *arguments: str,
    limit: int,
    cwd: str | None = None,
    env: dict[str, str] | None = None,
    timeout: float | None = None,
) -> tuple[bytes, bool]:
    """At most `limit` bytes of git's standard output, and whether they are all of it; if not, git is ended.

    So neither the memory nor the time depends on how much git would print. Raises as git does.
    """
    output = bytearray()

    def take(part: bytes) -> bool:
        output.extend(part)
        return len(output) <= limit

    whole = git_feed(*arguments, take=take, cwd=cwd, env=env, timeout=timeout)
    del output[limit:]
    return bytes(output), whole


def git_feed(
    *arguments: str,
    take: Callable[[bytes], bool],
    cwd: str | None = None,
    env: dict[str, str] | None = None,
    timeout: float | None = None,
) -> bool:
    """Give git's standard output to `take` as it comes, until that says False; whether it was all. If not, git is
    ended. Raises as git does."""
    try:
        process = subprocess.Popen(
            [program(), *arguments],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=cwd, env=env,
        )  # fmt: skip
    except FileNotFoundError as exc:
        raise _not_started(arguments, cwd) from exc
    said = bytearray()
    with process:
        try:
            whole = _read_both(process, take, said, timeout)
            if not whole:
                process.kill()
            code = process.wait()
        except BaseException as exc:  # whatever happens, Ctrl-C too, git does not go on alone
            process.kill()
            if isinstance(exc, TimeoutError):
                raise GitTimeout(list(arguments), timeout or 0.0) from exc
            raise
    if whole and code != 0:
        raise _failure(arguments, code, bytes(said))
    return whole


def _read_both(
    process: subprocess.Popen[bytes], take: Callable[[bytes], bool], said: bytearray, timeout: float | None
) -> bool:
    """Give standard output to `take` and gather standard error; False when `take` had enough. Raises TimeoutError."""
    give_up = None if timeout is None else time.monotonic() + timeout
    with selectors.DefaultSelector() as selector:
        for pipe in (process.stdout, process.stderr):
            assert pipe is not None
            selector.register(pipe, selectors.EVENT_READ)
        while selector.get_map():
            left = None if give_up is None else give_up - time.monotonic()
            if left is not None and left <= 0:
                raise TimeoutError
            for key, _ in selector.select(left):
                part = os.read(key.fd, 65536)
                if not part:
                    selector.unregister(key.fileobj)
                elif key.fileobj is process.stderr:
                    said.extend(part)
                elif not take(part):
                    return False
    return True


def program() -> str:
    """The git that runs this hook, where one does (git sets the variable); a GUI's PATH may not have it."""
    directory = os.environ.get("GIT_EXEC_PATH")
    own = os.path.join(directory, "git") if directory else ""
    return own if own and os.access(own, os.X_OK) else "git"


def line(*arguments: str, cwd: str | None = None, env: dict[str, str] | None = None) -> str:
    """The output of a git command that prints one line, without its end."""
    return os.fsdecode(git(*arguments, cwd=cwd, env=env).removesuffix(b"\n"))


def try_line(*arguments: str, cwd: str | None = None, env: dict[str, str] | None = None) -> str | None:
    """Like line, but None when git says no (a name that does not resolve, a key that is not set)."""
    try:
        return line(*arguments, cwd=cwd, env=env)
    except GitError as exc:
        if exc.code in (124, 127):
            raise
        return None


def zsplit(output: bytes) -> list[bytes]:
    """The entries of `-z` output."""
    return [entry for entry in output.split(b"\0") if entry]
