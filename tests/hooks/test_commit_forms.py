"""The right content is reviewed in every form of `git commit`, and its record lands on the new commit."""

from __future__ import annotations

import subprocess
from pathlib import Path

from maw.git.repo import discover
from maw_hooks import install
from tests.fixtures.fake_runner import FakeRunner, finding
from tests.fixtures.git import Repository, make_repository
from tests.hooks.conftest import Hooked

THREE = "one = 1\ntwo = 2\nthree = 3\n"


def test_plain(hooked: Hooked) -> None:
    hooked.write("a.py", THREE.replace("2", "22"))
    hooked.ok("add", "a.py")
    said = hooked.commit()
    assert said == "maw: nothing found in 1 unit\n"
    assert "-two = 2\n+two = 22" in hooked.sent
    _recorded(hooked)


def test_only_what_is_staged(hooked: Hooked) -> None:
    hooked.write("a.py", THREE + "staged = 1\n")
    hooked.ok("add", "a.py")
    hooked.write("a.py", THREE + "staged = 1\nunstaged = 1\n")
    hooked.commit()
    assert "+staged" in hooked.sent
    assert "unstaged" not in hooked.sent
    _recorded(hooked)


def test_all(hooked: Hooked) -> None:
    hooked.write("a.py", THREE + "all = 1\n")
    hooked.commit("-a")
    assert "+all = 1" in hooked.sent
    _recorded(hooked)


def test_path_limited_leaves_other_staged_content_out(hooked: Hooked) -> None:
    hooked.write("a.py", THREE + "secret_plan = 1\n")
    hooked.ok("add", "a.py")
    hooked.write("b.py", "b = 1\n")
    hooked.commit("--", "b.py")
    assert "+b = 1" in hooked.sent
    assert "secret_plan" not in hooked.sent
    _recorded(hooked)


def test_include(hooked: Hooked) -> None:
    hooked.write("a.py", THREE + "staged = 1\n")
    hooked.ok("add", "a.py")
    hooked.write("b.py", "b = 1\n")
    hooked.commit("-i", "b.py")
    assert "+b = 1" in hooked.sent
    assert "+staged = 1" in hooked.sent
    _recorded(hooked)


def test_patch(hooked: Hooked) -> None:
    lines = "".join(f"line {number}\n" for number in range(30))
    hooked.write("c.txt", lines)
    hooked.ok("add", "c.txt")
    hooked.commit()
    hooked.write("c.txt", "first\n" + lines + "last\n")
    subprocess.run(["git", "commit", "-q", "-p", "-m", "half"], cwd=hooked.path, input=b"y\nn\n", check=True)
    assert "+first" in hooked.sent
    assert "last" not in hooked.sent
    _recorded(hooked)


def test_first_commit(repo: Repository, fake_runner: FakeRunner, user: Path) -> None:
    install.install(discover(str(repo.path)))
    hooked = Hooked(repo, fake_runner)
    hooked.write("new.py", "new = 1\n")
    hooked.ok("add", "new.py")
    hooked.commit()
    assert "new file mode" in hooked.sent
    record = hooked.record()
    assert record is not None
    assert record["base"] == hooked.out("hash-object", "-t", "tree", "/dev/null")
    assert record["tree"] == hooked.out("rev-parse", "HEAD^{tree}")


def test_amend_reviews_the_increment(hooked: Hooked) -> None:
    hooked.write("a.py", THREE + "four = 4\n")
    hooked.commit("-a")
    before = hooked.out("rev-parse", "HEAD^{tree}")
    hooked.write("a.py", THREE + "four = 4\nfive = 5\n")
    hooked.commit("-a", "--amend")
    assert "+five = 5" in hooked.sent
    assert "+four" not in hooked.sent
    record = hooked.record()
    assert record is not None
    assert (record["status"], record["base"]) == ("reviewed", before)
    assert hooked.pending == []


def test_amended_message_is_not_reviewed_nor_recorded(hooked: Hooked) -> None:
    hooked.write("a.py", THREE + "four = 4\n")
    hooked.commit("-a")
    asked = len(hooked.runner.submits)
    assert hooked.ok("commit", "-q", "--amend", "-m", "a better message") == ""
    assert len(hooked.runner.submits) == asked
    assert hooked.records() == []


def test_empty_commit(hooked: Hooked) -> None:
    assert hooked.ok("commit", "-q", "--allow-empty", "-m", "empty") == ""
    assert hooked.runner.submits == []
    assert hooked.record() is None


def test_subdirectory(hooked: Hooked) -> None:
    hooked.write("deep/er/c.py", "c = 1\n")
    hooked.ok("add", ".", cwd=hooked.path / "deep")
    hooked.commit(cwd=hooked.path / "deep" / "er")
    assert "b/deep/er/c.py" in hooked.sent
    _recorded(hooked)


def test_linked_worktree(hooked: Hooked, home: Path) -> None:
    hooked.ok("worktree", "add", "-q", str(home / "linked"), "-b", "topic")
    (home / "linked" / "sub").mkdir()
    (home / "linked" / "sub" / "w.py").write_text("w = 1\n")
    hooked.ok("add", ".", cwd=home / "linked")
    hooked.commit(cwd=home / "linked" / "sub")
    assert "b/sub/w.py" in hooked.sent
    record = hooked.record("topic")
    assert record is not None
    assert record["tree"] == hooked.out("rev-parse", "topic^{tree}")
    # The worktree may be removed: what waits is kept in the directory that all share.
    assert (hooked.path / ".git" / "maw").is_dir()


def test_worktree_of_a_bare_clone(hooked: Hooked, home: Path) -> None:
    hooked.ok("clone", "-q", "--bare", str(hooked.path), str(home / "bare.git"))
    hooked.ok("worktree", "add", "-q", str(home / "tree"), "main", cwd=home / "bare.git")
    install.install(discover(str(home / "tree")))
    assert (home / "bare.git" / "hooks" / "pre-commit").exists()
    (home / "tree" / "t.py").write_text("t = 1\n")
    hooked.ok("add", ".", cwd=home / "tree")
    hooked.commit(cwd=home / "tree")
    assert "b/t.py" in hooked.sent
    assert list((home / "bare.git" / "maw").iterdir())


def test_separate_git_dir_and_work_tree(home: Path, fake_runner: FakeRunner, user: Path) -> None:
    (home / "w").mkdir()
    repository = Repository(home / "w")
    repository.git("init", "-q", "--separate-git-dir", str(home / "elsewhere"))
    install.install(discover(str(home / "w")))
    hooked = Hooked(repository, fake_runner)
    hooked.write("n.py", "n = 1\n")
    hooked.ok("add", "n.py")
    hooked.commit()
    assert "+n = 1" in hooked.sent
    hooked.write("m.py", "m = 1\n")
    at = (f"--git-dir={home / 'elsewhere'}", f"--work-tree={home / 'w'}")
    hooked.ok(*at, "add", "m.py", cwd=home)
    hooked.ok(*at, "commit", "-q", "-m", "from outside", cwd=home)
    assert "+m = 1" in hooked.sent


def test_submodule_commit_and_pointer(hooked: Hooked, home: Path) -> None:
    other = make_repository(home / "other")
    other.commit("first", o__py="o = 1\n")
    hooked.ok("-c", "protocol.file.allow=always", "submodule", "add", "-q", str(other.path), "lib")
    hooked.commit()
    assert "Subproject commit" in hooked.sent
    _recorded(hooked)
    install.install(discover(str(hooked.path / "lib")))
    (hooked.path / "lib" / "o.py").write_text("o = 2\n")
    hooked.commit("-a", cwd=hooked.path / "lib")
    assert "+o = 2" in hooked.sent


def test_merged_with_squash_is_a_commit_like_others(hooked: Hooked) -> None:
    hooked.ok("checkout", "-q", "-b", "topic")
    hooked.write("t.py", "t = 1\n")
    hooked.ok("add", ".")
    hooked.commit()
    hooked.ok("checkout", "-q", "main")
    hooked.ok("merge", "-q", "--squash", "topic")
    hooked.ok("commit", "-q", "-m", "squashed")
    assert "+t = 1" in hooked.sent
    _recorded(hooked)


def test_without_a_reflog(hooked: Hooked) -> None:
    hooked.ok("config", "core.logAllRefUpdates", "false")
    (hooked.path / ".git" / "logs" / "HEAD").unlink()
    hooked.write("a.py", THREE + "four = 4\n")
    hooked.commit("-a")
    _recorded(hooked)


def test_a_tree_that_comes_back_gets_its_own_record(hooked: Hooked) -> None:
    hooked.runner.plays(finding(severity="warning"))
    hooked.write("a.py", THREE + "four = 4\n")
    hooked.commit("-a")
    first = hooked.record()
    hooked.write("a.py", THREE)
    hooked.commit("-a")
    hooked.write("a.py", THREE + "four = 4\n")
    assert "known since" in hooked.commit("-a")
    (record,) = hooked.records()
    assert first is not None
    assert record["id"] != first["id"]
    assert (record["verdict"], len(record["findings"]), record["head"]) == ("warn", 1, hooked.head)


def _recorded(hooked: Hooked) -> None:
    """HEAD has exactly one record, of its own tree, and nothing waits any more."""
    (record,) = hooked.records()
    assert (record["status"], record["verdict"]) == ("reviewed", "pass")
    assert record["tree"] == hooked.out("rev-parse", "HEAD^{tree}")
    assert record["base"] == hooked.out("rev-parse", "HEAD~1^{tree}")
    assert record["head"] == hooked.head
    assert record.get("bypassed") is None
    assert not {"blocked", "request", "parent"} & set(record)
    assert hooked.pending == []


def test_stash_is_no_commit(hooked: Hooked) -> None:
    """git makes commits of it, behind which no hook stands."""
    hooked.write("a.py", "one = 1\ntwo = 'stashed'\n")
    hooked.ok("add", "a.py")
    hooked.ok("stash", "push", "-q")
    hooked.ok("stash", "pop", "-q", "--index")
    assert not hooked.runner.submits and not hooked.pending
    hooked.commit()
    assert "+two = 'stashed'" in hooked.sent


def test_a_file_that_is_only_intended_is_not_sent(hooked: Hooked) -> None:
    hooked.write("later.py", "secret = 'not yet'\n")
    hooked.ok("add", "-N", "later.py")
    hooked.write("a.py", "one = 'now'\n")
    hooked.ok("add", "a.py")
    hooked.commit()
    assert "one = 'now'" in hooked.sent and "not yet" not in hooked.sent
