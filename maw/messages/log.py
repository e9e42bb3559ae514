"""Read commits for the index of messages: `git log`, as it comes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from maw.git.partial import is_partial
from maw.git.repo import Repo
from maw.git.run import OFFLINE, git_feed, no_git_env, of
from maw.light import NamedTuple
from maw.messages import features

PATCH_MAX = 64 * 1024  # bytes of a commit's patch that are looked at
PATHS_MAX = 100
_HEAD = re.compile(rb"\x01([0-9a-f]{40,64})\0([^\0]*)\0(\d+)\0")
_FORMAT = "--format=%x01%H%x00%an <%ae>%x00%ct%x00%B%x00"
_OPTIONS = (
    "--no-merges", "--no-show-signature", "--no-notes", "--no-color", "--no-ext-diff", "--no-textconv", "--no-renames",
    "--encoding=UTF-8", "--no-mailmap", "--ignore-submodules=all", "--src-prefix=a/", "--dst-prefix=b/", "-O/dev/null",
)  # fmt: skip


class Commit(NamedTuple):
    """`patch` is the start of it, without context; empty where only names were asked for."""

    oid: str
    author: str
    time: int
    message: str
    paths: list[str]
    patch: str


def read(repo: Repo, revisions: Sequence[str], take: Callable[[Commit], None], *, most: int, patches: bool) -> None:
    """Give `take` the commits of `revisions`, at most so many, newest first, merges left out. Nothing is fetched that a
    partial clone lacks. Raises GitError."""
    feed = _Feed(take, patches=patches)
    what = ("-p", "-U0") if patches else ("--name-only", "-z")
    config = ("-c", "core.quotePath=false", "-c", "core.bigFileThreshold=256k", "-c", "diff.noprefix=false")
    arguments = (*of(repo.common_dir), *config, "log", f"--max-count={most}", *_OPTIONS, *what, _FORMAT)
    env = {**no_git_env(), **OFFLINE}
    git_feed(*arguments, *revisions, "--", take=feed.take, cwd=repo.common_dir, env=env)
    feed.end()


def has_patches(repo: Repo) -> bool:
    """False in a partial clone, where patches would have to be fetched."""
    return not is_partial(repo)


class _Feed:
    """Cuts git's output into commits. Its memory is bounded by PATCH_MAX, not by how large a commit is."""

    def __init__(self, take: Callable[[Commit], None], *, patches: bool) -> None:
        self._take = take
        self._patches = patches
        self._data = bytearray()  # from a commit's head on

    def take(self, part: bytes) -> bool:
        self._data += part
        while (found := _HEAD.search(self._data, 1)) is not None:
            self._tell(bytes(self._data[: found.start()]))
            del self._data[: found.start()]
        over = len(self._data) - 4 * PATCH_MAX
        if over > 0:  # the middle of a large commit: its start is kept, and its end, where the next head may begin
            del self._data[2 * PATCH_MAX : 2 * PATCH_MAX + over]
        return True

    def end(self) -> None:
        self._tell(bytes(self._data))

    def _tell(self, record: bytes) -> None:
        head = _HEAD.match(record)
        if head is None:
            return
        message, _, rest = record[head.end() :].partition(b"\0")
        patch = rest[:PATCH_MAX].decode("utf-8", "replace") if self._patches else ""
        paths = features.patch_paths(patch) if self._patches else list(_paths_of_names(rest))
        self._take(
            Commit(
                head[1].decode("ascii"),
                head[2].decode("utf-8", "replace"),
                int(head[3]),
                message.decode("utf-8", "replace").strip(),
                paths[:PATHS_MAX],
                patch,
            )
        )


def _paths_of_names(rest: bytes) -> Iterator[str]:
    yield from (name.strip(b"\n").decode("utf-8", "replace") for name in rest.split(b"\0") if name.strip(b"\n"))
