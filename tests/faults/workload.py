"""A workload of several clients, what kills its processes, and the audit of what came of it."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import psutil

from maw import client, files
from maw.attendant import client as attendant
from maw.attendant import outbox
from maw.errors import FatalError
from maw.git.repo import discover
from maw.link import control
from maw.record import parse_note, standing
from maw_hooks import install
from maw_remote.jobs import reading
from maw_remote.jobs.review import payload as payloads
from tests.fixtures.git import Repository, make_repository

Json = dict[str, Any]
PATIENCE = 300.0  # seconds: a real model's reviews of a dozen commits, on a machine that others use
TERMINAL = ("done", "failed", "cancelled", "dead")


class Clients:
    """People who commit, each in a repository of their own, and programs that submit tasks to be kept."""

    def __init__(self, home: Path, node: str, *, committers: int, submitters: int, pause: float) -> None:
        """`pause` in seconds, between two submits of a program."""
        self.node = node
        self._pause = pause
        self.repositories = [_hooked(home / f"repo{number}") for number in range(committers)]
        self.acknowledged: list[str] = []
        self.refused: list[str] = []
        self._stop = threading.Event()
        work: list[tuple[Callable[[Any], None], Any]] = [(self._commit, repo) for repo in self.repositories]
        work += [(self._submit, number) for number in range(submitters)]
        self._threads = [threading.Thread(target=target, args=(argument,)) for target, argument in work]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """What they have begun they end."""
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def commit_once_more(self) -> set[str]:
        """A last commit in each repository, while nothing is killed; their ids."""
        for repository in self.repositories:
            repository.write("work.py", "def answer():\n    return None  # the last one\n")
            said = _git_commit(repository, "last", MAW_REVIEW_DEADLINE="50s", MAW_REVIEW_BLOCK_AT="critical")
            if said is not None:
                _git_commit(repository, "last", "-n")
        return {repository.git("rev-parse", "HEAD") for repository in self.repositories}

    def _commit(self, repository: Repository) -> None:
        number = 0
        while not self._stop.is_set():
            number += 1
            repository.write("work.py", f"def answer():\n    return {number}  # in {repository.path.name}\n")
            said = _git_commit(repository, f"change {number}")
            if said is not None and "commit blocked" in said:  # a real model may well find something
                said = _git_commit(repository, f"change {number}", "-n")
            if said is not None:
                self.refused.append(said)

    def _submit(self, number: int) -> None:
        made = 0
        while not self._stop.wait(self._pause):
            made += 1
            try:
                task = client.submit(self.node, kept_task(f"submitter {number}, task {made}"), timeout=10)
            except FatalError:
                continue  # not acknowledged: nothing was promised
            self.acknowledged.append(task["id"])


def _git_commit(repository: Repository, message: str, *options: str, **environment: str) -> str | None:
    """What was said when there is no commit."""
    done = subprocess.run(
        ["git", "commit", "-q", "-a", "-m", message, *options], cwd=repository.path, stdin=subprocess.DEVNULL,
        capture_output=True, timeout=60, check=False, env=os.environ | environment,
    )  # fmt: skip
    return done.stderr.decode("utf-8", "replace") if done.returncode else None


def kept_task(text: str) -> Json:
    diff = f"diff --git a/a.py b/a.py\n--- a/a.py\n+++ b/a.py\n@@ -0,0 +1 @@\n+# {text}\n"
    payload = {
        "v": 1, "title": text, "tree": None, "base": None, "head": None, "rules": [], "exclude": [], "skipped": [],
        "diff": base64.b64encode(diff.encode()).decode(), "max_file_bytes": 100_000,
    }  # fmt: skip
    return {"v": 1, "kind": "review", "payload": payload, "keep": True}


def _hooked(path: Path) -> Repository:
    repository = make_repository(path)
    repository.commit("first", work__py="def answer():\n    return 0\n")
    install.install(discover(str(path)))
    return repository


class Victims:
    """Finds the process of each kind that lives now. `state` is the runner's state directory."""

    def __init__(self, node: str, state: Path) -> None:
        self._node = node
        self._state = state

    def find(self, kind: str) -> int | None:
        look = {"runner": self._runner, "worker": self._worker, "link": self._link, "attendant": self._attendant}
        return look[kind]()

    def _runner(self) -> int | None:
        return files.lock_holder(str(self._state / "runner" / "lock"))

    def _worker(self) -> int | None:
        runner = self._runner()
        try:
            children = psutil.Process(runner).children() if runner else []
        except psutil.Error:
            return None
        return children[0].pid if children else None

    def _link(self) -> int | None:
        return control.running(self._node) if self._node != "local" else None

    def _attendant(self) -> int | None:
        answer = attendant.ask({"v": 1, "op": "ping"}, timeout=0.2)
        return answer["pid"] if answer else None


def kill_at_random(victims: Victims, seed: int, *, times: int, pause: float, weights: dict[str, int]) -> Counter[str]:
    """kill -9 `times` processes at moments that are `pause` seconds apart on average; how many of each kind.

    The seed settles moments and kinds. Of a kind that does not live at its moment the next one
    of `weights` is taken."""
    chance = random.Random(seed)
    killed: Counter[str] = Counter()
    while killed.total() < times:
        time.sleep(chance.expovariate(1 / pause))
        wanted = chance.choices(list(weights), list(weights.values()))[0]
        for kind in [wanted, *(other for other in weights if other != wanted)]:
            pid = _patiently(victims, kind)
            if pid is not None and _kill(pid):
                killed[kind] += 1
                break
    return killed


def _patiently(victims: Victims, kind: str) -> int | None:
    """A worker, for instance, lives for a moment only."""
    give_up = time.monotonic() + 0.3
    while (pid := victims.find(kind)) is None and time.monotonic() < give_up:
        time.sleep(0.01)
    return pid


def _kill(pid: int) -> bool:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


class Task(NamedTuple):
    id: str
    state: str
    token: int  # how often it was claimed
    finished: float | None
    keep: int
    fingerprint: str
    ends: int  # terminal events
    results: int


def tasks(state: Path) -> dict[str, Task]:
    """What the queue's database says."""
    with sqlite3.connect(f"file:{state}/runner/queue.db?mode=ro", uri=True) as db:
        rows = db.execute(
            f"""SELECT id, state, token, finished, keep, body,
                (SELECT count(*) FROM event WHERE event.task = seq AND type IN {TERMINAL}),
                (SELECT count(*) FROM result WHERE result.task = seq)
                FROM task JOIN payload ON payload.task = seq"""
        ).fetchall()
    db.close()
    return {row[0]: Task(*row[:5], _digest(row[5]), *row[6:]) for row in rows}


def _digest(body: bytes) -> str:
    return hashlib.sha256(reading.fingerprint(json.loads(body), payloads.KEYS)).hexdigest()


def wait_until_idle(node: str, state: Path, timeout: float = PATIENCE) -> dict[str, Task]:
    """All tasks, once none is live; the runner is started where it does not run."""
    give_up = time.monotonic() + timeout
    while True:
        try:
            client.request(node, "GET", "/api/v1/status", timeout=10)
        except FatalError:
            pass  # a link that was killed, a failure that is still remembered
        found = tasks(state)
        if all(task.state in TERMINAL for task in found.values()):
            return found
        live = [task for task in found.values() if task.state not in TERMINAL]
        assert time.monotonic() < give_up, f"{len(live)} tasks do not end: {live[:3]}"
        time.sleep(0.1)


def check_tasks(found: dict[str, Task], acknowledged: Iterable[str]) -> None:
    """No accepted task is lost, and none has ended twice."""
    lost = [task for task in acknowledged if task not in found]
    assert not lost, f"accepted and gone: {lost}"
    for task in found.values():
        assert task.ends == 1, f"ended {task.ends} times: {task}"
        assert task.results == (task.state == "done"), f"{task.results} results: {task}"
        if task.keep:
            assert task.state in ("done", "dead"), f"to be kept, and neither done nor given up: {task}"


def check_runs(found: dict[str, Task], state: Path) -> None:
    """The jobs' own log: no more runs than claims, an end for each answer, and no run after the answer."""
    runs = defaultdict(list)
    for line in (state / "runs").read_text().splitlines():
        what, moment, fingerprint = json.loads(line)
        runs[fingerprint].append((what, moment))
    by_fingerprint = defaultdict(list)
    for task in found.values():
        by_fingerprint[task.fingerprint].append(task)
    for fingerprint, same in by_fingerprint.items():
        starts = [moment for what, moment in runs[fingerprint] if what == "start"]
        ends = [moment for what, moment in runs[fingerprint] if what == "end"]
        done = [task for task in same if task.state == "done"]
        assert len(starts) <= sum(task.token for task in same), f"run without a claim: {same}"
        assert len(done) <= 1, f"the same work was answered twice: {done}"
        assert len(ends) >= len(done), f"an answer without a run: {done}"
        for task in done:
            assert task.finished is not None
            assert max(starts) <= task.finished, f"run again after it was done: {task}"


def records(repository: Repository, timeout: float = PATIENCE) -> dict[str, list[Json]]:
    """The standing review records of each commit but the first, once nothing waits in the outbox any more.

    `maw history` is run again for a while: it has delivered what waits, and a killed writer's lock file is respected
    for some seconds."""
    commits = repository.git("rev-list", "--max-parents=1", "--min-parents=1", "HEAD").split()
    give_up = time.monotonic() + timeout
    while True:
        _history(repository)
        waiting = outbox.pending_records(discover(str(repository.path)))
        found = {commit: _standing(repository, commit) for commit in commits}
        if not waiting and all(found.values()):
            return found
        if time.monotonic() > give_up:
            assert not waiting, f"{repository.path}: reviews that are not delivered: {waiting}"
            return found
        time.sleep(1)


def _history(repository: Repository) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "maw", "history", "--json", "--limit", "0"], cwd=repository.path,
        capture_output=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr.decode("utf-8", "replace")


def _standing(repository: Repository, commit: str) -> list[Json]:
    """A late review takes the place of the word that there was none."""
    text = repository.git("notes", "--ref=maw/review", "show", commit, check=False)
    return standing(parse_note(text.encode()))


def check_records(found: dict[str, list[Json]], repository: Repository) -> Counter[str]:
    """Every commit has one record, a verdict or the word that it has none; how many of each status.
    Reviews that came through the outbox count as `late`."""
    silent = [commit for commit, lines in found.items() if not lines]
    assert not silent, f"{repository.path}: commits without a record: {silent}"
    twice = {commit: lines for commit, lines in found.items() if len(lines) != 1}
    assert not twice, f"{repository.path}: commits with several records: {twice}"
    bad = repository.path / ".git" / "maw" / "spool" / "bad"
    assert not bad.exists(), f"records that became no note: {list(bad.iterdir())}"
    kept = [record for (record,) in found.values()]
    return Counter("late" if _is_late_review(record) else record["status"] for record in kept)


def _is_late_review(record: Json) -> bool:
    return record["status"] == "reviewed" and bool(record.get("late"))
