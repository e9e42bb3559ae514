"""The spool and what waits in pending: private, read back, set aside, never doubled, whoever drains it."""

from __future__ import annotations

import json
import os
import stat
import threading
from pathlib import Path

import pytest

from maw import record
from maw.attendant import pending, spool, writer
from maw.errors import FatalError
from maw.git.notes import Notes
from tests.fixtures.attendant import kernel_repo, review_record
from tests.fixtures.git import Repository
from tests.memory.spooling import age, drain_all, ids_on, put


def test_drain_writes_and_removes(repo: Repository) -> None:
    commit = repo.commit("one", a__txt="1\n")
    ids = [put(repo, commit) for _ in range(3)]
    assert spool.drain(kernel_repo(repo)) == 3
    assert sorted(ids_on(repo, commit)) == sorted(ids)
    assert len(spool.waiting(kernel_repo(repo))) == 3
    assert drain_all(repo) == 0
    assert spool.waiting(kernel_repo(repo)) == []
    data = Notes(kernel_repo(repo)).read("review", commit)[0].data
    shown = repo.git("diff-tree", "-p", "--root", commit).encode()
    assert data and data["patch_id"] == repo.git("patch-id", "--stable", stdin=shown).split()[0]
    assert data["has_binary"] is False
    assert spool.drain(kernel_repo(repo)) == 0


def test_the_spool_is_private(repo: Repository) -> None:
    path = spool.put(kernel_repo(repo), repo.commit(), review_record(repo, "HEAD"))
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    assert stat.S_IMODE(os.stat(os.path.dirname(path)).st_mode) == 0o700


@pytest.mark.parametrize(
    ("commit", "change"),
    [
        ("HEAD", {}),
        ("a" * 40, {"id": "../../x"}),
        ("a" * 40, {"v": 2}),
        ("a" * 40, {"kind": "other"}),
        ("a" * 40, {"ts": 1}),
    ],
)
def test_what_could_not_be_read_back_is_not_put(repo: Repository, commit: str, change: record.Json) -> None:
    repo.commit()
    with pytest.raises(ValueError, match=r"id|version|kind"):
        spool.put(kernel_repo(repo), commit, review_record(repo, "HEAD") | change)
    assert spool.waiting(kernel_repo(repo)) == []


def test_bad_files_are_set_aside_and_the_rest_is_written(repo: Repository, caplog: pytest.LogCaptureFixture) -> None:
    commit = repo.commit()
    good = put(repo, commit)
    found = kernel_repo(repo)
    gone = review_record(repo, commit)
    spool.put(found, "ab" * 20, gone)
    for name, content in {
        "cut.json": b'{"v":1,"com',
        "bytes.json": b"\xff",
        "empty.json": b"",
        "list.json": b"[]",
    }.items():
        Path(spool.directory(found), name).write_bytes(content)
    Path(spool.directory(found), "x.json.77.tmp").write_bytes(b"half")
    assert drain_all(repo) == 1
    assert ids_on(repo, commit) == [good]
    assert sorted(os.listdir(os.path.join(spool.directory(found), "bad"))) == sorted(
        ["cut.json", "bytes.json", "empty.json", "list.json", f"{gone['id']}.json"]
    )
    assert f"commit {'ab' * 20} does not exist" in caplog.text
    assert spool.waiting(found) == []


def test_a_note_that_is_not_here_keeps_no_other_waiting(repo: Repository) -> None:
    lost, commit = repo.commit("one"), repo.commit("two")
    put(repo, lost)
    drain_all(repo)
    blob = repo.git("rev-parse", f"refs/notes/maw/review:{lost[:2]}/{lost[2:]}")
    (repo.path / ".git/objects" / blob[:2] / blob[2:]).unlink()
    put(repo, lost)
    good = put(repo, commit)
    with pytest.raises(FatalError, match=f"lacks the blob {blob}"):
        spool.drain(kernel_repo(repo))
    assert ids_on(repo, commit) == [good]
    assert len(spool.waiting(kernel_repo(repo))) == 2


def test_a_record_noted_already_is_not_doubled(repo: Repository) -> None:
    """As after a kill between the note and the removal of its file."""
    commit = repo.commit()
    path = spool.put(kernel_repo(repo), commit, review_record(repo, commit))
    content = Path(path).read_bytes()
    drain_all(repo)
    assert not os.path.exists(path)
    Path(path).write_bytes(content)
    assert drain_all(repo) == 0
    assert len(ids_on(repo, commit)) == 1
    assert not os.path.exists(path)


def test_a_record_that_git_overwrote_is_written_again(repo: Repository) -> None:
    """`git commit --amend` copies notes right after post-commit, from a tree it may have read before we wrote."""
    commit = repo.commit()
    Notes(kernel_repo(repo)).append("review", commit, [record.encode(review_record(repo, commit))])
    before = repo.git("rev-parse", "refs/notes/maw/review")
    made = put(repo, commit)
    assert spool.drain(kernel_repo(repo)) == 1
    repo.git("update-ref", "refs/notes/maw/review", before)
    age(repo)
    assert spool.drain(kernel_repo(repo)) == 1
    assert made in ids_on(repo, commit)
    assert spool.waiting(kernel_repo(repo)) != []
    assert drain_all(repo) == 0
    assert spool.waiting(kernel_repo(repo)) == []


def test_files_stay_when_notes_cannot_be_written(repo: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    commit = repo.commit()
    put(repo, commit)
    lock = repo.path / ".git/refs/notes/maw/review.lock"
    lock.parent.mkdir(parents=True)
    lock.touch()
    monkeypatch.setattr("maw.git.notes.ATTEMPTS", 2)
    with pytest.raises(FatalError):
        spool.drain(kernel_repo(repo))
    assert len(spool.waiting(kernel_repo(repo))) == 1
    lock.unlink()
    assert drain_all(repo) == 1


def test_two_drains_at_once(repo: Repository) -> None:
    commits = [repo.commit(str(number)) for number in range(20)]
    for commit in commits:
        put(repo, commit)
    found = kernel_repo(repo)
    threads = [threading.Thread(target=writer.drain, args=(found,)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [len(ids_on(repo, commit)) for commit in commits] == [1] * 20


def test_what_nothing_could_deliver_is_given_up_in_the_end(repo: Repository) -> None:
    commit = repo.commit()
    found = kernel_repo(repo)
    made = [put(repo, commit) for _ in range(6)]
    assert spool.trim(found) == ""
    os.utime(os.path.join(spool.directory(found), f"{made[4]}.json"), (0, 0))
    assert spool.trim(found, keep=4).startswith("gave up 3 old record(s)")
    assert [os.path.basename(path) for path in spool.waiting(found)] == [f"{made[n]}.json" for n in (2, 3, 5)]


def test_a_commit_of_the_other_object_format_is_set_aside(either: Repository) -> None:
    commit = either.commit()
    data = review_record(either, commit)
    spool.put(kernel_repo(either), "a" * (104 - either.oid_length), data)
    good = put(either, commit)
    assert drain_all(either) == 1
    assert ids_on(either, commit) == [good]
    assert os.listdir(os.path.join(spool.directory(kernel_repo(either)), "bad")) == [f"{data['id']}.json"]


def test_pending_is_matched_by_tree_and_head(repo: Repository) -> None:
    found = kernel_repo(repo)
    head = repo.commit()
    old = {"v": 1, "id": "1", "ts": "2026-01-01T00:00:00.000Z", "kind": "review"}
    new = old | {"id": "2", "ts": "2026-01-02T00:00:00.000Z"}
    pending.write(found, "a" * 40, None, old)
    pending.write(found, "a" * 40, head, new)
    assert pending.match(found, "b" * 40, [None, head]) is None
    assert pending.match(found, "a" * 40, ["c" * 40]) is None
    first = pending.match(found, "a" * 40, [None])
    assert first == old | {"tree": "a" * 40, "parent": None}
    best = pending.match(found, "a" * 40, [None, head])
    assert best is not None and best["id"] == "2"
    pending.consume(found, best)
    pending.consume(found, best)
    assert pending.match(found, "a" * 40, [None, head]) == first


def test_pending_that_cannot_be_read_is_no_match(repo: Repository) -> None:
    found = kernel_repo(repo)
    path = pending.write(found, "a" * 40, None, {"id": "1", "ts": "t"})
    for content in (b"", b"[]", b"{", b"\xff", b'{"id":"1","ts":"t"}', json.dumps({"id": 1}).encode()):
        Path(path).write_bytes(content)
        assert pending.match(found, "a" * 40, [None]) is None


def test_a_record_in_the_spool_survives_a_power_cut(repo: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pending forgets an outcome once it is in the spool, so it must be on the disk by then."""
    synced: list[tuple[int, int]] = []
    sync = os.fsync

    def spy(fd: int) -> None:
        found = os.fstat(fd)
        synced.append((found.st_dev, found.st_ino))
        sync(fd)

    monkeypatch.setattr(os, "fsync", spy)
    head = repo.commit("one", a__txt="1\n")
    path = spool.put(kernel_repo(repo), head, review_record(repo, head))
    for name in (path, os.path.dirname(path)):
        found = os.stat(name)
        assert (found.st_dev, found.st_ino) in synced
