"""Documentation changes no code."""

from __future__ import annotations

import importlib.util

import pytest

from maw.edits.diff import FileEdit
from maw.edits.propose import Proposal
from maw.edits.refusal import Refused
from maw.generate import sameness

with_parsers = pytest.mark.skipif(importlib.util.find_spec("tree_sitter") is None, reason="parsers are an extra")
GO = "package a\n\nfunc A() int {\n\treturn 1\n}\n"


def same(path: str, old: str, new: str) -> bool:
    try:
        sameness.insist(Proposal((FileEdit(path, old.encode(), new.encode()),), b""))
    except Refused as exc:
        assert exc.refusals[0].code == "code_changed"
        return False
    return True


@pytest.mark.parametrize(
    ("old", "new", "result"),
    [
        ("def a():\n    return 1\n", 'def a():\n    """One."""\n    return 1  # one\n', True),
        ('class A:\n    """Old."""\n', 'class A:\n    """New."""\n', True),
        ("class A:\n    pass\n", 'class A:\n    """New."""\n', True),
        ('"""Old."""\nimport os\n', '# c\n"""New\nwith more."""\n\nimport os\n', True),
        ("def a():\n    return 1\n", "def a():\n    return 2\n", False),
        ("def a():\n    return 'x'\n", "def a():\n    'x'\n    return 'y'\n", False),
        ("def a(b):\n    return b\n", "def a(b: int):\n    return b\n", False),
        ("x = 'a'\n", "x = 'b'\n", False),
        ("x = (\n", "y = (\n", True),  # no Python: nobody can tell
    ],
)
def test_python(old: str, new: str, result: bool) -> None:
    assert same("a.py", old, new) is result


@with_parsers
def test_other_languages() -> None:
    assert same("a.go", GO, "// Package a.\npackage a\n\n// A is one.\nfunc A() int {\n\n\t/* so */ return 1\n}\n")
    assert not same("a.go", GO, GO.replace("1", "2"))
    assert same("a.js", "function a() { return 1; }\n", "/** One. */\nfunction a() {\n  // one\n  return 1;\n}\n")
    assert not same("a.rs", "fn a() -> i32 { 1 }\n", "/// One.\nfn a() -> i32 { 2 }\n")
    assert same("a.rs", "fn a() -> i32 { 1 }\n", "/// One.\nfn a() -> i32 {\n    1\n}\n")
    assert same("README.md", "a\n", "b\n")
    assert same("a.kt", "fun a() = 1\n", "fun a() = 2\n")  # no parser: nobody can tell
