"""The lines of review/render.py with colours, on a terminal: findings and records."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from maw.finding import Finding
from maw.review.fold import wrapped
from maw.review.render import Line, findings_lines

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

STYLES = {
    "critical": "bold red", "error": "red", "warning": "yellow", "info": "cyan",
    "path": "bold", "quote": "", "dim": "dim", "replacement": "green", "plain": "", "head": "bold",
}  # fmt: skip


def print_findings(console: Console, findings: Iterable[Finding], said: Mapping[str, str] | None = None) -> None:
    """All findings, grouped by file: severity, line, quoted line, scenario, suggestion, and what people said of it."""
    print_lines(console, findings_lines(findings, said))


def print_lines(console: Console, lines: Iterable[Line]) -> None:
    """Lines of review/render.py, each part in its style."""
    for line in wrapped(lines, console.width) if console.is_terminal else lines:
        console.print(styled(line))


def styled(line: Line) -> Text:
    from rich.text import Text

    text = Text()
    for style, part in line.parts:
        text.append(part, STYLES.get(style, ""))
    return text
