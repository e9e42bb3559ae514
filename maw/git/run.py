"""Run the git command line. All git commands of maw go through here. Standard library only (hook path)."""

from __future__ import annotations

import os
import subprocess

from maw.errors import FatalError

# Set by git inside hooks (git-rev-parse(1) --local-env-vars). They belong to the repository the hook runs in and
# would redirect a git command that is meant for another one; an inherited GIT_INDEX_FILE even corrupts its index.
LOCAL_ENV = (
    "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_CONFIG", "GIT_CONFIG_PARAMETERS", "GIT_CONFIG_COUNT",
    "GIT_OBJECT_DIRECTORY", "GIT_DIR", "GIT_WORK_TREE", "GIT_IMPLICIT_WORK_TREE", "GIT_GRAFT_FILE", "GIT_INDEX_FILE",
    "GIT_NO_REPLACE_OBJECTS", "GIT_REPLACE_REF_BASE", "GIT_PREFIX", "GIT_SHALLOW_FILE", "GIT_COMMON_DIR",
    "GIT_INTERNAL_SUPER_PREFIX",
)  # fmt: skip


class GitError(FatalError):
    """A git command failed. `code` is its exit status, `stderr` what it said."""

    def __init__(self, arguments: list[str], code: int, stderr: str) -> None:
        said = stderr.strip().splitlines()
        super().__init__(f"`git {' '.join(arguments)}` failed ({code})" + (f": {said[-1]}" if said else ""))
        self.code = code
        self.stderr = stderr


def no_git_env() -> dict[str, str]:
    """The environment for a git command in a repository other than the one whose hook may be running."""
    return {name: value for name, value in os.environ.items() if name not in LOCAL_ENV}


def git(
    *arguments: str,
    cwd: str | None = None,
    stdin: bytes | None = None,
    env: dict[str, str] | None = None,
    timeout: float | None = None,
) -> bytes:
    """Run git and return its standard output. Raises GitError, also when git is not installed.

    Without `env` the caller's is used: inside a hook that names the right index.
    """
    # An empty input is a closed one: git never reads our terminal or the hook's own standard input.
    try:
        done = subprocess.run(
            [_program(), *arguments],
            input=stdin or b"", cwd=cwd, env=env, timeout=timeout, check=False, capture_output=True,
        )  # fmt: skip
    except FileNotFoundError as exc:
        raise GitError(list(arguments), 127, "git is not installed, or not on PATH") from exc
    except subprocess.TimeoutExpired as exc:
        raise GitError(list(arguments), 124, f"no end after {timeout:g} s") from exc
    if done.returncode != 0:
        raise GitError(list(arguments), done.returncode, done.stderr.decode("utf-8", "replace"))
    return done.stdout


def _program() -> str:
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
