"""Statistics as people read them: a few sentences, and tables. For the command line and the terminal UI."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from maw.finding import SEVERITIES, VERDICTS
from maw.memory.dismissals import ACCEPTED, DISMISSED, FIXED
from maw.stats.figures import Figures, Found
from maw.stats.gather import Statistics

_NONE = "-"
_NAME_WIDTH, _NAME_LEAST = 32, 8
_NARROW = {"reviews": "revs", "findings": "found", "accepted": "right", "dismissed": "wrong"}
_WORST_FIRST = tuple(reversed(SEVERITIES))
_FOUND = ("findings", *_WORST_FIRST, "accepted")
_THOUSAND = 999.5  # from there on, three digits are not enough to say less
_UNITS = (("d", 86400), ("h", 3600), ("min", 60))
HEADS = {
    "week": ("week", "reviews", "block", *_FOUND, "median", "90%", "tokens"),
    "author": ("author", "reviews", "block", *_FOUND, "median", "90%", "tokens"),
    "model": ("model", "reviews", "block", *_FOUND, "median", "90%", "tokens"),
    "category": ("category", *_FOUND, "fixed", "dismissed"),
    "severity": ("severity", "findings", "accepted", "fixed", "dismissed"),
    "path": ("path", "commits", *_FOUND),
}
_SHORT = {"critical": "C", "error": "E", "warning": "W", "info": "I"}  # as `maw history` tells them


class Row(NamedTuple):
    """Cells as text, the name first, and the number that a bar shows."""

    cells: list[str]
    size: int


class Table(NamedTuple):
    heads: list[str]
    rows: list[Row]


def summary(total: Figures) -> list[str]:
    """What everything comes to, a line each on reviews, findings, time, tokens and what was written."""
    lines = [_reviews(total), _findings(total.found)]
    if total.latency.values:
        lines.append(_times(total))
    if total.prompt_tokens or total.completion_tokens:
        cached = f", {total.cached_tokens / total.prompt_tokens:.0%} of it known" if total.prompt_tokens else ""
        lines.append(f"tokens    {short(total.prompt_tokens)} read{cached}, {short(total.completion_tokens)} written")
    for kind, word in (("message", "messages"), ("generate", "generated")):
        if total.outcomes[kind]:
            lines.append(f"{word:<9} {', '.join(f'{number:,} {name}' for name, number in _largest(total, kind))}")
    return lines


def _reviews(total: Figures) -> str:
    verdicts = [f"{total.verdicts[name]:,} {name}" for name in VERDICTS if total.verdicts[name]]
    more = [
        f"{number:,} {what}"
        for number, what in (
            (total.reviews["unreviewed"], "never reviewed"),
            (total.bypassed, "committed all the same"),
        )
        if number
    ]
    told = f": {', '.join(verdicts)}" if verdicts else ""
    return f"reviews   {total.reviewed:,}{told}" + (f"; {', '.join(more)}" if more else "")


def _findings(found: Found) -> str:
    kinds = [f"{found.severities[name]:,} {name}" for name in _WORST_FIRST if found.severities[name]]
    told = f": {', '.join(kinds)}" if kinds else ""
    if found.acceptance is None:
        return f"findings  {found.total:,}{told}"
    answers = ", ".join(f"{found.answers[name]:,} {name}" for name in (ACCEPTED, FIXED, DISMISSED))
    return f"findings  {found.total:,}{told}; {answers}: {found.acceptance:.0%} right"


def _times(total: Figures) -> str:
    half, most, nearly_all = (duration(total.latency.percentile(share)) for share in (50, 90, 99))
    first = total.first_token.percentile(50)
    begins = f", first word {duration(first)}" if first is not None else ""
    spent = duration(total.milliseconds)
    return f"time      {spent} on nodes; half of the reviews {half}, 90% {most}, 99% {nearly_all}{begins}"


def _largest(total: Figures, kind: str) -> list[tuple[str, int]]:
    return sorted(total.outcomes[kind].items(), key=lambda item: (-item[1], item[0]))


def table(found: Statistics, group: str) -> Table:
    """The figures of a group: `week`, `category`, `severity`, `author`, `model` or `path`."""
    groups: dict[str, dict[str, Figures]] = {"week": found.weeks, "author": found.authors, "model": found.models}
    tallies: dict[str, dict[str, Found]] = {"category": found.categories, "severity": found.severities}
    if group in groups:
        rows = [Row(_of_figures(name, figures), figures.reviewed) for name, figures in groups[group].items()]
    elif group in tallies:
        rows = [Row(_of_tally(name, tally, group), tally.total) for name, tally in tallies[group].items()]
    else:
        rows = [
            Row([name, f"{place.commits:,}", *_of_found(place.found)], place.commits)
            for name, place in found.paths.items()
        ]
    return Table([_SHORT.get(head, head) for head in HEADS[group]], rows)


def columns(table: Table) -> list[str]:
    """The heads and then the rows, their cells below each other."""
    from rich.cells import set_cell_size  # some characters take two columns

    cells, widths = _cells(table), _widths(table)
    return [
        "  ".join([
            set_cell_size(row[0], widths[0]),
            *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)),
        ])
        for row in cells
    ]  # fmt: skip


def fitted(table: Table, width: int) -> Table:
    """The table in a terminal that is so wide: as far as it has to be, without columns that say nothing, with shorter
    heads and names, and at last without its last columns."""
    for smaller in (_without_empty, _with_short_heads):
        if _width(table) > width:
            table = smaller(table)
    if (over := _width(table) - width) > 0:
        table = _with_names(table, max(_widths(table)[0] - over, _NAME_LEAST))
    while _width(table) > width and len(table.heads) > 2:
        table = _only(table, range(len(table.heads) - 1))
    return table


def _cells(table: Table) -> list[list[str]]:
    return [table.heads, *([_cut(row.cells[0]), *row.cells[1:]] for row in table.rows)]


def _widths(table: Table) -> list[int]:
    from rich.cells import cell_len

    return [max(map(cell_len, column)) for column in zip(*_cells(table), strict=True)]


def _width(table: Table) -> int:
    return sum(_widths(table)) + 2 * (len(table.heads) - 1)


def _only(table: Table, places: Iterable[int]) -> Table:
    wanted = list(places)
    rows = [row._replace(cells=[row.cells[at] for at in wanted]) for row in table.rows]
    return Table([table.heads[at] for at in wanted], rows)


def _without_empty(table: Table) -> Table:
    said = (at for at in range(1, len(table.heads)) if any(row.cells[at] != _NONE for row in table.rows))
    return _only(table, [0, *said])


def _with_short_heads(table: Table) -> Table:
    return table._replace(heads=[_NARROW.get(head, head) for head in table.heads])


def _with_names(table: Table, width: int) -> Table:
    return table._replace(rows=[row._replace(cells=[_cut(row.cells[0], width), *row.cells[1:]]) for row in table.rows])


def _cut(name: str, width: int = _NAME_WIDTH) -> str:
    return name if len(name) <= width else name[: width - 1] + "…"


def _of_figures(name: str, figures: Figures) -> list[str]:
    return [
        name or "(unknown)",
        f"{figures.reviewed:,}",
        _number(figures.verdicts["block"]),
        *_of_found(figures.found),
        duration(figures.latency.percentile(50)),
        duration(figures.latency.percentile(90)),
        short(figures.prompt_tokens + figures.completion_tokens),
    ]


def _of_tally(name: str, found: Found, group: str) -> list[str]:
    answers = [_number(found.answers[answer]) for answer in (FIXED, DISMISSED)]
    if group == "severity":
        return [name, f"{found.total:,}", percent(found.acceptance), *answers]
    return [name or "(none)", *_of_found(found), *answers]


def _of_found(found: Found) -> Sequence[str]:
    return [
        f"{found.total:,}",
        *(_number(found.severities[name]) for name in _WORST_FIRST),
        percent(found.acceptance),
    ]


def _number(value: int) -> str:
    return f"{value:,}" if value else _NONE


def percent(share: float | None) -> str:
    return _NONE if share is None else f"{share:.0%}"


def duration(milliseconds: int | None) -> str:
    """`85 ms`, `3.2 s`, `2 h 14 min`; `-` where it is unknown."""
    if milliseconds is None:
        return _NONE
    if milliseconds < 1000:
        return f"{milliseconds} ms"
    seconds = milliseconds / 1000
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    rounded = round(seconds)
    for at, (unit, size) in enumerate(_UNITS):
        if rounded >= size:
            whole, rest = divmod(rounded, size)
            below, smaller = _UNITS[at + 1] if at + 1 < len(_UNITS) else ("s", 1)
            return f"{whole} {unit} {rest // smaller} {below}"
    raise AssertionError("a minute or more")


def short(value: float) -> str:
    """A number in a few characters: `950`, `1.5 k`, `20 M`."""
    for unit in ("", " k", " M"):
        if value < _THOUSAND:
            return f"{value:.3g}{unit}"
        value /= 1000
    return f"{value:,.3g} G" if value < _THOUSAND else f"{value:,.0f} G"
