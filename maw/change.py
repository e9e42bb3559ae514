"""A change: files, hunks and lines of a unified diff. Standard library only.

Diffs are bytes from end to end. A path is text where its bytes are UTF-8, else git's C quoting of them, quotes
included (`"caf\\351.txt"`), so that every path can stand in JSON and be turned back into the same bytes.
Format: git-diff(1), "Generating patch text with -p"; GNU diffutils, "Detailed Description of Unified Format".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

_HUNK = re.compile(rb"@@ -(\d{1,9})(?:,(\d{1,9}))? \+(\d{1,9})(?:,(\d{1,9}))? @@ ?(.*)", re.DOTALL)
_ESCAPES = {
    ord("a"): 7,
    ord("b"): 8,
    ord("t"): 9,
    ord("n"): 10,
    ord("v"): 11,
    ord("f"): 12,
    ord("r"): 13,
    34: 34,
    92: 92,
}
_NAMES = {7: "a", 8: "b", 9: "t", 10: "n", 11: "v", 12: "f", 13: "r", 34: '"', 92: "\\"}


class BadPatch(ValueError):
    """The text is not a unified diff; `line` is the 1-based line where that showed."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(f"line {line}: {message}")
        self.line = line


class Line(NamedTuple):
    """One line of a hunk. `kind` is ' ', '+' or '-'; line numbers are 1-based; `text` keeps a CR, not the LF."""

    kind: str
    old: int | None
    new: int | None
    text: bytes


class Hunk(NamedTuple):
    old_start: int
    old_count: int
    new_start: int
    new_count: int
    section: bytes  # what git prints after the second @@: the enclosing definition
    lines: list[Line]


class FileChange(NamedTuple):
    """One file of a change. `status` is added, deleted, modified, renamed, copied or mode (only the mode changed)."""

    path: str  # the new path, or the old one of a deleted file
    old_path: str
    status: str
    old_mode: str | None  # git's octal mode where the diff tells it, such as '100644', '120000' or '160000'
    new_mode: str | None
    binary: bool
    hunks: list[Hunk]

    @property
    def is_symlink(self) -> bool:
        return "120000" in (self.old_mode, self.new_mode)

    @property
    def is_submodule(self) -> bool:
        return "160000" in (self.old_mode, self.new_mode)

    def added(self) -> list[Line]:
        return [line for hunk in self.hunks for line in hunk.lines if line.kind == "+"]


def display_path(raw: bytes) -> str:
    """The text form of a path (see the module's docstring); raw_path is its inverse."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        return quote_path(raw)
    return quote_path(raw) if text.startswith('"') else text


def raw_path(text: str) -> bytes:
    """The bytes of a path that display_path made. Raises ValueError on a broken quoting."""
    if text.startswith('"'):
        return unquote_path(text.encode("ascii"))
    return text.encode("utf-8")


def quote_path(raw: bytes) -> str:
    """git's C quoting, with the quotes (quote.c, quote_c_style)."""
    parts = []
    for byte in raw:
        if byte in _NAMES:
            parts.append("\\" + _NAMES[byte])
        elif 32 <= byte < 127:
            parts.append(chr(byte))
        else:
            parts.append(f"\\{byte:03o}")
    return '"' + "".join(parts) + '"'


def unquote_path(quoted: bytes) -> bytes:
    """The inverse of quote_path. Raises ValueError."""
    if len(quoted) < 2 or not (quoted.startswith(b'"') and quoted.endswith(b'"')):
        raise ValueError("a quoted path lacks its quotes")
    out = bytearray()
    body = quoted[1:-1]
    i = 0
    while i < len(body):
        if body[i] != 92:
            out.append(body[i])
            i += 1
        elif i + 1 < len(body) and body[i + 1] in _ESCAPES:
            out.append(_ESCAPES[body[i + 1]])
            i += 2
        else:
            digits = body[i + 1 : i + 4]
            if len(digits) != 3 or any(not 48 <= digit <= 55 for digit in digits) or int(digits, 8) > 255:
                raise ValueError("a quoted path has an unknown escape")
            out.append(int(digits, 8))
            i += 4
    return bytes(out)


def parse(patch: bytes) -> list[FileChange]:
    """The files of a unified diff, as `git diff`, `git format-patch` or `diff -u` print it.

    Text before, between and after the files (a mail's head, a commit message) is skipped. An empty patch has no
    files. Raises BadPatch when a hunk is cut short or malformed, or when text that is not blank holds no file at all.
    """
    return [file for file, _ in parse_each(patch)]


class Place(NamedTuple):
    """Where in a patch a file stands: the bytes of its section, and its number there (a section may hold several)."""

    start: int
    end: int
    number: int


def parse_each(patch: bytes) -> Iterator[tuple[FileChange, Place]]:
    """The same one by one: a file's lines take ten times the memory of their text. Raises BadPatch on the way."""
    found = False
    start = first = 0
    for section in sections(patch):
        for number, file in enumerate(_Parser(section, first).files()):
            found = True
            yield file, Place(start, start + len(section), number)
        start, first = start + len(section), first + section.count(b"\n")
    if not found and patch.strip():
        raise BadPatch("no file header (`diff --git` or `---`/`+++`) in it", 1)


def parse_at(patch: bytes, place: Place) -> FileChange:
    """The file that parse_each found there."""
    return _Parser(patch[place.start : place.end], 0).files()[place.number]


def sections(patch: bytes) -> Iterator[bytes]:
    """A patch cut before each `diff --git` line (no line of a hunk starts like that), whatever stands above the first
    one apart. Joined they are the patch again."""
    start = 0
    while start < len(patch):
        end = patch.find(b"\ndiff --git ", start) + 1 or len(patch)
        yield patch[start:end]
        start = end


class _Header:
    """What the lines above a file's hunks say."""

    def __init__(self) -> None:
        self.old: bytes | None = None
        self.new: bytes | None = None
        self.old_mode: str | None = None
        self.new_mode: str | None = None
        self.status = "modified"
        self.binary = False


class _Parser:
    """Of one section, whose first line is number `first` of the patch, counted from 0."""

    def __init__(self, patch: bytes, first: int) -> None:
        self._first = first
        self._lines = patch.split(b"\n")
        if self._lines and self._lines[-1] == b"":
            self._lines.pop()
        self._at = 0

    def files(self) -> list[FileChange]:
        found = []
        while self._at < len(self._lines):
            line = self._lines[self._at]
            if line.startswith(b"diff --git "):
                found.append(self._git_file())
            elif line.startswith(b"--- ") and self._peek(1).startswith(b"+++ ") and self._peek(2).startswith(b"@@ -"):
                found.append(self._plain_file())
            else:
                self._at += 1
        return found

    def _peek(self, ahead: int) -> bytes:
        at = self._at + ahead
        return self._lines[at] if at < len(self._lines) else b""

    def _git_file(self) -> FileChange:
        header = _Header()
        header.old, header.new = _git_names(self._lines[self._at][len(b"diff --git ") :])
        self._at += 1
        while self._at < len(self._lines) and self._header_line(header, self._lines[self._at]):
            self._at += 1
        return self._finish(header)

    def _header_line(self, header: _Header, line: bytes) -> bool:
        """Take one line of a git file's header; False when it is none."""
        word, _, rest = line.partition(b" ")
        if line.startswith((b"old mode ", b"deleted file mode ")):
            header.old_mode = _mode(line)
            header.status = "deleted" if line.startswith(b"deleted") else header.status
        elif line.startswith((b"new mode ", b"new file mode ")):
            header.new_mode = _mode(line)
            header.status = "added" if line.startswith(b"new file") else header.status
        elif line.startswith((b"rename from ", b"copy from ")):
            header.old = _plain_name(line.split(b" from ", 1)[1])
            header.status = "renamed" if word == b"rename" else "copied"
        elif line.startswith((b"rename to ", b"copy to ")):
            header.new = _plain_name(line.split(b" to ", 1)[1])
        elif word == b"---":
            header.old = _strip(rest, b"a/") or header.old
        elif word == b"+++":
            header.new = _strip(rest, b"b/") or header.new
        elif line.startswith(b"Binary files ") or line == b"GIT binary patch":
            header.binary = True
        elif word == b"index":
            mode = rest.split(b" ")
            if len(mode) == 2 and header.old_mode is None and header.new_mode is None:
                header.old_mode = header.new_mode = mode[1].decode("ascii", "replace")
        elif not line.startswith((b"similarity index ", b"dissimilarity index ")):
            return False
        return True

    def _plain_file(self) -> FileChange:
        header = _Header()
        old, new = (self._peek(i)[4:].split(b"\t")[0].rstrip(b"\r") for i in (0, 1))
        header.old, header.new = _strip(old, b"a/"), _strip(new, b"b/")
        header.status = "added" if header.old is None else "deleted" if header.new is None else "modified"
        self._at += 2
        return self._finish(header)

    def _finish(self, header: _Header) -> FileChange:
        hunks = []
        while self._at < len(self._lines) and self._lines[self._at].startswith(b"@@ -"):
            hunks.append(self._hunk())
        old, new = header.old, header.new
        path = old if header.status == "deleted" or new is None else new
        if path is None:
            raise BadPatch("a file without a name", self._first + self._at)
        status = header.status
        if status == "modified" and not hunks and not header.binary and header.old_mode != header.new_mode:
            status = "mode"
        return FileChange(
            display_path(path),
            display_path(old or path),
            status,
            header.old_mode,
            header.new_mode,
            header.binary,
            hunks,
        )

    def _hunk(self) -> Hunk:
        match = _HUNK.fullmatch(self._lines[self._at])
        if match is None:
            raise BadPatch("a hunk's header is malformed", self._first + self._at + 1)
        old, old_count, new, new_count = (int(part) if part else 1 for part in match.groups()[:4])
        hunk = Hunk(old, old_count, new, new_count, match[5].rstrip(b"\r"), [])
        self._at += 1
        old_left, new_left = old_count, new_count
        while old_left > 0 or new_left > 0:
            if self._at >= len(self._lines):
                raise BadPatch("a hunk is cut short", self._first + self._at)
            line = self._lines[self._at]
            kind = line[:1]
            if kind == b"+" and new_left > 0:
                hunk.lines.append(Line("+", None, new, line[1:]))
                new, new_left = new + 1, new_left - 1
            elif kind == b"-" and old_left > 0:
                hunk.lines.append(Line("-", old, None, line[1:]))
                old, old_left = old + 1, old_left - 1
            elif kind in (b" ", b"", b"\r") and old_left > 0 and new_left > 0:
                # Mail programs strip the blank of an empty context line; git apply accepts that too.
                hunk.lines.append(Line(" ", old, new, line[1:]))
                old, new, old_left, new_left = old + 1, new + 1, old_left - 1, new_left - 1
            elif kind != b"\\":
                raise BadPatch("a hunk holds another number of lines than its header says", self._first + self._at + 1)
            self._at += 1
        if self._peek(0).startswith(b"\\ "):  # "\ No newline at end of file"
            self._at += 1
        return hunk


def _mode(line: bytes) -> str:
    return line.rsplit(b" ", 1)[1].decode("ascii", "replace").strip()


def _plain_name(text: bytes) -> bytes:
    text = text.rstrip(b"\r")
    return unquote_or_raw(text)


def unquote_or_raw(text: bytes) -> bytes:
    """A name as git prints it: C-quoted when it starts with a quote, else itself."""
    if not text.startswith(b'"'):
        return text
    try:
        return unquote_path(text)
    except ValueError:
        return text


def _strip(text: bytes, prefix: bytes) -> bytes | None:
    """The name of a ---/+++ line without its prefix, None for /dev/null. git ends names with blanks in a tab."""
    name = unquote_or_raw(text.rstrip(b"\r").removesuffix(b"\t"))
    return None if name == b"/dev/null" else name.removeprefix(prefix)


def _git_names(text: bytes) -> tuple[bytes | None, bytes | None]:
    """Both names of a `diff --git` line, where it is unambiguous; other header lines tell them otherwise."""
    text = text.rstrip(b"\r")
    if text.startswith(b'"') or text.endswith(b'"'):
        parts = re.findall(rb'"(?:[^"\\]|\\.)*"|[^ "]+', text)
        if len(parts) == 2:
            return _strip(parts[0], b"a/"), _strip(parts[1], b"b/")
        return None, None
    middle = len(text) // 2  # equal names: "a/NAME b/NAME" has its blank exactly in the middle
    if len(text) % 2 and text[middle : middle + 1] == b" ":
        old, new = text[:middle], text[middle + 1 :]
        if old.startswith(b"a/") and new.startswith(b"b/") and old[2:] == new[2:]:
            return old[2:], new[2:]
    return None, None
