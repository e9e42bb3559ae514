"""The app: which screen is shown, the keys that hold everywhere, the theme, and where errors are told."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import ClassVar

from textual import on
from textual.actions import ActionParseResult
from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.dom import DOMNode
from textual.driver import Driver
from textual.filter import LineFilter
from textual.screen import Screen

from maw import defect, reach
from maw.config.load import Config
from maw.errors import FatalError
from maw.git.repo import Repo
from maw.text import one_line
from maw.watch.names import watched
from maw_tui import glyphs, keys, state, themes
from maw_tui.live import Live
from maw_tui.messages import error_in_words
from maw_tui.screens import SCREENS, TITLES, load
from maw_tui.screens.base import MawScreen
from maw_tui.settled import Settled
from maw_tui.state import State
from maw_tui.styles import Styles
from maw_tui.widgets.help import HelpScreen
from maw_tui.work import Working


class MawApp(Working, App[None]):
    """`repo` is None outside of a repository. Screens take the time from `now`, which documentation stops."""

    CSS_PATH = "maw.tcss"
    TITLE = "maw"
    VERTICAL_BREAKPOINTS = MawScreen.VERTICAL_BREAKPOINTS  # of dialogs, too
    COMMAND_PALETTE_BINDING = "colon"
    BINDINGS: ClassVar[list[BindingType]] = [
        *(
            Binding(str(number), f"show('{name}')", TITLES[name], show=False, tooltip=f"{TITLES[name]} screen")
            for number, name in enumerate(SCREENS, 1)
        ),
        Binding("question_mark", "help", "Help", tooltip="All keys of this screen"),
        Binding("colon,ctrl+p", "command_palette", "Commands", show=False, tooltip="Commands by name"),
        Binding("T", "toggle_theme", "Theme", show=False, tooltip="Dark or light"),
        Binding("q", "quit", "Quit", show=False, tooltip="Leave"),
        Binding("ctrl+q", "quit", "Quit", show=False, priority=True),  # wherever somebody types, and from dialogs
        Binding("ctrl+z", "suspend_process", "To the shell", show=False, tooltip="To the shell; fg comes back"),
    ]

    def __init__(
        self, repo: Repo | None, config: Config, *, screen: str | None = None, now: Callable[[], float] = time.time
    ) -> None:
        no_color = bool(os.environ.get("NO_COLOR"))
        remembered, trouble = state.load()
        wanted = screen or remembered.screen
        # Textual would show an empty screen first, and lay out and style everything twice.
        self.DEFAULT_MODE = wanted if wanted in SCREENS else "history" if repo else "queue"  # type: ignore[misc]
        super().__init__(ansi_color=True if no_color else None)
        self.stylesheet = Styles(variables=self.get_css_variables())
        self.animation_level = "none"  # each of its steps would be drawn, over SSH, too
        self.repo = repo
        self.config = config
        self.now = now
        self.live = Live(lambda: watched(config))
        self.settled = Settled()
        self.remembered, self._trouble = remembered, trouble
        self._forgetful = False  # what is remembered cannot be written
        self.unexpected: Exception | None = None
        self._few_colors = not no_color and self.console.color_system == "standard"
        self._filter = [glyphs.AsciiFilter()] if glyphs.ascii_only(config["tui.glyphs"], os.environ) else []
        self._add_themes(no_color)
        for name in SCREENS:
            self.add_mode(name, partial(_made, name))

    @property
    def place(self) -> str:
        """Where we are, for people."""
        return one_line(os.path.basename(self.repo.root.rstrip("/")) or "/") if self.repo else "no repository"

    @property
    def shown(self) -> MawScreen | None:
        """The screen in front, a dialog above it left aside."""
        bottom = self.screen_stack[0] if self.screen_stack else None
        return bottom if isinstance(bottom, MawScreen) else None

    def on_mount(self) -> None:
        if self._trouble:
            self.tell(self._trouble)

    def on_unmount(self) -> None:
        self.live.stop()

    def leave(self, code: int = 0) -> None:
        """End at once, with this exit code: no thread may go on waiting for a node, since Python waits for threads."""
        self.exit(return_code=code)
        reach.hang_up()

    async def action_quit(self) -> None:
        self.leave()

    def tell(self, what: str | Exception) -> None:
        """Say on the screen what went wrong, or, for a text, what there is to say."""
        if self.shown is not None:
            self.shown.tell(what if isinstance(what, str) else self._in_words(what), error=not isinstance(what, str))

    def _in_words(self, error: Exception) -> str:
        if isinstance(error, FatalError | OSError):
            return error_in_words(error)
        self.unexpected = self.unexpected or error
        return _reported(error)

    def remember(self, remembered: State) -> None:
        """Keep it for the next start; where that cannot be written, this start goes on without, and says so once."""
        before, self.remembered = self.remembered, remembered
        try:
            state.save(remembered, before)
        except OSError as exc:
            if not self._forgetful:
                self.tell(FatalError(f"what is remembered cannot be kept in {state.path()}: {exc.strerror}"))
            self._forgetful = True

    def get_line_filters(self) -> list[LineFilter]:
        return [*super().get_line_filters(), *self._filter]

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        for number, (name, title) in enumerate(TITLES.items(), 1):
            yield SystemCommand(title, f"The {title.lower()} screen (key {number})", partial(self.action_show, name))
        yield from self._commands_of(screen)
        if self.shown is not None:
            yield SystemCommand("Reload", "Ask anew for what is shown", self.shown.action_reload)
        yield SystemCommand("Help", "All keys of this screen", self.action_help)
        yield SystemCommand("Theme", "Choose a theme", self.action_change_theme)
        yield SystemCommand("Quit", "Leave", self.action_quit)

    def _commands_of(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """What the keys of a screen do now."""
        told = {"reload", "back", *(binding.action for binding in Binding.make_bindings(Screen.BINDINGS))}
        for node, binding, enabled, _ in screen.active_bindings.values():
            if node is screen and enabled and binding.action not in told:
                told.add(binding.action)
                title = f"{binding.description}: {binding.tooltip}" if binding.tooltip else binding.description
                key = f"key {keys.shown(binding.key)} of this screen"
                yield SystemCommand(title, key, partial(self.run_action, binding.action, node))

    async def run_action(
        self,
        action: str | ActionParseResult,
        default_namespace: DOMNode | None = None,
        namespaces: Mapping[str, DOMNode] | None = None,
    ) -> bool:
        """What goes wrong while a key is being served is told, and the app goes on."""
        try:
            return await super().run_action(action, default_namespace, namespaces)
        except Exception as exc:  # noqa: BLE001 - a defect, too: `tell` reports those
            self.tell(exc)
            return True

    def action_show(self, name: str) -> None:
        self.switch_mode(name)
        self.remember(self.remembered._replace(screen=name))

    def open_commit(self, oid: str, finding: str | None = None) -> None:
        """Show a commit in the history, at one of its findings; esc comes back to the screen in front now."""
        from maw_tui.screens.history import HistoryScreen

        back = self.current_mode
        self.action_show("history")
        screen = self.shown
        if isinstance(screen, HistoryScreen):
            screen.call_after_refresh(screen.show_commit, oid, finding, back)  # a new one is laid out first

    def open_queue(self, wanted: str) -> None:
        """Show the tasks that have these words."""
        from maw_tui.screens.queue.screen import QueueScreen

        self.action_show("queue")
        screen = self.shown
        if isinstance(screen, QueueScreen):
            screen.call_after_refresh(screen.show_only, wanted)

    def action_help(self) -> None:
        if self.shown is not None:
            self.push_screen(HelpScreen([keys.of_screen(type(self.shown)), keys.everywhere()]))

    @on(Driver.SignalResume)
    def _back_from_the_shell(self) -> None:
        """Textual does not paint what the shell has painted over."""
        self.refresh(layout=True)

    def action_help_quit(self) -> None:
        """Ctrl-C ends nothing."""
        if self.screen is self.shown:
            self.tell("q leaves (so does ctrl+q, from wherever you type)")
        else:
            super().action_help_quit()

    def action_toggle_theme(self) -> None:
        self.theme = self._fitting(themes.LIGHT if self.current_theme.dark else themes.DARK)

    def _add_themes(self, no_color: bool) -> None:
        for theme in themes.THEMES:
            self.register_theme(theme)
        wanted = self.remembered.theme or themes.DARK
        wanted = self._fitting(wanted if wanted in self.available_themes else themes.DARK)
        self.theme = themes.NO_COLOR if no_color else wanted
        self.set_class(no_color, "-no-color")
        self.set_class(self._few_colors, "-few-colors")

    def _fitting(self, theme: str) -> str:
        return themes.in_few(theme) if self._few_colors else theme

    def watch_theme(self, theme: str) -> None:
        if self.is_running and not self.no_color:
            self.remember(self.remembered._replace(theme=themes.in_many(theme) if self._few_colors else theme))

    def _handle_exception(self, error: Exception) -> None:
        """A defect outside of workers and actions ends the app, for want of a whole screen to go on with; `main`
        reports it as any command's, once the terminal is itself again."""
        self.unexpected = self.unexpected or error
        super()._handle_exception(error)
        reach.hang_up()

    def _print_error_renderables(self) -> None:
        self._exit_renderables.clear()


def _made(name: str) -> MawScreen:
    return load(name)()


def _reported(error: Exception) -> str:
    """Write the report of a defect, and say so in a line."""
    said = f"this is a defect in maw: {type(error).__name__}: {error}"
    try:
        raise error
    except Exception:  # noqa: BLE001 - the report is made of the exception being handled
        try:
            path = defect.write_report(["maw", "tui"])
        except OSError as exc:
            return f"{said} (and its report cannot be written: {exc.strerror})"
    return f"{said} (please report it with {path})"
