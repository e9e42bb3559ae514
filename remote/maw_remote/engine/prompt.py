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
    marks = [f"\ue000{number}\ue001" for number in range(len(messages))]
    chat = [{"role": message.role, "content": mark} for message, mark in zip(messages, marks, strict=True)]
    contents = dict(zip(marks, (message.text for message in messages), strict=True))
    found = _try(render, chat, contents)
    if found is None:
        found = _try(render, _without_system(chat), contents)
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


def shared(pieces: Sequence[Part], messages: Sequence[Message], count: int) -> int:
    """How many of the pieces the first `count` messages are, with what the template puts before them. 0 when the
    template lets another message come before one of them."""
    texts = [message.text for message in messages[:count] if message.text]
    places = [at for at, piece in enumerate(pieces) if not piece.control][: len(texts)]
    return places[-1] + 1 if texts and [pieces[at].text for at in places] == texts else 0


def _try(render: Render, chat: list[dict[str, str]], contents: dict[str, str]) -> list[Part] | None:
    """The pieces, None when the template refuses the messages or loses one of them."""
    try:
        text = render(chat)
    except ValueError:
        return None
    return _cut(text, contents) if all(text.count(mark) == 1 for mark in contents) else None


def _cut(text: str, contents: dict[str, str]) -> list[Part]:
    found = []
    for mark in sorted(contents, key=text.index):
        before, _, text = text.partition(mark)
        found += [Part(before, True), Part(contents[mark], False)]
    return [part for part in [*found, Part(text, True)] if part.text]


def _without_system(chat: list[dict[str, str]]) -> list[dict[str, str]]:
    system = "\n\n".join(message["content"] for message in chat if message["role"] == "system")
    rest = [message for message in chat if message["role"] != "system"]
    if system and rest:
        rest[0] = {**rest[0], "content": f"{system}\n\n{rest[0]['content']}"}
    return rest
