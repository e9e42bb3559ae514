"""A finding's replacement in a file."""

from __future__ import annotations

import pytest

from maw.finding import Finding
from maw.memory.feedback import Place
from maw.review import fixing
from maw.review.replacement import CannotApply, applied, patch
from tests.fixtures.attendant import kernel_repo
from tests.fixtures.git import Repository

FILE = b"one\n\ttwo\n\tthree\nfour\n"


def finding(replacement: str | None = "\tTWO\n\tTHREE", line: int = 2, end: int = 3) -> Finding:
    return Finding(
        "1a2b3c4d", "a.txt", line, end, "error", "bug", "t", "", "", replacement, "\ttwo", None, "u1"
    )  # fmt: skip


def test_in_its_place() -> None:
    assert applied(finding(), FILE, FILE) == b"one\n\tTWO\n\tTHREE\nfour\n"
    assert applied(finding(""), FILE, FILE) == b"one\nfour\n"  # to be deleted
    assert applied(finding("\ta\n\n\tb\n"), FILE, FILE) == b"one\n\ta\n\n\tb\nfour\n"


def test_where_the_lines_have_moved() -> None:
    assert applied(finding(), FILE, b"zero\n" + FILE) == b"zero\none\n\tTWO\n\tTHREE\nfour\n"


TWICE = b"def one(a):\n    b = a\n    return None\n\n\ndef two(a):\n    c = a\n    return None\n"


@pytest.mark.parametrize(
    ("line", "above"), [(3, b""), (8, b""), (8, b"# 1\n"), (8, b"# 1\n# 2\n# 3\n# 4\n# 5\n"), (3, b"# 1\n" * 5)]
)
def test_lines_that_stand_elsewhere_too(line: int, above: bytes) -> None:
    """Whatever was put above: at the old line number the other function may end by now."""
    found = finding("    return a", line=line, end=line)
    lines = TWICE.splitlines(keepends=True)
    lines[line - 1] = b"    return a\n"
    assert applied(found, TWICE, above + TWICE) == above + b"".join(lines)


@pytest.mark.parametrize(
    ("line", "replacement"), [(3, "    return a"), (8, "    return a"), (3, ""), (8, "    a\n    b")]
)
def test_not_twice(line: int, replacement: str) -> None:
    """Where it is done already, the other function's line is the only one of its kind, and none of its business."""
    found = finding(replacement, line=line, end=line)
    done = applied(found, TWICE, TWICE)
    with pytest.raises(CannotApply, match="what they should be"):
        applied(found, TWICE, done)
    with pytest.raises(CannotApply, match="among other lines"):
        applied(found, TWICE, b"# 1\n" + done)


def test_after_another_fix() -> None:
    now = TWICE.replace(b"def one(a)", b"def one(a, d)").replace(b"c = a", b"c = 2 * a")
    assert applied(finding("    return b", line=3, end=3), TWICE, now) == now.replace(b"return None", b"return b", 1)


def test_line_ends_stay() -> None:
    crlf = FILE.replace(b"\n", b"\r\n")
    assert applied(finding(), FILE, crlf) == b"one\r\n\tTWO\r\n\tTHREE\r\nfour\r\n"
    assert applied(finding("\tTWO\r\n\tTHREE\r\n"), FILE, FILE) == b"one\n\tTWO\n\tTHREE\nfour\n"
    mixed = b"one\r\n" + FILE[4:]
    assert applied(finding(), mixed, mixed) == b"one\r\n\tTWO\n\tTHREE\nfour\n"


def test_a_missing_last_newline_stays_missing() -> None:
    short = b"one\n\ttwo\n\tthree"
    assert applied(finding(), short, short) == b"one\n\tTWO\n\tTHREE"
    assert "No newline" in patch("a.txt", short, applied(finding(), short, short))


@pytest.mark.parametrize(
    ("found", "now", "why"),
    [
        (finding(None), FILE, "without a replacement"),
        (finding("x = '[redacted]'"), FILE, "redacted"),
        (finding(), FILE.replace(b"\tthree", b"\t3"), "have changed"),
        (finding(), b"0\n" + FILE + FILE, "several times"),
        (finding(), b"0\n\ttwo\n\tthree\n1\n\ttwo\n\tthree\n", "several times"),
        (finding(line=0, end=0), FILE, "not in what was reviewed"),
        (finding(line=4, end=9), FILE, "not in what was reviewed"),
        (finding("\ttwo\n\tthree"), FILE, "what they should be"),
    ],
)
def test_what_does_not_fit_is_refused(found: Finding, now: bytes, why: str) -> None:
    with pytest.raises(CannotApply, match=why):
        applied(found, FILE, now)


def test_a_byte_order_mark_stays() -> None:
    marked = b"\xef\xbb\xbf" + FILE
    assert applied(finding("ONE", line=1, end=1), marked, marked) == marked.replace(b"one", b"ONE")
    assert applied(finding("\ufeffONE", line=1, end=1), marked, marked) == marked.replace(b"one", b"ONE")


@pytest.mark.parametrize("folder", [".GIT", ".g\u200cit", "git~1"])
def test_what_some_file_system_takes_for_gits_own_folder_is_left_alone(repo: Repository, folder: str) -> None:
    """In a tree that somebody made by hand, with a finding in it."""
    config = repo.write(f"{folder}/config", FILE)
    blob = repo.git("hash-object", "-w", "--stdin", stdin=FILE)
    below = repo.git("mktree", stdin=f"100644 blob {blob}\tconfig\n".encode())
    tree = repo.git("mktree", stdin=f"040000 tree {below}\t{folder}\n".encode())
    place = Place(finding()._replace(path=f"{folder}/config"), "", tree, None, None)
    with pytest.raises(CannotApply, match="not in the work tree"):
        fixing.prepare(kernel_repo(repo), place)
    assert config.read_bytes() == FILE


def test_only_utf_8_is_written() -> None:
    latin = b"one\n\tdeux \xe9\n"
    with pytest.raises(CannotApply, match="UTF-8"):
        applied(finding("\tzwei \u00fc", line=2, end=2), latin, latin)
    assert applied(finding("ONE", line=1, end=1), latin, latin) == b"ONE\n\tdeux \xe9\n"
