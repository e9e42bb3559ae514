"""What a failing command, or its output, says is to be mended: the files and lines, and the output in short."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from typing import NamedTuple

from maw.generate.failing import gist, locate, places, suspects
from maw.generate.failing.locate import Place
from maw.generate.failing.suspects import Suspect
from maw.generate.files import text_of
from maw.generate.request import OUTPUT_MAX, Span, Tried
from maw.generate.testing.frameworks import is_test
from maw.git.files import of_worktree
from maw.git.repo import Repo
from maw.repomap import build
from maw.repomap.build import Progress
from maw.repomap.cache import Cache

PLACES_TOLD = 5
_CANNOT_RUN = re.compile(r"\b(?:Syntax|Indentation|Tab|Name|Reference|Import|ModuleNotFound)Error\b|^error\b")


class Failure(NamedTuple):
    """`said` is the output's own line of what went wrong; `code` and `tests` are what it is about."""

    said: str
    output: str
    places: tuple[Place, ...]
    code: tuple[Suspect, ...]
    tests: tuple[Suspect, ...]

    @property
    def edit(self) -> tuple[str, ...]:
        """The files that may have to be changed: tests only where they cannot even run, or nothing else is named."""
        wrong = self.tests + self.code if self.in_tests else self.code
        return tuple(one.path for one in wrong)

    @property
    def in_tests(self) -> bool:
        """Whether a test may be what is wrong, not what it tests."""
        itself = bool(self.places) and is_test(self.places[0].path) and _CANNOT_RUN.search(self.said) is not None
        return bool(self.tests) and (itself or not self.code)

    @property
    def told(self) -> list[str]:
        """What was found, in lines for a person."""
        where = f" ({told(self.places)})" if self.places else ""
        tests = "it may be the test that is wrong, so that may be changed; else name the file that is"
        return [self.said + where, *([tests] if self.in_tests else [])]

    @property
    def focus(self) -> dict[str, tuple[Span, ...]]:
        return {one.path: one.lines for one in (*self.code, *self.tests)}

    @property
    def tried(self) -> Tried:
        return Tried(output=self.output)


def examined(repo: Repo, output: str, progress: Progress = lambda _done, _all: None) -> Failure:
    """Raises GitError and FatalError."""
    with Cache(repo) as cache:
        snapshot = build.load(repo, cache, None, progress)
        tags_of = functools.cache(lambda path: build.tags_of(cache, snapshot, path))
        found = _readable(repo, locate.locate(places.find(output), of_worktree(repo), repo.root))
        code, tests = suspects.find(found, snapshot, tags_of)
    return Failure(gist.headline(output), gist.of(output, OUTPUT_MAX), tuple(found), code, tests)


def _readable(repo: Repo, found: Sequence[Place]) -> list[Place]:
    """Without those in links, in what is no text, and in what is gone."""
    texts = {path: text_of(repo, path) for path in {one.path for one in found}}
    return [one for one in found if texts[one.path] is not None]


def told(found: Sequence[Place]) -> str:
    """The places in one line, the most telling first; a file alone only where none of its lines is named."""
    exact = {one.path for one in found if one.line}
    names = [f"{one.path}:{one.line}" if one.line else one.path for one in found if one.line or one.path not in exact]
    names = list(dict.fromkeys(names))
    more = f" and {len(names) - PLACES_TOLD} more" if len(names) > PLACES_TOLD else ""
    return ", ".join(names[:PLACES_TOLD]) + more
