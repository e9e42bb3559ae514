"""Checks of the repository around you: hooks, git's settings for notes, records that wait."""

from __future__ import annotations

import os
from collections.abc import Iterator

from maw.attendant import client, outbox, spool
from maw.checks.check import Check, fail, ok, warn
from maw.errors import FatalError
from maw.git import refs
from maw.git.repo import Repo
from maw.git.run import try_line
from maw.record import KINDS
from maw.setup import gitconfig, hooks
from maw.text import count


def checks(repo: Repo) -> Iterator[Check]:
    yield ok("repository", repo.root)
    yield from hooks.checks(repo)
    yield _openable(repo)
    yield from _refs(repo)
    yield from _notes(repo)
    yield _attendant(repo)
    if waiting := len(outbox.ids(repo)):
        found = f"waiting for a node: {count(waiting, 'review')}"
        yield warn("outbox", found, "`maw outbox` tells for which and why, and has them tried again")


def _openable(repo: Repo) -> Check:
    from maw.git.libgit import LibGit  # pygit2: doctor --help does without
    from maw.git.store import open_store

    try:
        by_libgit = isinstance(open_store(repo), LibGit)
    except FatalError as exc:
        return fail("notes", exc.message, exc.hint or "")
    return ok("notes", "can be kept in this repository" + ("" if by_libgit else ", by git itself instead of libgit2"))


def _refs(repo: Repo) -> Iterator[Check]:
    """The notes' refs that lead to no notes. (Those that lead somewhere are fine without saying so.)"""
    names = [refs.NOTES + name for name in refs.tips(repo, refs.NOTES)]
    # git does not list a ref whose file holds no object id; only a loose one can be like that.
    loose = [ref for ref in (refs.NOTES + kind for kind in KINDS) if _loose(repo, ref)]
    for ref in sorted({*names, *loose}):
        if try_line("rev-parse", "--verify", "--quiet", f"{ref}^{{tree}}", cwd=repo.root) is None:
            drop = f"rm '{_path(repo, ref)}'" if _loose(repo, ref) else f"git update-ref -d {ref}"
            again = f"then `git fetch REMOTE {ref}:{ref}`, where it was pushed"
            yield fail("notes", f"{ref} leads to no notes: it is damaged", f"`{drop}`, {again}")


def _loose(repo: Repo, ref: str) -> bool:
    return os.path.isfile(_path(repo, ref))


def _path(repo: Repo, ref: str) -> str:
    return os.path.join(repo.common_dir, ref)


def _notes(repo: Repo) -> Iterator[Check]:
    if gitconfig.carries_notes(repo):
        yield ok("notes.rewriteRef", "notes follow a commit through amend and rebase")
    else:
        yield warn(
            "notes.rewriteRef",
            "git leaves maw's notes behind when a commit is amended or rebased",
            f"git config --add notes.rewriteRef '{gitconfig.PATTERN}', or `maw init`",
        )
    losing = gitconfig.losing_mode(repo)
    if losing:
        yield warn(
            "notes.rewriteMode",
            f"is {losing}: lines of a note are lost when commits are squashed or amended",
            f"git config notes.rewriteMode {gitconfig.MODE}",
        )


def _attendant(repo: Repo) -> Check:
    waiting = len(spool.waiting(repo))
    running = client.ask({"v": 1, "op": "ping"}) is not None
    found = "running" if running else "not running; it starts when there is something to do"
    if waiting and not running:
        return warn(
            "attendant",
            f"{waiting} record(s) wait to be written as notes",
            "`maw history` writes them; attendant/attendant.log in the state directory tells what kept them",
        )
    return ok("attendant", found)
