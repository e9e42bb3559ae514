"""A model's chats: messages to tokens, by the template that its file brings along."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, cast

from llama_cpp.llama_chat_format import Jinja2ChatFormatter

from maw_remote.engine import prompt
from maw_remote.engine.decoder import Decoder
from maw_remote.engine.interface import Message
from maw_remote.engine.vocabulary import Vocabulary

_PLAIN_TEMPLATE = "{% for message in messages %}{{ message['content'] }}\n\n{% endfor %}"


class Tokens(NamedTuple):
    """A prompt. Its first `shared` tokens are those of the messages that others have too."""

    tokens: list[int]
    shared: int


class Chat:
    def __init__(self, decoder: Decoder, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._start = decoder.start
        start, end = decoder.names
        template = decoder.metadata("tokenizer.chat_template") or _PLAIN_TEMPLATE
        self._template = Jinja2ChatFormatter(template, eos_token=end, bos_token=start)

    def tokens(self, messages: Sequence[Message], shared: int) -> Tokens:
        """The chat's tokens, up to where its answer begins. Raises prompt.BadTemplate."""
        pieces = prompt.parts(self._render, messages)
        # The pieces are tokenised apart, so that a leading part has the same tokens alone.
        common = self._tokens(pieces[: prompt.shared(pieces, messages, shared)])
        return Tokens(self._started(self._tokens(pieces)), len(self._started(common)) if common else 0)

    def plain(self, text: str) -> Tokens:
        """A bare text's tokens, as a document begins."""
        return Tokens(self._started(self._vocabulary.tokens(text.encode("utf-8", "replace"), goes_on=False)), 0)

    def _tokens(self, pieces: Sequence[prompt.Part]) -> list[int]:
        return prompt.tokens(pieces, self._vocabulary.tokenize, adds_space=self._vocabulary.adds_space)

    def _started(self, tokens: list[int]) -> list[int]:
        return tokens if self._start is None or tokens[:1] == [self._start] else [self._start, *tokens]

    def _render(self, chat: list[dict[str, str]]) -> str:
        # Templates raise jinja's errors, which are no ValueErrors, and what their expressions raise.
        from jinja2 import TemplateError

        try:
            return str(self._template(messages=cast(Any, chat)).prompt)
        except (TemplateError, TypeError, KeyError, AttributeError) as exc:
            raise ValueError(str(exc)) from exc
