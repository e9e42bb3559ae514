"""Generate: say what is wanted, watch it being written, and read it, or take it hunk by hunk."""

from __future__ import annotations

from typing import Any, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Static
from textual.worker import Worker, WorkerState, get_current_worker

from maw.config.load import Config
from maw.edits import hunks
from maw.edits.propose import Proposal
from maw.edits.verify import Stopped
from maw.generate.memory.keeping import Made
from maw.generate.request import EXPLAIN
from maw.git.repo import Repo
from maw.review.render import Line
from maw.text import count, flat, printable
from maw_tui.messages import Told
from maw_tui.screens.generate import needs, putting, telling
from maw_tui.screens.generate.composing import OUTSIDE, ComposingScreen
from maw_tui.screens.generate.hunklist import HunkList
from maw_tui.screens.generate.messages import Explained, Heard, Nothing, Put, Written
from maw_tui.screens.generate.needs import Draft
from maw_tui.screens.generate.output import Output
from maw_tui.screens.generate.telling import Transcript
from maw_tui.screens.generate.writing import Writing
from maw_tui.widgets.rows import Rows

_INTRO = (
    "i: say what is wanted; ctrl+g: have it written.",
    "ctrl+t: another task; ctrl+o: the files it is about.",
    "Nothing is changed before you have taken it.",
)


class GenerateScreen(ComposingScreen):
    NAME = "Generate"
    ABOUT = "Have a node write, mend or explain code, and take it hunk by hunk; `maw generate` does the same."
    PARTS = (HunkList,)
    CSS_PATH = "generate.tcss"
    AUTO_FOCUS = ""  # the number keys are to switch screens until somebody writes
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "copy", "Copy", tooltip="Copy the answer, or the diff that is offered"),
        *ComposingScreen.COMPOSING,
        Binding("u", "undo", "Undo", show=False, tooltip="Take the last application back"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._writing: Writing | None = None
        self._transcript = Transcript()
        self._made: Made | None = None  # what is offered
        self._used: Config = self.config  # what that was made with
        self._copyable = ""
        self._asked: Draft | None = None  # the last one

    def body(self) -> ComposeResult:
        with Vertical(id="generate-left"):
            yield from self.composing()
            yield HunkList(id="generate-hunks")
        with Vertical(id="generate-right"):
            yield Static(id="generate-now", markup=False)
            yield Output(id="generate-out")

    def on_mount(self) -> None:
        self._say(_INTRO if self.repo is not None else (OUTSIDE,))

    def on_unmount(self) -> None:
        if self._writing is not None:
            self._writing.stop()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return bool(self._copyable) if action == "copy" else super().check_action(action, parameters)

    @property
    def out(self) -> Output:
        return self.query_one(Output)

    @property
    def _proposal(self) -> Proposal | None:
        return self._made.report.proposal if self._made is not None else None

    def _say(self, lines: tuple[str, ...]) -> None:
        self.out.tell([Line((("dim", line),)) for line in lines], prose=True)

    def _now(self, text: str) -> None:
        self.query_one("#generate-now", Static).update(text)

    def _can_be_copied(self, text: str) -> None:
        self._copyable = text
        self.refresh_bindings()

    # Writing

    def action_write(self) -> None:
        """A dialog's answer may still wait to be taken in, where somebody is quick."""
        self.call_next(self._begin)

    def _begin(self) -> None:
        draft = self.draft
        why = self._busy() or (OUTSIDE if self.repo is None else needs.missing(draft))
        if why or self.repo is None:
            self.tell(why, error=True)
            return
        anew = draft == self._asked  # who asks the same once more wants another answer
        writing = Writing(self.repo, self.config, draft, self._heard, fresh=anew)
        self._asked = draft
        self.tell("")
        self.set_focus(None)  # esc is to stop it
        self._leave()
        self._can_be_copied("")
        self._used, self._writing = self.config, writing
        self._transcript = Transcript(prose=draft.task == EXPLAIN)
        self._now(f"{self._transcript.now} · esc stops")
        self._say(())
        self.write(writing)

    def _busy(self) -> str:
        """What goes on that has to end first; empty for nothing."""
        if self._writing is not None:
            return "something is being written already; esc stops it"
        return "what was chosen is being tried; esc stops that" if self._putting else ""

    @work(thread=True, exit_on_error=False, group="write")
    def write(self, writing: Writing) -> None:
        try:
            self.post_message(Written(writing.run()))
        except Stopped as exc:
            self.post_message(Written(Nothing(exc.message)))

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """What went wrong is told by `Working`; here one goes on."""
        if event.worker.name == "write" and event.state is WorkerState.ERROR:
            self._writing = None
            self._now("")
        elif event.worker.name == "put" and event.worker.is_finished and self._made is not None:
            self._now(telling.summary(self._made.report))  # it is still offered

    def _heard(self, kind: str, data: Any) -> None:
        self.post_message(Told(str(data), error=True) if kind == "trouble" else Heard(kind, data))

    @on(Heard)
    def hear(self, event: Heard) -> None:
        if self._writing is not None:
            self._transcript.hear(event.kind, event.data)
            self._now(f"{self._transcript.now} · esc stops")
            self.out.go_on(self._transcript.lines(), prose=self._transcript.prose)

    @on(Written)
    def end(self, event: Written) -> None:
        self._writing = None
        self._now("")
        match event.outcome:
            case Made() as made if made.report.good:
                self._now(telling.summary(made.report))
                self._offer(made)
            case Made() as made:
                self._now(telling.summary(made.report))
                self._answer(telling.failure_lines(made.report), made.report.answer.text)
            case Explained() as explained:
                self._now(telling.about_prose(explained))
                self._answer(telling.prose_lines(explained), explained.found.text, prose=True)
            case Nothing(why=why):
                self.tell(why)

    def _answer(self, lines: list[Line], text: str, *, prose: bool = False) -> None:
        """Show what can be read and copied, and not taken."""
        self._can_be_copied(text)
        self.out.tell(lines, prose=prose)
        if self.focused is None:
            self.out.focus()

    def action_copy(self) -> None:
        text = printable(self._copyable)
        self.app.copy_to_clipboard(text)
        self.tell(f"copied: {count(len(text.splitlines()), 'line')}")

    # Choosing

    def _offer(self, made: Made | None) -> None:
        """Offer the hunks of what was made; None: nothing is offered any more."""
        self._made = made
        proposal, rows = self._proposal, self.query_one(HunkList)
        self.set_class(proposal is not None, "-choosing")
        rows.offer(hunks.choices(proposal.diff) if proposal is not None else ())
        self._can_be_copied(proposal.diff.decode("utf-8", "replace") if proposal is not None else "")
        if proposal is not None and not self.is_composing:  # keys that somebody types would take hunks, or leave them
            rows.focus()

    def leave_instruction(self) -> None:
        self.set_focus(self.query_one(HunkList) if self._made is not None else None)

    @on(Rows.Moved)
    def look(self, event: Rows.Moved) -> None:
        rows, proposal = self.query_one(HunkList), self._proposal
        if proposal is not None and event.row < rows.count:
            self.out.tell(telling.hunk_lines(rows.choices[event.row], proposal.loose))

    @on(Rows.Chosen)
    def take(self) -> None:
        if self._putting:
            self.tell(self._busy(), error=True)
        elif self.repo is not None and self._made is not None:
            if self._used["generate.verify"]:
                self._now("trying what was chosen · esc stops")
            self.put(self.repo, self._made, self.query_one(HunkList).taken)

    @property
    def _putting(self) -> bool:
        return any(worker.name == "put" and not worker.is_finished for worker in self.workers)

    @work(thread=True, exit_on_error=False, group="put")
    def put(self, repo: Repo, made: Made, ids: list[str]) -> None:
        worker = get_current_worker()
        try:
            done = putting.put(repo, self._used, made, ids, self._trouble, stopped=lambda: worker.is_cancelled)
        except Stopped as exc:
            self.post_message(Told(exc.message))
        else:
            self.post_message(Put(done))

    @work(thread=True, exit_on_error=False, group="reject")
    def reject(self, repo: Repo, config: Config, made: Made) -> None:
        putting.reject(repo, config, made, self._trouble)

    def action_undo(self) -> None:
        if self._putting:
            self.tell(self._busy(), error=True)
        elif self.repo is None:
            self.tell(OUTSIDE, error=True)
        else:
            self.take_back(self.repo)

    @work(thread=True, exclusive=True, exit_on_error=False, group="undo")
    def take_back(self, repo: Repo) -> None:
        self.post_message(Put(putting.take_back(repo, self._trouble), undone=True))

    def _leave(self) -> None:
        """Take nothing of what is offered, if anything is."""
        if self._made is not None and self.repo is not None:
            self.reject(self.repo, self._used, self._made)
            self._offer(None)

    def _trouble(self, text: str) -> None:
        """Of a thread: say what went wrong beside what was done."""
        self.post_message(Told(text, error=True))

    @on(Put)
    def done(self, event: Put) -> None:
        where = count(len(event.applied.paths), "file")
        if event.undone:
            self.tell(f"taken back in {where}")
            return
        self._offer(None)
        self._say(tuple(flat(path) for path in event.applied.paths))
        self._now("")
        self.tell(f"applied to {where}; `u` takes it back")
        self.set_focus(None)

    def action_back(self) -> None:
        """Stop what is being written or tried; leave what is offered."""
        super().action_back()
        if self._writing is not None:
            self._now("stopping")
            self._writing.stop()
        elif self._putting:
            self.tell("stopping")
            next(worker for worker in self.workers if worker.name == "put").cancel()
        elif self._made is not None:
            self._leave()
            self._say(("Nothing was changed.",))
            self._now("")
