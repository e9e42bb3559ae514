"""Patch ids as git has them, and what they cannot tell."""

from __future__ import annotations

import pytest

from maw.git.objects import Objects, PatchId
from maw.git.patchid import of_commit
from maw.git.repo import empty_tree
from maw.git.store import open_store
from tests.fixtures.attendant import kernel_repo
from tests.fixtures.git import INDEX_KINDS, Repository, unreadable_index


@pytest.fixture
def repo(either: Repository) -> Repository:
    """What is promised here is promised for both ways to a repository."""
    return either


BODY = "".join(f"{number}\n" for number in range(40))


def ours(repository: Repository, commit: str = "HEAD") -> PatchId:
    objects = opened(repository)
    of = objects.commit(repository.git("rev-parse", commit))
    assert of is not None
    found = of_commit(objects, of)
    assert found is not None
    return found


def opened(repository: Repository) -> Objects:
    return open_store(kernel_repo(repository))


def gits(repository: Repository, commit: str = "HEAD") -> str:
    patch = repository.git("diff-tree", "-p", "-M", "--root", "--full-index", commit).encode("utf-8", "surrogateescape")
    return repository.git("patch-id", "--stable", stdin=patch).split()[0]


def change(repository: Repository, case: str) -> None:
    """Commit one kind of change on top of a file `a.txt` with BODY."""
    if case == "rename":
        repository.git("mv", "a.txt", "b c.txt")
        repository.write("b c.txt", BODY + "x\n")
    elif case == "mode":
        repository.git("update-index", "--chmod=+x", "a.txt")
    elif case == "delete":
        repository.git("rm", "-q", "a.txt")
    elif case == "several":
        for name in ("z.txt", "a.txt", "m/n.txt"):
            repository.write(name, BODY.replace("7", "seven"))
        repository.git("add", "-A")
    elif case == "bytes":
        repository.write("a.txt", BODY.encode() + b"caf\xe9\r\n")
        repository.git("add", "-A")
    elif case == "two hunks":
        repository.write("a.txt", BODY.replace("\n3\n", "\nthree\n").replace("\n33\n", "\n"))
        repository.git("add", "-A")
    repository.git("commit", "-q", "--allow-empty", "-m", case)


CASES = ["rename", "mode", "delete", "several", "bytes", "two hunks"]


@pytest.mark.parametrize("case", CASES)
def test_it_is_gits(repo: Repository, case: str) -> None:
    repo.commit("base", a__txt=BODY)
    change(repo, case)
    assert ours(repo) == (gits(repo), False)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("kind", INDEX_KINDS)
def test_it_is_the_same_where_libgit2_cannot_read_the_index(repo: Repository, kind: str, case: str) -> None:
    repo.commit("base", a__txt=BODY)
    change(repo, case)
    before = ours(repo)
    unreadable_index(repo, kind)
    assert ours(repo, "HEAD~1") == before


@pytest.mark.parametrize("kind", INDEX_KINDS)
def test_binary_and_empty_changes_where_libgit2_cannot_read_the_index(repo: Repository, kind: str) -> None:
    text = repo.commit("text", a__txt="Binary files a/b and c/d differ\n")
    binary = repo.commit("binary", b__bin="\0a")
    empty = repo.commit("empty")
    before = [ours(repo, commit) for commit in (text, empty)]
    unreadable_index(repo, kind)
    assert [ours(repo, commit) for commit in (text, empty)] == before
    assert ours(repo, binary).has_binary and not before[0].has_binary


def test_a_root_commit_is_compared_with_nothing(repo: Repository) -> None:
    repo.commit("base", a__txt=BODY)
    assert ours(repo) == (gits(repo), False)
    assert empty_tree(kernel_repo(repo)) == opened(repo).empty_tree


def test_it_survives_moved_lines_and_another_parent(repo: Repository) -> None:
    repo.commit("base", a__txt=BODY)
    repo.git("branch", "side")
    repo.commit("edit", a__txt=BODY.replace("\n30\n", "\nthirty\n"))
    before = ours(repo)
    repo.git("checkout", "-q", "side")
    repo.commit("more above", a__txt="new\nlines\n" + BODY)
    repo.git("cherry-pick", "main")
    assert ours(repo) == before == (gits(repo), False)


def test_an_edit_of_a_binary_file_is_said_to_be_binary(repo: Repository) -> None:
    """libgit2 gives any two of them the same id, so the id must not count."""
    repo.commit("base", a__bin="\0a")
    assert ours(repo, repo.commit("one", a__bin="\0b")).has_binary
    assert ours(repo, repo.commit("two", a__bin="\0c")).has_binary


def test_one_binary_among_text_counts(repo: Repository) -> None:
    repo.commit("base", a__txt="1\n", b__bin="\0a")
    repo.commit("both", a__txt="2\n", b__bin="\0b")
    assert ours(repo).has_binary
    repo.commit("text", a__txt="3\n")
    assert not ours(repo).has_binary


def test_missing_trees_have_none(repo: Repository) -> None:
    tree = repo.git("rev-parse", f"{repo.commit('base', a__txt=BODY)}^{{tree}}")
    assert opened(repo).patch_id("0" * repo.oid_length, tree) is None
    assert opened(repo).patch_id(tree, repo.git("rev-parse", "HEAD")) is None  # a commit is no tree
