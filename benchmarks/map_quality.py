"""How often a map holds what a commit will touch: `python -m benchmarks.map_quality REPOSITORY [--commits N]`.

For past commits whose message names files, the definitions that the commit changed are looked for, as they were before
it, in three contexts of the same budget: a map of the named files, the outlines of these files alone, and the files'
own text, cut where the budget ends. What a commit touches in tests is left out unless `--tests` is given.
"""

from __future__ import annotations

import argparse
import functools
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from typing import NamedTuple

from maw.git.repo import Repo, discover
from maw.git.run import git
from maw.repomap import build, fit, graph
from maw.repomap.cache import Cache
from maw.repomap.tags import Tags, enclosing

BUDGET = 4000
FILES_MAX = 3  # named by one message; a word that is the name of more says nothing
_HUNK = re.compile(rb"^@@ -(\d+)(?:,(\d+))? ", re.MULTILINE)

Touched = set[tuple[str, int]]  # file, and the definition's place in it


class Case(NamedTuple):
    """Of the definitions that a commit touched, how many were inside."""

    touched: int
    map: int
    outlines: int
    text: int


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("repository")
    parser.add_argument("--commits", type=int, default=100)
    parser.add_argument("--tests", action="store_true")
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="maw-map-quality-") as folder:
        subprocess.run(["git", "clone", "-q", "--bare", "--shared", asked.repository, folder], check=True)
        repo = discover(folder)
        cases = list(_cases(repo, asked.commits, asked.tests))
    _print(cases)
    return 0


def _print(cases: list[Case]) -> None:
    whole = sum(case.touched for case in cases)
    print(f"{len(cases)} commits, {whole} touched definitions, {BUDGET} tokens")
    for name in ("map", "outlines", "text"):
        inside = [(getattr(case, name), case.touched) for case in cases]
        complete = sum(found == touched for found, touched in inside)
        some = sum(found > 0 for found, _ in inside)
        print(f"{name:9} all inside {complete:4}   any inside {some:4}   definitions {sum(n for n, _ in inside):5}")


def _cases(repo: Repo, wanted: int, tests: bool) -> Iterator[Case]:
    found = 0
    with Cache(repo) as cache:
        for commit, parent, message in _log(repo):
            if found >= wanted:
                return
            changed = _changed(repo, parent, commit, tests)
            if not changed:
                continue
            snapshot = build.load(repo, cache, parent)
            named = _named(message, list(snapshot.files))
            tags_of = functools.cache(functools.partial(build.tags_of, cache, snapshot))
            touched = _touched({path: lines for path, lines in changed.items() if path in snapshot.files}, tags_of)
            if named and touched:
                found += 1
                print(f"{found}/{wanted} {commit[:10]}", end="\r", file=sys.stderr, flush=True)
                yield _case(repo, snapshot, named, touched, tags_of)


def _case(repo: Repo, snapshot: build.Snapshot, named: list[str], touched: Touched, tags_of) -> Case:
    ranks = graph.rank(snapshot.files, named)
    chosen = fit.choose(snapshot.files, ranks, named, BUDGET, tags_of)
    own = {path: snapshot.files[path] for path in named}
    alone = fit.choose(own, graph.rank(own, named), named, BUDGET, tags_of)
    shown = _lines_of_text(repo, snapshot, named)
    return Case(
        len(touched),
        sum(place in chosen.files.get(path, ()) for path, place in touched),
        sum(place in alone.files.get(path, ()) for path, place in touched),
        sum(tags_of(path).definitions[place].line <= shown.get(path, 0) for path, place in touched),
    )


def _lines_of_text(repo: Repo, snapshot: build.Snapshot, named: list[str]) -> dict[str, int]:
    """How many lines of each named file there is room for, one file after the other."""
    left = BUDGET * fit.BYTES_PER_TOKEN
    shown = {}
    for path in named:
        data = git("cat-file", "blob", f"{snapshot.commit}:{path}", cwd=repo.root)
        part = data[: max(left, 0)]
        shown[path] = part.count(b"\n")
        left -= len(part)
    return shown


def _log(repo: Repo) -> Iterator[tuple[str, str, str]]:
    """Commit, parent and message, newest first."""
    output = git("log", "--no-merges", "--min-parents=1", "-z", "--format=%H %P%n%B", "-4000", cwd=repo.root)
    for entry in output.decode("utf-8", "replace").split("\0"):
        head, _, message = entry.partition("\n")
        commit, parent = head.split()[:2]
        yield commit, parent, message


def _changed(repo: Repo, parent: str, commit: str, tests: bool) -> dict[str, list[int]]:
    """The lines of each Python file, as it was, that the commit changes or adds something after."""
    diff = git(
        "diff", "-U0", "--no-color", "--no-ext-diff", "--no-renames", parent, commit, "--", "*.py", cwd=repo.root
    )
    found: dict[str, list[int]] = {}
    for part in re.split(rb"^diff --git ", diff, flags=re.MULTILINE)[1:]:
        name = re.search(rb"^--- a/(.+)$", part, re.MULTILINE)
        if name is None or (not tests and b"test" in name[1]):
            continue
        for first, count in _HUNK.findall(part):
            lines = range(int(first), int(first) + max(int(count or b"1"), 1))
            found.setdefault(name[1].decode("utf-8", "replace"), []).extend(lines)
    return found


def _touched(changed: dict[str, list[int]], tags_of) -> Touched:
    found = set()
    for path, lines in changed.items():
        tags: Tags = tags_of(path)
        found |= {(path, place) for line in lines if (place := enclosing(tags, line)) >= 0}
    return found


def _named(message: str, paths: list[str]) -> list[str]:
    """The files that a message names: by path, by name, or by a module's name, or the first word of one, before the
    subject's colon ("cache: …", "create, import-tar: …")."""
    words = {word.rstrip(".") for word in re.findall(r"[\w./-]+", message)}
    topic, colon, _ = message.partition("\n")[0].partition(":")
    topics = set(re.findall(r"[\w-]+", topic.replace("-", "_"))) if colon else set()
    found: dict[str, None] = {}
    for path in paths:
        name = path.rpartition("/")[2]
        stem = name.removesuffix(".py")
        is_topic = "test" not in path and (stem in topics or (len(stem) > 3 and stem.partition("_")[0] in topics))
        if path in words or (name in words and name != "__init__.py") or is_topic:
            found[path] = None
    return list(found) if len(found) <= FILES_MAX else []


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
