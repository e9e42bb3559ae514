"""A change log as Keep a Changelog has it: read, with entries put in where they belong, and back to text. Pure.

All that stands there already stays as it is; entries come at the end of their section, and a section that is missing
is put in by its order. An entry that is there already, or nearly, is not put in again.
"""

from __future__ import annotations

import difflib
import re
import textwrap
from collections.abc import Sequence
from typing import NamedTuple

from maw.edits.answer import Block, Replace, Whole
from maw.errors import FatalError
from maw.generate.history.changes import Entry
from maw.generate.history.sections import SECTIONS

NAME = "CHANGELOG.md"
NAMES = (NAME, "CHANGES.md", "HISTORY.md", "Changelog.md", "changelog.md")
UNRELEASED = "Unreleased"
WIDTH, WIDTH_MIN = 120, 72  # of an entry's lines, where the file's own do not tell
_UNBOUNDED = 10_000
STYLE = 6  # entries that show how the project writes them
_SAME = 0.9  # of 1, from where two entries are the same
_RELEASE = re.compile(r"##(?!#)\s*\[?(?P<name>[^\]\s(]+)")
_SECTION = re.compile(r"###(?!#)\s*(?P<name>\S.*?)\s*\Z")
_LINK = re.compile(r"\[[^\]]+\]:\s")
_ITEM = re.compile(r"[-*] +(?P<text>\S.*)\Z")
_HEAD = """# Changelog

All notable changes to this project. The format is [Keep a Changelog](https://keepachangelog.com/en/1.1.0/).
"""


class Part(NamedTuple):
    """Lines below a heading, which is at `start`: up to `end`, without it. `name` as it is written."""

    name: str
    start: int
    end: int


class _Form(NamedTuple):
    """How entries are written here: how wide, and with which mark before them."""

    width: int
    mark: str


def releases(lines: Sequence[str]) -> list[Part]:
    """The releases of which a change log tells, in its order."""
    return _parts(lines, _RELEASE)


def _parts(lines: Sequence[str], heading: re.Pattern[str]) -> list[Part]:
    found = [(match["name"], at) for at, line in enumerate(lines) if (match := heading.match(line)) is not None]
    ends = [at for _, at in found[1:]] + [len(lines)]
    return [Part(name, at, end) for (name, at), end in zip(found, ends, strict=False)]


def entries(lines: Sequence[str]) -> list[str]:
    """The entries that stand in lines, each on one line."""
    found: list[str] = []
    inside = False
    for line in lines:
        if match := _ITEM.match(line):
            found.append(match["text"].strip())
            inside = True
        elif inside and line.startswith((" ", "\t")) and line.strip():
            found[-1] += f" {line.strip()}"
        else:
            inside = False
    return found


def style(lines: Sequence[str]) -> list[str]:
    """The newest entries, as examples."""
    return entries(lines)[:STYLE]


def known(lines: Sequence[str], title: str) -> list[str]:
    """The entries that stand in the release of that heading, or wait to be released."""
    names = {_name(title), UNRELEASED.lower()}
    return [
        text for part in releases(lines) if part.name.lower() in names for text in entries(lines[part.start : part.end])
    ]


def new(known: Sequence[str], given: Sequence[Entry]) -> list[Entry]:
    """The entries that are not among the known ones."""
    folded = [_folded(text) for text in known]
    return [entry for entry in given if not any(_alike(_folded(entry.shown), text) for text in folded)]


def _alike(one: str, other: str) -> bool:
    matcher = difflib.SequenceMatcher(None, one, other, autojunk=False)
    return matcher.real_quick_ratio() >= _SAME and matcher.quick_ratio() >= _SAME and matcher.ratio() >= _SAME


def _folded(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.lower()))


def text(given: Sequence[Entry], heading: str) -> str:
    """The entries as a release of its own."""
    return "\n".join([heading, *_sections(given, _Form(WIDTH, "- "))]) + "\n"


def heading(release: str, date: str) -> str:
    return f"## [{release}] - {date}" if release else f"## [{UNRELEASED}]"


def block(path: str, content: str | None, given: Sequence[Entry], title: str) -> Block:
    """The edit that puts entries into a change log of that content (None: there is none yet), under the release that
    `title` is the heading of; a new one takes over what is unreleased. Raises FatalError for a file that is no change
    log."""
    if content is None or not content.strip():
        return Whole(path, tuple(f"{_HEAD}\n{text(given, title)}".rstrip("\n").split("\n")))
    lines = content.replace("\r\n", "\n").removesuffix("\n").split("\n")
    known = {part.name.lower(): part for part in releases(lines)}
    name = _name(title)
    own = known.get(name) or known.get(UNRELEASED.lower())
    if own is None:
        return _first(path, lines, list(known.values()), given, title)
    before = lines[own.start : own.end]
    made = _joined(before, given, _form(lines))
    if name not in known:
        made = [made[0], "", title, *made[1:]]
    return Replace(path, tuple(before), tuple(made))


def _name(title: str) -> str:
    match = _RELEASE.match(title)
    assert match is not None, "a heading of ours"
    return match["name"].lower()


def _first(path: str, lines: list[str], known: list[Part], given: Sequence[Entry], title: str) -> Block:
    """A release of its own above the newest one; below the file's head where there is none."""
    made = [title, *_sections(given, _form(lines))]
    if known:
        newest = lines[known[0].start]
        return Replace(path, (newest,), (*made, "", newest))
    if not lines[0].startswith("#"):
        raise FatalError(f"{path} begins with no heading, as a change log does", hint="--file names another")
    head = lines[: _content_end(lines, len(lines))]
    return Replace(path, tuple(head), (*head, "", *made))


def _joined(lines: Sequence[str], given: Sequence[Entry], form: _Form) -> list[str]:
    """A release's lines with entries in their sections."""
    made = list(lines)
    for name in SECTIONS:
        items = [line for entry in given if entry.section == name for line in _item(entry, form)]
        if items:
            _put(made, name, items)
    return made


def _put(lines: list[str], name: str, items: list[str]) -> None:
    sections = _parts(lines, _SECTION)
    own = next((part for part in sections if part.name.lower() == name.lower()), None)
    if own is not None:
        at = _content_end(lines, own.end)
        lines[at:at] = items if at > own.start + 1 else ["", *items]
        return
    order = {section: number for number, section in enumerate(SECTIONS)}
    later = next((part for part in sections if order.get(part.name, -1) > order[name]), None)
    if later is not None:
        lines[later.start : later.start] = [f"### {name}", "", *items, ""]
        return
    at = _content_end(lines, len(lines))
    lines[at:at] = ["", f"### {name}", "", *items]


def _content_end(lines: Sequence[str], end: int) -> int:
    """Where the last line that says something ends; links to releases, which stand last, are none."""
    while end > 1 and (not lines[end - 1].strip() or _LINK.match(lines[end - 1])):
        end -= 1
    return end


def _sections(given: Sequence[Entry], form: _Form) -> list[str]:
    lines: list[str] = []
    for name in SECTIONS:
        items = [line for entry in given if entry.section == name for line in _item(entry, form)]
        lines += ["", f"### {name}", "", *items] if items else []
    return lines


def _item(entry: Entry, form: _Form) -> list[str]:
    indent = " " * len(form.mark)
    return textwrap.wrap(
        entry.shown, form.width, initial_indent=form.mark, subsequent_indent=indent, break_long_words=False,
        break_on_hyphens=False,
    )  # fmt: skip


def _form(lines: Sequence[str]) -> _Form:
    """As the entries here are: where they are not wrapped, no line of ours is either."""
    longest = max((len(line) for line in lines if line.startswith(("- ", "* ", "  "))), default=0)
    mark = next((line[:2] for line in lines if line.startswith(("- ", "* "))), "- ")
    return _Form(max(longest, WIDTH_MIN) if longest <= WIDTH else _UNBOUNDED, mark) if longest else _Form(WIDTH, mark)
