"""From the spool to the note: nothing lost, nothing doubled, whoever is killed."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from maw import paths, record
from maw.attendant import client, pending, spool, writer
from maw.errors import FatalError
from maw.git.notes import Notes
from maw.memory.index import Index, current_tips
from tests.fixtures.attendant import kernel_repo, review_record
from tests.fixtures.git import Repository, make_repository, refs_in_a_reftable
from tests.fixtures.waiting import wait_for

PATIENT = 20.0  # seconds to wait for an answer on a busy machine


def put(repository: Repository, commit: str) -> str:
    """A record on its way to a commit; its id."""
    data = review_record(repository, commit)
    spool.put(kernel_repo(repository), commit, data)
    return str(data["id"])


def ids_on(repository: Repository, commit: str) -> list[str]:
    return [item.id for item in Notes(kernel_repo(repository)).read("review", commit)]


def age(repository: Repository) -> None:
    """Make the spool's files look as if they had settled."""
    for path in spool.waiting(kernel_repo(repository)):
        with contextlib.suppress(FileNotFoundError):
            os.utime(path, (0, 0))


def drain_all(repository: Repository) -> int:
    """Drain until no file is left; how many records were written."""
    count = spool.drain(kernel_repo(repository))
    age(repository)
    assert spool.drain(kernel_repo(repository)) == 0
    return count


def all_noted(repository: Repository, expected: dict[str, list[str]]) -> bool:
    return all(sorted(ids_on(repository, commit)) == sorted(ids) for commit, ids in expected.items())


def log_text() -> str:
    return Path(paths.attendant_dir(), "attendant.log").read_text()


def pids() -> list[int]:
    """Every attendant that said in the log that it serves."""
    return [int(pid) for pid in re.findall(r"pid (\d+)", log_text())]


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


def test_amending_beside_a_busy_attendant_loses_nothing(repo: Repository, attendant: Callable[[], None]) -> None:
    repo.git("config", "notes.rewriteRef", "refs/notes/maw/*")
    repo.git("config", "notes.rewriteMode", "cat_sort_uniq")
    program = (
        "import sys; from maw.attendant import client, spool; from maw.git.repo import discover, head_commit; "
        "from maw import record; repo = discover(); commit = head_commit(repo); "
        "data = {'v': 1, 'id': record.new_id(), 'ts': record.now(), 'kind': 'review', 'head': commit}; "
        "spool.put(repo, commit, data); client.poke(repo.common_dir); print(commit, data['id'])"
    )
    hook = repo.path / ".git/hooks/post-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f'#!/bin/sh\n"{sys.executable}" -c "{program}" >> .git/made\n')
    hook.chmod(0o755)
    repo.commit("one")
    wait_for(lambda: client.ask({"v": 1, "op": "ping"}), "the attendant")
    for number in range(25):
        repo.git("commit", "-q", "--amend", "--allow-empty", "-m", str(number))
    made = dict(line.split() for line in (repo.path / ".git/made").read_text().splitlines())
    assert len(made) == 26
    wait_for(lambda: not spool.waiting(kernel_repo(repo)), "the spool to settle")
    assert [commit for commit, identity in made.items() if identity not in ids_on(repo, commit)] == []
    last = repo.git("rev-parse", "HEAD")
    assert ids_on(repo, last).count(made[last]) == 1


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


def test_poke_starts_an_attendant_that_writes(repo: Repository, attendant: Callable[[], None]) -> None:
    commit = repo.commit()
    first = put(repo, commit)
    client.poke(kernel_repo(repo).common_dir)
    wait_for(lambda: ids_on(repo, commit) == [first], "the first record")
    second = put(repo, commit)
    client.poke(kernel_repo(repo).common_dir)
    wait_for(lambda: all_noted(repo, {commit: [first, second]}), "the second record")
    wait_for(lambda: not spool.waiting(kernel_repo(repo)), "the spool to settle")
    assert len(pids()) == 1
    tips = current_tips(kernel_repo(repo))
    attendant()
    with Index(kernel_repo(repo)) as index:
        assert tips and not index.refresh()  # it was brought up to date before the attendant left


def test_the_attendants_files_are_private(repo: Repository, attendant: Callable[[], None]) -> None:
    client.poke(kernel_repo(repo).common_dir)
    wait_for(lambda: client.ask({"v": 1, "op": "ping"}), "an answer")
    assert stat.S_IMODE(os.stat(paths.attendant_socket()).st_mode) == 0o600
    assert stat.S_IMODE(os.stat(paths.attendant_dir()).st_mode) == 0o700


def test_many_pokes_at_once_make_one_attendant(repo: Repository, attendant: Callable[[], None]) -> None:
    commits = [repo.commit(str(number)) for number in range(6)]
    for commit in commits:
        put(repo, commit)
    threads = [threading.Thread(target=client.poke, args=(kernel_repo(repo).common_dir,)) for _ in commits]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wait_for(lambda: all(len(ids_on(repo, commit)) == 1 for commit in commits), "all records")
    assert len(pids()) == 1
    attendant()
    assert [len(ids_on(repo, commit)) for commit in commits] == [1] * 6


def test_strange_requests_are_answered_or_dropped(repo: Repository, attendant: Callable[[], None]) -> None:
    client.poke(kernel_repo(repo).common_dir)
    wait_for(lambda: client.ask({"v": 1, "op": "ping"}), "an answer")
    assert client.ask({"v": 1, "op": "burn"}, PATIENT) == {"v": 1, "ok": False, "error": "unknown op"}
    assert client.ask({"v": 1, "op": "drain", "common_dir": "relative"}, PATIENT) == {
        "v": 1,
        "ok": False,
        "error": "unknown op",
    }
    assert client.ask({"v": 1, "op": "drain", "common_dir": "x" * 100_000}, PATIENT) is None
    assert client.ask({"v": 1, "op": "drain", "common_dir": "/nowhere/at/all"}, PATIENT) == {"v": 1, "ok": True}
    wait_for(lambda: "/nowhere/at/all: no such directory" in log_text(), "the log's line")
    assert client.ask({"v": 1, "op": "ping"}, PATIENT) is not None


def test_poke_never_raises(repo: Repository, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAW_STATE_DIR", str(home / ("long" * 40)))
    client.poke(kernel_repo(repo).common_dir)
    (home / "file").write_text("")
    monkeypatch.setenv("MAW_STATE_DIR", str(home / "file"))
    client.poke(kernel_repo(repo).common_dir)


def test_it_leaves_after_idling_and_takes_its_socket_along(repo: Repository) -> None:
    commit = repo.commit()
    put(repo, commit)
    process = subprocess.Popen([sys.executable, "-m", "maw.attendant", "--idle", "0.2", kernel_repo(repo).common_dir])
    assert process.wait(30) == 0
    assert len(ids_on(repo, commit)) == 1
    assert not os.path.exists(paths.attendant_socket())


def test_it_leaves_when_its_state_directory_is_removed(repo: Repository, home: Path) -> None:
    process = subprocess.Popen([sys.executable, "-m", "maw.attendant"], stderr=subprocess.DEVNULL)
    wait_for(lambda: client.ask({"v": 1, "op": "ping"}), "an answer")
    shutil.rmtree(home / "state")
    assert process.wait(30) == 0


def test_a_dead_attendants_socket_is_replaced(repo: Repository, attendant: Callable[[], None]) -> None:
    client.poke(kernel_repo(repo).common_dir)
    pid = wait_for(lambda: client.ask({"v": 1, "op": "ping"}), "an answer")["pid"]
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: client.ask({"v": 1, "op": "ping"}) is None, "its end")
    commit = repo.commit()
    made = put(repo, commit)
    client.poke(kernel_repo(repo).common_dir)
    wait_for(lambda: ids_on(repo, commit) == [made], "the record")


def test_killed_in_mid_drain_nothing_is_lost_or_doubled(repo: Repository, attendant: Callable[[], None]) -> None:
    """Killed again and again while records come in, at whatever instant that hits."""
    commits = [repo.commit(str(number)) for number in range(12)]
    found = kernel_repo(repo)
    expected: dict[str, list[str]] = {commit: [] for commit in commits}
    for delay in range(12):
        for commit in commits:
            expected[commit].append(put(repo, commit))
        process = subprocess.Popen([sys.executable, "-m", "maw.attendant", found.common_dir], stderr=subprocess.DEVNULL)
        before = Notes(found).tip("review")
        wait_for(lambda before=before: Notes(found).tip("review") != before, "some notes")
        # The note is written, the files are being removed or the index is being made: a different instant each time.
        for _ in range(delay * 2000):
            pass
        process.kill()
        process.wait()
        (repo.path / ".git/refs/notes/maw/review.lock").unlink(missing_ok=True)
    drain_all(repo)
    assert spool.waiting(found) == []
    assert {commit: sorted(ids_on(repo, commit)) for commit in commits} == {
        c: sorted(ids) for c, ids in expected.items()
    }
    repo.git("fsck", "--strict")


def test_records_of_an_unusable_repository_wait(repo: Repository, attendant: Callable[[], None]) -> None:
    put(repo, repo.commit())
    found = kernel_repo(repo)
    refs_in_a_reftable(repo)
    client.poke(found.common_dir)
    wait_for(lambda: "reftable" in (log_text() if pids_file().exists() else ""), "the log's line")
    assert len(spool.waiting(found)) == 1


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


def pids_file() -> Path:
    return Path(paths.attendant_dir(), "attendant.log")


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


def test_old_pending_expires(repo: Repository, attendant: Callable[[], None]) -> None:
    found = kernel_repo(repo)
    old = pending.write(found, "a" * 40, None, {"id": "1", "ts": "t"})
    new = pending.write(found, "b" * 40, None, {"id": "2", "ts": "t"})
    os.utime(old, (0, 0))
    client.poke(found.common_dir)
    wait_for(lambda: not os.path.exists(old), "the old one to go")
    assert os.path.exists(new)


def test_hooks_modules_need_the_standard_library_only(repo: Repository) -> None:
    program = """
import sys
before = set(sys.modules)
from maw.attendant import client, pending, spool
from maw.git.repo import discover
spool.waiting(discover(sys.argv[1]))
loaded = {name.partition(".")[0] for name in set(sys.modules) - before}
print(sorted(loaded - set(sys.stdlib_module_names) - {"maw"}))
"""
    done = subprocess.run([sys.executable, "-c", program, str(repo.path)], capture_output=True, check=True)
    assert done.stdout.strip() == b"[]"


def test_a_repository_of_its_own_for_each(home: Path, attendant: Callable[[], None]) -> None:
    repositories = [make_repository(home / name) for name in ("a", "b")]
    for repository in repositories:
        put(repository, repository.commit())
        client.poke(kernel_repo(repository).common_dir)
    for repository in repositories:
        head = repository.git("rev-parse", "HEAD")
        wait_for(lambda repository=repository, head=head: len(ids_on(repository, head)) == 1, "the record")
    assert len(pids()) == 1


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
