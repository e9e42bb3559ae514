"""The prompts of a message, from the files in prompts/. The system message is the same for all of them, so that it is
evaluated once."""

from __future__ import annotations

from collections.abc import Sequence
from string import Template

from maw.change import FileChange
from maw.messages.profile import AREA, CONVENTIONAL, Profile
from maw.secrets import MARK
from maw_remote.engine.interface import Message
from maw_remote.jobs import prompts
from maw_remote.jobs.digest import code, shown_path, shown_text
from maw_remote.jobs.message.payload import Payload
from maw_remote.jobs.review.units import Piece

NAMES = ("system", "change", "file", "parts", "examples", "draft", "redacted")


def load(name: str) -> str:
    """The text of prompts/NAME.md."""
    return prompts.load("maw_remote.jobs.message", name)


def system(profile: Profile) -> str:
    return Template(load("system")).substitute(habits="\n".join(f"- {habit}" for habit in _habits(profile)))


def beginning(profile: Profile) -> list[Message]:
    """How each chat of a repository begins."""
    return [Message("system", system(profile))]


def change(asked: Payload, shown: str) -> list[Message]:
    """The chat about a change that is shown whole."""
    return _chat(asked, Template(load("change")).substitute(code=shown, about=_about(asked)))


def parts(asked: Payload, summaries: Sequence[str]) -> list[Message]:
    """The chat about a change of which only summaries are shown."""
    return _chat(asked, Template(load("parts")).substitute(parts="\n".join(summaries), about=_about(asked)))


def summary(asked: Payload, file: FileChange, pieces: Sequence[Piece]) -> list[Message]:
    """The chat that asks what one file's change does."""
    return _chat(asked, Template(load("file")).substitute(code=code(file, pieces)))


def _chat(asked: Payload, text: str) -> list[Message]:
    return [*beginning(asked.profile), Message("user", text)]


def _about(asked: Payload) -> str:
    """What there is besides the change: what is asked for, similar messages, the author's own words, what was taken
    out."""
    found = []
    if asked.instruction.strip():
        found.append(f"What its author asks for: {shown_text(asked.instruction)}\n")
    if asked.examples:
        listed = "\n---\n".join(shown_text(text) for text in asked.examples)
        found.append(Template(load("examples")).substitute(examples=listed))
    if asked.branch:
        found.append(f"Branch: {shown_path(asked.branch)}\n")
    if asked.draft.strip():
        found.append(Template(load("draft")).substitute(draft=shown_text(asked.draft)))
    if asked.redacted:
        found.append(Template(load("redacted")).substitute(mark=MARK))
    return "".join(found)


def _habits(profile: Profile) -> list[str]:
    """The profile in words."""
    limit = min(profile.subject_max, 72)
    habits = [f"The subject has about {min(profile.subject_usual, limit)} characters, {limit} at most."]
    if profile.form == CONVENTIONAL:
        habits.append("It begins with a type and, in brackets, the part that changed (Conventional Commits).")
    elif profile.form == AREA:
        habits.append("It begins with the name of the part that changed.")
    if profile.mood:
        habits.append(f"Its verb is in the {profile.mood}.")
    if profile.body > 0.5:
        habits.append("Below it, after `Body:`, one or two sentences say why.")
    habits.append(f"It is written in {profile.language}.")
    return habits
