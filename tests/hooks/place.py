"""A repository with maw's hooks where every hook that git starts, and what comes of it, is seen."""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
from pathlib import Path
from typing import NamedTuple

from maw import paths
from maw.attendant import spool
from maw.git.repo import Repo, discover, empty_tree
from maw.memory.index import Index
from maw.memory.query import Filters
from maw.setup import gitconfig
from maw_hooks import install
from tests.fixtures.git import Repository, make_repository
from tests.fixtures.waiting import wait_for

HOOKS = ("pre-commit", "prepare-commit-msg", "commit-msg", "post-commit", "pre-push")
NOTHING = "nothing"
CHANGE, INCREMENT, ALL = "the commit's change", "what the amendment adds", "the commit's change, all of it new"


class Seen(NamedTuple):
    """What came of a way of committing, in the words of the table.

    `ran`: the hooks that git started, in their order; in parentheses where maw left before Python started. `sent`: what
    the runner was asked to review. `recorded`: what HEAD's records say, newest first.
    """

    ran: str
    sent: str
    recorded: str


class Place:
    """Where somebody works. `path` is the worktree, `spare` a directory for what goes with it."""

    def __init__(self, spare: Path, path: Path) -> None:
        self.spare = spare
        self.path = path
        self._trace = spare / "trace"
        self._started = spare / "started"
        self._reviews = 0

    @classmethod
    def made(cls, spare: Path) -> Place:
        """A repository with a commit and all hooks."""
        place = cls(spare, make_repository(spare / "repo").path)
        Repository(place.path).commit("first", a__py="one = 1\ntwo = 2\n", b__py="b = 0\n")
        place.hook()
        return place

    @property
    def repo(self) -> Repo:
        return discover(str(self.path))

    def at(self, path: Path) -> Place:
        """The same work in another worktree or repository. Its hooks are not installed by this."""
        return Place(self.spare, path)

    def hook(self) -> None:
        """Install maw's hooks, those that tell when Python starts, and plain ones where maw has none."""
        install.install(self.repo)
        gitconfig.apply(self.repo)
        folder = Path(install.hooks_dir(self.repo))
        for name in HOOKS:
            path = folder / name
            text = path.read_text() if path.exists() else "#!/bin/sh\nexit 0\n"
            path.write_text(text.replace('\n"$python" -I', f'\necho $hook >>{self._started}\n"$python" -I'))
            path.chmod(0o755)

    def git(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run git as a user would, without a terminal."""
        return subprocess.run(
            ["git", *arguments], cwd=self.path, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60,
            env={**os.environ, "GIT_TRACE2_EVENT": str(self._trace), **environment}, check=False,
        )  # fmt: skip

    def ok(self, *arguments: str, **environment: str) -> str:
        done = self.git(*arguments, **environment)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.strip()

    def stage(self, name: str = "a.py", text: str = "changed = 1\n") -> None:
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        self.ok("add", "--", name)

    def commit(self, name: str = "a.py", text: str = "changed = 1\n", *arguments: str) -> None:
        """Stage a file and commit it, reviewed."""
        self.stage(name, text)
        self.ok("commit", "-q", "-m", f"change {name}", *arguments)

    def branch(self, name: str, *files: str) -> None:
        """Commits of these files, a reviewed one each, on a new branch; main stays as it is."""
        self.ok("switch", "-q", "-c", name)
        for number, file in enumerate(files):
            self.commit(file, f"x = {number}\n")
        self.ok("switch", "-q", "main")

    def watch(self) -> None:
        """Forget what was seen so far: what comes now is the way that is looked at."""
        self._settle()
        self._trace.unlink(missing_ok=True)
        self._started.unlink(missing_ok=True)
        self._reviews = len(_reviews())

    def seen(self) -> Seen:
        self._settle()
        return Seen(self._ran(), self._sent(), self._recorded())

    def _settle(self) -> None:
        """Have every record in its note."""
        repo = self.repo
        wait_for(lambda: spool.drain(repo) == 0, "the notes to stand")

    def _ran(self) -> str:
        started = set(self._started.read_text().split()) if self._started.exists() else set()
        events = self._trace.read_text() if self._trace.exists() else ""
        ran = dict.fromkeys(name for name in re.findall(r'"hook_name":"([^"]+)"', events) if name in HOOKS)
        ours = [hook for hook in install.HOOKS if hook not in ("prepare-commit-msg", "commit-msg")]
        stubs = Path(install.hooks_dir(self.repo))
        left = {name for name in ours if "this hook's maw" in (stubs / name).read_text() and name not in started}
        return ", ".join(f"({name})" if name in left else name for name in ran) or NOTHING

    def _sent(self) -> str:
        return "; ".join(map(self._told, _reviews()[self._reviews :])) or NOTHING

    def _told(self, payload: dict[str, str]) -> str:
        """A request in words. Its patch has the very lines that git tells between the two trees."""
        base, tree = payload["base"], payload["tree"]
        assert tree == self.ok("rev-parse", "HEAD^{tree}"), "another tree than the commit's"
        patch = base64.b64decode(payload["diff"]).decode("utf-8", "replace")
        assert _lines(patch) == _lines(self.ok("diff", "--no-renames", base, tree)), patch
        parent = self.git("rev-parse", "--verify", "-q", "HEAD~1^{tree}").stdout.strip()
        if base == parent:
            return CHANGE
        if base == self.git("rev-parse", "--verify", "-q", "HEAD@{1}^{tree}").stdout.strip():
            return INCREMENT
        assert base == empty_tree(self.repo)
        return ALL

    def _recorded(self) -> str:
        repo = self.repo
        with Index(repo) as index:
            index.refresh()
            rows = index.history(Filters(commit=self.ok("rev-parse", "HEAD"))).rows
        words = [f"{'bypassed' if row.bypassed else row.status}, {row.standing}" for row in rows]
        return "; ".join(words) or NOTHING


def reviews_file() -> Path:
    """Where the runner (reviewer.py) tells what it was asked, a line each."""
    return Path(paths.state_dir()) / "reviews"


def _reviews() -> list[dict[str, str]]:
    path = reviews_file()
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def _lines(patch: str) -> list[str]:
    """What a patch adds and removes."""
    return [line.rstrip("\r") for line in patch.split("\n") if line[:1] in ("+", "-")]
