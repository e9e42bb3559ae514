"""Cherry-picks and squashes know where they come from; with real git."""

from __future__ import annotations

import json

import pytest

from maw.git.notes import Notes
from maw.git.repo import discover
from maw.memory.index import Index, record_of
from maw.memory.linking import link
from maw.record import Json, encode, new_id, now
from tests.fixtures.cli import Maw
from tests.fixtures.git import Repository


def reviewed(repo: Repository, commit: str = "HEAD", **more: object) -> str:
    """Note a review on a commit, as the hook would have; the record's id."""
    oid = repo.git("rev-parse", commit)
    patch = repo.git("diff-tree", "-p", "--root", oid).encode("utf-8", "surrogateescape") + b"\n"
    data: Json = {
        "v": 1, "id": new_id(), "ts": now(), "kind": "review", "status": "reviewed", "verdict": "pass", "head": oid,
        "tree": repo.git("rev-parse", f"{oid}^{{tree}}"), "findings": [], "has_binary": False,
        "patch_id": repo.git("patch-id", "--stable", stdin=patch).split()[0], **more,
    }  # fmt: skip
    Notes(discover(str(repo.path))).append("review", oid, [encode(data)])
    return str(data["id"])


def records(repo: Repository, commit: str = "HEAD") -> list[Json]:
    note = repo.git("notes", "--ref=maw/review", "show", commit, check=False)
    return [json.loads(line) for line in note.splitlines()]


@pytest.fixture
def picking(repo: Repository) -> Repository:
    """A reviewed commit on `topic`, and another branch to pick it to."""
    repo.commit("base", a__txt="1\n2\n3\n4\n5\n6\n7\n8\n")
    repo.git("switch", "-q", "-c", "topic")
    repo.commit("one", a__txt="1\n2\n3\n4\n5\n6\n7\neight\n")
    repo.git("switch", "-q", "-c", "side", "main")
    repo.commit("elsewhere", b__txt="2\n")
    return repo


def test_by_its_patch(picking: Repository) -> None:
    made = reviewed(picking, "topic")
    kernel = discover(str(picking.path))
    picking.git("cherry-pick", "topic")
    assert link(kernel) == 1
    (record,) = records(picking)
    source = picking.git("rev-parse", "topic")
    assert record["linked"] == {"commit": source, "record": made, "how": "patch"}
    assert record["id"] != made
    with Index(kernel) as index:
        index.refresh()
        rows = {row.commit: row.standing for row in index.history().rows}
    assert rows == {source: "exact", picking.git("rev-parse", "HEAD"): "carried"}
    assert link(kernel) == 0
    (picking.path / ".git/maw/picked.json").unlink()
    assert link(kernel) == 0  # it has one


def test_by_its_message_also_after_a_conflict(picking: Repository, maw: Maw) -> None:
    made = reviewed(picking, "topic")
    picking.commit("in the way", a__txt="1\n2\n3\n4\n5\n6\n7\nEIGHT\n")
    picking.git("cherry-pick", "-x", "topic", check=False)
    picking.write("a.txt", "1\n2\n3\n4\n5\n6\n7\nEight\n")
    picking.git("add", "a.txt")
    picking.git("cherry-pick", "--continue")
    assert "[stale, picked]" in maw("history", cwd=picking.path).out
    (record,) = records(picking)
    assert (record["linked"]["record"], record["linked"]["how"]) == (made, "message")
    assert "which this was picked from" in maw("show", cwd=picking.path).out


@pytest.mark.parametrize("more", [{"status": "unreviewed"}, {"has_binary": True}, {"patch_id": "0" * 40}])
def test_what_tells_nothing_is_not_linked(picking: Repository, more: Json) -> None:
    reviewed(picking, "topic", **more)
    picking.git("cherry-pick", "topic")
    assert link(discover(str(picking.path))) == 0
    assert records(picking) == []


@pytest.mark.parametrize("known", [False, True])
def test_a_message_that_lies(picking: Repository, known: bool) -> None:
    """It names what is no commit here, or one of another change."""
    made = reviewed(picking, "main")
    named = picking.git("rev-parse", "main") if known else "f" * 40
    picking.git("switch", "-q", "topic")
    picking.git("commit", "-q", "--amend", "-m", f"x\n\n(cherry picked from commit {named})")
    picking.git("switch", "-q", "side")
    picking.git("cherry-pick", "topic")
    kernel = discover(str(picking.path))
    assert link(kernel) == int(known)
    with Index(kernel) as index:
        index.refresh()
        standing = {record_of(row)["linked"]["record"]: row.standing for row in index.history().rows if row.id != made}
    assert standing == ({made: "stale"} if known else {})


def test_two_clones_write_the_same(picking: Repository) -> None:
    reviewed(picking, "topic")
    picking.git("cherry-pick", "topic")
    link(discover(str(picking.path)))
    (first,) = records(picking)
    picking.git("update-ref", "refs/notes/maw/review", "refs/notes/maw/review~1")
    (picking.path / ".git/maw/picked.json").unlink()
    link(discover(str(picking.path)))
    assert records(picking) == [first]


def test_in_a_linked_worktree(picking: Repository) -> None:
    reviewed(picking, "topic")
    picking.git("worktree", "add", "-q", "../linked", "main")
    other = Repository(picking.path.parent / "linked")
    other.git("cherry-pick", "--allow-empty", "topic~1", "topic", check=False)
    other.git("cherry-pick", "--skip", check=False)
    link(discover(str(picking.path)))
    assert len(records(other)) == 1


def test_a_squash_names_its_sources(picking: Repository, maw: Maw) -> None:
    reviewed(picking, "topic", verdict="warn")
    picking.git("merge", "-q", "--squash", "topic")
    picking.git("commit", "-q", "--no-edit")
    reviewed(picking)
    out = maw("show", cwd=picking.path).out
    assert f"squashed from {picking.git('rev-parse', 'topic')[:10]}: warn" in out
