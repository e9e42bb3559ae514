"""`maw history` and `maw show` as a user runs them."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from maw import record
from maw.attendant import spool
from maw.errors import FatalError
from maw.git.notes import Notes
from maw.record import encode, parse_line
from maw.times import age, moment
from tests.fixtures.attendant import finding, kernel_repo, review_record
from tests.fixtures.cli import Maw
from tests.fixtures.fake_runner import FakeRunner
from tests.fixtures.git import INDEX_KINDS, Repository, unreadable_index


def note(repository: Repository, commit: str, **more: Any) -> str:
    data = review_record(repository, commit, **more)
    Notes(kernel_repo(repository)).append("review", commit, [encode(data)])
    return str(data["id"])


def test_the_table(repo: Repository, maw: Maw) -> None:
    first = repo.commit("Add parser", a__py="1\n")
    second = repo.commit("Second 漢字")
    note(repo, first, verdict="block", findings=[finding("a.py"), finding("a.py", "info"), finding("a.py", "info")])
    note(repo, second, status="unreviewed", verdict="incomplete", reason="the node is away", bypassed=True)
    note(repo, second, tree="0" * 40)
    ran = maw("history", cwd=repo.path)
    assert ran.code == 0 and ran.err == ""
    lines = [line.split(None, 4) for line in ran.out.splitlines()]
    assert [line[0] for line in lines] == [second[:10], second[:10], first[:10]]
    assert [line[2] for line in lines] == ["pass", "unreviewed", "block"]
    assert lines[0][4] == "A Tester  [stale] Second 漢字"
    assert lines[1][4] == "A Tester  [bypassed] Second 漢字"
    assert ran.out.splitlines()[2].endswith("now  block       1E 2I  A Tester  Add parser")


def test_json_is_one_object_a_line(repo: Repository, maw: Maw) -> None:
    made = [note(repo, repo.commit(str(number))) for number in range(3)]
    ran = maw("history", "--json", "--limit", "0", cwd=repo.path)
    rows = [json.loads(line) for line in ran.out.splitlines()]
    assert sorted(row["id"] for row in rows) == sorted(made)
    assert rows[0]["v"] == 1 and set(rows[0]) >= {"commit", "ts", "verdict", "standing", "counts", "author", "subject"}


def test_a_revision_range(repo: Repository, maw: Maw) -> None:
    first, second = repo.commit("one"), repo.commit("two")
    note(repo, first)
    kept = note(repo, second)
    assert maw("history", "--json", f"{first}..", cwd=repo.path).json["id"] == kept
    assert len(maw("history", "HEAD", cwd=repo.path).out.splitlines()) == 2
    ran = maw("history", "no-such", cwd=repo.path)
    assert ran.code == 2 and "no-such" in ran.err
    assert maw("history", "--", "--all", cwd=repo.path).code == 2


def test_the_limit_is_told(repo: Repository, maw: Maw) -> None:
    commit = repo.commit()
    for _ in range(3):
        note(repo, commit)
    ran = maw("history", "--limit", "2", cwd=repo.path)
    assert len(ran.out.splitlines()) == 2 and "--limit shows more" in ran.err


def test_nothing_recorded(repo: Repository, maw: Maw) -> None:
    ran = maw("history", cwd=repo.path)
    assert (ran.code, ran.out) == (0, "") and "nothing recorded" in ran.err
    repo.commit()
    ran = maw("show", cwd=repo.path)
    assert (ran.code, ran.out) == (0, "") and "nothing is recorded" in ran.err


def test_outside_a_repository(home: Path, maw: Maw) -> None:
    for command in ("history", "show"):
        ran = maw(command, cwd=home)
        assert ran.code == 2 and ran.err.startswith("maw: ") and "Traceback" not in ran.err


@pytest.mark.parametrize("command", ["history", "show"])
def test_what_waits_in_the_spool_is_written_first(repo: Repository, maw: Maw, command: str) -> None:
    commit = repo.commit()
    data = review_record(repo, commit)
    spool.put(kernel_repo(repo), commit, data)
    assert data["id"] in maw(command, "--json", cwd=repo.path).out
    assert repo.git("notes", "--ref=maw/review", "show", commit)


@pytest.mark.parametrize("kind", INDEX_KINDS)
def test_an_index_that_libgit2_cannot_read(repo: Repository, maw: Maw, kind: str) -> None:
    repo.git("config", "notes.rewriteRef", "refs/notes/maw/*")
    repo.commit("base", a__txt="1\n")
    reviewed = unreadable_index(repo, kind)
    data = review_record(repo, reviewed)
    spool.put(kernel_repo(repo), reviewed, data)
    shown = maw("show", "--json", cwd=repo.path)
    assert (shown.code, shown.err) == (0, "")
    assert (shown.json["records"][0]["id"], shown.json["records"][0]["standing"]) == (data["id"], "exact")
    assert data["id"] in repo.git("notes", "--ref=maw/review", "show", reviewed)
    # The same patch on another tree, whose patch id is asked for when the index is made.
    repo.git("commit", "-q", "--amend", "-m", "moved", "--allow-empty")
    root = repo.git("commit-tree", "-m", "other base", repo.git("mktree", stdin=_entry(repo, "b.txt")))
    repo.git("rebase", "-q", "--onto", root, "HEAD~1")
    listed = maw("history", cwd=repo.path)
    assert (listed.code, listed.err) == (0, "")
    assert maw("show", "--json", cwd=repo.path).json["records"][0]["standing"] == "carried"


def _entry(repo: Repository, name: str) -> bytes:
    return f"100644 blob {repo.git('hash-object', '-w', '--stdin', stdin=b'x')}\t{name}\n".encode()


@pytest.mark.parametrize("command", [["history"], ["show"], ["show", "--raw"], ["review", "HEAD"]])
def test_a_damaged_repository_is_no_defect(
    either: Repository, maw: Maw, fake_runner: FakeRunner, command: list[str]
) -> None:
    commit = either.commit("one", a__txt="1\n")
    note(either, commit)
    tip = either.git("rev-parse", "refs/notes/maw/review")
    path = either.path / ".git/objects" / tip[:2] / tip[2:]
    path.chmod(0o600)
    path.write_bytes(b"damaged")
    spool.put(kernel_repo(either), commit, review_record(either, commit))
    ran = maw(*command, cwd=either.path)
    assert "libgit2 cannot do this" in ran.err or f"lacks the commit {tip}" in ran.err, ran.err
    assert "defect" not in ran.err and either.git("rev-parse", "refs/notes/maw/review") == tip
    assert ran.code == (0 if command[0] == "review" else 2)


def test_a_review_of_a_commit_is_noted_and_shown(either: Repository, maw: Maw, fake_runner: FakeRunner) -> None:
    commit = either.commit("one", a__txt="1\n")
    fake_runner.plays(finding("a.txt", "info", "Look here"))
    ran = maw("review", "HEAD", cwd=either.path)
    assert ran.code == 0, ran.err
    assert spool.waiting(kernel_repo(either)) != []  # until it has kept its record for a while
    assert either.git("notes", "--ref=maw/review", "show", commit)
    ran = maw("history", "--path", "a.txt", "--author", "tester", cwd=either.path)
    assert (ran.code, ran.err) == (0, "") and commit[:10] in ran.out and "1I" in ran.out
    ran = maw("show", cwd=either.path)
    assert (ran.code, ran.err) == (0, "") and "Look here" in ran.out
    (record,) = maw("show", "--json", cwd=either.path).json["records"]
    assert record["standing"] == "exact" and len(record["patch_id"]) == either.oid_length


def test_control_characters_do_not_reach_the_terminal(repo: Repository, maw: Maw) -> None:
    evil = "\x1b]0;owned\x07\x1b[31m\r\x9b"
    stream = f"commit refs/heads/main\nauthor {evil} <a@b> 1700000000 +0000\ncommitter A <a@b> 1700000000 +0000\n"
    repo.git("fast-import", "--quiet", stdin=(stream + f"data <<E\nx{evil}\nE\n").encode())
    commit = repo.git("rev-parse", "main")
    item = finding(f"a{evil}.py", title=evil, scenario=evil, suggestion=evil, quote=evil, replacement=evil)
    note(repo, commit, findings=[item], model=evil, reason=evil, verdict=evil, skipped=[{"path": evil, "reason": evil}])
    for command in (["history"], ["show", commit]):
        out = maw(*command, cwd=repo.path).out
        assert out and all(char.isprintable() or char == "\n" for char in out)


def test_show_groups_findings_by_file(repo: Repository, maw: Maw) -> None:
    commit = repo.commit("Add parser", a__py="1\n")
    found = [finding("b.py", title="In b"), finding("a.py", "info", "In a"), finding("b.py", line=1, title="Also in b")]
    note(repo, commit, findings=found, verdict="block", skipped=[{"path": "x.lock", "reason": "a lock file"}])
    out = maw("show", cwd=repo.path).out
    assert out.startswith(f"commit {commit}\nA Tester <tester@example.invalid>\nAdd parser\n")
    order = [out.index(text) for text in ("block", "x.lock: a lock file", "b.py", "Also in b", "In b", "a.py", "In a")]
    assert order == sorted(order)
    assert "line 3" in out and "| x = y[0]" in out and "suggestion: Check it." in out


def test_show_json_and_raw(repo: Repository, maw: Maw) -> None:
    commit = repo.commit()
    made = note(repo, commit, findings=[finding("a.py")])
    Notes(kernel_repo(repo)).append("review", commit, [parse_line(b"by hand")])
    shown = maw("show", "--json", commit[:8], cwd=repo.path).json
    assert (shown["v"], shown["commit"], shown["records"][0]["id"]) == (1, commit, made)
    assert (shown["records"][0]["standing"], shown["records"][0]["findings"][0]["path"]) == ("exact", "a.py")
    assert maw("show", "--raw", cwd=repo.path).out == repo.git("notes", "--ref=maw/review", "show", commit) + "\n"


def test_show_leaves_out_what_it_cannot_read(repo: Repository, maw: Maw) -> None:
    commit = repo.commit()
    note(repo, commit, findings=[{"severity": "dire"}, 7, finding("a.py", title="Good one")], skipped=[3])
    note(repo, commit, findings=9, skipped=None)
    ran = maw("show", cwd=repo.path)
    assert ran.code == 0 and "Good one" in ran.out
    assert ran.err.count("a finding was left out") == 2


def test_moments(monkeypatch: pytest.MonkeyPatch) -> None:
    assert moment("7d", now=1_000_000.0) == 1_000_000.0 - 7 * 86400
    assert moment("2026-01-31T12:00Z") == 1769860800.0
    assert moment("2026-01-31T12:00:00+02:00") == 1769853600.0
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    assert moment("2026-01-31") == 1769817600.0
    for wrong in ("someday", "", "7", "-3d", "2026-13-01", "d"):
        with pytest.raises(FatalError, match="not a time"):
            moment(wrong)
    assert moment("999999999999999999y", now=5.0) == 0.0
    with pytest.raises(FatalError, match="not a time"):
        moment("9" * 400 + "y")
    assert [age(seconds) for seconds in (-5, 0, 59, 60, 7200, 86400, 15 * 86400, 800 * 86400)] == [
        "now", "now", "now", "1m", "2h", "1d", "2w", "2y",
    ]  # fmt: skip


def test_record_ids_sort_by_time() -> None:
    ids = [record.new_id() for _ in range(50)]
    assert [identity[:12] for identity in ids] == sorted(identity[:12] for identity in ids)
