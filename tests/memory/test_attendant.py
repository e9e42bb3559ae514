"""The attendant writes what it is given: nothing lost, nothing doubled, whoever is killed."""

from __future__ import annotations

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

from maw import paths
from maw.attendant import client, pending, spool
from maw.git.notes import Notes
from maw.memory.index import Index, current_tips
from tests.fixtures.attendant import kernel_repo
from tests.fixtures.git import Repository, make_repository, refs_in_a_reftable
from tests.fixtures.waiting import wait_for
from tests.memory.spooling import drain_all, ids_on, put

PATIENT = 20.0  # seconds to wait for an answer on a busy machine


def all_noted(repository: Repository, expected: dict[str, list[str]]) -> bool:
    return all(sorted(ids_on(repository, commit)) == sorted(ids) for commit, ids in expected.items())


def log_text() -> str:
    return Path(paths.attendant_dir(), "attendant.log").read_text()


def pids() -> list[int]:
    """Every attendant that said in the log that it serves."""
    return [int(pid) for pid in re.findall(r"pid (\d+)", log_text())]


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
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


def pids_file() -> Path:
    return Path(paths.attendant_dir(), "attendant.log")


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
