"""Every failure of a node says what to do next."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import maw.link
from maw_remote import gate

SOURCES = [*Path(maw.link.__file__).parent.glob("*.py"), Path(gate.__file__)]
NEVER_SHOWN = {"busy"}  # codes that one part of the link says to another


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_each_node_error_has_a_hint(source: Path) -> None:
    without = [
        f"line {call.lineno}: {ast.unparse(call)}"
        for call in ast.walk(ast.parse(source.read_text()))
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Name)
        and call.func.id == "NodeError"
        and not any(word.arg == "hint" for word in call.keywords)
        and not (isinstance(call.args[0], ast.Constant) and call.args[0].value in NEVER_SHOWN)
    ]
    assert without == []
