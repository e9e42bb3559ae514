"""What commits say of themselves and what is certain about them; with real git, and no node."""

from __future__ import annotations

import pytest

from maw import change
from maw.errors import FatalError
from maw.generate.history import changes, facts, told
from maw.git.repo import discover
from tests.fixtures.git import Repository
from tests.review_job.changes import patch


def gathered(repo: Repository, since: str | None = None) -> changes.Changes:
    return changes.gather(discover(str(repo.path)), None, since)


def test_what_reverts_each_other_counts_for_nothing(repo: Repository) -> None:
    repo.commit("base")
    repo.git("tag", "v1")
    repo.commit("one", a__txt="1\n")
    repo.commit("two", b__txt="2\n")
    repo.git("revert", "--no-edit", "HEAD")
    assert [one.told.subject for one in gathered(repo).commits] == ["one"]
    repo.git("revert", "--no-edit", "HEAD")
    found = gathered(repo)
    assert [one.told.subject for one in found.commits] == ["one", "two"]
    assert len(found.reverted) == 2
    assert found.since == "v1"
    repo.git("tag", "v2")
    repo.git("revert", "--no-edit", "HEAD~3")  # of what was released: users notice it
    assert len(gathered(repo).commits) == 1 and gathered(repo).reverted == ()


def test_a_merge_that_was_reverted(repo: Repository) -> None:
    repo.commit("base")
    repo.git("switch", "-q", "-c", "topic")
    repo.commit("one", a__txt="1\n")
    repo.git("tag", "rc")
    repo.commit("two", b__txt="2\n")
    repo.git("switch", "-q", "main")
    repo.commit("three", c__txt="3\n")
    repo.git("merge", "-q", "--no-ff", "--no-edit", "topic")
    repo.git("revert", "--no-edit", "-m", "1", "HEAD")
    found = gathered(repo, "HEAD~2^")
    assert [one.told.subject for one in found.commits] == ["three"] and len(found.reverted) == 3
    assert len(gathered(repo, "rc").commits) == 3  # of what it brought users have a part: what was taken away is told
    repo.git("revert", "--no-edit", "HEAD")
    assert sorted(one.told.subject for one in gathered(repo, "HEAD~3^").commits) == ["one", "three", "two"]


def test_where_they_begin(repo: Repository) -> None:
    repo.commit("first", a__txt="1\n")
    repo.commit("second", a__txt="2\n")
    found = gathered(repo)
    assert (found.since, [one.told.subject for one in found.commits]) == ("", ["first", "second"])
    assert found.commits[1].paths == ("a.txt",) and found.commits[1].patch.endswith("-1\n+2")
    assert len(gathered(repo, "HEAD~").commits) == 1
    with pytest.raises(FatalError, match="no commits after HEAD"):
        gathered(repo, "HEAD")


def test_messages_without_who_signed_them(repo: Repository) -> None:
    message = "Count\n\nBecause.\n\nSigned-off-by: A <a@x>\nReviewed-by: B\nChange-Id: I01\nCloses: #3"
    commit = repo.commit(message)
    (found,) = told.read(discover(str(repo.path)), None, [commit], 9)
    assert (found.id, found.subject, found.body) == (commit, "Count", "Because.\n\nCloses: #3")


def test_what_is_certain() -> None:
    paths = (
        "src/a.py",
        "tests/test_a.py",
        "pyproject.toml",
        "db/migrate/1.rb",
        ".github/workflows/ci.yml",
        "Dockerfile",
    )
    files = [file for path in paths for file in change.parse(patch(path, [b"x"]))]
    assert facts.of(files) == facts.Facts(
        (
            "6 files, +6 -0 lines", "tests that change: tests/test_a.py", "dependencies change: pyproject.toml",
            "the schema of a database changes: db/migrate/1.rb", "CI changes: .github/workflows/ci.yml",
            "how it is deployed changes: Dockerfile",
        ),
        ("tests/test_a.py",),
    )  # fmt: skip
    assert facts.of(files[:1]).lines[1] == "code changes, and no test does"
    assert facts.of(files[2:3]).lines == ("1 file, +1 -0 lines", "dependencies change: pyproject.toml")
    many = [file for number in range(9) for file in change.parse(patch(f"tests/t{number}.py", [b"x"]))]
    assert facts.of(files[:1], ["package-lock.json"]).lines == (
        "2 files, +1 -0 lines in 1 of them", "code changes, and no test does",
        "dependencies change: package-lock.json", "too large to be looked at: package-lock.json",
    )  # fmt: skip
    assert facts.of([*files[:1], *many]).lines[1].endswith("tests/t3.py and 5 more")
