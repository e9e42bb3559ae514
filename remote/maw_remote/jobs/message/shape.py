"""The shape of a message as a program (engine/program.py), made from the repository's profile: type, scope and verb are
choices among its own, the subject's text is bounded by its length, and a body is written where it is the habit.

What stands around these (a ticket's id, brackets) is put together in assemble, so that no model has to write it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from maw.messages import language, tidy, verbs
from maw.messages.profile import AREA, CONVENTIONAL, SURE, Profile, Tickets
from maw.messages.subject import END, SCOPE, START, TEXT, TRAILER
from maw_remote.engine.program import Option, Pick, Program, Say, Write

YES, NO = "yes", "no"
BODY_TOKENS = 160
SELDOM = 0.1  # share under which something is no option
ROOM_MIN = 24  # characters for the text of a subject, whatever stands before it
_VERBS_MIN = 8  # fewer would say for the model what it means
_SPARE = 12  # characters that may be written beyond the room, to be cut between words


def build(profile: Profile, ticket: str) -> Program:
    """The answer about one change; `ticket` is the id it has to name, empty for none."""
    prefix = _prefix(profile)
    choices = _verbs(profile)
    blank = " " * bool(prefix)
    verb = (Pick("verb", tuple(Option(blank + word, word) for word in choices)),) if choices else ()
    first = '" "' if choices or prefix else "[^ \\n]"
    grammar = f'root ::= {first} [^\\n]{{1,{room(profile, ticket) + _SPARE}}} "\\n"?\n'
    tokens = room(profile, ticket) // 2
    return (*prefix, *verb, Write("text", tokens, ("\n",), grammar), *_body(profile))


def room(profile: Profile, ticket: str) -> int:
    """Characters that the text of a subject has."""
    longest = max((len(name) for name in (*profile.scopes[:8], *profile.areas[:8])), default=0)
    lead = {CONVENTIONAL: 7 + longest * (profile.scoped > SELDOM), AREA: longest + 2}.get(profile.form, 0)
    lead += len(ticket) + 2 if ticket and profile.tickets and profile.tickets.place in (START, TEXT, END) else 0
    return max(min(profile.subject_max, 72) - lead, ROOM_MIN)


def _prefix(profile: Profile) -> Program:
    if profile.form == AREA and profile.areas:
        form = profile.area_form.rstrip()
        return (_pick("area", [(form.format(name), name) for name in profile.areas]),)
    if profile.form != CONVENTIONAL or not profile.types:
        return ()
    options: list[Option] = []
    scopes = [(f"{name}):", name) for name in profile.scopes]
    for name in profile.types:
        if profile.scoped < SURE or not scopes:
            options.append(Option(f"{name}:", name))
        if profile.scoped > SELDOM and scopes:
            options.append(Option(f"{name}(", f"{name}(", (_pick("scope", scopes),)))
    return (Pick("type", tuple(options)),)


def _pick(name: str, texts: Sequence[tuple[str, str]]) -> Pick:
    return Pick(name, tuple(Option(text, value) for text, value in _apart(texts)))


def _apart(texts: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Without those that begin another one."""
    unlike = dict(texts)
    return [(text, unlike[text]) for text in unlike if not any(o != text and o.startswith(text) for o in unlike)]


def _verbs(profile: Profile) -> list[str]:
    """What the text may begin with: the repository's verbs in its mood and case, and the most used ones where that is
    the imperative. None where nobody can tell."""
    words = dict.fromkeys(profile.verbs)
    if profile.language == language.ENGLISH and _is_imperative(profile):
        words |= dict.fromkeys(verbs.MOST_USED)
    if len(words) < _VERBS_MIN:
        return []
    cased = [word.capitalize() if _capital(profile) else word for word in words]
    return [word for word, _ in _apart([(word, word) for word in cased])]


def _is_imperative(profile: Profile) -> bool:
    """As here, and as git's own documentation wants it where nobody knows."""
    return profile.mood == verbs.IMPERATIVE if profile.known else profile.mood in ("", verbs.IMPERATIVE)


def _capital(profile: Profile) -> bool:
    return profile.capital if profile.capital is not None else profile.form != CONVENTIONAL


def _body(profile: Profile) -> Program:
    if profile.body <= SELDOM:
        return ()
    write = Write("body", BODY_TOKENS, ("\n\n\n", "```", "\nBody:"))
    if profile.body >= SURE:
        return (Say("\nBody:\n"), write)
    return (Say("\nBody:"), Pick("has_body", (Option(" none", NO), Option("\n", YES, (write,)))))


def assemble(fields: Mapping[str, str], profile: Profile, ticket: str) -> str:
    """The message that the answer's fields make; empty when its text is of no use."""
    where = profile.tickets if ticket else None
    text = tidy.subject_text(fields.get("text", ""), profile, room(profile, ticket), fields.get("verb", ""))
    if not text:
        return ""
    line = _lead(fields, profile, ticket, where) + text + _at(where, END, ticket)
    body = tidy.body_text(fields.get("body", ""), line)
    trailer = _at(where, TRAILER, ticket)
    return "\n\n".join(part for part in (line, body, trailer) if part) + "\n"


def _lead(fields: Mapping[str, str], profile: Profile, ticket: str, where: Tickets | None) -> str:
    start, before = _at(where, START, ticket), _at(where, TEXT, ticket)
    if "area" in fields:
        return start + profile.area_form.format(fields["area"]) + before
    if "type" not in fields:
        return start + before
    scope = ticket if where and where.place == SCOPE else fields.get("scope", "")
    return f"{start}{fields['type'].rstrip('(')}{f'({scope})' if scope else ''}: {before}"


def _at(where: Tickets | None, place: str, ticket: str) -> str:
    return where.form.format(ticket) if where is not None and where.place == place else ""
