"""Dismiss, accept, fix and undo where commits are made; and what is known is not asked again."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from tests.fixtures.cli import Maw
from tests.fixtures.fake_runner import FakeRunner, finding, script
from tests.fixtures.git import Repository
from tests.hooks.conftest import Hooked, Json

THREE = "one = 1\ntwo = 2\nthree = 3\n"
FUNCTION = "\ndef mean(items):\n    total = sum(items)\n    return total / len(items)\n"
LINE = 7
ID = "dbf3f824"  # of `finding()`
QUOTE = "    return total / len(items)"


@pytest.fixture
def blocked(hooked: Hooked) -> Hooked:
    """A commit was blocked for the function that is staged."""
    hooked.write("a.py", THREE + FUNCTION)
    hooked.ok("add", "a.py")
    hooked.runner.plays(finding(line=LINE, replacement="    return total / max(len(items), 1)"))
    done = hooked.git("commit", "-q", "-m", "change")
    assert done.returncode == 1
    assert f"divides by zero  ({ID})" in done.stderr
    assert "`maw dismiss ID`" in done.stderr
    return hooked


def _feedback(hooked: Hooked, commit: str = "HEAD") -> list[Json]:
    """What was said on a commit: in its note, or on its way there."""
    oid = hooked.out("rev-parse", commit)
    spooled = [json.loads(path.read_text()) for path in (hooked.path / ".git/maw/spool").glob("*.json")]
    lines = [entry["record"] for entry in spooled if entry["commit"] == oid and entry["kind"] == "feedback"]
    note = hooked.git("notes", "--ref=maw/feedback", "show", oid)
    lines += [json.loads(line) for line in note.stdout.splitlines() if line] if note.returncode == 0 else []
    return list({line["id"]: line for line in lines}.values())


def test_a_dismissed_finding_stops_blocking_at_once(blocked: Hooked, maw: Maw) -> None:
    done = maw("dismiss", ID[:5], "--reason", "never\x1b[31m empty", cwd=blocked.path)
    assert (done.code, done.out) == (0, "")
    assert done.err == f"maw: dismissed: {ID} a.py:{LINE} divides by zero (noted once the commit is made)\n"
    said = blocked.commit()
    assert "divides by zero" not in said
    assert "nothing found in 1 unit, 1 dismissed" in said
    assert "known since" in said
    assert len(blocked.runner.submits) == 1
    (line,) = _feedback(blocked)
    assert (line["status"], line["finding"]["id"], line["head"]) == ("dismissed", ID, blocked.head)
    assert line["by"] == "A Tester <tester@example.invalid>"
    assert line["tree"] == blocked.out("rev-parse", "HEAD^{tree}")
    assert "\x1b" not in line["reason"]
    record = blocked.record()
    assert record is not None
    assert (record["verdict"], record["dismissed"], len(record["findings"])) == ("pass", [ID], 1)
    shown = maw("show", cwd=blocked.path).out
    assert "dismissed by A Tester <tester@example.invalid>: never" in shown
    assert "[1 dismissed] change" in maw("history", cwd=blocked.path).out
    assert maw("history", "--json", cwd=blocked.path).json["feedback"] == {"dismissed": 1}
    assert f"{ID} a.py divides by zero: never" in maw("history", "--kind", "feedback", cwd=blocked.path).out
    (blocked.path / ".git/maw/dismissed.json").write_text("{damaged")  # it is made anew
    blocked.write("a.py", "zero = 0\n" + THREE + FUNCTION)  # only moved
    blocked.runner.plays(finding(line=LINE + 1))
    assert "1 dismissed" in blocked.commit("-a")
    assert json.loads((blocked.path / ".git/maw/dismissed.json").read_text())["records"][0]["id"] == line["id"]
    assert maw("undo", cwd=blocked.path).err == f"maw: {ID} is no longer dismissed\n"
    blocked.write("a.py", "\n" + THREE + FUNCTION)
    assert blocked.git("commit", "-q", "-a", "-m", "again").returncode == 1
    assert maw("undo", cwd=blocked.path).code == 2


def test_feedback_lands_on_the_commit_that_is_made(blocked: Hooked, maw: Maw) -> None:
    """Though it has another tree; undone before, it never was."""
    maw("dismiss", ID, cwd=blocked.path)
    assert maw("undo", "--json", cwd=blocked.path).json["commits"] == []
    done = maw("accept", ID, "--json", cwd=blocked.path)
    assert (done.json["status"], done.json["commit"], done.json["line"]) == ("accepted", None, LINE)
    blocked.write("a.py", THREE + "four = 4\n")
    blocked.ok("add", "a.py")
    blocked.runner.plays()
    blocked.commit()
    assert [line["status"] for line in _feedback(blocked)] == ["accepted"]
    assert not list((blocked.path / ".git/maw/feedback").iterdir())


def test_ids_across_commits(blocked: Hooked, maw: Maw) -> None:
    blocked.commit("-n")
    first = blocked.head
    other = finding(line=1, title="naming", severity="info", path="b.py", quote="b = 1")
    blocked.write("b.py", "b = 1\n")
    blocked.runner.plays(other)
    blocked.commit("-a")
    listed = maw("show", "--json", cwd=blocked.path).json
    (naming,) = [item["id"] for record in listed["records"] for item in record["findings"]]
    done = maw("dismiss", ID, naming, "--json", cwd=blocked.path)
    assert [json.loads(line)["commit"] for line in done.out.splitlines()] == [first, blocked.head]
    assert [line["finding"]["id"] for line in _feedback(blocked, first or "")] == [ID]
    unknown = maw("dismiss", "ffffffff", naming, cwd=blocked.path)
    assert (unknown.code, unknown.err.splitlines()[0]) == (2, "maw: no finding is called 'ffffffff'")
    assert len(_feedback(blocked)) == 1
    assert maw("dismiss", "ab", cwd=blocked.path).code == 2


def test_what_is_dismissed_since_may_be_pushed(blocked: Hooked, maw: Maw, home: Path) -> None:
    blocked.ok("init", "-q", "--bare", str(home / "origin.git"))
    blocked.ok("push", "-q", str(home / "origin.git"), "main")
    blocked.commit("-n")
    push = ("push", "-q", str(home / "origin.git"), "main")
    stopped = blocked.git(*push, MAW_PUSH_REQUIRE="passed")
    assert (stopped.returncode, "push stopped" in stopped.stderr) == (1, True)
    assert maw("dismiss", ID, cwd=blocked.path).code == 0
    blocked.ok(*push, MAW_PUSH_REQUIRE="passed")


def test_an_ambiguous_id(hooked: Hooked, maw: Maw) -> None:
    hooked.write("a.py", THREE + "x = 1\n")
    hooked.runner.plays(finding(id="abcd1111", line=4), finding(id="abcd2222", line=4, title="other"))
    assert hooked.git("commit", "-q", "-a", "-m", "x").returncode == 1
    done = maw("accept", "abcd", cwd=hooked.path)
    assert done.err.startswith("maw: 'abcd' is the start of several findings' ids: abcd1111, abcd2222\n")
    assert maw("accept", "abcd2", cwd=hooked.path).code == 0


def test_a_secret_cannot_be_dismissed(hooked: Hooked, maw: Maw) -> None:
    hooked.write("a.py", THREE + 'api_key = "sk_live_0a1b2c3d4e5f60718293a4b5"\n')
    said = hooked.git("commit", "-q", "-a", "-m", "x").stderr
    assert "A secret is added" in said
    found = said.partition(")  (")[2].partition(")")[0]
    done = maw("dismiss", found, cwd=hooked.path)
    assert done.code == 2
    assert "cannot be dismissed" in done.err


def test_fix(blocked: Hooked, maw: Maw) -> None:
    path = blocked.path / "a.py"
    path.write_text("unstaged = 1\n" + path.read_text())
    path.chmod(0o755)
    dry = maw("fix", ID, "--dry-run", cwd=blocked.path)
    assert "-    return total / len(items)\n+    return total / max(len(items), 1)" in dry.out
    assert "max(" not in path.read_text()
    done = maw("fix", ID, cwd=blocked.path)
    assert (done.code, done.out) == (0, dry.out)
    assert path.read_text() == "unstaged = 1\n" + THREE + FUNCTION.replace("len(items)\n", "max(len(items), 1)\n")
    assert path.stat().st_mode & 0o777 == 0o755
    assert "unstaged" not in blocked.out("diff", "--cached")
    again = maw("fix", ID, cwd=blocked.path)
    assert again.code == 2
    assert "have changed" in again.err
    blocked.runner.plays()
    blocked.commit("-a")
    assert [line["status"] for line in _feedback(blocked)] == ["fixed"]


def test_fix_writes_into_no_other_file(blocked: Hooked, maw: Maw, home: Path) -> None:
    outside = home / "outside.py"
    outside.write_text((blocked.path / "a.py").read_text())
    (blocked.path / "a.py").unlink()
    (blocked.path / "a.py").symlink_to(outside)
    done = maw("fix", ID, cwd=blocked.path)
    assert done.code == 2
    assert "symbolic link" in done.err
    assert "max(" not in outside.read_text()


def test_what_is_known_needs_no_node(hooked: Hooked, maw: Maw, user: Path) -> None:
    hooked.write("a.py", THREE + "four = 4\n")
    hooked.ok("add", "a.py")
    hooked.runner.plays(finding(severity="info"))
    assert maw("review", "--staged", cwd=hooked.path).code == 0
    hooked.runner.stop()
    said = hooked.commit()
    assert "1 finding: 1 info; below error" in said
    assert "known since" in said
    record = hooked.record()
    assert record is not None
    assert (record["status"], record["profile"]) == ("reviewed", "0123456789abcdef")
    assert len(hooked.runner.submits) == 1
    hooked.runner.start()
    hooked.ok("reset", "-q", "--soft", "HEAD~1")
    done = maw("review", "--json", cwd=hooked.path)
    assert done.json["known"]
    assert maw("review", "--json", "--fresh", cwd=hooked.path).json["known"] is None
    user.write_text('node = "local"\n[[review.rules]]\ntext = "Another rule."\n')
    assert "known since" not in hooked.commit()  # on other terms it is another question
    assert len(hooked.runner.submits) == 3


def test_another_profile_is_another_answer(hooked: Hooked, fake_link: FakeRunner, user: Path, maw: Maw) -> None:
    user.write_text('node = "pro"\n[nodes.pro]\nhost = "pro"\n')
    hello = {"v": 1, "protocol": [1, 1], "version": "0", "features": [], "node_id": "n", "boot_id": "b"}
    preface = {"v": 1, "hello": {**hello, "profiles": {"review": "0123456789abcdef"}}}
    fake_link.plays(preface=preface, steps=script())
    hooked.write("a.py", THREE + "four = 4\n")
    hooked.ok("add", "a.py")
    assert maw("review", "--json", cwd=hooked.path).json["known"] is None
    assert maw("review", "--json", cwd=hooked.path).json["known"]
    preface["hello"]["profiles"] = {"review": "fedcba9876543210"}  # type: ignore[index]
    fake_link.plays(preface=preface, steps=script())
    maw("status", cwd=hooked.path)  # any connection tells
    assert maw("review", "--json", cwd=hooked.path).json["known"] is None


def test_show_dismissed(blocked: Hooked, maw: Maw) -> None:
    maw("dismiss", ID, "-m", "a reason", cwd=blocked.path)
    done = maw("review", cwd=blocked.path)
    assert (done.code, done.out) == (0, "")
    assert "1 more dismissed" in done.err
    done = maw("review", "--show-dismissed", cwd=blocked.path)
    assert "divides by zero" in done.out
    assert f"maw: {ID} was dismissed by A Tester <tester@example.invalid>: a reason" in done.err
    told = maw("review", "--json", cwd=blocked.path).json
    assert ([item["id"] for item in told["dismissed"]], told["findings"], told["verdict"]) == ([ID], [], "pass")
    patch = blocked.out("diff", "--cached") + "\n"
    assert maw("review", "-", cwd=blocked.path, stdin=patch).code == 0


def test_a_dismissal_travels(blocked: Hooked, maw: Maw, home: Path) -> None:
    maw("dismiss", ID, cwd=blocked.path)
    blocked.commit()
    blocked.ok("init", "-q", "--bare", str(home / "origin.git"))
    blocked.ok("remote", "add", "origin", str(home / "origin.git"))
    blocked.ok("push", "-q", "origin", "main")
    assert maw("sync", cwd=blocked.path).code == 0
    blocked.ok("clone", "-q", str(home / "origin.git"), str(home / "other"))
    assert maw("review", "HEAD", "--no-record", cwd=home / "other").code == 1
    assert maw("sync", cwd=home / "other").code == 0
    assert maw("review", "HEAD", "--no-record", cwd=home / "other").code == 0
    blocked.ok("commit", "-q", "--amend", "--no-edit", "-m", "another message")
    assert maw("undo", cwd=blocked.path).code == 0
    maw("sync", cwd=blocked.path)
    maw("sync", cwd=home / "other")
    assert maw("review", "HEAD", "--no-record", cwd=home / "other").code == 1


def test_feedback_outlives_a_killed_post_commit(blocked: Hooked, maw: Maw) -> None:
    """As its pending outcome does; the commit's time is of long ago, as reclaim waits for a moment."""
    maw("accept", ID, cwd=blocked.path)
    (blocked.path / ".git/hooks/post-commit").write_text("#!/bin/sh\nkill -9 $$\n")
    blocked.git("commit", "-q", "-n", "-m", "x")
    (waits,) = (blocked.path / ".git/maw/feedback").glob("*.json")
    long_ago = time.time() - 3600
    os.utime(waits, (long_ago, long_ago))
    os.utime(blocked.path / ".git/logs/HEAD", (long_ago + 60, long_ago + 60))
    assert maw("history", cwd=blocked.path).code == 0
    assert [line["status"] for line in _feedback(blocked)] == ["accepted"]
    assert not waits.exists()


@pytest.mark.parametrize("how", ["amend", *(pytest.param(way, marks=pytest.mark.slow) for way in ("rebase", "squash"))])
def test_feedback_goes_along_with_its_commit(blocked: Hooked, maw: Maw, how: str) -> None:
    blocked.ok("config", "notes.rewriteRef", "refs/notes/maw/*")
    blocked.ok("config", "notes.rewriteMode", "cat_sort_uniq")
    maw("dismiss", ID, cwd=blocked.path)
    blocked.commit()
    maw("history", cwd=blocked.path)
    if how == "amend":
        blocked.write("b.py", "b = 7\n")
        blocked.ok("commit", "-q", "-a", "--amend", "-m", "amended")
    elif how == "rebase":
        blocked.ok("switch", "-q", "-c", "base", "HEAD~1")
        blocked.write("b.py", "b = 7\n")
        blocked.commit("-a")
        blocked.ok("rebase", "-q", "base", "main")
    else:
        blocked.write("b.py", "b = 7\n")
        blocked.commit("-a")
        maw("history", cwd=blocked.path)
        blocked.ok("-c", "sequence.editor=sed -i 2s/pick/squash/", "rebase", "-q", "-i", "HEAD~2")
    assert [line["finding"]["id"] for line in _feedback(blocked)] == [ID]
    (row,) = [
        json.loads(line) for line in maw("history", "--kind", "feedback", "--json", cwd=blocked.path).out.splitlines()
    ]
    assert row["commit"] == blocked.head
    assert row["standing"] == ("carried" if how == "rebase" else "stale")
    assert maw("review", "HEAD", "--no-record", cwd=blocked.path).code == 0
    assert maw("undo", cwd=blocked.path).code == 0  # on all commits that have it
    assert maw("history", "--kind", "feedback", "--json", cwd=blocked.path).out == ""
    assert maw("review", "HEAD", "--no-record", cwd=blocked.path).code == 1


def test_a_repository_that_only_git_opens(sha256: Repository, fake_runner: FakeRunner, user: Path, maw: Maw) -> None:
    sha256.commit("first", a__py=THREE)
    sha256.commit("second", a__py=THREE + FUNCTION)
    fake_runner.plays(finding(line=LINE))
    assert maw("review", "HEAD", cwd=sha256.path).code == 1
    assert maw("dismiss", ID, cwd=sha256.path).code == 0
    assert maw("review", "HEAD", cwd=sha256.path).code == 0
    assert maw("undo", cwd=sha256.path).code == 0
    assert maw("review", "HEAD", cwd=sha256.path).code == 1


def test_dismissals_that_cannot_be_read_hold_for_nothing(blocked: Hooked, maw: Maw) -> None:
    """The finding blocks again, and the hook says why; once they can be read, they hold again."""
    maw("dismiss", ID, cwd=blocked.path)
    blocked.commit()
    maw("history", cwd=blocked.path)
    blocked.ok("reset", "-q", "--soft", "HEAD~1")
    tree = blocked.out("rev-parse", "refs/notes/maw/feedback^{tree}")
    damaged = blocked.path / ".git/objects" / tree[:2] / tree[2:]
    (blocked.path / ".git/maw/dismissed.json").unlink()
    content = damaged.read_bytes()
    damaged.chmod(0o644)
    damaged.write_bytes(b"nonsense")
    done = blocked.git("commit", "-q", "-m", "again")
    assert done.returncode == 1
    assert "maw: what was dismissed cannot be read: " in done.stderr
    damaged.write_bytes(content)
    assert "1 dismissed" in blocked.commit()
