"""The table of findings: all of them, of which it reads and holds those around the cursor."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice
from typing import ClassVar

from textual.binding import Binding, BindingType

from maw.git.repo import Repo
from maw.memory import triage
from maw.memory.index import Index
from maw.memory.triage import Item, Place
from maw.review.render import Line
from maw_tui import words
from maw_tui.screens.findings.showing import UNREADABLE, row
from maw_tui.screens.paging import FIRST, PagedRows


class FindingTable(PagedRows[Place, Item | None]):
    """An entry is None where a finding cannot be read. `selected` has ids."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "choose", "Read on", show=False)]
    nothing = "nothing was found yet: `maw review HEAD` looks at the latest commit"
    nothing_fits = "no finding that fits"

    def __init__(self, now: Callable[[], float], *, id: str) -> None:
        super().__init__(now, id=id)
        self.selected: set[str] = set()

    @property
    def unreadable(self) -> bool:
        """Whether the finding under the cursor is known to be so."""
        return self.cursor in self.entries and self.entries[self.cursor] is None

    def list_keys(
        self, repo: Repo, index: Index, text: str, begun: Callable[[Sequence[Place]], None] | None = None
    ) -> list[Place]:
        asked = words.read(text, repo, of_findings=True)

        def some(numbers: Sequence[int]) -> None:
            if begun is not None:
                begun(list(islice(triage.places(index, numbers, asked.filters, asked.said), FIRST)))

        numbers = index.numbers(triage.reviews(asked.filters), first=FIRST, begun=some)
        return list(triage.places(index, numbers, asked.filters, asked.said))

    def read_entries(self, repo: Repo, index: Index, keys: Sequence[Place]) -> list[Item | None] | None:
        return triage.items(index, keys)

    def find(self, key: Place, keys: Sequence[Place]) -> int | None:
        """By the finding: a newer review may tell of it, too."""
        return next((at for at, each in enumerate(keys) if each.finding == key.finding), None)

    def draw_entry(self, entry: Item | None, width: int, now: float) -> Line:
        return UNREADABLE if entry is None else row(entry, width, now, selected=entry.finding.id in self.selected)
