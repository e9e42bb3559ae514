"""`maw-hook commit-msg`: hold the message against the change and the repository's habits (message.check)."""

from __future__ import annotations

import os
import shlex
import time
from collections.abc import Callable
from functools import partial

from maw import files, paths
from maw.config.load import Config
from maw.errors import FatalError
from maw.git.repo import Repo, Staged, discover_at_head, staged_on, start_of_diff
from maw.git.run import GitTimeout, try_line
from maw.messages import check, file, learned, request, store
from maw.messages.check import Change, Problem
from maw_hooks import enabled
from maw_hooks.gitstate import in_progress
from maw_hooks.talk import Talk

DIFF_MAX = 2 * 1024 * 1024  # bytes of the change that are looked at; of a larger one only the names
BETTER = "MESSAGE"  # in <common>/maw: the better message, to be taken with -F


def run(talk: Talk, arguments: list[str]) -> int:
    """Exit code: 0 lets the commit pass, 1 blocks it. Raises GitError and OSError."""
    started = time.monotonic()
    repo, head = discover_at_head()
    if not arguments or in_progress(repo.git_dir):
        return 0
    config = enabled.configuration(repo.worktree)
    if config is None or config.values["message.check"] == "off":
        return 0
    settings = file.settings(repo)
    with open(arguments[0], "rb") as opened:
        content = opened.read(store.MESSAGE_MAX * 4)
    comment = file.comment_of(content, settings.comment)
    # Whether comments go is only certain where git's default was not changed for this commit: better too much goes.
    message = file.decoded(file.message(content, comment), settings.encoding)
    habits, now = learned.of(repo), staged_on(repo, head)
    ticket = request.ticket_for(habits, request.branch_of(repo), "") if habits.tickets else ""
    deadline = started + config.values["message.deadline"]
    judge = partial(check.check, habits=habits, change=_change(repo, now, message, deadline), ticket=ticket)
    problems = judge(message)
    if not problems:
        return 0
    enforced: bool = config.values["message.check"] == "enforce"
    better = _ready(repo, now, [check.mended(message, habits, ticket)], judge)
    if not better and enforced and now.tree != now.base:
        better = _asked(repo, config, now, message, deadline)
    path = _kept(repo, file.encoded(better, settings.encoding))
    _tell(talk, problems, better, path, enforced=enforced)
    return int(enforced)


def _ready(repo: Repo, now: Staged, texts: list[str], judge: Callable[[str], list[Problem]]) -> str:
    """A message without such problems that costs nothing: one of `texts`, or what was suggested for this change."""
    kept = store.get(repo, now.tree, now.head)
    return next((text for text in (*texts, *([kept["message"]] if kept else ())) if not judge(text)), "")


def _asked(repo: Repo, config: Config, now: Staged, message: str, deadline: float) -> str:
    """One that the node writes; empty where it does not (in time)."""
    from maw_hooks import suggested  # what asks a node

    try:
        return suggested.ask_for(repo, config, now, deadline, draft=message).messages[0]
    except (FatalError, OSError):
        return ""


def _kept(repo: Repo, better: bytes | None) -> str:
    """Where the better message lies for `git commit -F`."""
    if not better:
        return ""
    path = os.path.join(paths.make_private_dir(repo.maw_dir), BETTER)
    files.write_atomic(path, better)
    return path


def _change(repo: Repo, now: Staged, message: str, deadline: float) -> Change | None:
    """What is committed; None where that cannot be told (in time), or the message does not speak of it. When amending,
    git tells nobody, so that all that is new against the commit before is taken for it too."""
    if not check.speaks_of_change(message):
        return None
    texts = []
    for base in filter(None, (now.base, _tree_before(repo, now.head))):
        left = max(deadline - time.monotonic(), 0.001)
        try:
            diff, whole = start_of_diff(repo, base, now.tree, limit=DIFF_MAX, timeout=left)
        except GitTimeout:
            return None
        if not whole:
            return None
        texts.append(diff.decode("utf-8", "replace"))
    headers = (line.split(" ") for text in texts for line in text.split("\n") if line.startswith("diff --git "))
    return Change(tuple(dict.fromkeys(name[2:] for words in headers for name in words[2:])), "\n".join(texts))


def _tree_before(repo: Repo, head: str | None) -> str | None:
    return try_line("rev-parse", "--verify", "--quiet", f"{head}^^{{tree}}", cwd=repo.root) if head else None


def _tell(talk: Talk, problems: list[Problem], better: str, path: str, *, enforced: bool) -> None:
    talk.say("commit blocked for its message (message.check is enforce):" if enforced else "about the message:")
    for problem in problems:
        talk.more(problem.text)
    if path:
        talk.more("better:")
        for line in better.strip().split("\n"):
            talk.more(f"  {line}".rstrip())
        talk.more(f"`git commit {'' if enforced else '--amend '}-F {shlex.quote(path)}` takes it")
    elif not enforced:
        talk.more("`maw generate message --amend` writes a better one")
    if enforced:
        talk.more("`git commit -n` commits it as it is; MAW_SKIP=1 skips maw alone")
