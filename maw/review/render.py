"""Findings as lines of text, each part with a style by name. Standard library only: hook and CLI share the layout.

Everything here may come from a model or a stranger's diff, so it is made printable on the way.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from maw.finding import Finding
from maw.light import Any, NamedTuple
from maw.text import count, flat, one_line

# Styles: path, quote, dim, replacement, plain, and one for each severity.
Part = tuple[str, str]  # style, text
QUOTE_MAX = 160
ID_MAX = 16  # characters of an id: eight, but for what a stranger made


class Line(NamedTuple):
    parts: tuple[Part, ...]

    @property
    def text(self) -> str:
        return "".join(text for _, text in self.parts)


def path_line(path: str) -> Line:
    return Line((("path", one_line(path)),))


def finding_lines(finding: Finding) -> list[Line]:
    """Severity, line, title and id; the quoted line; the scenario; the suggestion."""
    head = Line(
        (
            ("plain", "  "),
            (finding.severity, finding.severity),
            ("dim", f"  line {_lines(finding)}  "),
            ("plain", one_line(finding.title) or one_line(finding.category) or "finding"),
            ("dim", f"  ({one_line(finding.id)[:ID_MAX]})"),
        )
    )
    lines = [head]
    if finding.quote.strip():
        lines.append(Line((("dim", "    | "), ("quote", _short(flat(finding.quote.strip("\r\n")))))))
    lines += _paragraph("", finding.scenario)
    lines += _paragraph("suggestion: ", finding.suggestion)
    if finding.replacement is not None and finding.replacement.rstrip() != finding.quote.rstrip():
        lines += [
            Line((("dim", "    > "), ("replacement", _short(flat(text))))) for text in finding.replacement.splitlines()
        ]
    return lines


def findings_lines(findings: Iterable[Finding], said: Mapping[str, str] | None = None) -> list[Line]:
    """All of them, grouped by file in the order the files come, lines rising; `said`: what people said, by id."""
    return [line for _, lines in findings_parts(findings, said) for line in lines]


def findings_parts(
    findings: Iterable[Finding], said: Mapping[str, str] | None = None
) -> Iterator[tuple[Finding | None, list[Line]]]:
    """The same in parts: each finding with its lines, and without one the line of a file."""
    groups: dict[str, list[Finding]] = {}
    for finding in findings:
        groups.setdefault(finding.path, []).append(finding)
    for path, group in groups.items():
        yield None, [path_line(path)]
        for finding in sorted(group, key=lambda finding: (finding.line, finding.id)):
            yield finding, finding_lines(finding) + _paragraph("", (said or {}).get(finding.id, ""))


def tally(findings: Iterable[Finding]) -> str:
    """`2 findings: 1 error, 1 info`."""
    by_severity: dict[str, int] = {}
    for finding in findings:
        by_severity[finding.severity] = by_severity.get(finding.severity, 0) + 1
    parts = [
        _counted(by_severity[name], name) for name in ("critical", "error", "warning", "info") if name in by_severity
    ]
    return f"{count(sum(by_severity.values()), 'finding')}: {', '.join(parts)}"


def judged(units: dict[str, Any]) -> str:
    """`20 units (17 known and unchanged)`: in how much it was, and how much of that was not asked anew."""
    done, reused = units["done"], units["reused"]
    known = f" ({'' if reused == done else f'{reused} '}known and unchanged)" if reused else ""
    return count(done, "unit") + known


def _counted(number: int, severity: str) -> str:
    return count(number, severity) if severity in ("error", "warning") else f"{number} {severity}"


def _lines(finding: Finding) -> str:
    return str(finding.line) if finding.end_line <= finding.line else f"{finding.line}-{finding.end_line}"


def _paragraph(label: str, text: str) -> list[Line]:
    lines = [one_line(line) for line in text.splitlines() if line.strip()]
    return [
        Line((("plain", "    "), ("dim", label if at == 0 else " " * len(label)), ("plain", line)))
        for at, line in enumerate(lines)
    ]


def _short(text: str) -> str:
    return text if len(text) <= QUOTE_MAX else text[: QUOTE_MAX - 1] + "…"


class Printer:
    """Findings as they come, each once, though a runner that started over finds them again."""

    def __init__(self) -> None:
        self._shown: set[tuple[str, int]] = set()
        self._path: str | None = None
        self._said: set[tuple[str, str]] = set()

    def found(self, finding: Finding) -> list[Line]:
        """The lines to print for it; none when it was printed before."""
        key = (finding.id, finding.line)
        if key in self._shown:
            return []
        self._shown.add(key)
        lines = [] if finding.path == self._path else [path_line(finding.path)]
        self._path = finding.path
        return lines + finding_lines(self._once(finding))

    def _once(self, finding: Finding) -> Finding:
        """Without what was said word for word of one before: of eight secrets, the advice comes once."""
        words = (finding.scenario, finding.suggestion)
        if words in self._said:
            return finding._replace(scenario="", suggestion="")
        self._said.add(words)
        return finding

    def ended(self, findings: Iterable[Finding]) -> list[Line]:
        """What is left to print when `findings` is what counts in the end."""
        counted = list(findings)
        lines = [line for finding in counted for line in self.found(finding)]
        gone = len(self._shown - {(finding.id, finding.line) for finding in counted})
        if gone:
            what = "finding above does" if gone == 1 else "findings above do"
            lines.append(Line((("dim", f"  ({gone} {what} not count: the review started over)"),)))
        return lines
