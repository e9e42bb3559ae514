"""Read the first line of a commit message: what stands in front of its text, and how the text is written.

Standard library only (hook path).
"""

from __future__ import annotations

import re

from maw.light import NamedTuple
from maw.messages import verbs

# https://www.conventionalcommits.org, Angular's and commitlint's lists.
TYPES = frozenset({
    "build", "chore", "ci", "deps", "docs", "feat", "fix", "i18n", "perf", "refactor", "release", "revert", "security",
    "style", "test", "ui", "wip",
})  # fmt: skip
START, TEXT, SCOPE, END, TRAILER = "start", "text", "scope", "end", "trailer"  # where a ticket can stand

KEYED = r"[A-Z][A-Z0-9]{1,9}-\d{1,7}"  # ABC-123
TICKET = rf"(?:{KEYED}|GH-\d{{1,7}}|#\d{{1,7}})"
_LEADING = re.compile(rf"(?P<open>[\[(]?)(?P<id>{TICKET})(?P<close>[\])]?)(?P<sep>\s*[:|]\s+|\s+-\s+|\s+)(?=\S)")
_TRAILING = re.compile(rf"(?P<sep>\s+)(?P<open>[\[(]?)(?P<id>{KEYED})(?P<close>[\])]?)\Z")
_CONVENTIONAL = re.compile(r"(?P<type>[A-Za-z][A-Za-z0-9]*)(?:\((?P<scope>[^()\n]{1,60})\))?(?P<breaking>!?):\s+(?=\S)")
_AREA = re.compile(r"(?P<area>[A-Za-z0-9_.][\w./+*-]{0,40}(?:, ?[\w./+*-]{1,40}){0,3}): (?=\S)")
_BRACKETS = re.compile(r"\[(?P<area>[A-Za-z0-9_][\w./+ -]{0,30})\] ?(?=\S)")
_PULL_REQUEST = re.compile(r"\s+\(#\d+\)\Z")  # which a forge adds when it merges; no author can know it
_TRAILERS = re.compile(rf"^(?:[A-Z][\w-]*|Fixes|Closes|Refs)(?::| )[ \t]*(?P<id>{TICKET})\b", re.MULTILINE)


class Ticket(NamedTuple):
    """A ticket's id and where it stands; `form` has {} in its place, with what is around it."""

    id: str
    place: str
    form: str


class Subject(NamedTuple):
    """`area` is the prefix of a repository that names parts ("parser: fix"), in `area_form`. `text` is the rest."""

    type: str
    scope: str
    breaking: bool
    area: str
    area_form: str
    ticket: Ticket | None
    text: str


def read(line: str) -> Subject:
    """The parts of a subject."""
    text = _PULL_REQUEST.sub("", line.strip())
    ticket, text = _ticket_at(text, START)
    type_ = scope = area = form = ""
    breaking = False
    if (found := _CONVENTIONAL.match(text)) and (found["type"].lower() in TYPES or found["scope"]):
        type_, scope, breaking = found["type"], found["scope"] or "", bool(found["breaking"])
        text = text[found.end() :]
        if ticket is None and re.fullmatch(TICKET, scope):
            ticket, scope = Ticket(scope, SCOPE, "{}"), ""
    elif found := _BRACKETS.match(text):
        area, form, text = found["area"], "[{}] ", text[found.end() :]
    elif (found := _AREA.match(text)) and not found["area"].isdigit():
        area, form, text = found["area"], "{}: ", text[found.end() :]
    if ticket is None and (type_ or area):
        ticket, text = _ticket_at(text, TEXT)
    if ticket is None and (found := _TRAILING.search(text)):
        ticket = Ticket(found["id"], END, f" {found['open']}{{}}{found['close']}")
        text = text[: found.start()]
    return Subject(type_, scope, breaking, area, form, ticket, text)


def trailer_ticket(body: str) -> Ticket | None:
    """The ticket that a line at the body's end names: "Refs: ABC-1"."""
    *_, found = [None, *_TRAILERS.finditer(body)]
    return Ticket(found["id"], TRAILER, found[0].replace(found["id"], "{}", 1)) if found else None


def tickets(text: str) -> list[str]:
    """All ticket ids in a text."""
    return re.findall(rf"(?<![\w#-]){TICKET}(?![\w-])", text)


def from_branch(branch: str, keys: tuple[str, ...]) -> str:
    """The ticket that a branch's name carries, of one of the `keys` ("ABC", "#"); empty when it carries none."""
    for key in keys:
        if key == "#":
            found = re.search(r"(?:^|/|\bissue-?|\bgh-?|#)(\d{1,7})(?=$|[-_/])", branch)
            if found:
                return f"#{found[1]}"
        elif found := re.search(rf"(?<![A-Za-z0-9]){re.escape(key)}-(\d{{1,7}})(?!\d)", branch, re.IGNORECASE):
            return f"{key}-{found[1]}"
    return ""


def key_of(ticket: str) -> str:
    """What a ticket's id has in common with others: "ABC" of ABC-123, "#" of #12."""
    return "#" if ticket.startswith("#") else ticket.partition("-")[0]


def mood(text: str) -> str:
    """How its first word is meant: one of verbs.MOODS; empty where that is no verb we know."""
    return verbs.mood(first_word(text))


def first_word(text: str) -> str:
    found = re.match(r"[A-Za-z]+(?:-[A-Za-z]+)?", text)
    return found[0].lower() if found else ""


def _ticket_at(text: str, place: str) -> tuple[Ticket | None, str]:
    """The ticket that a text begins with, and what follows it."""
    found = _LEADING.match(text)
    if found is None or (found["open"] == "") != (found["close"] == ""):
        return None, text
    return Ticket(found["id"], place, f"{found['open']}{{}}{found['close']}{found['sep']}"), text[found.end() :]
