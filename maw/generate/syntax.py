"""Whether what an answer makes of a file is still valid source, in all languages whose parsers are installed.

Python, JSON and TOML are the standard library's (maw.edits.syntax). tree-sitter's parsers run in a process of their own
(maw.repomap.parsing), since they are C code and read what a model wrote; where one fails, nothing is said.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial

from maw.edits import syntax
from maw.edits.syntax import Checker, Problem
from maw.repomap.languages import installed, language_of
from maw.repomap.parsing import Job, Parsers

EXTENSIONS = (
    "js", "mjs", "cjs", "jsx", "ts", "mts", "cts", "tsx", "go", "rs", "java", "c", "h", "cc", "cpp", "cxx", "hh", "hpp",
    "hxx", "cs", "rb", "rake", "sh", "bash", "php",
)  # fmt: skip


@contextmanager
def checkers() -> Iterator[Mapping[str, Checker]]:
    """By extension; the process that they share starts when it is first needed, and is gone afterwards."""
    with Parsers() as parsers:
        found = dict(syntax.CHECKERS)
        for extension in EXTENSIONS:
            language = language_of(f"a.{extension}")
            if language is not None and language in installed():
                found[f".{extension}"] = partial(_problem, parsers, language)
        yield found


def _problem(parsers: Parsers, language: str, text: str) -> Problem | None:
    found = parsers.problem(Job("", language, text.encode("utf-8", "replace")))
    return Problem(*found) if found else None
