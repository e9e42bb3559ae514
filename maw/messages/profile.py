"""How a repository writes its commit messages, learned from them: pure functions. Standard library only (hook path)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from maw.light import Any, NamedTuple
from maw.messages import language, subject
from maw.messages.subject import Subject

CONVENTIONAL, AREA, PLAIN = "conventional", "area", "plain"
ENOUGH = 8  # messages; fewer say nothing about a habit
USUAL = 72  # characters of a subject that nobody calls long
HABIT = 0.5  # share from which on something is a repository's form
SURE = 0.8  # … and from which on it is a rule
_MOST = {"types": 16, "scopes": 32, "areas": 32, "verbs": 40, "trailers": 8, "keys": 4}

_TRAILER = re.compile(r"(?P<name>[A-Za-z][A-Za-z0-9-]{1,40}): ?\S")
_MADE_BY_GIT = re.compile(
    r"(?:fixup|squash|amend)! |Revert \"|Reapply \"|Merge (?:branch|pull request|remote-tracking|tag|commit) "
)
_BOT = re.compile(
    r"\[bot\]|\bdependabot\b|\brenovate\b|\bgithub-actions\b|\bpre-commit-ci\b|-bot@|\bbot@", re.IGNORECASE
)

Json = dict[str, Any]


class Message(NamedTuple):
    """A commit message in its parts. `body` is without the trailers."""

    subject: str
    body: str
    trailers: tuple[str, ...]  # whole lines


class Tickets(NamedTuple):
    """`place` is one of subject's, `form` has {} for the id; `keys` are those in use, `share` that of all messages."""

    place: str
    form: str
    keys: tuple[str, ...]
    share: float


class Profile(NamedTuple):
    """`form` says what a subject begins with: conventional (a type), area or plain. Names come most used first.

    `mood` and `language` are words for people and models; empty: none prevails. `capital` and `period`: whether a
    subject's text begins and ends so; None: both occur.
    """

    commits: int = 0
    form: str = PLAIN
    subject_usual: int = 50
    subject_max: int = USUAL
    mood: str = ""
    capital: bool | None = None
    period: bool | None = False
    types: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    scoped: float = 0.0  # share of subjects with a type that have a scope
    areas: tuple[str, ...] = ()
    area_form: str = "{}: "
    tickets: Tickets | None = None
    body: float = 0.0  # share of messages with one
    trailers: tuple[str, ...] = ()
    language: str = language.ENGLISH
    verbs: tuple[str, ...] = ()  # what subjects begin with, in lower case

    @property
    def known(self) -> bool:
        """Whether there were enough messages to speak of habits."""
        return self.commits >= ENOUGH


def split(text: str) -> Message:
    """The parts of a message. Trailers are the last paragraph, where each of its lines is one or goes on."""
    first, _, rest = text.strip().partition("\n")
    paragraphs = [part for part in re.split(r"\n\s*\n", rest.strip()) if part.strip()]
    trailers: list[str] = []
    if paragraphs and all(_TRAILER.match(line) or line[:1].isspace() for line in paragraphs[-1].split("\n")):
        trailers = [line for line in paragraphs.pop().split("\n") if not line[:1].isspace()]
    return Message(first.strip(), "\n\n".join(paragraphs), tuple(trailers))


def counts(text: str, author: str = "", parents: int = 1) -> bool:
    """Whether a message tells how people write here: not what git, a forge or a bot made."""
    if parents > 1 or not text.strip() or _MADE_BY_GIT.match(text) or _BOT.search(author):
        return False
    return "\nThis reverts commit " not in text


def exempt(text: str) -> bool:
    """Whether git made this message's first line, for a purpose of its own."""
    return _MADE_BY_GIT.match(text) is not None


def make(texts: Sequence[str]) -> Profile:
    """The profile of messages that count, newest first."""
    if not texts:
        return Profile()
    messages = [split(text) for text in texts]
    subjects = [subject.read(message.subject) for message in messages]
    form, area_form = _form(subjects)
    mood, verbs = _mood(subjects)
    typed = [found for found in subjects if found.type] if form == CONVENTIONAL else []
    lengths = sorted(len(message.subject) for message in messages)
    return Profile(
        commits=len(texts),
        form=form,
        subject_usual=lengths[len(lengths) // 2],
        subject_max=min(max(lengths[min(len(lengths) * 19 // 20, len(lengths) - 1)], 50), 100),
        mood=mood,
        capital=_prevails([found.text[:1].isupper() for found in subjects if found.text[:1].isalpha()]),
        period=_prevails([message.subject.endswith(".") for message in messages]),
        types=_most("types", (found.type for found in typed)),
        scopes=_most("scopes", (found.scope for found in typed)),
        scoped=round(sum(bool(found.scope) for found in typed) / len(typed), 2) if typed else 0.0,
        areas=_most("areas", (found.area or found.type for found in subjects)) if form == AREA else (),
        area_form=area_form,
        tickets=_tickets(messages, subjects),
        body=round(sum(bool(message.body) for message in messages) / len(messages), 2),
        trailers=_trailers(messages),
        language=language.of([f"{message.subject}\n{message.body}" for message in messages]),
        verbs=verbs,
    )


def _form(subjects: list[Subject]) -> tuple[str, str]:
    if sum(bool(found.type) for found in subjects) >= HABIT * len(subjects):
        return CONVENTIONAL, "{}: "
    # A type is read as one everywhere; in a repository without types it is the name of a part ("test: …").
    areas = Counter(found.area_form or "{}: " for found in subjects if found.area or (found.type and not found.scope))
    if sum(areas.values()) >= HABIT * len(subjects):
        return AREA, areas.most_common(1)[0][0]
    return PLAIN, "{}: "


def _mood(subjects: list[Subject]) -> tuple[str, tuple[str, ...]]:
    """The mood that prevails among subjects that begin with a verb, and the verbs that are used in it."""
    words = [(subject.first_word(found.text), subject.mood(found.text)) for found in subjects]
    moods = Counter(mood for _, mood in words if mood)
    if not moods:
        return "", ()
    mood, times = moods.most_common(1)[0]
    if times < 0.6 * moods.total() or times < 0.3 * len(subjects):
        return "", ()
    return mood, _most("verbs", (word for word, found in words if found == mood))


def _tickets(messages: list[Message], subjects: list[Subject]) -> Tickets | None:
    found = [line.ticket or subject.trailer_ticket(message.body + "\n" + "\n".join(message.trailers))
             for message, line in zip(messages, subjects, strict=True)]  # fmt: skip
    there = [ticket for ticket in found if ticket is not None]
    if len(there) < HABIT * len(messages):
        return None
    place, form = Counter((ticket.place, ticket.form) for ticket in there).most_common(1)[0][0]
    keys = _most("keys", (subject.key_of(ticket.id) for ticket in there))
    return Tickets(place, form, keys, round(len(there) / len(messages), 2))


def _trailers(messages: list[Message]) -> tuple[str, ...]:
    names = Counter(name for message in messages for name in {line.partition(":")[0] for line in message.trailers})
    often = [name for name, times in names.most_common(_MOST["trailers"]) if times >= 0.1 * len(messages)]
    return tuple(often)


def _prevails(answers: list[bool]) -> bool | None:
    share = sum(answers) / len(answers) if answers else 0.0
    return True if share >= SURE else False if share <= 1 - SURE else None


def _most(what: str, names: Iterable[str]) -> tuple[str, ...]:
    return tuple(name for name, _ in Counter(name for name in names if name).most_common(_MOST[what]))


def to_json(profile: Profile) -> Json:
    data = profile._asdict()
    return {**data, "tickets": profile.tickets._asdict() if profile.tickets else None}


def from_json(data: object) -> Profile:
    """Raises ValueError for what is no profile. Keys that are missing have their defaults, others are ignored."""
    if not isinstance(data, dict):
        raise ValueError("a profile is an object")
    default = Profile()
    read = {name: _value(name, data[name], getattr(default, name)) for name in Profile._fields if name in data}
    return Profile(**read)


def _value(name: str, value: Any, default: Any) -> Any:
    if name == "tickets":
        return None if value is None else _tickets_from(value)
    if isinstance(default, tuple):
        if not isinstance(value, list | tuple) or not all(isinstance(part, str) for part in value):
            raise ValueError(f"{name} is not a list of texts")
        return tuple(part[:60] for part in value[:64])
    if name in ("capital", "period"):
        fits = value is None or isinstance(value, bool)
    elif isinstance(default, str):
        fits = isinstance(value, str)
    else:
        fits = isinstance(value, int | float) and not isinstance(value, bool)
    if not fits:
        raise ValueError(f"{name} has another type")
    return value


def _tickets_from(value: Any) -> Tickets:
    try:
        found = Tickets(value["place"], value["form"], tuple(value["keys"]), float(value["share"]))
    except (TypeError, KeyError) as exc:
        raise ValueError("tickets is no object with place, form, keys and share") from exc
    if not isinstance(found.place, str) or not isinstance(found.form, str) or found.form.count("{}") != 1:
        raise ValueError("a ticket's form has one {}")
    return found
