"""What can be done with a task or a review that waits: follow, cancel, do again, hurry, give up, send."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import msgspec
from textual import work
from textual.message import Message

from maw import api, tasks
from maw.answers import Json
from maw.attendant import client as attendant
from maw.attendant import outbox
from maw.git.repo import Repo
from maw.watch import words as said
from maw.watch.board import Seen
from maw_tui.messages import Told
from maw_tui.screens.live import LiveScreen
from maw_tui.screens.queue.entries import Entry, held
from maw_tui.screens.queue.follow import FollowScreen
from maw_tui.widgets.confirm import Confirm
from maw_tui.widgets.rows import Rows

_RAISE = 100


@dataclass
class OutboxRead(Message):
    waiting: list[Entry]


class SteeringScreen(LiveScreen):
    def _current(self) -> Entry | None:
        """What is under the cursor."""
        raise NotImplementedError

    def action_follow(self) -> None:
        seen = self._task_here()
        if seen is not None:
            self.app.push_screen(FollowScreen(seen))

    def action_cancel(self) -> None:
        entry = self._meant()
        if entry is not None and entry.waits is not None:
            self._drop(entry.waits)
        elif (seen := self._task_here()) is not None:
            self._steer(seen, partial(tasks.cancel, seen.node, seen.task.id), _cancelled)

    def action_cancel_all(self) -> None:
        if (seen := self._task_here()) is None:
            return

        def answered(yes: bool | None) -> None:
            if yes:
                self._steer(seen, partial(tasks.cancel, seen.node, seen.task.id, force=True), _cancelled)

        question = f"Cancel {seen.task.kind} {seen.task.id}, although somebody else may wait for it?"
        self.app.push_screen(Confirm(question, "Cancel it", "Leave it"), answered)

    def action_retry(self) -> None:
        entry = self._meant()
        if entry is not None and entry.waits is not None:
            self._send()
        elif (seen := self._task_here()) is not None:
            ask = partial(tasks.retry, seen.node, seen.task.id)
            self._steer(seen, ask, lambda task: f"task {task['id']} does it again")

    def action_prioritise(self) -> None:
        if (seen := self._task_here()) is None:
            return
        more = min(max(tasks.BUMPED, seen.task.priority + _RAISE), 1000)
        ask = partial(tasks.prioritise, seen.node, seen.task.id, more)
        self._steer(seen, ask, lambda task: f"task {task['id']} has priority {task['priority']}")

    def _meant(self) -> Entry | None:
        """What a key is about; the cursor stays with it."""
        self.query_one(Rows).hold()
        return self._current()

    def _task_here(self) -> Seen | None:
        entry = self._meant()
        if entry is None or entry.task is None:
            self.tell("there is no task under the cursor")
            return None
        return entry.task

    @work(thread=True, exit_on_error=False, group="steer")
    def _steer(self, seen: Seen, ask: Callable[[], Json], tell: Callable[[Json], str]) -> None:
        """Ask the node, and show what it answers."""
        answer = ask()
        self.maw.live.learn(seen.node, msgspec.convert(answer, api.Task))
        self.post_message(Told(tell(answer)))

    def _drop(self, waits: outbox.Entry) -> None:
        def answered(yes: bool | None) -> None:
            if yes and self.maw.repo is not None:
                self._give_up(self.maw.repo, waits)

        question = "Give this review up? Its commit stays recorded as unreviewed."
        self.app.push_screen(Confirm(question, "Give it up", "Keep it"), answered)

    @work(thread=True, exit_on_error=False, group="drop")
    def _give_up(self, repo: Repo, waits: outbox.Entry) -> None:
        outbox.remove(repo, waits.id)
        self.post_message(OutboxRead(held(repo)))

    @work(thread=True, exclusive=True, exit_on_error=False, group="send")
    def _send(self) -> None:
        """The attendant sends what waits, and notes what comes of it."""
        if self.maw.repo is not None:
            attendant.poke(self.maw.repo.common_dir)
            self.post_message(Told("the outbox is being sent"))


def _cancelled(task: Json) -> str:
    return said.cancelled(task, forced="C")
