"""Statistics as a table for spreadsheets: a row for everything and one a group."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from maw.finding import SEVERITIES, VERDICTS
from maw.stats.figures import ANSWERS, PERCENTILES, STATUSES, Figures, Found, Json
from maw.stats.gather import Statistics

_FORMULA = ("=", "+", "-", "@")  # what a spreadsheet would run; names come from commits and models
_FINDINGS = ("findings", *SEVERITIES, *ANSWERS, "acceptance")
_VERDICTS = tuple(f"verdict_{name}" for name in VERDICTS)
_TIMES = tuple(f"{what}_p{share}" for what in ("latency_ms", "first_token_ms") for share in PERCENTILES)
COLUMNS = (
    "group", "name", "reviews", *STATUSES, *_VERDICTS, "bypassed", *_FINDINGS, "commits",
    "prompt_tokens", "cached_tokens", "completion_tokens", "seconds", *_TIMES,
)  # fmt: skip


def to_csv(statistics: Statistics) -> str:
    """Comma-separated values with a header (RFC 4180). A cell is empty where a figure makes no sense for a group. A
    name that a spreadsheet would take for a formula has an apostrophe before it."""
    out = io.StringIO(newline="")
    table = csv.DictWriter(out, COLUMNS, restval="")
    table.writeheader()
    for group, name, cells in _rows(statistics):
        table.writerow({"group": group, "name": f"'{name}" if name.startswith(_FORMULA) else name, **cells})
    return out.getvalue()


def _rows(statistics: Statistics) -> Iterator[tuple[str, str, Json]]:
    yield "total", "", _of_figures(statistics.total)
    for group, found in (("week", statistics.weeks), ("author", statistics.authors), ("model", statistics.models)):
        yield from ((group, name, _of_figures(figures)) for name, figures in found.items())
    for group, tallies in (("category", statistics.categories), ("severity", statistics.severities)):
        yield from ((group, name, _of_found(tally)) for name, tally in tallies.items())
    for name, place in statistics.paths.items():
        yield "path", name, {"commits": place.commits, **_of_found(place.found)}


def _of_found(found: Found) -> Json:
    return {key: "" if value is None else value for key, value in found.to_json().items()}


def _of_figures(figures: Figures) -> Json:
    data = figures.to_json()
    cells = {key: data[key] for key in COLUMNS if key in data}
    cells |= {f"verdict_{name}": number for name, number in data["verdicts"].items()}
    cells |= {f"{key}_tokens": value for key, value in data["tokens"].items()}
    for key in ("latency_ms", "first_token_ms"):
        cells |= {f"{key}_p{share}": data[key][f"p{share}"] for share in PERCENTILES}
    return {key: "" if value is None else value for key, value in cells.items()}
