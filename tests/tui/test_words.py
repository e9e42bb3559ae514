"""The words of a filter, and how editors are told of a line."""

from __future__ import annotations

import pytest

from maw.errors import FatalError
from maw.memory.query import Filters
from maw_tui import words
from maw_tui.editor import command
from tests.fixtures.attendant import kernel_repo
from tests.fixtures.git import Repository


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", {}),
        ("severity:error", {"severity": "error"}),
        ("sev:error", {"text": "sev:error"}),  # no name of a filter is a word like any
        ("severity: verdict:b two words", {"verdict": "block", "text": "two words"}),
        ('author:"Anna Berg" path:"src/a b.py"', {"author": "Anna Berg", "path": "src/a b.py"}),
        ('"severity:error"', {"severity": "error"}),
        ('path:src/ "open quote', {"path": "src/", "text": "open quote"}),
        ("C:\\temp # no comment", {"text": "C:\\temp # no comment"}),
        ("since:1970-01-02T00:00Z", {"since": 86400.0}),
    ],
)
def test_words_are_filters(repo: Repository, text: str, wanted: dict[str, object]) -> None:
    asked = words.read(text, kernel_repo(repo))
    assert asked == words.Asked(Filters(**wanted, feedback=False, leading=True))


def test_status_is_about_findings_where_those_are_listed(repo: Repository) -> None:
    asked = words.read("status:o severity:w", kernel_repo(repo), of_findings=True)
    assert (asked.said, asked.filters.status, asked.filters.severity) == ("open", None, "warning")
    assert words.read("kind:feedback", kernel_repo(repo)).filters.feedback


@pytest.mark.parametrize("text", ["severity:loud", "kind:x", "since:soon", "range:no..where"])
def test_what_means_nothing_is_said(repo: Repository, text: str) -> None:
    with pytest.raises(FatalError):
        words.read(text, kernel_repo(repo))


@pytest.mark.parametrize(
    ("editor", "given"),
    [
        ("vi", ["+7", "/x/a b.py"]),
        ("/usr/bin/nvim -p", ["+7", "/x/a b.py"]),
        ("code --wait", ["--goto", "/x/a b.py:7"]),
        ("hx", ["/x/a b.py:7"]),
    ],
)
def test_editors_are_told_of_the_line_in_their_way(editor: str, given: list[str]) -> None:
    assert command(editor, "/x/a b.py", 7) == ["sh", "-c", f'{editor} "$@"', editor, *given]
