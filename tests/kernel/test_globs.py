"""Globs for rules and exclusions."""

from __future__ import annotations

import time

import pytest

from maw.globs import first_match, matches


@pytest.mark.parametrize(
    ("glob", "yes", "no"),
    [
        ("**", ["a", "a/b.py", "a\nb"], []),
        ("*.py", ["a.py", "x/y/a.py"], ["a.pyc", "py"]),
        ("src/*.py", ["src/a.py"], ["src/x/a.py", "x/src/a.py"]),
        ("src/**/*.py", ["src/a.py", "src/x/y/a.py"], ["a.py", "xsrc/a.py"]),
        ("**/test_*.py", ["test_a.py", "x/test_b.py"], ["x/atest_a.py"]),
        ("docs/", ["docs/a", "x/docs/b/c"], ["docs", "mydocs/a"]),
        ("/docs/**", ["docs/a"], ["x/docs/a"]),
        ("a?c", ["abc"], ["ac", "a/c", "abbc"]),
        ("[ab].c", ["a.c", "b.c"], ["c.c"]),
        ("[!a].c", ["b.c"], ["a.c"]),
        ("a+(b).c", ["a+(b).c"], ["aab.c"]),
        ("[", ["["], ["a"]),
        ("[]", ["[]"], ["a"]),
        ("[z-a]", [], ["z", "a"]),
        ("a**b", ["ab", "axxb", "d/axb"], ["a/b"]),
        ("a/**/b", ["a/b", "a/x/y/b"], ["a/bb", "b"]),
        ("", [], ["a"]),
    ],
)
def test_what_a_glob_covers(glob: str, yes: list[str], no: list[str]) -> None:
    assert [path for path in yes if not matches(path, glob)] == []
    assert [path for path in no if matches(path, glob)] == []


def test_the_first_that_covers_is_named() -> None:
    assert first_match("a/b.py", ["*.c", "a/**", "*.py"]) == "a/**"
    assert first_match("a/b.py", []) is None


@pytest.mark.parametrize("glob", ["*" * 60 + "x", "**/" * 12 + "x", "*a" * 12 + "b", "**a" * 12 + "b"])
def test_a_hostile_glob_does_not_stall(glob: str) -> None:
    began = time.process_time()
    assert not matches("a/" * 30 + "a" * 40, glob)
    assert time.process_time() - began < 10  # without care it would take years
