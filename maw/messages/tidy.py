"""Make of what a model wrote a message that can be committed. Standard library only.

A model's text is data: what does not belong into a message (fences, quotes, control characters, a second subject,
ticket ids and trailers that nobody gave it) is taken out here, whatever the prompt said.
"""

from __future__ import annotations

import re
import textwrap

from maw.messages import subject
from maw.messages.profile import Profile
from maw.text import printable

WIDTH = 72
_TRAILER = re.compile(
    r"[ \t]*(?:[A-Za-z]+(?:-[A-Za-z]+)*-[Bb]y|Change-Id|Fixes|Closes|Refs|See|Resolves|Issue|Ticket)(?::| #)[ \t]*.*"
)
_OPENING = re.compile(
    r"\A(?:commit message|subject|message|title|here(?:'s| is)[^:\n]*):\s*", re.IGNORECASE
)  # words about the message that small models begin with
_LIST = re.compile(r"\A(?:[-*\u2022]|\d+[.)])\s+")
_DANGLING = re.compile(
    r"[\s,;:(\[{-]+(?:a|an|the|and|or|to|of|in|on|for|with|by|from|as|at|that|which|when|is|are|be|into|its)?\Z", re.I
)


def subject_text(text: str, profile: Profile, room: int, verb: str = "") -> str:
    """The free part of a subject, after its `verb`: one line of at most `room` characters, as the repository begins and
    ends it; empty where nothing was said."""
    line = next((part.strip() for part in printable(text).split("\n") if part.strip(" `\t")), "")
    line = _unquoted(_OPENING.sub("", line, count=1))
    line = " ".join(_without_tickets(_LIST.sub("", line, count=1)).split()).replace("\N{REPLACEMENT CHARACTER}", "")
    if not line.strip(" .,;:"):
        return ""
    line = shortened(f"{verb} {line}".strip(), room).rstrip(" .,;:")
    if profile.capital is True:
        line = line[0].upper() + line[1:]
    elif profile.capital is False and not line[1:2].isupper() and line.partition(" ")[0].isalpha():
        line = line[0].lower() + line[1:]
    return line + "." if profile.period is True and len(line) < room else line


def body_text(text: str, said: str = "") -> str:
    """A body of paragraphs and lists, wrapped. `said` is the subject, which models like to repeat."""
    lines = [line.rstrip() for line in printable(text).replace("\t", "    ").split("\n")]
    kept = [
        _without_tickets(line).replace("\N{REPLACEMENT CHARACTER}", "")
        for line in lines
        if not line.lstrip().startswith(("```", "~~~", "diff --git")) and not _TRAILER.fullmatch(line)
    ]
    # A small model that has nothing more to say says it again.
    kept = [line for at, line in enumerate(kept) if not line.strip() or line not in kept[:at]]
    paragraphs = [part.strip() for part in re.split(r"\n\s*\n", "\n".join(kept)) if part.strip()]
    if paragraphs and _plain(_unquoted(paragraphs[0])) == _plain(said):
        del paragraphs[0]
    return "\n\n".join(wrapped(_unquoted(part)) for part in paragraphs).strip()


def wrapped(paragraph: str) -> str:
    """At WIDTH; a word that is longer, such as an address, stays whole. An item of a list is a line of its own."""
    items: list[str] = []
    for line in paragraph.split("\n"):
        if _LIST.match(line.strip()) or not items:
            items.append(line.strip())
        else:
            items[-1] += " " + line.strip()
    return "\n".join(
        textwrap.fill(
            item,
            WIDTH,
            subsequent_indent="  " * bool(_LIST.match(item)),
            break_long_words=False,
            break_on_hyphens=False,
        )
        for item in items
    )


def shortened(line: str, room: int) -> str:
    """At most `room` characters, cut between words, and not after one that asks for another."""
    if len(line) <= room:
        return line
    cut = line[: room + 1].rpartition(" ")[0] or line[:room]
    while (shorter := _DANGLING.sub("", cut)) != cut:
        cut = shorter
    return cut


def _unquoted(text: str) -> str:
    """Without marks around the whole."""
    text = text.strip()
    for opening, closing in (("`", "`"), ('"', '"'), ("'", "'"), ("**", "**"), ("\u201c", "\u201d")):
        if text.startswith(opening):
            inner = text[len(opening) :].removesuffix(closing)
            if opening not in inner:
                text = inner.strip()
    return text


def _without_tickets(text: str) -> str:
    """No ids that the model made up: those that are known are put in by their place, not by it."""
    for ticket in subject.tickets(text):
        text = re.sub(rf"\s*[\[(]?{re.escape(ticket)}(?!\w)[\])]?:?", "", text)
    return text


def _plain(text: str) -> str:
    return re.sub(r"\W+", " ", text).strip().lower()
