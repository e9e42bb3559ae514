"""Notes as the hooks read them, by git alone: a stranger's may be huge, and what cannot be read is not nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from maw.git import notelines
from maw.git.run import GitError
from maw.memory import dismissed
from maw.record import LINES_MAX, NOTE_MAX
from tests.fixtures.attendant import kernel_repo
from tests.fixtures.git import Repository

REF = dismissed.REF
LINE = b'{"id":"a1","kind":"feedback","status":"dismissed","ts":"2026-01-01T00:00:00.000Z","v":1}\n'


def note(repo: Repository, commit: str, content: bytes) -> None:
    blob = repo.git("hash-object", "-w", "--stdin", stdin=content)
    repo.git("notes", f"--ref={REF}", "add", "-f", "-C", blob, commit)


def read(repo: Repository, *commits: str) -> dict[str, bytes]:
    return dict(notelines.notes(kernel_repo(repo), REF, commits or None))


def test_no_notes_at_all(repo: Repository) -> None:
    assert read(repo) == {}
    assert dismissed.refresh(kernel_repo(repo)) == []


def test_what_is_noted_on_all_commits_or_some(repo: Repository) -> None:
    one, two = repo.commit("one"), repo.commit("two")
    note(repo, one, LINE)
    note(repo, two, LINE * 2)
    assert read(repo) == {one: LINE, two: LINE * 2}
    assert read(repo, two) == {two: LINE * 2}


@pytest.mark.parametrize("content", [b"x" * (NOTE_MAX + 1), b"\n" * (LINES_MAX + 1) + b"x"], ids=["bytes", "lines"])
def test_a_note_that_is_too_large_is_left_out(repo: Repository, content: bytes) -> None:
    one, two, three = repo.commit("one"), repo.commit("two"), repo.commit("three")
    note(repo, one, LINE)
    note(repo, two, content)
    note(repo, three, LINE * 2)
    assert read(repo) == {one: LINE, three: LINE * 2}


def test_notes_that_are_large_together_are_read_all_the_same(repo: Repository) -> None:
    content = b"x" * (NOTE_MAX // 2 + 1)
    found = {repo.commit(f"{number}"): content + b"%d" % number for number in range(3)}
    for commit, each in found.items():
        note(repo, commit, each)
    assert read(repo) == found


def test_what_cannot_be_read_does_not_count_as_nothing(repo: Repository) -> None:
    note(repo, repo.commit("one"), LINE)
    known = dismissed.refresh(kernel_repo(repo))
    assert [data["id"] for data in known] == ["a1"]
    note(repo, repo.commit("two"), LINE.replace(b"a1", b"a2"))
    tree = repo.git("rev-parse", f"{REF}^{{tree}}")
    Path(repo.path, ".git", "objects", tree[:2], tree[2:]).unlink()
    kept = Path(dismissed.path(kernel_repo(repo))).read_bytes()
    with pytest.raises(GitError):
        dismissed.refresh(kernel_repo(repo))
    assert Path(dismissed.path(kernel_repo(repo))).read_bytes() == kept
