"""A small project with a history of reviews, the same in every run: for tests, pictures and documentation."""

from __future__ import annotations

import zlib
from typing import Any

from maw import record
from maw.finding import finding_id
from maw.git.notes import Notes
from maw.git.repo import discover
from maw.text import rfc3339
from tests.fixtures.git import Repository

NOW = 1_790_000_000.0  # the time in pictures, so that ages stay what they are
DAY = 86_400

_PARSER = '''\
"""Reads amounts."""


def total(rows):
    found = 0
    for row in rows:
        found += int(row[1])
    return found


def mean(rows):
    return total(rows) / len(rows)
'''
_PARSER_2 = (
    _PARSER.replace("int(row[1])", "float(row[1].strip())")
    + '''

def first(rows):
    """The first amount."""
    return rows[0][1]
'''
)
_CLI = """\
import sys

from parser import total

print(total(line.split(",") for line in sys.stdin))
"""


def build(repo: Repository) -> dict[str, str]:
    """Five commits with notes; their ids by a word."""
    made = {
        "begin": _commit(repo, 5.2, "Read amounts from rows", "Anna Berg", parser__py=_PARSER),
        "cli": _commit(repo, 4.1, "Add a command that prints the total", "Jan Novak", cli__py=_CLI),
        "float": _commit(repo, 3.0, "Take amounts with blanks and decimals", "Anna Berg", parser__py=_PARSER_2),
        "docs": _commit(repo, 2.0, "Say how to run it", "Jan Novak", README__md="# Amounts\n\nRun `cli.py`.\n"),
        "tests": _commit(repo, 0.1, "Test the total", "Ивана Петрова", test_parser__py="def test_it(): ...\n"),
    }
    empty = finding(
        "parser.py", 12, "warning", "Divides by zero for no rows", "    return total(rows) / len(rows)",
        scenario="An empty file gives no rows, and `mean` raises ZeroDivisionError.", suggestion="Return 0.0 then.",
    )  # fmt: skip
    blank = finding(
        "parser.py", 17, "error", "Fails when there are no rows", "    return rows[0][1]",
        scenario="`first([])` raises IndexError, which no caller expects.", suggestion="Return None for no rows.",
        replacement="    return rows[0][1] if rows else None",
    )  # fmt: skip
    style = finding(
        "cli.py", 5, "info", "Lines keep their ends", 'print(total(line.split(",") for line in sys.stdin))',
        scenario="The last field ends in a newline.", suggestion="Strip the lines.",
    )  # fmt: skip
    _note(repo, "review", made["begin"], 5.2, verdict="warn", findings=[empty])
    _note(repo, "feedback", made["begin"], 5.1, status="accepted", finding=empty, by="Anna Berg <anna@example.invalid>")
    _note(repo, "review", made["cli"], 4.1, verdict="warn", findings=[style])
    _note(repo, "feedback", made["cli"], 4.0, status="dismissed", finding=style, reason="int() takes blanks")
    _note(repo, "review", made["float"], 3.0, verdict="block", findings=[blank], bypassed=True)
    _note(
        repo, "message", made["float"], 3.0, status="edited", edit_distance=2,
        suggestion="Accept amounts with blanks\n\nAnd decimals.",
    )  # fmt: skip
    _note(repo, "review", made["docs"], 2.0, verdict="pass")
    _note(repo, "review", made["tests"], 0.1, status="unreviewed", verdict="incomplete", reason="the node was away")
    return made


def finding(path: str, line: int, severity: str, title: str, quote: str, **more: Any) -> dict[str, Any]:
    return {
        "id": finding_id(path, quote, title), "path": path, "line": line, "end_line": line, "severity": severity,
        "category": "bug", "title": title, "scenario": "", "suggestion": "", "replacement": None, "quote": quote,
        "confidence": None, "unit": "u1",
    } | more  # fmt: skip


def _commit(repo: Repository, days: float, subject: str, author: str, **files: str) -> str:
    for name, content in files.items():
        repo.write(name.replace("__", "."), content)
    when = f"{int(NOW - days * DAY)} +0000"
    repo.git("add", "-A")
    who = ("-c", f"user.name={author}", "commit", "-q", "-m", subject, f"--date={when}")
    repo.git(*who, env={"GIT_COMMITTER_DATE": when})
    return repo.git("rev-parse", "HEAD")


def _note(repo: Repository, kind: str, commit: str, days: float, **more: Any) -> None:
    when = NOW - days * DAY
    mark = zlib.crc32(f"{kind} {commit}".encode())
    data = {
        "v": 1, "id": f"{int(when * 1000):012x}{mark:012x}", "ts": rfc3339(when),
        "kind": kind, "status": "reviewed", "head": commit, "tree": repo.git("rev-parse", f"{commit}^{{tree}}"),
        "base": None, "model": "mistral-7b-instruct-v0.3",
    } | more  # fmt: skip
    assert Notes(discover(str(repo.path))).append(kind, commit, [record.encode(data)])
