"""Whether an edit leaves the code as it is: documentation changes comments and docstrings, nothing else.

Python is compared by its syntax tree without docstrings, other languages by their words without comments, where their
parser is installed. Of other files (a README) everything may change.
"""

from __future__ import annotations

import ast
import os

from maw.edits import refusal
from maw.edits.diff import FileEdit
from maw.edits.propose import Proposal
from maw.edits.refusal import Refused
from maw.repomap.languages import language_of
from maw.repomap.parsing import Job, Parsers

CODE_CHANGED = "code_changed"  # the code of a refusal
_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def insist(proposal: Proposal) -> None:
    """Raises Refused for files whose code changes."""
    with Parsers() as parsers:
        changed = [edit.path for edit in proposal.edits if edit.old and not _same(parsers, edit)]
    if changed:
        message = "its code changes, not its documentation alone"
        raise Refused([refusal.refusal(CODE_CHANGED, message, path) for path in changed])


def _same(parsers: Parsers, edit: FileEdit) -> bool:
    old, new = (edit.old or b"").decode("utf-8"), (edit.new or b"").decode("utf-8")
    if os.path.splitext(edit.path)[1].lower() in (".py", ".pyi"):
        return _python(old) == _python(new)
    language = language_of(edit.path)
    if language is None:
        return True
    was, now = (parsers.code(Job("", language, text.encode())) for text in (old, new))
    return was is None or was == now


def _python(text: str) -> str | None:
    """The code without docstrings; None for what is no Python, which says nothing."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    for node in ast.walk(tree):
        if isinstance(node, _DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:] or [ast.Pass()]
    try:
        return ast.dump(tree)
    except RecursionError:
        return None
