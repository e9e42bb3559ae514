"""What is said of findings, by keys, wherever they are shown: accepted, dismissed, fixed, deferred, and taken back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from textual import on, work
from textual.binding import Binding, BindingType
from textual.message import Message

from maw.errors import FatalError
from maw.finding import Finding
from maw.git.repo import Repo
from maw.memory.dismissals import ACCEPTED, DEFERRED, DISMISSED
from maw.text import count, one_line
from maw_tui.messages import Told
from maw_tui.screens.listed import ListScreen
from maw_tui.screens.settling import deciding
from maw_tui.screens.settling.dialogs import Patch
from maw_tui.widgets.question import Question

SETTLING: list[BindingType] = [
    Binding("a", "accept", "Accept", tooltip="It is right"),
    Binding("d", "dismiss_them", "Dismiss", tooltip="It is wrong; a reason is asked for"),
    Binding("f", "fix", "Fix", tooltip="Show its replacement as a patch, and apply it"),
    Binding("m", "defer", "Later", tooltip="Mark it for later"),
    Binding("u", "undo", "Undo", tooltip="Take back the last decision, of all findings it was about"),
]
_ON_FINDINGS = frozenset({"accept", "dismiss_them", "fix", "defer"})
_WHY = "why, for others and for later (may be empty)"
_NOW_AND_THEN = 50  # findings, after which one is told how far it is
_TROUBLES = 3  # that are told, at most
_KEYS = "enter dismisses, esc leaves it as it is"


class Meant(NamedTuple):
    """The findings that a decision is about, by id; `title` names the one, or says how many."""

    ids: list[str]
    title: str


def in_words(found: Finding) -> str:
    """Where it is, what it says, and its id, to be copied."""
    return one_line(f"{found.path}:{found.line} {found.severity}: {found.title} ({found.id})")


class SettlingScreen(ListScreen):
    """`meant` says which findings a key is about, `show_said` shows what was said of them. Whoever derives from it has
    SETTLING among its keys."""

    @dataclass
    class Decided(Message):
        """Something was noted, or taken back; `trouble`: not all of it."""

        said: str
        trouble: bool = False

    @dataclass
    class Prepared(Message):
        ids: list[str]
        patch: str

    def __init__(self) -> None:
        super().__init__()
        self._shown_changes = self.maw.settled.changes
        self._offered: tuple[bool | None, ...] = ()

    @property
    def meant(self) -> Meant | None:
        """What a decision would be about now; None where there is no finding."""
        raise NotImplementedError

    @property
    def can_settle(self) -> bool:
        """Whether `meant` is any."""
        return self.meant is not None

    def show_said(self) -> None:
        """What was said of findings is another: here, or on another screen."""
        raise NotImplementedError

    def decided(self, ids: Sequence[str]) -> None:
        """A decision about these is being noted."""

    def on_screen_resume(self) -> None:
        if self._shown_changes != self.maw.settled.changes:
            self._shown_changes = self.maw.settled.changes
            self.show_said()

    # Which keys act

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Whether a key does anything with what is under the cursor."""
        if action in _ON_FINDINGS:
            return self.can_settle
        if action == "undo":
            return self.can_settle or bool(self.maw.settled.counts)
        return super().check_action(action, parameters)

    def offered(self) -> tuple[bool | None, ...]:
        """Whatever decides on the keys that act."""
        return self.can_settle, bool(self.maw.settled.counts)

    def offer(self) -> None:
        """Have the line of keys show those that act now."""
        offered = self.offered()
        if offered != self._offered:
            self._offered = offered
            self.refresh_bindings()

    # Decisions

    def decide(self, meant: Meant | None, status: str, reason: str = "") -> None:
        if meant is not None and self.repo is not None:
            self.decided(meant.ids)
            self.say(self.repo, meant.ids, status, reason)

    @work(exit_on_error=False, group="decide")
    async def say(self, repo: Repo, ids: Sequence[str], status: str, reason: str) -> None:
        def progress(done: int) -> None:
            if done % _NOW_AND_THEN == 0:
                self.post_message(Told(f"{status}: {done:,} of {len(ids):,} findings…"))

        troubles: list[str] = []
        done = await self._noted(partial(deciding.say, repo, ids, status, reason, troubles.append), progress)
        self._end(done, f"{status}: {count(done, 'finding')} (u takes it back)", troubles)

    async def _noted(self, decide: Callable[..., None], progress: Callable[[int], object] = lambda _: None) -> int:
        """Decide in turn, for `u` to take back; of how many findings it was, which `progress` is told after each."""
        settled = self.maw.settled

        def noted() -> int:
            done = 0

            def one() -> None:
                nonlocal done
                done += 1
                progress(done)

            try:
                decide(done=one)
            finally:
                if done:
                    settled.note(done)
            return done

        return await settled.in_turn(noted)

    def _end(self, done: object, said: str, troubles: Sequence[str]) -> None:
        """Of a worker: tell what was done, and what was not."""
        more = f" (and {len(troubles) - _TROUBLES} more)" if len(troubles) > _TROUBLES else ""
        trouble = "; ".join(troubles[:_TROUBLES]) + more
        if done:
            self.post_message(self.Decided(f"{said}; {trouble}" if trouble else said, bool(trouble)))
        elif trouble:
            self.post_message(Told(trouble, error=True))

    @on(Decided)
    def show_decision(self, event: Decided) -> None:
        event.stop()
        self.tell(event.said, error=event.trouble)
        self._shown_changes = self.maw.settled.changes
        self.show_said()
        self.offer()

    def action_accept(self) -> None:
        self.decide(self.meant, ACCEPTED)

    def action_defer(self) -> None:
        self.decide(self.meant, DEFERRED)

    def action_dismiss_them(self) -> None:
        meant = self.meant

        def answered(reason: str | None) -> None:
            if reason is not None:
                self.decide(meant, DISMISSED, one_line(reason))

        if meant is not None:
            self.app.push_screen(Question(f"Dismiss: {meant.title}", _WHY, _KEYS), answered)

    def action_fix(self) -> None:
        if self.meant is not None and self.repo is not None:
            self.prepare(self.repo, self.meant.ids)

    @work(thread=True, exclusive=True, exit_on_error=False, group="prepare")
    def prepare(self, repo: Repo, ids: list[str]) -> None:
        ready = deciding.prepare(repo, ids)
        self.post_message(self.Prepared(ids, "".join(fix.patch for fix in ready)))

    @on(Prepared)
    def show_patch(self, event: Prepared) -> None:
        def answered(apply: bool | None) -> None:
            if apply and self.repo is not None:
                self.decided(event.ids)
                self.apply(self.repo, event.ids)

        self.app.push_screen(Patch(event.patch), answered)

    @work(exit_on_error=False, group="decide")
    async def apply(self, repo: Repo, ids: Sequence[str]) -> None:
        troubles: list[str] = []
        done = await self._noted(partial(deciding.fix, repo, ids, troubles.append))
        self._end(done, f"fixed: {count(done, 'finding')} (u takes back the note, not the change)", troubles)

    def action_undo(self) -> None:
        if self.repo is not None:
            self.take_back(self.repo)

    @work(exit_on_error=False, group="decide")
    async def take_back(self, repo: Repo) -> None:
        troubles: list[str] = []
        undo = partial(deciding.undo_last, repo, self.maw.settled, troubles.append)
        undone = await self.maw.settled.in_turn(undo)
        if not undone:
            raise FatalError("you have said nothing about findings here")
        what = undone[0] if len(undone) == 1 else f"what was said of {count(len(undone), 'finding')}"
        self._end(undone, f"taken back: {what}", troubles)
