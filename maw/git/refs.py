"""The refs of maw's notes, and where they point. Standard library only: what only has to know that needs no pygit2."""

from __future__ import annotations

from maw.git.repo import Repo
from maw.git.run import git, of
from maw.git.worktrees import heads

NOTES = "refs/notes/maw/"  # and a kind of records
TRACKING = "refs/notes/maw-remote/"  # and a remote and a kind: what was fetched from there


def refspec(remote: str) -> str:
    """What `git fetch` has to be told, or configured with, to bring a remote's notes along."""
    return f"+{NOTES}*:{TRACKING}{remote}/*"


def tips(repo: Repo, prefix: str) -> dict[str, str]:
    """Where the refs below `prefix` point, by the rest of their names; also to what is not there, or no commit."""
    return {ref: oid for oid, ref in _listed(repo, prefix, "%(objectname) %(refname)")}


def commits(repo: Repo, prefix: str) -> dict[str, str]:
    """Those of them that point to a commit. Raises GitError when one points to what is not there."""
    rows = _listed(repo, prefix, "%(objectname):%(objecttype) %(refname)")
    return {ref: told.partition(":")[0] for told, ref in rows if told.endswith(":commit")}


def roots(repo: Repo) -> set[str]:
    """What HEAD, here and in linked worktrees, branches, tags and remotes' branches point at: commits, mostly."""
    peeled = "%(if)%(*objectname)%(then)%(*objectname)%(else)%(objectname)%(end)"
    places = ("refs/heads", "refs/tags", "refs/remotes")
    told = git(*of(repo.common_dir), "for-each-ref", f"--format={peeled}", *places, cwd=repo.common_dir)
    return heads(repo) | set(told.decode("ascii").split())


def _listed(repo: Repo, prefix: str, form: str) -> list[tuple[str, str]]:
    """What git tells of each ref, which knows every way refs are stored, and its name without `prefix`."""
    told = git(*of(repo.common_dir), "for-each-ref", f"--format={form}", prefix, cwd=repo.common_dir)
    rows = (row.partition(" ") for row in told.decode("utf-8", "replace").splitlines())
    return [(about, ref.removeprefix(prefix)) for about, _, ref in rows]
