"""`maw-hook prepare-commit-msg`: a message to begin with, in the editor that git is about to open.

Silent: what goes wrong here is not worth a line above an editor, and pre-commit has said it.
"""

from __future__ import annotations

import os
import time

from maw.asking import NoAnswer
from maw.config.load import Config
from maw.errors import FatalError
from maw.git.repo import discover_at_head, staged_on
from maw.messages import file, store
from maw.text import one_line
from maw_hooks import enabled, suggested
from maw_hooks.gitstate import in_progress

SOURCES = ("", "template")  # with which git says that there is no message yet


def run(arguments: list[str]) -> int:
    """Always 0. Raises GitError and OSError."""
    started = time.monotonic()
    path, source = _arguments(arguments)
    # git sets its editor to ":" for hooks where it opens none.
    if not path or source not in SOURCES or os.environ.get("GIT_EDITOR") == ":":
        return 0
    repo, head = discover_at_head()
    if in_progress(repo.git_dir):
        return 0
    config = enabled.configuration(repo.worktree)
    if config is None or not config.values["message.suggest"]:
        return 0
    settings = file.settings(repo)
    content = _read(path)
    comment = file.comment_of(content, settings.comment)
    now = staged_on(repo, head)
    # The text of a template is no message; other text is one, by a hook that ran before.
    if now.tree == now.base or (not source and file.has_text(content, comment)):
        return 0
    deadline = started + config.values["message.deadline"]
    try:
        found = suggested.ask_for(repo, config, now, deadline)
    except NoAnswer as exc:
        if exc.late and config.values["message.late"] == "comment" and settings.strips:
            _write(path, content + file.comments(_late(config, exc.partial), comment))
        return 0
    except (FatalError, OSError):
        return 0
    encoded = file.encoded(found.messages[0], settings.encoding)
    if encoded is None or any(line.startswith(comment) for line in encoded.split(b"\n")):
        return 0  # git would take such lines for comments
    _write(path, file.block(encoded, content, comment) + content)
    store.put(repo, now.tree, now.head, suggested.to_record(found, config, now))
    return 0


def _late(config: Config, partial: str) -> list[str]:
    lines = [f"maw: no message within {config.values['message.deadline']:g} s (message.deadline)"]
    if partial.strip():
        lines.append(f"maw: so far: {one_line(partial)}")
    return [*lines, "maw: `maw generate message --amend` writes one after the commit"]


def _arguments(arguments: list[str]) -> tuple[str, str]:
    """The file and the source; pre-commit and prek tell the latter in the environment alone."""
    path, source = [*arguments, "", ""][:2]
    return path, source or os.environ.get("PRE_COMMIT_COMMIT_MSG_SOURCE", "")


def _read(path: str) -> bytes:
    with open(path, "rb") as opened:
        return opened.read()


def _write(path: str, content: bytes) -> None:
    """In place: the editor may have been told of this very file."""
    with open(path, "wb") as opened:
        opened.write(content)
