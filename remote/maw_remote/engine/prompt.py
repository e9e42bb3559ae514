"""Turn a chat into tokens, with what the messages say kept apart from what the model's template says.

The template is rendered with a mark in place of each message; only then the messages' texts are put in, each
tokenised as data. So a diff that contains `<|im_end|>` stays a diff: no text of a change becomes a control token.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from maw_remote.engine.interface import Message


class Part(NamedTuple):
    """A piece of the prompt. Only the template's own text may hold control tokens."""

    text: str
    control: bool


class BadTemplate(Exception):
    """The model's chat template cannot be used; the message says why."""


# render(messages as the template takes them) -> the prompt's text; raises ValueError as templates do.
Render = Callable[[list[dict[str, str]]], str]


def parts(render: Render, messages: Sequence[Message]) -> list[Part]:
    """The prompt in pieces. A template that knows no system role gets that text in front of the first user's.
    Raises BadTemplate."""
    found = _try(render, messages)
    if found is None:
        found = _try(render, _without_system(messages))
    if found is None:
        raise BadTemplate("the model's chat template does not take the messages")
    return found


def tokens(
    pieces: Sequence[Part], tokenize: Callable[[bytes, bool], list[int]], *, adds_space: bool = False
) -> list[int]:
    """The prompt's tokens; `tokenize(text, control)`. `adds_space`: the vocabulary puts a space before each text
    by itself (SentencePiece), so that one at the end of the template's piece before it would be doubled."""
    found: list[int] = []
    for piece in pieces:
        text = piece.text.removesuffix(" ") if adds_space and piece.control else piece.text
        if text:
            found += tokenize(text.encode("utf-8", "replace"), piece.control)
    return found


def _try(render: Render, messages: Sequence[Message]) -> list[Part] | None:
    """The pieces, None when the template refuses the messages or loses one of them."""
    # Private-use characters: no template means anything by them, and trimming leaves them alone.
    marks = [f"\ue000{number}\ue001" for number in range(len(messages))]
    chat = [{"role": message.role, "content": mark} for message, mark in zip(messages, marks, strict=True)]
    try:
        text = render(chat)
    except ValueError:
        return None
    if any(text.count(mark) != 1 for mark in marks):
        return None
    return _cut(text, dict(zip(marks, (message.text for message in messages), strict=True)))


def _cut(text: str, contents: dict[str, str]) -> list[Part]:
    found = []
    for mark in sorted(contents, key=text.index):
        before, _, text = text.partition(mark)
        found += [Part(before, True), Part(contents[mark], False)]
    return [part for part in [*found, Part(text, True)] if part.text]


def _without_system(messages: Sequence[Message]) -> list[Message]:
    system = "\n\n".join(message.text for message in messages if message.role == "system")
    rest = [message for message in messages if message.role != "system"]
    if system and rest:
        rest[0] = Message(rest[0].role, f"{system}\n\n{rest[0].text}")
    return rest
