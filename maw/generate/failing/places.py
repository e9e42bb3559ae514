"""The places that a failing command's output names: tracebacks, compilers, test runners. Pure, standard library only.

The output is a stranger's: it is read line by line, each cut at a bound, so that no line takes long.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from maw.text import one_line

ERROR, FRAME, TEST, NOTE = KINDS = ("error", "frame", "test", "note")  # what a place is about, the most telling first
PLACES_MAX = 200
_LINE_MAX = 500  # characters of a line that are looked at
_LINES_MAX = 20_000
_MESSAGE_MAX = 200
# Colours; also those whose escape character was made visible (maw.text.printable).
_COLOUR = re.compile("[\x1b\N{REPLACEMENT CHARACTER}]\\[[0-9;:?]*[A-Za-z]")


class Named(NamedTuple):
    """A place as the output names it. `line` is None where only a file is named; `symbol` is a function or a test."""

    path: str
    line: int | None
    kind: str
    symbol: str = ""
    message: str = ""


class _Form(NamedTuple):
    """How a tool writes a place. `ends`: where the innermost frame of a trace stands last, what the line after it
    begins with; None where it stands first, or where there is no trace."""

    kind: str
    pattern: re.Pattern[str]
    ends: re.Pattern[str] | None = None


_PYTHON_ENDS, _PYTEST_ENDS = re.compile(r"(?!Traceback)[^\s|+]"), re.compile(r"_{3,} |={3,} ")
# A module that Python could not import, by its dotted name: unittest names no file then.
_MODULE = r"(?P<path>[A-Za-z_]\w*(?:\.\w+){0,20})"
_FILE = r"(?P<path>[^\s:()\[\]'\"<>]{1,300}\.[A-Za-z]\w{0,9})"
_LINE, _WITH_COLUMN = r"(?P<line>\d{1,7})", r"(?P<line>\d{1,7}):\d{1,7}"
_ANY, _REST = r"(?P<path>[^\s:][^:]*)", r"(?P<message>.*)\Z"


def _form(kind: str, pattern: str, ends: re.Pattern[str] | None = None) -> _Form:
    return _Form(kind, re.compile(pattern), ends)


_JAVA = _form(FRAME, rf"\s*at (?:[\w.@-]*/){{0,2}}(?P<symbol>[\w.$<>-]+)\((?P<path>\w+\.\w+):{_LINE}\)")
_RUST = _form(ERROR, rf"\s*--> (?P<path>[^\s:]+):{_WITH_COLUMN}\s*\Z")
_UNIMPORTED = (
    _form(TEST, rf"ERROR: {_MODULE} \(unittest\.loader\._FailedTest(?:\.[\w.]+)?\)\s*\Z"),
    _form(NOTE, rf"ModuleNotFoundError: (?P<message>No module named '{_MODULE}')"),
)
_FORMS = (
    # Python (in an exception group, behind bars), and pytest, where `path:1: Error` is where the trace ended.
    _form(FRAME, rf'[\s|+]*File "(?P<path>[^"]+)", line {_LINE}(?:, in (?P<symbol>.+))?\s*\Z', _PYTHON_ENDS),
    _form(FRAME, rf"{_FILE}:{_LINE}: (?:in (?P<symbol>\S+))?\s*\Z", _PYTEST_ENDS),
    _form(FRAME, rf"{_FILE}:{_LINE}: (?P<message>[A-Z][\w.]*)\s*\Z", _PYTEST_ENDS),
    _form(TEST, rf"(?:FAILED|ERROR) (?P<path>[^\s:]+\.py)(?:::(?P<symbol>[^\s\[]+)(?:\[.*?\])?)?(?: - {_REST}|\s*\Z)"),
    *_UNIMPORTED,
    _JAVA,
    # JavaScript, whose frames Rust's look like.
    _form(FRAME, rf"\s+at (?:(?:async )?(?P<symbol>[^()]+) \()?(?:file://)?(?P<path>[^()\s:]+):{_WITH_COLUMN}\)?\s*\Z"),
    _form(FRAME, rf"\s+(?P<symbol>[^()]+) \((?:file://)?(?P<path>/[^()\s:]+):{_WITH_COLUMN}\)\s*\Z"),
    _form(FRAME, rf"\s*❯ (?:(?P<symbol>\S+) )?{_FILE}:{_WITH_COLUMN}\s*\Z"),
    _form(TEST, r"\s*(?:FAIL|×)\s+(?P<path>\S+\.[cm]?[jt]sx?)(?: > (?P<symbol>.*?))?(?: \d+m?s)?\s*\Z"),
    _form(ERROR, rf"(?:file://)?(?P<path>/[^:]+):{_LINE}\s*\Z"),
    _RUST,
    _form(ERROR, rf".*\bpanicked at (?:(?P<message>'.*'), )?(?P<path>[^\s:',]+):{_WITH_COLUMN}:?\s*\Z"),
    # Go's panics.
    _form(FRAME, rf"\t(?P<path>/[^\s:]+\.go):{_LINE}(?: \+0x[0-9a-f]+)?\s*\Z"),
    # C: includes, the linker, assert(), debuggers and sanitizers.
    _form(NOTE, rf"(?:In file included|\s+) from (?P<path>[^\s:]+):{_LINE}(?::\d+)?[:,]\s*\Z"),
    _form(ERROR, r"(?:\S+: )?(?P<path>[^\s:(]+\.\w+):\(\.\w+[^)]*\): (?P<message>undefined reference.*)\Z"),
    _form(ERROR, rf"\S+: (?P<path>[^\s:]+):{_LINE}: (?P<symbol>[^:]+): (?P<message>Assertion .*)\Z"),
    _form(FRAME, rf"\s*#\d+ .*?(?P<symbol>[\w:~]+) (?:\([^()]*\) at )?(?P<path>[\w./-]+\.\w+):{_LINE}(?::\d+)?\s*\Z"),
    # Compilers that write as C's do: Go, Swift, javac, mypy, ruff, tsc; and those that do not: Kotlin, Maven, C#.
    _form(ERROR, rf"\s*{_ANY}:{_LINE}:(?:\d+:)? (?:fatal )?(?:error|Error)\b(?:\[[\w-]+\])?:? ?{_REST}"),
    _form(NOTE, rf"\s*{_ANY}:{_LINE}:(?:\d+:)? (?:warning|note|info|help|\w+Warning)\b(?:\[[\w-]+\])?: {_REST}"),
    _form(ERROR, rf"(?:e: |\[ERROR\] )(?:file://)?(?P<path>[^:]+\.\w+):? ?[\[(]?{_LINE}[:,] ?\d+[\])]?:? ?{_REST}"),
    _form(ERROR, rf"\s*(?P<path>[^\s(][^(]*\.\w+)\({_LINE}(?:,\d+)*\)\s?: (?:fatal )?error {_REST}"),
    # Ruby, PHP, make.
    _form(FRAME, rf"\s*(?:from |# )?{_FILE}:{_LINE}:in [`'](?P<symbol>[^']*)'?(?:: (?P<message>.*))?\s*\Z"),
    _form(FRAME, rf"#\d+ (?P<path>/\S+\.\w+)\({_LINE}\): (?P<symbol>[^(]*)"),
    _form(ERROR, rf"(?P<message>.*) in (?P<path>/\S+\.\w+)(?: on line |:line |:){_LINE}\s*\Z"),
    _form(ERROR, rf"(?P<path>[\w./-]*[Mm]akefile[\w.-]*|[\w./-]+\.mk):{_LINE}: {_REST}"),
    # What is left.
    _form(ERROR, rf"\s*{_FILE}:{_LINE}(?::\d+)?(?: - |: ?){_REST}"),
    _form(FRAME, rf"\s*{_FILE}:{_LINE}(?::\d+)?\s*\Z"),
)
_HEADLINE = re.compile(rf"(?P<level>error|warning)(?:\[[\w:-]+\])?: {_REST}")  # above Rust's places
_GO_PACKAGE = re.compile(r"(FAIL|ok)\s+(\S+)\t")  # below the lines of its tests, which name files without folder


def find(text: str) -> list[Named]:
    """All places, each once, the most telling first: errors, then traces from their innermost frame on, then failed
    tests and notes."""
    found = sorted(_Reader().read(text), key=lambda named: KINDS.index(named.kind))  # else in the output's own order
    once: dict[tuple[str, int | str], Named] = {}
    for named in found:
        once.setdefault((named.path, named.line or named.symbol), named)
    return list(once.values())[:PLACES_MAX]


class _Reader:
    def __init__(self) -> None:
        self._found: list[Named] = []
        self._trace: list[Named] = []  # whose innermost frame is still to come
        self._ends: re.Pattern[str] | None = None  # what ends that trace
        self._headline: re.Match[str] | None = None
        self._package = 0  # how many were found when the last Go package ended

    def read(self, text: str) -> list[Named]:
        for line in text.split("\n")[:_LINES_MAX]:
            self._line(_COLOUR.sub("", line[:_LINE_MAX]).rstrip("\r"))
        self._flush()
        return self._found

    def _line(self, line: str) -> None:
        form, match = next(((form, match) for form in _FORMS if (match := form.pattern.match(line))), (None, None))
        if form is None or match is None:
            self._talk(line)
            return
        if form.ends is not self._ends:
            self._flush()
            self._ends = form.ends
        named = self._named(form, match)
        (self._found if form.ends is None else self._trace).append(named)

    def _talk(self, line: str) -> None:
        """A line that names no place."""
        if self._ends is not None and self._ends.match(line):
            self._flush()
        self._headline = _HEADLINE.match(line) or self._headline
        if package := _GO_PACKAGE.match(line):
            for at in range(self._package, len(self._found)) if package[1] == "FAIL" else ():
                named = self._found[at]
                if named.path.endswith(".go") and "/" not in named.path:
                    self._found[at] = named._replace(path=f"{package[2]}/{named.path}")
            self._package = len(self._found)

    def _flush(self) -> None:
        self._found += reversed(self._trace)
        self._trace = []

    def _named(self, form: _Form, match: re.Match[str]) -> Named:
        parts = {"line": None, "symbol": "", "message": ""} | match.groupdict(default="")
        kind, path, symbol, message = form.kind, str(parts["path"]), str(parts["symbol"]), str(parts["message"])
        if form is _JAVA:
            *folders, type_, method = ["", *symbol.split(".")][-20:]
            path, symbol = "/".join([*filter(None, folders), path]), f"{type_}.{method}"
        elif form in _UNIMPORTED:
            path = f"{path.replace('.', '/')}.py"
        elif form is _RUST and self._headline is not None:
            kind = NOTE if self._headline["level"] == "warning" else ERROR
            message = self._headline["message"]
        line = int(parts["line"]) if parts["line"] else None
        return Named(path, line, kind, one_line(symbol)[:_MESSAGE_MAX], one_line(message)[:_MESSAGE_MAX])
