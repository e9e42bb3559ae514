"""Hold a commit message against the change and the repository's habits: pure functions. Standard library only.

Only what can be seen for certain counts: a wrong reproach is worse than none.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from maw.light import NamedTuple
from maw.messages import profile, subject
from maw.messages.profile import CONVENTIONAL, SURE, USUAL, Profile
from maw.messages.subject import END, SCOPE, START, TEXT, Subject

TEST_PATH = re.compile(r"(?:^|[/_.-])(?:tests?|specs?|__tests__|testing|testdata)(?:[/_.-]|$)|[a-z]Tests?\b", re.I)
_DOC_PATH = re.compile(r"\.(?:md|rst|adoc|txt|tex|org)$|(?:^|/)(?:docs?|README|CHANGELOG|LICENSE)", re.IGNORECASE)
_ADDS_TEST = re.compile(r"\A(?:add|write|extend|create|introduce)(?:s|ed)? (?:\w+ ){0,3}tests?\b", re.IGNORECASE)
_ONLY_TEXT = re.compile(r"\A(?:docs?|readme|changelog)\b", re.IGNORECASE)
_SUFFIXES = (
    "py pyi js jsx ts tsx go rs c h cc cpp hpp java kt rb php sh sql css html toml yaml yml json md rst swift cs scala "
    "ex exs lua vue proto"
)
_FILE = re.compile(rf"(?<![\w./@-])(?:[\w.-]+/)*[\w-]+\.(?:{'|'.join(_SUFFIXES.split())})(?![\w/])")
_URL = re.compile(r"\S+://\S+")
_QUOTED = re.compile(r"`([A-Za-z_][A-Za-z0-9_]*(?:[.:]{1,2}[A-Za-z_][A-Za-z0-9_]*)*)(?:\(\))?`")
_SPARE = 8  # characters beyond a usual length that nobody is told of


class Problem(NamedTuple):
    """`code` is for scripts and tests, `text` for people."""

    code: str
    text: str


class Change(NamedTuple):
    """What the message is about. `paths` as git names them, old names too; `text`: the lines that were added and
    removed, None where they are not known."""

    paths: tuple[str, ...]
    text: str | None = None


def check(message: str, habits: Profile, change: Change | None, ticket: str = "") -> list[Problem]:
    """What is wrong with a message as git would take it; `ticket` is the one that the branch names."""
    found = profile.split(message)
    if not found.subject:
        return [Problem("empty", "the message is empty")]
    if profile.exempt(message):
        return []
    problems = [*_length(found.subject, habits), *_form(found.subject, habits)]
    problems += _ticket(message, habits, ticket)
    if change is not None and change.paths:
        problems += [*_claims(found.subject, change), *_names(message, change)]
    return problems


def speaks_of_change(message: str) -> bool:
    """Whether a message says anything that only the change can tell. If not, nobody needs to read it."""
    line = message.partition("\n")[0]
    read = subject.read(line)
    return bool(_says_tests(read) or _says_docs(read) or _QUOTED.search(line) or _FILE.search(line))


def mended(message: str, habits: Profile, ticket: str) -> str:
    """The message with what can be put right without knowing what it means: the type's case, the ticket."""
    first, newline, rest = message.partition("\n")
    read = subject.read(first)
    if habits.form == CONVENTIONAL and habits.known and read.type and read.type.lower() in habits.types:
        first = first.replace(read.type, read.type.lower(), 1)
    where = habits.tickets
    if where and ticket and not _named(message, where.keys):
        if where.place == START:
            first = where.form.format(ticket) + first
        elif where.place == END:
            first = first.rstrip() + where.form.format(ticket)
        elif where.place == TEXT and ": " in first:
            lead, colon, text = first.partition(": ")
            first = lead + colon + where.form.format(ticket) + text
        elif where.place not in (SCOPE, TEXT):
            return f"{message.rstrip()}\n\n{where.form.format(ticket)}\n"
    return first + newline + rest


def _length(line: str, habits: Profile) -> list[Problem]:
    limit = max(habits.subject_max, USUAL) if habits.known else USUAL
    if len(line) <= limit + _SPARE:
        return []
    return [Problem("too_long", f"the subject has {len(line)} characters; {limit} are usual here")]


def _form(line: str, habits: Profile) -> list[Problem]:
    """A type or scope that this repository does not use. Nothing is held against a repository of few messages."""
    if habits.form != CONVENTIONAL or not habits.known:
        return []
    read = subject.read(line)
    if not read.type:
        shown = ", ".join(habits.types[:6])
        return [Problem("no_type", f"the subject has no type; this repository uses {shown}")]
    if read.type not in habits.types and read.type.lower() in habits.types:
        return [Problem("wrong_type", f"the type is written `{read.type.lower()}` here")]
    if read.type not in habits.types and read.type not in subject.TYPES:
        return [Problem("wrong_type", f"`{read.type}` is no type that is used here: {', '.join(habits.types[:8])}")]
    close = [name for name in habits.scopes if name.lower() == read.scope.lower()]
    if close and read.scope not in habits.scopes:
        return [Problem("wrong_scope", f"the scope is written `{close[0]}` here")]
    return []


def _ticket(message: str, habits: Profile, ticket: str) -> list[Problem]:
    where = habits.tickets
    if where is None or not habits.known or where.share < SURE or _named(message, where.keys):
        return []
    example = f"; the branch names {ticket}" if ticket else ""
    return [Problem("no_ticket", f"no ticket is named ({', '.join(_example(key) for key in where.keys)}){example}")]


def _named(message: str, keys: Sequence[str]) -> bool:
    return any(subject.key_of(ticket) in keys for ticket in subject.tickets(message))


def _example(key: str) -> str:
    return "#123" if key == "#" else f"{key}-123"


def _claims(line: str, change: Change) -> list[Problem]:
    """What the subject says was done, and no file of that kind changed."""
    read = subject.read(line)
    if _says_tests(read) and not any(TEST_PATH.search(path) for path in change.paths):
        return [Problem("no_test", "it speaks of tests, but no test file changed")]
    if _says_docs(read) and all(_is_code(path) for path in change.paths) and not _may_be_comments(change):
        return [Problem("no_docs", "it speaks of documentation, but only code changed")]
    return []


def _says_tests(read: Subject) -> bool:
    return read.type.lower() in ("test", "tests") or _ADDS_TEST.match(read.text) is not None


def _says_docs(read: Subject) -> bool:
    return read.type.lower() in ("docs", "doc") or _ONLY_TEXT.match(read.area) is not None


def _may_be_comments(change: Change) -> bool:
    """Documentation is also what stands in code, which cannot be told here without its lines."""
    return change.text is None or re.search(r"#|//|/\*|\*|\"\"\"|'''|--|<!--|;|%", change.text) is not None


def _is_code(path: str) -> bool:
    return _DOC_PATH.search(path) is None


def _names(message: str, change: Change) -> list[Problem]:
    """Files and identifiers that the message names and the change does not touch; the subject's only, since a body may
    speak of anything."""
    line = _URL.sub(" ", message.partition("\n")[0])
    lower = [path.lower() for path in change.paths]
    for name in _FILE.findall(line):
        known = any(path == name.lower() or path.endswith("/" + name.lower()) for path in lower)
        if not known and change.text is not None and name.lower() not in change.text.lower():
            return [Problem("unknown_file", f"it names {name}, which the change does not touch")]
    if change.text is None:
        return []
    everything = change.text.lower() + "\n" + "\n".join(lower)
    for quoted in _QUOTED.findall(line):
        if not any(part.lower() in everything for part in re.split(r"[.:]+", quoted) if part):
            return [Problem("unknown_name", f"it names `{quoted}`, which is not in the change")]
    return []
