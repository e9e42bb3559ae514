"""An explanation as it can be shown: each of its references was looked up in the working tree."""

from __future__ import annotations

import functools
from typing import NamedTuple

from maw.generate import references
from maw.generate.files import text_of
from maw.generate.references import Reference, Source
from maw.git.repo import Repo
from maw.repomap import build
from maw.repomap.cache import Cache
from maw.text import count, printable


class Explanation(NamedTuple):
    """`text` is fit for a terminal; what is wrong in a reference was mended, or is marked in it."""

    text: str
    references: tuple[Reference, ...]

    @property
    def wrong(self) -> int:
        """How many references lead nowhere."""
        return sum(one.status in references.SAID for one in self.references)

    @property
    def told(self) -> str:
        """The same, said to a person."""
        return f"{count(self.wrong, 'reference')} of {len(self.references)} led nowhere, and is marked"


def checked(repo: Repo, answer: str) -> Explanation:
    """Raises FatalError and GitError."""
    text = printable(answer).strip()
    with Cache(repo) as cache:
        snapshot = build.load(repo, cache)

        @functools.cache
        def source(path: str) -> Source | None:
            content = text_of(repo, path)
            if content is None:
                return None
            tags = build.tags_of(cache, snapshot, path) if path in snapshot.files else None
            return Source(content.removesuffix("\n").split("\n"), tags.definitions if tags else ())

        found = references.find(text, source)
    return Explanation(references.marked(text, found), tuple(found))
