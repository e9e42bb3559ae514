"""git's own settings that carry notes along when a commit is rewritten (githooks are not needed for it).

`notes.rewriteRef` has a value a ref pattern, and ours is added beside the user's. `notes.rewriteMode` is one for all
refs: cat_sort_uniq joins our lines cleanly, git's default (concatenate) is readable too, while overwrite and ignore
would lose lines; what the user chose is left as it is, and said.
"""

from __future__ import annotations

import fnmatch

from maw.git.refs import NOTES, refspec
from maw.git.repo import Repo
from maw.git.run import GitError, git, line, try_line
from maw.setup import journal

PATTERN = f"{NOTES}*"
MODE = "cat_sort_uniq"
_SAMPLE = f"{NOTES}review"
_FINE_MODES = ("cat_sort_uniq", "concatenate")


def apply(repo: Repo) -> list[str]:
    """Set what is missing; a line for each change."""
    said = []
    if not carries_notes(repo):
        journal.note(repo, {"what": "git-config", "key": "notes.rewriteRef", "value": PATTERN})
        git("config", "--local", "--add", "notes.rewriteRef", PATTERN, cwd=repo.root)
        said.append(f"git config notes.rewriteRef {PATTERN}: notes follow a commit through amend and rebase")
    if mode(repo) is None:
        journal.note(repo, {"what": "git-config", "key": "notes.rewriteMode", "value": MODE})
        git("config", "--local", "notes.rewriteMode", MODE, cwd=repo.root)
        said.append(f"git config notes.rewriteMode {MODE}: what two notes say is joined")
    return said


def fetch_notes(repo: Repo, remote: str) -> list[str]:
    """Let `git fetch` bring a remote's notes along; a line for the change."""
    key, value = f"remote.{remote}.fetch", refspec(remote)
    if fetches_notes(repo, remote):
        return []
    journal.note(repo, {"what": "git-config", "key": key, "value": value})
    git("config", "--local", "--add", key, value, cwd=repo.root)
    return [f"git config {key} {value}: `git fetch` brings the notes of {remote}, and maw joins them"]


def fetches_notes(repo: Repo, remote: str) -> bool:
    return refspec(remote) in values(repo, f"remote.{remote}.fetch")


def take_back(repo: Repo, entry: journal.Entry) -> str | None:
    """Remove a value that init added; None when it is gone already."""
    key, value = str(entry["key"]), str(entry["value"])
    if value not in values(repo, key, local=True):
        return None
    git("config", "--local", "--fixed-value", "--unset-all", key, value, cwd=repo.root)
    return f"git config {key}: {value} removed"


def carries_notes(repo: Repo) -> bool:
    """Whether git copies our notes when it rewrites a commit."""
    return any(fnmatch.fnmatchcase(_SAMPLE, pattern) for pattern in values(repo, "notes.rewriteRef"))


def mode(repo: Repo) -> str | None:
    """notes.rewriteMode as it is in force, None when nobody set it."""
    return try_line("config", "--get", "notes.rewriteMode", cwd=repo.root)


def losing_mode(repo: Repo) -> str | None:
    """The mode in force when it would lose lines of a note, else None."""
    found = mode(repo)
    return None if found is None or found.lower() in _FINE_MODES else found


def values(repo: Repo, key: str, *, local: bool = False) -> list[str]:
    """All values of a key, of every scope or of this repository's own file."""
    scope = ["--local"] if local else []
    try:
        found = line("config", *scope, "--get-all", key, cwd=repo.root)
    except GitError as exc:
        if exc.code == 1:  # not set
            return []
        raise
    return found.split("\n")
