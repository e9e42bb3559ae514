"""When the hooks stay out of the way, beyond the ways of committing in ways_replayed.py: several commits at once, `-n`,
MAW_SKIP, CI, no configuration."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.fixtures.fake_runner import finding
from tests.hooks.conftest import Hooked

THREE = "one = 1\ntwo = 2\nthree = 3\n"


@pytest.fixture
def started(hooked: Hooked, home: Path) -> Path:
    """A file with a line for each time a hook's Python started: the stubs' interpreter writes it first."""
    log = home / "started"
    for hook in ("pre-commit", "post-commit"):
        path = hooked.path / ".git" / "hooks" / hook
        text = path.read_text()
        assert '\n"$python" -I' in text
        path.write_text(text.replace('\n"$python" -I', f'\necho {hook} >>{log}\n"$python" -I'))
    log.write_text("")
    return log


def _two_branches(hooked: Hooked) -> None:
    """main and topic, each with two commits of their own; the last ones conflict in a.py."""
    hooked.ok("checkout", "-q", "-b", "topic")
    for number in (1, 2):
        hooked.write(f"t{number}.py", "t = 1\n")
        hooked.ok("add", ".")
        hooked.ok("commit", "-q", "-n", "-m", f"t{number}")
    hooked.ok("checkout", "-q", "main")
    hooked.write("m.py", "m = 1\n")
    hooked.ok("add", ".")
    hooked.ok("commit", "-q", "-n", "-m", "m")


def test_rebase_of_several_commits(hooked: Hooked, started: Path) -> None:
    _two_branches(hooked)
    hooked.ok("checkout", "-q", "topic")
    started.write_text("")
    hooked.ok("rebase", "-q", "main")
    assert hooked.out("log", "--format=%s", "main..topic") == "t2\nt1"
    assert started.read_text() == ""
    assert hooked.runner.submits == []


def test_cherry_pick_and_revert(hooked: Hooked, started: Path) -> None:
    _two_branches(hooked)
    started.write_text("")
    hooked.ok("cherry-pick", "topic")
    hooked.ok("revert", "--no-edit", "HEAD")
    hooked.ok("cherry-pick", "topic~1", "topic")
    assert started.read_text() == ""
    assert hooked.record() is None


def test_what_is_typed_between_two_picks_is_reviewed(hooked: Hooked) -> None:
    """`git commit` ends the first one's conflict, and git keeps the rest of the list until somebody goes on with it."""
    _two_branches(hooked)
    hooked.write("t1.py", "main has its own\n")
    hooked.ok("add", ".")
    hooked.ok("commit", "-q", "-n", "-m", "own")
    assert hooked.git("cherry-pick", "topic~1", "topic").returncode == 1
    hooked.write("t1.py", "both\n")
    hooked.ok("commit", "-q", "-a", "-m", "resolved")
    assert (hooked.path / ".git" / "sequencer").exists()
    assert (hooked.runner.submits, hooked.record()) == ([], None)
    hooked.write("m.py", "m = 2\n")
    hooked.commit("-a")
    assert (len(hooked.runner.submits), (hooked.record() or {}).get("status")) == (1, "reviewed")


def test_in_a_linked_worktree_too(hooked: Hooked, started: Path, home: Path) -> None:
    _two_branches(hooked)
    hooked.ok("worktree", "add", "-q", str(home / "linked"), "topic")
    started.write_text("")
    hooked.ok("rebase", "-q", "main", cwd=home / "linked")
    hooked.ok("cherry-pick", "main~1", "--allow-empty", "--keep-redundant-commits", cwd=home / "linked")
    assert started.read_text() == ""


def test_no_verify_is_recorded_as_unreviewed(hooked: Hooked) -> None:
    hooked.write("a.py", THREE + "four = 4\n")
    assert hooked.commit("-a", "-n") == ""
    assert hooked.runner.submits == []
    record = hooked.record()
    assert record is not None
    assert (record["status"], record["verdict"]) == ("unreviewed", "incomplete")
    assert "--no-verify" in record["reason"]
    assert record["base"] == hooked.out("rev-parse", "HEAD~1^{tree}")


def test_no_verify_on_an_orphan_branch_is_recorded_as_all_new(hooked: Hooked) -> None:
    """HEAD was at another commit before, of which this one is no change."""
    hooked.ok("checkout", "-q", "--orphan", "fresh")
    hooked.commit("-n")
    record = hooked.record()
    assert record is not None
    assert (record["status"], record["base"]) == ("unreviewed", hooked.out("hash-object", "-t", "tree", "/dev/null"))


def test_no_verify_after_a_block_is_recorded_as_bypassed(hooked: Hooked) -> None:
    hooked.runner.plays(finding(severity="error"))
    hooked.write("a.py", THREE + "four = 4\n")
    assert hooked.git("commit", "-q", "-a", "-m", "change").returncode == 1
    hooked.commit("-a", "-n")
    record = hooked.record()
    assert record is not None
    assert (record["status"], record["verdict"], record["bypassed"]) == ("reviewed", "block", True)
    assert hooked.pending == []


def test_skip_variable_is_recorded(hooked: Hooked, started: Path) -> None:
    hooked.write("a.py", THREE + "four = 4\n")
    assert hooked.commit("-a", MAW_SKIP="1") == ""
    assert hooked.runner.submits == []
    assert started.read_text() == "post-commit\n"
    record = hooked.record()
    assert record is not None
    assert (record["status"], record["reason"]) == ("unreviewed", "MAW_SKIP was set")


def test_skip_variable_of_zero_skips_nothing(hooked: Hooked) -> None:
    hooked.write("a.py", THREE + "four = 4\n")
    hooked.commit("-a", MAW_SKIP="0")
    assert len(hooked.runner.submits) == 1


def test_ci(hooked: Hooked) -> None:
    hooked.write("a.py", THREE + "four = 4\n")
    assert hooked.commit("-a", CI="true") == "maw: CI is set, so nothing is reviewed here\n"
    assert hooked.runner.submits == []
    assert hooked.record() is None


def test_a_user_without_configuration(hooked: Hooked, user: Path) -> None:
    user.unlink()
    hooked.write(".maw.toml", "[review]\nblock_at = 'info'\n")  # the repository's word does not count
    hooked.ok("add", ".maw.toml")
    said = hooked.commit()
    assert said == "maw: not set up for you, so nothing is reviewed; `maw init` does it\n"
    assert hooked.runner.requests == []
    assert hooked.record() is None


def test_an_environment_variable_is_configuration(hooked: Hooked, user: Path) -> None:
    user.unlink()
    hooked.write("a.py", THREE + "four = 4\n")
    hooked.commit("-a", MAW_NODE="local")
    assert len(hooked.runner.submits) == 1


def test_records_that_nothing_delivers_are_given_up(hooked: Hooked) -> None:
    old = [hooked.path / ".git/maw/spool" / f"{number:024x}.json" for number in range(2)]
    old[0].parent.mkdir(parents=True, mode=0o700)
    for path in old:
        path.write_text("{}")
        os.utime(path, (0, 0))
    hooked.write("a.py", "four = 4\n")
    assert "maw: gave up 2 old record(s)" in hooked.commit("-a", "-n")  # pre-commit would start the attendant
    assert not any(path.exists() for path in old)
    assert hooked.record() is not None
