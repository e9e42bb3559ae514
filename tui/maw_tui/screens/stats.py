"""Statistics: what was reviewed, found, accepted and spent, as `maw stats` counts it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from textual import events, on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.widgets import Static
from textual.worker import get_current_worker

from maw.git.repo import Repo
from maw.memory import arrivals
from maw.memory.index import Index
from maw.memory.query import Filters
from maw.review.fold import columns, wrapped
from maw.review.render import Line
from maw.stats import GROUPS, plots, words
from maw.stats.gather import Statistics, gather
from maw.times import moment
from maw_tui import words as typed
from maw_tui.messages import Told
from maw_tui.screens.base import MawScreen
from maw_tui.widgets.filterbar import FilterBar, history_filter
from maw_tui.widgets.plot import PlotView
from maw_tui.widgets.rows import Rows

SPANS = ((None, "all time"), (365, "a year"), (90, "90 days"), (30, "30 days"), (7, "7 days"))
_DAY = 86400.0
_PLOTS = 6
_OPENED = ("week", "author", "model", "path")  # groups whose rows can be counted alone
_BAR = 24  # columns at most
_LABEL = 10  # columns of what a line of the summary is about
FILTER, TABLE, SPAN = "stats", "stats.table", "stats.span"  # what they are remembered by


@dataclass
class Counted(Message):
    """Statistics have come."""

    found: Statistics


class GroupRows(Rows):
    """The rows of a table; `opens`: Enter counts only what belongs to one."""

    opens = True

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return super().check_action(action, parameters) and (self.opens or action != "choose")


class StatsScreen(MawScreen):
    NAME = "Statistics"
    ABOUT = "What was reviewed, found, accepted and spent; `maw stats` prints the same."
    PARTS = (Rows,)
    ENTER = "Count only what belongs to the row; esc goes back"
    CSS_PATH = "stats.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right,l,tab", "group(1)", "Next table", tooltip="By week, category, severity, author, model, path"),
        Binding("left,h,shift+tab", "group(-1)", "Previous table", show=False),
        Binding("p", "plot(1)", "Next plot", tooltip="Reviews, findings, latency, acceptance, tokens, time"),
        Binding("P", "plot(-1)", "Previous plot", show=False),
        Binding("s", "span(1)", "Span", tooltip="Since ever, a year, 90, 30 or 7 days ago"),
        Binding("S", "span(-1)", "Longer span", show=False),
        Binding("slash", "filter", "Filter", tooltip="Count only what fits: author:anna path:src/ since:7d"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._found: Statistics | None = None
        self._narrowed: list[tuple[str, dict[str, Any]]] = []  # what Enter chose, in order, and its part of Filters
        remembered = self.maw.remembered
        self._group = _place(GROUPS, remembered.choice(TABLE))
        self._span = _place([name for _, name in SPANS], remembered.choice(SPAN))
        self._plot = 0
        self._lines: list[Line] = []

    def body(self) -> ComposeResult:
        yield history_filter(self.maw.remembered.filter(FILTER))
        yield Static(id="stats-title", markup=False)
        yield Static(id="stats-summary", markup=False)
        with Horizontal(id="stats-plots"):
            yield PlotView(id="stats-plot")
            yield PlotView(id="stats-second")
        yield Static(id="stats-heads", markup=False)
        yield GroupRows(self._draw, id="stats-rows")

    def on_mount(self) -> None:
        self.query_one(Rows).focus()
        super().on_mount()

    def reload(self) -> None:
        self._title()
        if self.maw.repo is None:
            self.query_one("#stats-summary", Static).update("Statistics are of a repository: start maw tui in one.")
            return
        self.count(self.maw.repo, self.query_one(FilterBar).value)

    @work(thread=True, exclusive=True, exit_on_error=False, group="stats")
    def count(self, repo: Repo, text: str) -> None:
        def told(text: str = "reading the notes, which takes a while the first time", *, error: bool = True) -> None:
            self.post_message(Told(text, error=error))

        worker = get_current_worker()
        filters = self._filters(repo, text)
        arrivals.deliver(repo, told)
        with Index(repo) as index:
            index.refresh(told=lambda: told(error=False))
            found = gather(index, filters)
        if not worker.is_cancelled:  # else something else was chosen meanwhile, and this would replace it
            self.post_message(Counted(found))

    @on(Counted)
    def show(self, event: Counted) -> None:
        self._found = event.found
        self._lay_out()
        self._show_plots()

    @on(events.Resize)
    def resized(self) -> None:
        self.call_after_refresh(self._lay_out, keep_place=True)

    def _lay_out(self, *, keep_place: bool = False) -> None:
        """What is made to fit."""
        self._show_summary()
        self._show_table(keep_place=keep_place)

    def _show_summary(self) -> None:
        pane = self.query_one("#stats-summary", Static)
        if self._found is not None and pane.content_size.width:
            lines = (
                Line((("head", line[:_LABEL]), ("plain", line[_LABEL:]))) for line in words.summary(self._found.total)
            )
            pane.update(Content("\n".join(line.text for line in wrapped(lines, pane.content_size.width))))

    def _filters(self, repo: Repo, text: str) -> Filters:
        filters = typed.read(text, repo).filters._replace(feedback=True, leading=False)  # all that is recorded
        for _, part in self._narrowed:
            filters = filters._replace(**part)
        days, _ = SPANS[self._span]
        if days is not None and filters.since is None:
            filters = filters._replace(since=self.maw.now() - days * _DAY)
        return filters

    def _title(self) -> None:
        chosen = [name for name, _ in self._narrowed]
        told = " › ".join([SPANS[self._span][1], *chosen])
        counting = "" if self._found is not None or self.maw.repo is None else "  counting…"
        self.query_one("#stats-title", Static).update(Content.assemble((f"Statistics: {told}", "bold"), counting))

    def _show_plots(self) -> None:
        found = plots.by_week(self._found, self.size.width) if self._found is not None else []
        for at, name in enumerate(("#stats-plot", "#stats-second")):
            self.query_one(name, PlotView).plot(found[(self._plot + at) % _PLOTS] if found else None)
        self._title()

    def _show_table(self, *, keep_place: bool = False) -> None:
        """The rows of the chosen group, weeks the newest first, in the columns that there is room for."""
        rows = self.query_one(GroupRows)
        width = rows.room - 2
        if self._found is None or width <= 0:
            return
        table = words.fitted(words.table(self._found, GROUPS[self._group]), width)
        heads, *cells = words.columns(table)
        largest = max((row.size for row in table.rows), default=0) or 1
        room = max(min(_BAR, width - columns(heads) - 2), 0)
        self._lines = [
            Line((("plain", f" {text}  "), ("info", "█" * round(row.size / largest * room))))
            for text, row in zip(cells, table.rows, strict=True)
        ]
        if self._is("week"):
            self._lines.reverse()
        self.query_one("#stats-heads", Static).update(Content.styled(f" {heads}", "bold $text-muted"))
        rows.opens = GROUPS[self._group] in _OPENED
        rows.show(len(self._lines), cursor=rows.cursor if keep_place else 0)
        self.refresh_bindings()

    def _draw(self, row: int, width: int) -> Line:
        return self._lines[row]

    def _is(self, group: str) -> bool:
        return GROUPS[self._group] == group

    @on(Rows.Chosen)
    def narrow(self, event: Rows.Chosen) -> None:
        """Count only what belongs to the row."""
        chosen = self._choice(event.row)
        if chosen is not None and chosen not in self._narrowed:
            self._narrowed.append(chosen)
            self.reload()

    def _choice(self, row: int) -> tuple[str, dict[str, Any]] | None:
        assert self._found is not None
        found = self._found
        match GROUPS[self._group]:
            case "week":
                name = list(reversed(found.weeks))[row]
                start = moment(f"{name}T00:00:00+00:00")
                return f"week of {name}", {"since": start, "until": start + 7 * _DAY - 0.001}
            case "author" if name := list(found.authors)[row]:
                return name, {"author": name}
            case "model" if name := list(found.models)[row]:
                return name, {"model": name}
            case "path" if name := list(found.paths)[row]:
                return name, {"path": name}
        return None

    def action_back(self) -> None:
        """Count more again."""
        super().action_back()
        if self._narrowed:
            self._narrowed.pop()
            self.reload()

    def action_group(self, step: int) -> None:
        self._group = (self._group + step) % len(GROUPS)
        self.maw.remember(self.maw.remembered.chosen(TABLE, GROUPS[self._group]))
        self._show_table()

    def action_plot(self, step: int) -> None:
        self._plot = (self._plot + step) % _PLOTS
        self._show_plots()

    def action_span(self, step: int) -> None:
        self._span = (self._span + step) % len(SPANS)
        self.maw.remember(self.maw.remembered.chosen(SPAN, SPANS[self._span][1]))
        self.reload()

    def action_filter(self) -> None:
        self.query_one(FilterBar).open()

    @on(FilterBar.Asked)
    def filter_by(self, event: FilterBar.Asked) -> None:
        event.stop()
        self.reload()
        if event.kept:
            self.maw.remember(self.maw.remembered.filtered(FILTER, event.text))
            self.query_one(Rows).focus()


def _place(names: Sequence[str], name: str) -> int:
    """Where a name that was remembered stands; first, for one that is none."""
    return names.index(name) if name in names else 0
