"""The part of the Generate screen where one says what is wanted: task, instruction, files and commands."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.style import Style
from textual.widgets import Static, TextArea

from maw.config.load import Config
from maw.generate.request import CODE, EXPLAIN, OPTIMIZE, TEST
from maw.git import files
from maw.git.repo import Repo
from maw_tui.screens.base import MawScreen
from maw_tui.screens.generate import needs, options
from maw_tui.screens.generate.chooser import TaskChooser
from maw_tui.screens.generate.finder import Finder
from maw_tui.screens.generate.needs import TASKS, Draft
from maw_tui.screens.generate.sheet import Given, OptionSheet
from maw_tui.widgets.question import Question

OUTSIDE = "code is written in the working tree of a repository: start maw tui in one"
TASK = "generate"  # what the chosen task is remembered by
_VERIFY = "What is written has to pass, in a worktree of its own:"
_BENCH = "What is written has to make this faster; it is timed without and with it:"
_COMMAND = "a shell command; none if empty"
_KEYS = "enter takes it for now (the setting `generate.verify` for ever), esc leaves it as it is"
_BENCH_KEYS = "enter takes it for now, esc leaves it as it is"


class Instruction(TextArea):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Done", tooltip="Leave the instruction"),
    ]

    class Left(Message):
        """Escape: other keys are keys again."""

    def action_leave(self) -> None:
        self.post_message(self.Left())


class ComposingScreen(MawScreen):
    """`draft` is what was composed, `config` the settings with the command that was asked for here, which holds for all
    tasks."""

    COMPOSING: ClassVar[list[BindingType]] = [
        Binding("i", "compose", "Write", tooltip="Write the instruction; esc leaves it"),
        Binding("ctrl+l", "clear", "Clear", show=False, tooltip="Clear the instruction; ctrl+z in it brings it back"),
        Binding("ctrl+g", "write", "Generate", tooltip="Have it written"),
        Binding("ctrl+o", "files", "Files", tooltip="Choose the files and folders that it is about"),
        Binding("ctrl+t", "task", "Task", tooltip="Choose the task: code, test, docs, fix and others"),
        Binding("o", "options", "Options", tooltip="What else the task takes: files to read along, a model and others"),
        Binding("v", "verify", "Try with", tooltip="The command that what is written has to pass"),
        Binding("b", "bench", "Time with", tooltip="The command that has to take less time, of optimize"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.config: Config = self.maw.config
        remembered = self.maw.remembered.choice(TASK)
        self._draft = Draft(remembered if remembered in TASKS else CODE)

    @property
    def repo(self) -> Repo | None:
        """The repository, where it has a working tree to write in."""
        found = self.maw.repo
        return found if found is not None and found.worktree is not None else None

    @property
    def draft(self) -> Draft:
        words = self.query_one(Instruction).text.strip()
        bench = self._draft.bench if self._draft.task == OPTIMIZE else ""
        given = options.taken(self._draft.task, self._draft.options)
        return self._draft._replace(words=words, verify=self.config["generate.verify"], bench=bench, options=given)

    def composing(self) -> ComposeResult:
        yield Static(id="generate-head", markup=False)
        yield Instruction(id="generate-text", tab_behavior="focus")
        yield Static(id="generate-needs", markup=False)

    def on_mount(self) -> None:
        self._tell_needs()

    def _tell_needs(self) -> None:
        """What the task does, what was chosen for it, and what it still needs."""
        task, text = TASKS[self._draft.task], self.query_one(Instruction)
        head = _clickable(f"Generate: {task.name}", "task").stylize("bold")
        about = Content.styled(f"  {task.about}", "$text-muted")
        self.query_one("#generate-head", Static).update(Content.assemble(head, about))
        text.border_title = f"instruction (i): {task.words}"
        text.placeholder = task.usual
        told = [
            Content.assemble(_clickable(need.name, need.action), ": ", need.told) for need in needs.listed(self.draft)
        ]
        self.query_one("#generate-needs", Static).update(Content("\n").join(told))
        self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "verify":
            return bool(TASKS[self._draft.task].command)
        return action != "bench" or self._draft.task == OPTIMIZE

    @property
    def is_composing(self) -> bool:
        return isinstance(self.focused, Instruction)

    def action_compose(self) -> None:
        """At once: what is typed next is a text, and no key."""
        text = self.query_one(Instruction)
        self.add_class("-composing")  # it may be hidden, and what is hidden cannot have the focus
        self.app.stylesheet.update(text)
        self.set_focus(text)

    def action_clear(self) -> None:
        self.query_one(Instruction).clear()

    @on(events.DescendantFocus)
    @on(events.DescendantBlur)
    def show_instruction(self) -> None:
        self.set_class(self.is_composing, "-composing")

    @on(Instruction.Left)
    def left(self) -> None:
        self.leave_instruction()

    def leave_instruction(self) -> None:
        """Have the focus elsewhere."""
        self.set_focus(None)

    def action_task(self) -> None:
        self.app.push_screen(TaskChooser(self._draft.task), self._choose_task)

    def _choose_task(self, name: str | None) -> None:
        if name is not None:
            self._draft = self._draft._replace(task=name)
            self._tell_needs()
            self.maw.remember(self.maw.remembered.chosen(TASK, name))

    def action_verify(self) -> None:
        self._ask(_VERIFY, _KEYS, self.config["generate.verify"], self._verify_with)

    def _verify_with(self, command: str) -> None:
        self.config = self.config.but("generate.verify", command)

    def action_bench(self) -> None:
        self._ask(_BENCH, _BENCH_KEYS, self._draft.bench, self._bench_with)

    def _bench_with(self, command: str) -> None:
        self._draft = self._draft._replace(bench=command)

    def _ask(self, question: str, keys: str, before: str, take: Callable[[str], None]) -> None:
        def answered(command: str | None) -> None:
            if command is not None:
                take(command.strip())
                self._tell_needs()

        self.app.push_screen(Question(question, _COMMAND, keys, before), answered)

    def action_options(self) -> None:
        if self.repo is None:
            self.tell(OUTSIDE, error=True)
            return
        check, known = partial(options.checked, self.repo), partial(options.known, self.repo, self.config)
        title, taken = f"options of {self._draft.task}", options.of_task(self._draft.task)
        self.app.push_screen(OptionSheet(title, taken, self._draft.options, check, known), self._give)

    def _give(self, given: Given | None) -> None:
        """Those that only other tasks take stay as they are."""
        if given is not None:
            self._draft = self._draft._replace(options={**self._draft.options, **given})
            self._tell_needs()

    def action_files(self) -> None:
        if self.repo is None:
            self.tell(OUTSIDE, error=True)
        else:
            listing = partial(files.of_worktree, self.repo)
            new = self._draft.task not in (TEST, EXPLAIN)
            self.app.push_screen(Finder(listing, self._draft.paths, new=new), self._found)

    def _found(self, paths: list[str] | None) -> None:
        if paths is not None:
            self._draft = self._draft._replace(paths=tuple(paths))
            self._tell_needs()


def _clickable(text: str, action: str) -> Content:
    return Content(text).stylize(Style.from_meta({"@click": f"screen.{action}"}))
