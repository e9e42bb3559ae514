"""The git command line as maw runs it: the right index, the right range, and nothing of a hostile configuration."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import pytest

from maw.change import parse
from maw.git import repo as git_repo
from maw.git.repo import (
    Repo,
    diff_trees,
    discover,
    empty_tree,
    head_commit,
    resolve_commit,
    resolve_range,
    staged,
    tree_of,
)
from maw.git.run import LOCAL_ENV, GitError, git, line, no_git_env, try_line, zsplit
from tests.fixtures.git import Repository, make_repository


def here(repository: Repository) -> Repo:
    return discover(str(repository.path))


def test_an_error_names_the_command_and_what_git_said(repo: Repository) -> None:
    with pytest.raises(GitError, match=r"`git cat-file -t nonsense` failed \(128\): fatal: Not a valid") as caught:
        git("cat-file", "-t", "nonsense", cwd=str(repo.path))
    assert caught.value.code == 128 and "nonsense" in caught.value.stderr
    assert try_line("rev-parse", "--verify", "--quiet", "nonsense", cwd=str(repo.path)) is None


def test_no_git_is_told(repo: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(repo.path))
    for call in (line, try_line):
        with pytest.raises(GitError, match="git is not installed"):
            call("version")


def test_a_folder_that_is_gone_is_told(repo: Repository) -> None:
    gone = str(repo.path / "gone")
    with pytest.raises(GitError, match=f"{gone} is not there"):
        line("version", cwd=gone)


def test_a_time_limit_is_told(repo: Repository) -> None:
    repo.git("config", "alias.hang", "!sleep 60 & wait")
    with pytest.raises(GitError, match=r"no end after 0\.2 s"):
        git("-c", "core.pager=cat", "hang", cwd=str(repo.path), timeout=0.2)


def test_git_never_reads_our_standard_input(repo: Repository) -> None:
    assert git("hash-object", "--stdin", cwd=str(repo.path)) == git(
        "hash-object", "--stdin", cwd=str(repo.path), stdin=b""
    )
    assert line("hash-object", "--stdin", cwd=str(repo.path)) == "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"


def test_no_git_env_has_nothing_of_the_hooks_repository(repo: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    known = repo.git("rev-parse", "--local-env-vars").split()
    assert set(known) <= set(LOCAL_ENV)
    for name in known:
        monkeypatch.setenv(name, "x")
    assert not set(known) & set(no_git_env())
    assert "PATH" in no_git_env()


def test_zsplit() -> None:
    assert zsplit(b"") == [] and zsplit(b"a\0b\nc\0") == [b"a", b"b\nc"]


def test_discover(repo: Repository, home: Path) -> None:
    repo.commit("one", **{"deep/er/f__txt": "1\n"})
    top = str(repo.path)
    expected = Repo(top, f"{top}/.git", f"{top}/.git")
    assert discover(top) == discover(f"{top}/deep/er") == expected
    assert expected.maw_dir == f"{top}/.git/maw" and expected.root == top
    repo.git("worktree", "add", "-q", "--detach", str(home / "tree"))
    tree = discover(str(home / "tree"))
    assert (tree.worktree, tree.common_dir) == (str(home / "tree"), f"{top}/.git")
    assert tree.git_dir != tree.common_dir
    with pytest.raises(GitError):
        discover(str(home))


def test_discover_bare_and_submodule(repo: Repository, home: Path) -> None:
    repo.commit("one", a__txt="1\n")
    repo.git("clone", "-q", "--bare", top := str(repo.path), str(home / "bare.git"))
    bare = discover(str(home / "bare.git"))
    assert (bare.worktree, bare.root, bare.common_dir) == (None, str(home / "bare.git"), str(home / "bare.git"))
    outer = make_repository(home / "outer")
    outer.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", top, "sub")
    inner = discover(str(outer.path / "sub"))
    assert inner.common_dir == str(outer.path / ".git/modules/sub")


def test_before_the_first_commit(repo: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(repo.path)
    assert head_commit(here(repo)) is None
    repo.write("a.txt", "1\n")
    repo.git("add", "a.txt")
    found = staged(here(repo))
    assert (found.head, found.base) == (None, empty_tree(here(repo)))
    assert [change.path for change in parse(diff_trees(here(repo), found.base, found.tree))] == ["a.txt"]


def test_staged_is_the_index_and_not_the_work_tree(repo: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(repo.path)
    head = repo.commit("one", a__txt="1\n", b__txt="1\n")
    repo.write("a.txt", "staged\n")
    repo.git("add", "a.txt")
    repo.write("a.txt", "work tree\n")
    repo.write("b.txt", "work tree\n")
    found = staged(here(repo))
    (change,) = parse(diff_trees(here(repo), found.base, found.tree))
    assert (found.head, found.base) == (head, tree_of(here(repo), "HEAD"))
    assert (change.path, change.added()[0].text) == ("a.txt", b"staged")
    (repo.path / ".git/index.lock").touch()  # somebody's `git status`, for a moment
    assert staged(here(repo)) == found


SPY = """#!/bin/sh
exec "{python}" -c '
import os
from maw.git.repo import discover, staged, diff_trees
from maw.change import parse
repo = discover()
found = staged(repo)
lock = os.environ["GIT_INDEX_FILE"] + ".lock"  # as git has it that refreshes this index at the same moment
open(lock, "x").close()
assert staged(repo) == found
os.unlink(lock)
with open("{out}", "a") as file:
    for change in parse(diff_trees(repo, found.base, found.tree)):
        print(found.tree, change.path, *(line.text.decode() for line in change.added()), file=file)
'
"""


@pytest.mark.parametrize(
    ("arguments", "seen"),
    [
        ([], {"a.txt": "staged"}),
        (["-a"], {"a.txt": "work", "b.txt": "work"}),
        (["--", "b.txt"], {"b.txt": "work"}),
        (["-i", "b.txt"], {"a.txt": "staged", "b.txt": "work"}),
        (["--amend", "--no-edit"], {"a.txt": "staged"}),
        (["-p"], {"a.txt": "work", "b.txt": "work"}),
    ],
)
def test_inside_a_hook_the_right_content_is_seen(
    repo: Repository, home: Path, arguments: list[str], seen: dict[str, str]
) -> None:
    repo.commit("zero", z__txt="0\n")
    repo.commit("one", a__txt="1\n", b__txt="1\n")
    hook = repo.path / ".git/hooks/pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(SPY.format(python=sys.executable, out=home / "seen"))
    hook.chmod(0o755)
    repo.write("a.txt", "staged\n")
    repo.git("add", "a.txt")
    repo.write("a.txt", "work\n")
    repo.write("b.txt", "work\n")
    repo.git("commit", "-q", "-m", "two", *arguments, stdin=b"y\ny\ny\n")
    lines = [text.split() for text in (home / "seen").read_text().splitlines()]
    assert {path: text for _, path, text in lines} == seen
    assert {tree for tree, _, _ in lines} == {repo.git("rev-parse", "HEAD^{tree}")}


def test_unmerged_is_an_error(repo: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(repo.path)
    repo.commit("base", a__txt="1\n")
    repo.git("branch", "side")
    repo.commit("ours", a__txt="2\n")
    repo.git("checkout", "-q", "side")
    repo.commit("theirs", a__txt="3\n")
    repo.git("merge", "main", check=False)
    with pytest.raises(GitError):
        staged(here(repo))


HOSTILE = {
    "diff.external": "touch {mark}; false", "diff.noprefix": "true", "diff.mnemonicPrefix": "true",
    "color.ui": "always",
    "color.diff": "always", "core.quotePath": "false", "diff.orderFile": "order", "diff.renames": "copies",
    "diff.context": "0", "diff.interHunkContext": "50", "diff.algorithm": "patience", "diff.submodule": "log",
    "diff.ignoreSubmodules": "all", "diff.relative": "true", "diff.evil.textconv": "touch {mark}; cat",
    "diff.evil.command": "touch {mark}; false", "diff.indentHeuristic": "true", "diff.wsErrorHighlight": "all",
    "diff.colorMoved": "zebra", "diff.suppressBlankEmpty": "true", "diff.wordRegex": ".", "diff.dirstat": "lines",
    "diff.srcPrefix": "x/", "diff.dstPrefix": "y/", "core.pager": "touch {mark}",
    "core.fsmonitor": "touch {mark}; false",
    "diff.statGraphWidth": "1", "core.attributesFile": "/dev/null", "core.abbrev": "4", "diff.noIndex": "true",
}  # fmt: skip


def test_a_hostile_configuration_changes_nothing_and_runs_nothing(
    repo: Repository, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(repo.path)
    body = "".join(f"{number}\n" for number in range(30))
    repo.write(".gitattributes", "*.txt diff=evil\n")
    base = repo.commit("one", a__txt=body, **{"deep/b__txt": body, "é__txt": "1\n"})
    repo.write("order", "deep/*\n")
    repo.git("mv", "a.txt", "c d.txt")
    repo.write("deep/b.txt", body.replace("3\n", "three\n\n").replace("29\n", "x  \n"))
    repo.write("é.txt", "2\n")
    repo.git("update-index", "--add", "--cacheinfo", f"160000,{base},sub")
    repo.git("add", "deep", "é.txt")
    tree = repo.git("write-tree")
    expected = diff_trees(here(repo), f"{base}^{{tree}}", tree)
    mark = home / "owned"
    with (repo.path / ".git/config").open("a") as config:
        for key, value in HOSTILE.items():
            section, _, name = key.rpartition(".")
            head = section.replace(".", ' "') + '"' if "." in section else section
            config.write(f'[{head}]\n\t{name} = "{value.format(mark=mark)}"\n')
    for name, value in {
        "GIT_EXTERNAL_DIFF": f"touch {mark}", "GIT_DIFF_OPTS": "-u0", "GIT_PAGER": f"touch {mark}",
        "GIT_LITERAL_PATHSPECS": "1",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    assert repo.git("config", "diff.evil.textconv") == f"touch {mark}; cat"
    for folder in (repo.path, repo.path / "deep"):
        monkeypatch.chdir(folder)
        assert diff_trees(here(repo), f"{base}^{{tree}}", tree) == expected
    assert not mark.exists()
    found = {change.path: change for change in parse(expected)}
    assert list(found) == ["c d.txt", "deep/b.txt", "sub", "é.txt"]
    assert found["c d.txt"].status == "renamed" and found["sub"].is_submodule


def test_large_files_are_told_as_binary_unread(repo: Repository) -> None:
    base = repo.commit("one", a__txt="1\n")
    head = repo.commit("two", a__txt="x\n" * 5000, b__txt="small\n")
    patch = diff_trees(here(repo), f"{base}^{{tree}}", f"{head}^{{tree}}", big_file_threshold=1000)
    assert [(change.path, change.binary) for change in parse(patch)] == [("a.txt", True), ("b.txt", False)]


def test_ranges(repo: Repository) -> None:
    found = here(repo)
    first = repo.commit("one", a__txt="1\n")
    second = repo.commit("two", a__txt="2\n")
    repo.git("checkout", "-q", "-b", "side", first)
    side = repo.commit("side", b__txt="1\n")
    trees = {commit: tree_of(found, commit) for commit in (first, second, side)}
    assert resolve_range(found, first) == (first, trees[first], empty_tree(found))
    assert resolve_range(found, "main") == (second, trees[second], trees[first])
    assert resolve_range(found, "main..side") == (side, trees[side], trees[second])
    assert resolve_range(found, "main...side") == (side, trees[side], trees[first])
    assert resolve_range(found, "main..") == (side, trees[side], trees[second])
    assert resolve_range(found, "..main") == (second, trees[second], trees[side])
    assert resolve_range(found, "HEAD~1..HEAD").base == trees[first]
    repo.git("tag", "-a", "-m", "t", "v1", second)
    assert resolve_commit(found, "v1") == second


@pytest.mark.parametrize(
    "name", ["no-such", "--all", "-n1", "HEAD~5", "", "HEAD^{tree}", "a b", "x\ny", "..x", "--help"]
)
def test_what_is_no_commit_is_refused(repo: Repository, name: str) -> None:
    repo.commit("one", a__txt="1\n")
    with pytest.raises(GitError):
        resolve_range(here(repo), name)


def test_a_range_without_common_history(repo: Repository) -> None:
    repo.commit("one", a__txt="1\n")
    repo.git("checkout", "-q", "--orphan", "other")
    repo.commit("other", a__txt="2\n")
    assert resolve_range(here(repo), "main..other").base == tree_of(here(repo), "main")
    with pytest.raises(GitError):
        resolve_range(here(repo), "main...other")


def test_a_shallow_clones_root_is_compared_with_nothing(repo: Repository, home: Path) -> None:
    repo.commit("one", a__txt="1\n")
    repo.commit("two", b__txt="1\n")
    repo.git("clone", "-q", "--depth=1", repo.path.as_uri(), str(home / "shallow"))
    found = discover(str(home / "shallow"))
    assert resolve_range(found, "HEAD").base == empty_tree(found)


def test_a_merge_is_compared_with_its_first_parent(repo: Repository) -> None:
    repo.commit("base", a__txt="1\n")
    repo.git("checkout", "-q", "-b", "side")
    repo.commit("side", b__txt="1\n")
    repo.git("checkout", "-q", "main")
    ours = repo.commit("ours", c__txt="1\n")
    repo.git("merge", "-q", "--no-edit", "side")
    found = resolve_range(here(repo), "HEAD")
    assert found.base == tree_of(here(repo), ours)
    assert [change.path for change in parse(diff_trees(here(repo), found.base, found.tree))] == ["b.txt"]


def test_changed_blobs(repo: Repository) -> None:
    base = repo.commit("one", a__txt="1\n", **{"old name__txt": "\n".join(map(str, range(30)))})
    repo.git("mv", "old name.txt", "new\nname.txt")
    repo.write("a.txt", "2\n")
    repo.write("b.txt", "b\n")
    repo.git("update-index", "--add", "--cacheinfo", f"160000,{base},sub")
    repo.git("add", "a.txt", "b.txt")
    found = git_repo.changed_blobs(here(repo), f"{base}^{{tree}}", repo.git("write-tree"))
    assert {name: len(blobs) for name, blobs in found.items()} == {
        b"a.txt": 2,
        b"b.txt": 1,
        b"new\nname.txt": 2,
        b"sub": 0,
    }
    assert repo.git("cat-file", "-p", found[b"b.txt"][0]) == "b"


def test_mode_bits_survive_a_umask(repo: Repository) -> None:
    """A hook's umask is the user's; what maw writes below .git is private anyway."""
    old = os.umask(0o000)
    try:
        from maw.paths import make_private_dir

        path = make_private_dir(here(repo).maw_dir)
    finally:
        os.umask(old)
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o700
