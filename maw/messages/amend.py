"""Give the last commit another message, and change nothing else."""

from __future__ import annotations

import os
import tempfile

from maw.errors import FatalError
from maw.git.repo import Repo, head_commit
from maw.git.run import git
from maw.messages import file, profile

_IN_PROGRESS = ("rebase-merge", "rebase-apply", "MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD", "sequencer")


def check(repo: Repo, *, force: bool) -> str:
    """The commit whose message may be rewritten: HEAD. Raises FatalError when it must not be."""
    head = head_commit(repo)
    if head is None or repo.worktree is None:
        raise FatalError("there is no commit to amend here")
    for name in _IN_PROGRESS:
        if os.path.lexists(os.path.join(repo.git_dir, name)):
            raise FatalError(f"git is in the middle of something ({name})", hint="end it first; `git status` tells how")
    if force:
        return head
    remote = git("branch", "--remotes", "--contains", head, "--format=%(refname:short)", cwd=repo.root)
    if remote.strip():
        where = remote.decode("utf-8", "replace").split()[0]
        raise FatalError(
            f"{head[:10]} is in {where} already; with another message it would be another commit",
            hint="--force rewrites it all the same",
        )
    return head


def message_of(repo: Repo, commit: str) -> str:
    """A commit's whole message."""
    options = ("-1", "--no-show-signature", "--no-notes", "--encoding=UTF-8", "--format=%B")
    return git("log", *options, commit, cwd=repo.root).decode("utf-8", "replace").strip() + "\n"


def with_trailers_of(old: str, new: str) -> str:
    """The new message with the old one's trailers (Signed-off-by, Change-Id …): they are not a model's to write."""
    trailers = [line for line in profile.split(old).trailers if line not in new]
    if not trailers:
        return new
    apart = "\n" if profile.split(new).trailers else "\n\n"
    return new.rstrip("\n") + apart + "\n".join(trailers) + "\n"


def rewrite(repo: Repo, head: str, message: str) -> None:
    """Rewrite HEAD's message, if it is `head` still. What is staged stays staged, and nothing is reviewed. Raises
    FatalError."""
    if head_commit(repo) != head:
        raise FatalError("HEAD moved meanwhile; nothing was amended")
    encoding = file.settings(repo).encoding
    content = file.encoded(message, encoding)
    if content is None:
        raise FatalError(f"the message cannot be written in {encoding} (i18n.commitEncoding)")
    with tempfile.NamedTemporaryFile(prefix="maw-message-") as opened:
        opened.write(content)
        opened.flush()
        # --only without paths leaves the index alone (git-commit(1)); verbatim, as a line may begin like a comment.
        options = ("--amend", "--only", "--allow-empty", "--no-verify", "--quiet", "--cleanup=whitespace")
        git("commit", *options, "-F", opened.name, cwd=repo.worktree)
