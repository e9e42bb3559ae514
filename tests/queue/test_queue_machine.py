"""The queue against a model of it: any order of submits, claims, ends, crashes, restarts and passing time keeps it
true that no accepted task is lost, none is finished twice, and a stale claim changes nothing."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections import Counter

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from maw_remote.queue.base import Settings
from maw_remote.queue.records import FINAL, Claim, NewTask
from maw_remote.queue.store import Queue

KINDS = ("review", "generate")
ERROR = {"code": "worker_lost", "message": "gone"}


class QueueMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.directory = tempfile.mkdtemp(prefix="maw-", dir="/tmp")
        self.now = 1_700_000_000.0
        self.boot = 0
        self.accepted: dict[str, str] = {}  # id: key
        self.held: list[Claim] = []  # may still be worked on
        self.stale: list[Claim] = []  # were taken away or are over
        self.ended: dict[str, str] = {}  # id: state

    @initialize()
    def start(self) -> None:
        self.open()

    def open(self) -> None:
        self.queue = Queue.open(
            os.path.join(self.directory, "queue.db"),
            boot=f"boot{self.boot}",
            settings=Settings(lease=10, max_attempts=3, backoff=1, backoff_max=4),
            clock=lambda: self.now,
            jitter=lambda: 0.5,
        )

    def teardown(self) -> None:
        self.queue.close()
        shutil.rmtree(self.directory)

    @rule(key=st.sampled_from("abcd"), kind=st.sampled_from(KINDS), priority=st.integers(0, 3), fresh=st.booleans())
    def submit(self, key: str, kind: str, priority: int, fresh: bool) -> None:
        key = kind + key
        submitted = self.queue.submit(NewTask(kind, "p", key, b"{}", priority=priority, fresh=fresh))
        if submitted.joined is None:
            assert submitted.row.id not in self.accepted
            self.accepted[submitted.row.id] = key
        elif submitted.joined == "answer":
            assert not fresh and self.ended[submitted.row.id] == "done"
        else:
            assert submitted.row.id not in self.ended
        assert self.accepted[submitted.row.id] == key

    @rule(kinds=st.sampled_from([KINDS, KINDS[:1], KINDS[1:]]))
    def claim(self, kinds: tuple[str, ...]) -> None:
        waiting = [
            row for row in self.queue.live() if row.state == "queued" and row.kind in kinds and row.run_at <= self.now
        ]
        claim = self.queue.claim(kinds)
        assert (claim is None) == (not waiting)
        if claim is not None:
            best = min(waiting, key=lambda row: (-row.priority, row.seq))
            assert claim.id == best.id and claim.attempt == best.attempt + 1 <= 3
            self.held.append(claim)

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def finish(self, data: st.DataObject) -> None:
        claim = self.take(data)
        assert self.queue.finish(claim, {"token": claim.token})
        self.ended[claim.id] = "done"

    @precondition(lambda self: self.held)
    @rule(data=st.data(), retry=st.booleans())
    def fail(self, data: st.DataObject, retry: bool) -> None:
        claim = self.take(data)
        cancelled = self.queue.heartbeat(claim).cancel is not None
        state = self.queue.fail(claim, ERROR, retry=retry)
        expected = "failed" if not retry else "queued" if claim.attempt < 3 else "dead"
        assert state == ("cancelled" if cancelled else expected)
        if state != "queued":
            self.ended[claim.id] = str(state)

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def work(self, data: st.DataObject) -> None:
        claim = data.draw(st.sampled_from(self.held))
        assert self.queue.append(claim, [("unit", {"n": 1})])
        assert self.queue.heartbeat(claim).held

    @precondition(lambda self: self.stale)
    @rule(data=st.data())
    def a_stale_claim_does_nothing(self, data: st.DataObject) -> None:
        claim = data.draw(st.sampled_from(self.stale))
        before = self.queue.last_event(), self.queue.get(claim.id)
        assert not self.queue.finish(claim, {"stale": True})
        assert self.queue.fail(claim, ERROR, retry=True) is None
        assert not self.queue.append(claim, [("unit", {})])
        assert not self.queue.cancelled(claim)
        assert not self.queue.heartbeat(claim).held
        assert (self.queue.last_event(), self.queue.get(claim.id)) == before

    @precondition(lambda self: self.accepted)
    @rule(data=st.data(), force=st.booleans())
    def cancel(self, data: st.DataObject, force: bool) -> None:
        # In the order of their submits: ids are random, and the machine must do the same in every run.
        task = data.draw(st.sampled_from(list(self.accepted)))
        row = self.queue.cancel(task, force=force)
        assert row is not None
        if row.state == "cancelled":
            self.ended.setdefault(task, "cancelled")

    @rule()
    def workers_let_go(self) -> None:
        for claim in list(self.held):
            if self.queue.heartbeat(claim).cancel is not None:
                assert self.queue.cancelled(claim)
                self.drop(claim)
                self.ended[claim.id] = "cancelled"

    @rule(seconds=st.sampled_from([0.5, 3.0, 11.0]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds
        self.settle_lost(self.queue.expire())

    @rule()
    def the_runner_is_killed(self) -> None:
        # The old connection stays open, as a dead process's pages stay in the file: nothing of it was flushed nicely.
        old, self.boot = self.queue, self.boot + 1
        self.open()
        self.settle_lost(self.queue.reap())
        assert not self.held
        old.close()

    @rule()
    def the_runner_stops_and_starts(self) -> None:
        attempts = {claim.id: claim.attempt for claim in self.held}
        self.queue.release_all()
        for claim in list(self.held):
            self.drop(claim)
            row = self.queue.get(claim.id)
            assert row is not None
            if row.state == "cancelled":
                self.ended[claim.id] = "cancelled"
            else:
                assert row.attempt == attempts[claim.id] - 1
        self.queue.close()
        self.boot += 1
        self.open()
        assert self.queue.reap() == []

    @invariant()
    def every_accepted_task_is_where_the_model_says(self) -> None:
        if not hasattr(self, "queue"):
            return
        rows = {row.id: row for row in self.queue.page(limit=10_000)}
        assert set(rows) == set(self.accepted)
        for task, row in rows.items():
            story = self.queue.events(task, limit=10_000)
            assert story is not None
            finals = [event.type for event in story.events if event.type in FINAL]
            assert finals == ([self.ended[task]] if task in self.ended else [])
            assert row.state == self.ended.get(task, row.state)
            assert (row.state in FINAL) == (task in self.ended) == story.ended
            assert (self.queue.result(row.seq) is not None) == (row.state == "done")
        assert {claim.id for claim in self.held} == {row.id for row in rows.values() if row.state == "running"}
        joinable = Counter(row.key for row in rows.values() if row.state not in FINAL and row.cancel is None)
        assert not joinable or max(joinable.values()) == 1

    def take(self, data: st.DataObject) -> Claim:
        claim = data.draw(st.sampled_from(self.held))
        self.drop(claim)
        return claim

    def drop(self, claim: Claim) -> None:
        self.held.remove(claim)
        self.stale.append(claim)

    def settle_lost(self, lost: list[str]) -> None:
        for claim in [claim for claim in self.held if claim.id in lost]:
            self.drop(claim)
            row = self.queue.get(claim.id)
            assert row is not None
            if row.state in FINAL:
                assert row.state == "cancelled" or (row.state == "dead" and claim.attempt == 3)
                self.ended[claim.id] = row.state


QueueMachine.TestCase.settings = settings(max_examples=40, stateful_step_count=40, deadline=None, derandomize=True)


class TestQueue(QueueMachine.TestCase):  # type: ignore[misc]
    """Run the machine."""
