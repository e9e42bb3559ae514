"""The git hooks, through the side that knows them. Its import is here, in the functions: the kernel knows no side."""

from __future__ import annotations

import os

from maw.checks.check import Check, fail, ok, warn
from maw.git.repo import Repo
from maw.setup import journal

_DONE = {"installed": "installed", "updated": "renewed"}
_GONE = {"removed": "removed", "restored": "removed, and the hook from before put back", "kept": "left alone"}


def apply(repo: Repo) -> list[str]:
    """Install the stubs; a line for each that changed. Raises FatalError."""
    from maw_hooks import install

    directory = install.hooks_dir(repo)
    if not os.path.isdir(directory):
        journal.note(repo, {"what": "directory", "path": directory})
    changes = [change for change in install.install(repo) if change.action in _DONE]
    return [f"{change.hook} hook {_DONE[change.action]}{_note(change.note)}" for change in changes]


def take_back(repo: Repo) -> list[str]:
    """Remove the stubs, whoever installed them; a line for each."""
    from maw_hooks import install

    changes = [change for change in install.uninstall(repo) if change.action in _GONE]
    return [f"{change.hook} hook {_GONE[change.action]}{_note(change.note)}" for change in changes]


def take_back_directory(entry: journal.Entry) -> str | None:
    """Remove a hooks directory that was made for our hooks, when nothing else lies in it by now."""
    path = str(entry["path"])
    if os.path.isdir(path) and not os.listdir(path):
        os.rmdir(path)
        return f"{path} removed"
    return None


def warnings(repo: Repo) -> list[str]:
    """What whoever installs should know."""
    from maw_hooks import install

    return install.warnings(repo)


def checks(repo: Repo) -> list[Check]:
    """How each hook is."""
    from maw_hooks import install

    return [_check(state) for state in install.status(repo)]


def _check(state: object) -> Check:
    hook, found, path, note = (str(getattr(state, name)) for name in ("hook", "state", "path", "note"))
    what = f"{hook} hook"
    text = f"{found}: {path}{_note(note)}"
    if found == "installed":
        return ok(what, f"{path}{_note(note)}")
    if found == "broken":
        return fail(what, text, "`maw hooks install` renews it")
    if found == "missing":
        return warn(what, f"not there: {path}", "`maw init` installs it; without it commits here are not reviewed")
    return warn(what, text, "`maw hooks install` renews ours, and keeps and runs another program's")


def _note(note: str) -> str:
    return f" ({note})" if note else ""
