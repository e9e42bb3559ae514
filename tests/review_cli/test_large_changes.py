"""However much a commit changes, what is asked of git is bounded: in time by the deadline, in memory by a limit."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maw.change import parse
from maw.git.repo import Repo, discover, empty_tree, tree_of
from maw.git.run import GitError, GitTimeout, git_start
from maw.review import request
from maw.review.sieve import Sieve
from tests.fixtures.cli import Maw
from tests.fixtures.fake_runner import FakeRunner
from tests.fixtures.git import Repository

LINE = "some text that makes a line of fifty characters ..\n"


@pytest.fixture
def small_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """100 kB of patch at most, and sizes are asked for beyond 20 kB."""
    monkeypatch.setattr(request, "DIFF_MAX", 100_000)
    monkeypatch.setattr(request, "FIRST_LOOK", 20_000)
    monkeypatch.setattr(request, "READ_MAX", 400_000)


def _sized(repo: Repository, max_file_bytes: int, base: str | None = None) -> tuple[list[str], dict[str, str]]:
    """Paths of what is in the diff, and reasons of what is skipped, of HEAD against nothing or `base`."""
    place = discover(str(repo.path))
    before = tree_of(place, base) if base else empty_tree(place)
    diff, skipped = request.sized_diff(place, before, tree_of(place, "HEAD"), max_file_bytes)
    return [file.path for file in parse(diff)], {item["path"]: item["reason"] for item in skipped}


@pytest.mark.usefixtures("small_limits")
def test_files_beyond_the_limit_are_named(repo: Repository) -> None:
    for number in range(50):
        repo.write(f"f{number:02}.txt", f"{number}\n" + LINE * 100)
    repo.commit()
    there, skipped = _sized(repo, 10_000)
    assert there == [f"f{number:02}.txt" for number in range(len(there))]
    assert 15 <= len(there) < 20  # of 5 kB each in 100 kB
    assert list(skipped) == [f"f{number:02}.txt" for number in range(len(there), 50)]
    assert all("the change is larger than" in reason for reason in skipped.values())


@pytest.mark.usefixtures("small_limits")
def test_large_files_do_not_crowd_out_small_ones(repo: Repository) -> None:
    for number in range(30):
        repo.write(f"a{number:02}.bin.txt", f"{number}\n" + LINE * 1000)
    repo.commit(z__py="z = 1\n")
    there, skipped = _sized(repo, 10_000)
    assert there == ["z.py"]
    assert len(skipped) == 30
    assert all(reason.startswith("too large: 5") for reason in skipped.values())


@pytest.mark.usefixtures("small_limits")
def test_small_edits_of_large_files_are_reviewed_beside_large_changes(repo: Repository) -> None:
    """All files together are far beyond the limit, and so are some of the changes."""
    for name in "abcdef":
        repo.write(f"{name}.txt", LINE * 1000)
    base = repo.commit()
    for name in "bdf":
        repo.write(f"{name}.txt", LINE * 500 + "edited\n" + LINE * 500)
    for name in "ace":
        repo.write(f"{name}.txt", LINE.upper() * 1000)
    repo.commit("two", z__py="z = 1\n")
    there, skipped = _sized(repo, 10_000, base)
    assert there == ["b.txt", "d.txt", "f.txt", "z.py"]
    assert set(skipped) == {"a.txt", "c.txt", "e.txt"}
    assert all(re.match(r"too large: 10\d{4} bytes", reason) for reason in skipped.values())


@given(st.lists(st.tuples(st.integers(1, 60), st.booleans()), max_size=8), st.integers(1, 50), st.data())
def test_a_sieve_keeps_what_a_look_at_the_whole_would_keep(
    files: list[tuple[int, bool]], step: int, data: st.DataObject
) -> None:
    """However git's output is cut into pieces."""
    head = "diff --git a/{0} b/{0}\n--- a/{0}\n+++ b/{0}\n@@ -0,0 +1,{1} @@\n"
    parts = [
        (head.format(number, lines) + ("+diff --git \n" if odd else "+x\n") * lines).encode()
        for number, (lines, odd) in enumerate(files)
    ]
    section_max, kept_max = data.draw(st.integers(1, 400)), data.draw(st.integers(1, 2000))
    sieve = Sieve(section_max, kept_max)
    whole = b"".join(parts)
    if all([sieve.take(whole[at : at + step]) for at in range(0, len(whole), step)]):  # noqa: C419 - to the end
        sieve.end()
    kept, large, full = b"", 0, False
    for part in parts:
        if len(part) > section_max:
            large += 1
        elif full or len(kept + part) > kept_max:
            full = True
        else:
            kept += part
    assert (bytes(sieve.kept), sieve.full) == (kept, full)
    assert full or len(sieve.large) == large


@pytest.mark.usefixtures("small_limits")
def test_a_diff_between_both_limits_is_whole(repo: Repository) -> None:
    base = repo.commit("one", big__txt=LINE * 1500)
    for number in range(8):
        repo.write(f"f{number}.txt", f"{number}\n" + LINE * 100)
    repo.git("mv", "big.txt", "moved.txt")
    repo.commit()
    there, skipped = _sized(repo, 10_000, base)
    assert (sorted(there), skipped) == (sorted([*(f"f{number}.txt" for number in range(8)), "moved.txt"]), {})


@pytest.mark.usefixtures("small_limits")
def test_a_file_that_was_renamed_is_not_told_twice(repo: Repository) -> None:
    base = repo.commit("one", **{"a-old__txt": LINE * 40})
    repo.git("mv", "a-old.txt", "a-new.txt")
    repo.write("a-new.txt", LINE * 40 + "more\n")
    for number in range(40):
        repo.write(f"f{number:02}.txt", f"{number}\n" + LINE * 100)
    repo.commit()
    there, skipped = _sized(repo, 10_000, base)
    assert there[0] == "a-new.txt"
    assert not {"a-new.txt", "a-old.txt"} & set(skipped)


def test_git_is_ended_at_the_limit_and_at_the_deadline(repo: Repository) -> None:
    oid = repo.git("hash-object", "-w", "--stdin", stdin=b"0123456789" * 1_000_000)
    cwd = str(repo.path)
    assert git_start("cat-file", "blob", oid, limit=25, cwd=cwd) == (b"0123456789012345678901234", False)
    assert git_start("cat-file", "-s", oid, limit=9, cwd=cwd) == (b"10000000\n", True)
    assert git_start("cat-file", "-s", oid, limit=8, cwd=cwd) == (b"10000000", False)
    with pytest.raises(GitError, match="Not a valid object name"):
        git_start("cat-file", "-s", "nonsense", limit=9, cwd=cwd)
    repo.git("config", "alias.hang", "!exec sleep 60")
    with pytest.raises(GitTimeout, match=r"no end after 0\.5 s"):
        git_start("hang", limit=9, cwd=cwd, timeout=0.5)


@pytest.mark.timeout(30)
@pytest.mark.usefixtures("slow_git")
def test_the_deadline_bounds_git_too(repo: Repository, fake_runner: FakeRunner, maw: Maw) -> None:
    repo.commit("one", a__py="one = 1\n")
    done = maw("review", "HEAD", "--deadline", "500ms", cwd=repo.path)
    assert done.code == 3, done.err
    assert "no end after 0." in done.err
    place: Repo = discover(str(repo.path))
    with pytest.raises(GitTimeout):
        request.committed_change(place, "HEAD", 1000, deadline=time.monotonic() + 0.2)
    assert fake_runner.submits == []
