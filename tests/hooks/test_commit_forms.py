"""What the ways of committing (ways_typed.py) leave open: what is said, and commits in odd places."""

from __future__ import annotations

from pathlib import Path

from maw.git.repo import discover
from maw_hooks import install
from tests.fixtures.fake_runner import FakeRunner, finding
from tests.fixtures.git import Repository
from tests.hooks.conftest import Hooked

THREE = "one = 1\ntwo = 2\nthree = 3\n"


def test_plain(hooked: Hooked) -> None:
    hooked.write("a.py", THREE.replace("2", "22"))
    hooked.ok("add", "a.py")
    said = hooked.commit()
    assert said == "maw: nothing found in 1 unit\n"
    assert "-two = 2\n+two = 22" in hooked.sent
    _recorded(hooked)


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


def test_a_file_that_is_only_intended_is_not_sent(hooked: Hooked) -> None:
    hooked.write("later.py", "secret = 'not yet'\n")
    hooked.ok("add", "-N", "later.py")
    hooked.write("a.py", "one = 'now'\n")
    hooked.ok("add", "a.py")
    hooked.commit()
    assert "one = 'now'" in hooked.sent and "not yet" not in hooked.sent
