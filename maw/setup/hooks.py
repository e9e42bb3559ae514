"""The git hooks, as `maw init`, `maw uninstall` and `maw doctor` see them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from maw.checks.check import Check, fail, ok, warn
from maw.git.repo import Repo
from maw.git.run import try_line
from maw.setup import journal, stubs

if TYPE_CHECKING:
    from maw.setup.stubs import State

_WITHOUT = {
    "pre-commit": "commits here are not reviewed", "post-commit": "reviews are not recorded",
    "prepare-commit-msg": "no messages are suggested", "commit-msg": "messages are not checked",
    "pre-push": "what is pushed is not checked",
}  # fmt: skip
_DONE = {"installed": "installed", "updated": "renewed"}
_GONE = {"removed": "removed", "restored": "removed, and the hook from before put back", "kept": "left alone"}


def apply(repo: Repo) -> list[str]:
    """Install the stubs; a line for each that changed. Raises FatalError."""
    directory = os.path.dirname(stubs.status(repo)[0].path)
    if not os.path.isdir(directory):
        journal.note(repo, {"what": "directory", "path": directory})
    changes = [change for change in stubs.install(repo) if change.action in _DONE]
    return [f"{change.hook} hook {_DONE[change.action]}{_note(change.note)}" for change in changes]


def take_back(repo: Repo) -> list[str]:
    """Remove the stubs, whoever installed them; a line for each."""
    framed = {entry["type"] for entry in journal.entries(repo) if entry["what"] == "pre-commit-type"}
    # What pre-commit removes in a moment is not told as left alone.
    changes = [
        change
        for change in stubs.uninstall(repo)
        if change.action in _GONE and not (change.action == "kept" and change.hook in framed)
    ]
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
    return stubs.warnings(repo)


def checks(repo: Repo) -> list[Check]:
    """How each hook is."""
    states = stubs.status(repo)
    away = _elsewhere(repo) if any(state.state == "missing" for state in states) else []
    return [*away, *(_check(state) for state in states)]


def _elsewhere(repo: Repo) -> list[Check]:
    """Told where hooks are missing because git looks for them in another place than its own."""
    found = try_line("config", "--show-origin", "--get", "core.hooksPath", cwd=repo.root)
    if found is None:
        return []
    where, _, path = found.partition("\t")
    return [
        warn(
            "core.hooksPath",
            f"is {path}, set in {where.removeprefix('file:')}: git looks for hooks there, and maw's are not there",
            "`git config core.hooksPath .git/hooks` gives this repository its own; then `maw init`",
        )
    ]


def _check(state: State) -> Check:
    what = f"{state.hook} hook"
    text = f"{state.state}: {state.path}{_note(state.note)}"
    if state.state == "installed":
        return ok(what, f"{state.path}{_note(state.note)}")
    if state.state == "broken":
        return fail(what, text, "`maw hooks install` renews it")
    if state.state == "missing":
        return warn(what, f"not there: {state.path}", f"`maw init` installs it; without it {_WITHOUT[state.hook]}")
    return warn(what, text, "`maw hooks install` renews ours, and keeps and runs another program's")


def _note(note: str) -> str:
    return f" ({note})" if note else ""
