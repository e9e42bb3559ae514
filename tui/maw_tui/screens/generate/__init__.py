"""Generate: say what is wanted, choose files, watch it being written, and take it hunk by hunk."""

from __future__ import annotations

from typing import Any, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static, TextArea
from textual.worker import get_current_worker

from maw.edits import hunks
from maw.edits.verify import Stopped
from maw.errors import FatalError
from maw.generate.memory.keeping import Made
from maw.generate.request import CODE, DOCS, REFACTOR
from maw.git import files
from maw.git.repo import Repo
from maw.review.render import Line
from maw.text import count, flat, one_line
from maw_tui.messages import Told
from maw_tui.screens.base import MawScreen
from maw_tui.screens.generate import telling, writing
from maw_tui.screens.generate.finder import Finder
from maw_tui.screens.generate.hunklist import HunkList
from maw_tui.screens.generate.telling import Transcript
from maw_tui.screens.generate.writing import Draft, Heard, Listed, Put, Writing, Written
from maw_tui.widgets.lines import Lines
from maw_tui.widgets.question import Question
from maw_tui.widgets.rows import Rows

# What is asked for, and what is said where nothing else is.
TASKS = {
    CODE: "",
    REFACTOR: "Make it simpler.",
    DOCS: "Write the docstrings and comments that are missing.",
}
_KEYS = "enter takes it for now (the setting `generate.verify` for ever), esc leaves it as it is"
_INTRO = (
    "i: say what is wanted; ctrl+g: have it written.",
    "ctrl+o: choose the files that may change; without, it",
    "is those that the words name.",
    "Nothing is changed before you have taken it.",
)


class GenerateScreen(MawScreen):
    NAME = "Generate"
    ABOUT = "Have a node write code, and take it hunk by hunk; `maw generate` does the same."
    PARTS = (HunkList,)
    CSS_PATH = "generate.tcss"
    AUTO_FOCUS = ""  # the number keys are to switch screens until somebody writes
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("i", "compose", "Write", tooltip="Write the instruction; esc leaves it"),
        Binding("ctrl+g", "write", "Generate", tooltip="Have it written"),
        Binding("ctrl+o", "files", "Files", tooltip="Choose the files and folders that may change"),
        Binding("ctrl+t", "task", "Task", tooltip="Code, refactor or docs"),
        Binding("v", "verify", "Try with", tooltip="The command that what is written has to pass"),
        Binding("u", "undo", "Undo", show=False, tooltip="Take the last application back"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._kind = CODE
        self._config = self.maw.config  # but for the command, which may be another one here
        self._paths: tuple[str, ...] = ()
        self._writing: Writing | None = None
        self._transcript = Transcript()
        self._made: Made | None = None

    def body(self) -> ComposeResult:
        with Vertical(id="generate-left"):
            yield Static(id="generate-head", markup=False)
            yield TextArea(id="generate-text", tab_behavior="focus")
            yield Static(id="generate-paths", markup=False)
            yield HunkList(id="generate-hunks")
        with Vertical(id="generate-right"):
            yield Static(id="generate-now", markup=False)
            yield Lines(id="generate-out")

    def on_mount(self) -> None:
        self._head()
        self._say(_INTRO if self.maw.repo is not None else ("Code is written in a repository: start maw tui in one.",))

    def on_unmount(self) -> None:
        if self._writing is not None:
            self._writing.stop()

    def _head(self) -> None:
        verify = one_line(self._config["generate.verify"])
        told = f"  tried with `{verify}`" if verify else ""
        self.query_one("#generate-head", Static).update(
            Content.assemble((f"Generate: {self._kind}", "bold"), (told, "$text-muted"))
        )
        named = "\n".join(flat(path) for path in self._paths) or "the files that the words name"
        self.query_one("#generate-paths", Static).update(Content(named))

    def _say(self, lines: tuple[str, ...]) -> None:
        self.query_one(Lines).show([Line((("dim", line),)) for line in lines])

    def _now(self, text: str) -> None:
        self.query_one("#generate-now", Static).update(text)

    # Composing

    def action_compose(self) -> None:
        self.query_one(TextArea).focus()

    def action_task(self) -> None:
        names = list(TASKS)
        self._kind = names[(names.index(self._kind) + 1) % len(names)]
        self._head()

    def action_verify(self) -> None:
        question = "What is written has to pass, in a worktree of its own:"
        verify = self._config["generate.verify"]
        self.app.push_screen(Question(question, "a shell command; none if empty", _KEYS, verify), self._verify_with)

    def _verify_with(self, command: str | None) -> None:
        if command is not None:
            self._config = self._config.but("generate.verify", command.strip())
            self._head()

    def action_files(self) -> None:
        if self.maw.repo is not None:
            self.list_files(self.maw.repo)

    @work(thread=True, exclusive=True, exit_on_error=False, group="files")
    def list_files(self, repo: Repo) -> None:
        self.post_message(Listed(files.of_worktree(repo)))

    @on(Listed)
    def find(self, event: Listed) -> None:
        self.app.push_screen(Finder(event.paths, self._paths), self._found)

    def _found(self, paths: list[str] | None) -> None:
        if paths is not None:
            self._paths = tuple(paths)
            self._head()

    # Writing

    def action_write(self) -> None:
        words = self.query_one(TextArea).text.strip() or TASKS[self._kind]
        if self.maw.repo is None or self._writing is not None:
            return
        if not words:
            self.tell("say what is to be done first", error=True)
            return
        self.tell("")
        self.set_focus(None)  # esc is to stop it
        self._leave()
        self._transcript = Transcript()
        self._now(self._transcript.now)
        self._say(())
        draft = Draft(self._kind, words, self._paths)
        self._writing = Writing(self.maw.repo, self._config, draft, self._heard)
        self.write(self._writing)

    @work(thread=True, exit_on_error=False, group="write")
    def write(self, writing: Writing) -> None:
        try:
            self.post_message(Written(writing.run()))
        except (FatalError, OSError) as exc:
            self.post_message(Written(None, exc))

    def _heard(self, kind: str, data: Any) -> None:
        self.post_message(Told(str(data), error=True) if kind == "trouble" else Heard(kind, data))

    @on(Heard)
    def hear(self, event: Heard) -> None:
        self._transcript.hear(event.kind, event.data)
        out = self.query_one(Lines)
        self._now(self._transcript.now)
        out.show(self._transcript.lines(), keep_place=True)
        out.scroll_end(animate=False)

    @on(Written)
    def end(self, event: Written) -> None:
        self._writing = None
        self._now("")
        if event.made is None:
            if event.error is not None:
                self.maw.tell(event.error)
            return
        self._now(telling.summary(event.made.report))
        if event.made.report.good:
            self._offer(event.made)
        else:
            self.query_one(Lines).show(telling.failure_lines(event.made.report))

    # Choosing

    def _offer(self, made: Made | None) -> None:
        """Offer the hunks of what was made; None: nothing is offered any more."""
        self._made = made
        proposal = made.report.proposal if made is not None else None
        rows = self.query_one(HunkList)
        self.set_class(proposal is not None, "-choosing")
        rows.offer(hunks.choices(proposal.diff) if proposal is not None else ())
        if proposal is not None:
            rows.focus()

    @on(Rows.Moved)
    def look(self, event: Rows.Moved) -> None:
        rows = self.query_one(HunkList)
        proposal = self._made.report.proposal if self._made is not None else None
        if proposal is not None and event.row < rows.count:
            self.query_one(Lines).show(telling.hunk_lines(rows.choices[event.row], proposal.loose))

    @on(Rows.Chosen)
    def take(self) -> None:
        if self.maw.repo is not None and self._made is not None:
            self.put(self.maw.repo, self._made, self.query_one(HunkList).taken)

    @work(thread=True, exclusive=True, exit_on_error=False, group="put")
    def put(self, repo: Repo, made: Made, ids: list[str]) -> None:
        worker = get_current_worker()
        if self._config["generate.verify"]:
            self.post_message(Told("trying what was chosen"))
        try:
            done = writing.put(repo, self._config, made, ids, self._trouble, stopped=lambda: worker.is_cancelled)
        except Stopped as exc:
            self.post_message(Told(exc.message))
        else:
            self.post_message(Put(done))

    @work(thread=True, exit_on_error=False, group="put")
    def reject(self, repo: Repo, made: Made) -> None:
        writing.reject(repo, self._config, made, self._trouble)

    @work(thread=True, exclusive=True, exit_on_error=False, group="put")
    def action_undo(self) -> None:
        if self.maw.repo is not None:
            self.post_message(Put(writing.take_back(self.maw.repo, self._trouble), undone=True))

    def _leave(self) -> None:
        """Take nothing of what is offered, if anything is."""
        if self._made is not None and self.maw.repo is not None:
            self.reject(self.maw.repo, self._made)
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
        """Leave the instruction; stop what is being written or tried; leave what is offered."""
        super().action_back()
        if isinstance(self.focused, TextArea):
            self.set_focus(None)
        elif self._writing is not None:
            self._now("stopping")
            self._writing.stop()
        elif putting := [worker for worker in self.workers if worker.name == "put" and worker.is_running]:
            self.tell("stopping")
            putting[0].cancel()
        elif self._made is not None:
            self._leave()
            self._say(("Nothing was changed.",))
            self._now("")
