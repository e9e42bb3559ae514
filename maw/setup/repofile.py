"""The repository's .maw.toml: made once, taken back only while it is as it was made and no commit has it."""

from __future__ import annotations

import os

from maw import files
from maw.config.edit import initial_repository_text, write_new
from maw.config.load import REPO_FILE
from maw.git.repo import Repo
from maw.git.run import git
from maw.setup import journal


def apply(repo: Repo, worktree: str) -> list[str]:
    """Write the file when there is none; a line for the change."""
    path = os.path.join(worktree, REPO_FILE)
    if os.path.lexists(path):
        return []
    text = initial_repository_text()
    journal.note(repo, {"what": "file", "path": path, "sha256": journal.digest(text.encode())})
    write_new(path, text, private=False)
    return [f"{REPO_FILE}: made; say there what reviews should look for, and commit it"]


def take_back(entry: journal.Entry) -> str | None:
    """Remove a file that init made, unless it was changed or committed since; None when it is gone already."""
    path = str(entry["path"])
    try:
        content = files.read_bounded(path)
    except files.UnfitFile as exc:
        return f"{path} was changed since ({exc.strerror}), so it stays"
    if content is None:
        return None
    name = os.path.basename(path)
    if journal.digest(content) != entry["sha256"]:
        return f"{path} was changed since, so it stays"
    if git("ls-files", "-z", "--", name, cwd=os.path.dirname(path)):
        return f"{path} is in git, so it stays; `git rm {name}` removes it"
    os.unlink(path)
    return f"{path} removed"
