"""What all screens have in common: the bar of screens above, a line for what goes wrong, and the keys below."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.screen import Screen
from textual.widget import Widget

from maw_tui.messages import Told
from maw_tui.widgets.keysbar import KeysBar
from maw_tui.widgets.statusline import StatusLine
from maw_tui.widgets.topbar import TopBar
from maw_tui.work import Working, maw_app

if TYPE_CHECKING:
    from maw_tui.app import MawApp


class MawScreen(Working, Screen[None]):
    """A screen fills `body`, and asks for its data in `reload`, which is called when it is first shown and by `r`.

    It has one of the classes -narrow and -wide (from 110 columns), and one of -low and -high (from 12 rows), for styles
    and for `compose` to lay things out by. What it says about itself: `NAME` as people read it, `ABOUT` in a sentence,
    `PARTS`, the widgets whose keys the help should list, too, and `ENTER`, what enter does on a row of its list where
    that is more than to open it.
    """

    NAME: ClassVar[str]
    ABOUT: ClassVar[str]
    PARTS: ClassVar[tuple[type[Widget], ...]] = ()
    ENTER: ClassVar[str] = ""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r", "reload", "Reload", show=False, tooltip="Ask anew for what is shown"),
        Binding("escape", "back", "Back", show=False, tooltip="Go back; put a message away"),
    ]
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (110, "-wide")]  # noqa: RUF012 - Textual declares it without ClassVar
    VERTICAL_BREAKPOINTS = [(0, "-low"), (12, "-high")]  # noqa: RUF012

    @property
    def maw(self) -> MawApp:
        """The app, by its own type: the repository, the settings, the time."""
        return maw_app(self)

    def body(self) -> ComposeResult:
        """The screen's own widgets."""
        raise NotImplementedError

    def reload(self) -> None:
        """Ask for what is shown, in a worker."""

    def compose(self) -> ComposeResult:
        yield TopBar()
        with Container(id="body"):
            yield from self.body()
        yield StatusLine()
        yield KeysBar()

    def on_mount(self) -> None:
        self.reload()

    @property
    def is_wide(self) -> bool:
        return self.has_class("-wide")

    def tell(self, text: str, *, error: bool = False) -> None:
        """Show a line below; an empty one takes it away. A screen that is only being made shows it when it is."""
        for line in self.query(StatusLine):
            line.tell(text, error=error)
        if not self.is_mounted:
            self.call_later(self.tell, text, error=error)

    @on(Told)
    def show_line(self, event: Told) -> None:
        event.stop()
        self.tell(event.text, error=event.error)

    def action_reload(self) -> None:
        self.tell("")
        self.reload()

    def action_back(self) -> None:
        self.tell("")
