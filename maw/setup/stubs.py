"""The way to the package that knows the git hooks: the one place where the kernel reaches for it, when it is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maw.git.repo import Repo

if TYPE_CHECKING:
    from maw_hooks.install import Change, State

__all__ = ["Change", "State", "install", "status", "uninstall", "warnings"]


def install(repo: Repo) -> list[Change]:
    """Install maw's hooks for this Python; again changes nothing. Raises FatalError where it must not be done."""
    from maw_hooks import install as stubs

    return stubs.install(repo)


def uninstall(repo: Repo) -> list[Change]:
    """Remove maw's hooks and put back those that were there before."""
    from maw_hooks import install as stubs

    return stubs.uninstall(repo)


def status(repo: Repo) -> list[State]:
    """How each hook is."""
    from maw_hooks import install as stubs

    return stubs.status(repo)


def warnings(repo: Repo) -> list[str]:
    """What whoever installs hooks here should know."""
    from maw_hooks import install as stubs

    return stubs.warnings(repo)
