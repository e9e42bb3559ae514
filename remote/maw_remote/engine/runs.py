"""One request's answer: its program, step by step, over the logits that come back for what it asks to evaluate.

A run is a generator. It yields what it needs (Feed, Branch, Trim) and gets logits; it knows of no other run, no batch
and no llama.cpp. Fixed text is tokenised late, together with what follows it, and what ends a free text (the token that
holds the stop) is never evaluated: its first part becomes the head of the next fixed text. So the context reads as if
it had been written by itself, whatever was sampled.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any, Literal, Protocol

from maw_remote.engine import sampling
from maw_remote.engine.answer import FreeText, kept
from maw_remote.engine.interface import Field, Text, Token
from maw_remote.engine.program import Option, Pick, Program, Say, Score, Step, Write
from maw_remote.engine.sampling import Floats, Sampler
from maw_remote.engine.trie import Trie, shares
from maw_remote.engine.vocabulary import Vocabulary, shared


@dataclass
class Feed:
    """Go on with these tokens; logits of the last one are sent back. `targets`: by the place of a token, the tokens
    whose log-probabilities after it go into `found`."""

    tokens: list[int]
    targets: dict[int, list[int]] = field(default_factory=dict)
    found: dict[int, list[float]] = field(default_factory=dict)


@dataclass
class Branch:
    """Go on with these tokens, if there are any, and evaluate the trie's inner nodes beside the sequence. `found` has
    by inner node the log-probabilities of its children, and those of the root (-1) after the last token."""

    tokens: list[int]
    trie: Trie
    found: dict[int, Sequence[float]] = field(default_factory=dict)


@dataclass(frozen=True)
class Trim:
    """Forget all tokens but the first `length`."""

    length: int


Need = Feed | Branch | Trim
Work = Generator[Need, Floats | None, None]


class BadProgram(Exception):
    """The program cannot be run; the message says where."""


class Grammar(Protocol):
    def allows(self, token: int) -> bool: ...
    def masked(self, logits: Floats) -> Floats: ...
    def accept(self, token: int) -> None: ...
    def close(self) -> None: ...


class Run:
    """`tell` gets the parts of the answer as they come; `grammar` makes one of its text."""

    def __init__(
        self,
        prompt: Sequence[int],
        program: Program,
        vocabulary: Vocabulary,
        sampler: Sampler,
        *,
        grammar: Callable[[str], Grammar],
        tell: Callable[[Text | Field], None],
    ) -> None:
        self.prompt = len(prompt)
        self.tokens: list[int] = []  # all that is evaluated or was asked to be
        self.finish: Literal["stop", "length"] = "stop"
        self.first_at = 0.0  # time.monotonic() of the first logits
        self._unfed = list(prompt)
        self._head = b""  # text that comes next, not tokenised yet
        self._begun = False  # whether the answer has a text already, which the next one continues
        self._logits: Floats | None = None  # after the last of `tokens`
        self._program = program
        self._vocabulary = vocabulary
        self._sampler = sampler
        self._grammar = grammar
        self._tell = tell
        self._taken: dict[str, str] = {}

    @property
    def completion(self) -> int:
        """Tokens of the answer so far, fixed ones too."""
        rest = len(self._vocabulary.tokens(self._head, goes_on=True)) if self._head else 0
        return max(0, len(self.tokens) + len(self._unfed) - self.prompt) + rest

    def work(self) -> Work:
        """Raises BadProgram."""
        yield from self._steps(self._program)

    def _steps(self, steps: Sequence[Step]) -> Work:
        for step in steps:
            if isinstance(step, Say):
                self._head += step.text.encode("utf-8", "replace")
            elif isinstance(step, Pick):
                option = yield from self._pick(step)
                yield from self._steps(option.then)
            elif isinstance(step, Write):
                yield from self._write(step)
            else:
                yield from self._score(step)

    def _feed(self, tokens: list[int], targets: dict[int, list[int]] | None = None) -> Generator[Need, Any, Feed]:
        """Evaluate what is not yet, and `tokens`, so that there are logits after the last. `targets`: by place in
        `tokens`."""
        before = yield from self._waiting(tokens)
        if not before and not tokens:
            return Feed([])
        moved = {len(before) + place: found for place, found in (targets or {}).items()}
        need = Feed([*before, *tokens], moved)
        self.tokens += need.tokens
        self._logits = yield need
        self.first_at = self.first_at or time.monotonic()
        need.found = {place - len(before): found for place, found in need.found.items()}
        return need

    def _waiting(self, tokens: list[int]) -> Generator[Need, Any, list[int]]:
        """What is to be evaluated before `tokens`, so that there are logits after them; from now on it is."""
        before, self._unfed = self._unfed, []
        if before or tokens or self._logits is not None:
            return before
        last = self.tokens[-1:]  # its logits are gone
        yield from self._trim(len(self.tokens) - 1)
        return last

    def _trim(self, length: int) -> Work:
        del self.tokens[length:]
        self._logits = None
        yield Trim(length)

    def _settle(self) -> Work:
        """Evaluate the text that waits."""
        tokens = self._tokens(self._head) if self._head else []
        self._begun, self._head = self._begun or bool(tokens), b""
        yield from self._feed(tokens)

    def _tokens(self, text: bytes) -> list[int]:
        return self._vocabulary.tokens(text, goes_on=self._begun)

    def _pick(self, pick: Pick) -> Generator[Need, Any, Option]:
        excluded = {self._taken[name] for name in pick.unlike if name in self._taken}
        options = [option for option in pick.options if option.value not in excluded]
        if not options or not all(option.text for option in options):
            raise BadProgram(f"no option is left for {pick.name!r}, or one has no text")
        texts = [self._head + option.text.encode("utf-8", "replace") for option in options]
        lists = [self._tokens(text) for text in texts]
        root = self._root(lists)
        trie = Trie([tokens[root:] for tokens in lists])
        scores = trie.scores((yield from self._branch(lists[0][:root], trie)))
        probabilities, mass = shares(scores)
        chosen = self._sampler.option(scores)
        option = options[chosen]
        self._taken[pick.name] = option.value
        self._take(lists[chosen][root:], texts[chosen])
        self._tell(Field(pick.name, option.value, probabilities[chosen], mass))
        return option

    def _branch(self, tokens: list[int], trie: Trie) -> Generator[Need, Any, dict[int, Sequence[float]]]:
        """Go on with `tokens`; the log-probabilities of what follows the trie's root and inner nodes."""
        if not trie.nodes:
            yield from self._feed(tokens)
            assert self._logits is not None
            return {-1: sampling.logprobs(self._logits, trie.children[-1])}
        need = Branch([*(yield from self._waiting(tokens)), *tokens], trie)
        if not need.tokens:
            assert self._logits is not None
            need.found[-1] = sampling.logprobs(self._logits, trie.children[-1])
        self.tokens += need.tokens
        yield need
        self.first_at = self.first_at or time.monotonic()
        self._logits = None
        return need.found

    def _root(self, lists: list[list[int]]) -> int:
        """Where the choice begins: after the tokens that all options have in common, and that are of the text
        before it."""
        common = min(shared(lists), min(map(len, lists)) - 1)
        sizes = accumulate(len(self._vocabulary.piece(token)) for token in lists[0][:common])
        return sum(size <= len(self._head) for size in sizes)

    def _take(self, tokens: list[int], text: bytes) -> None:
        """Go on with these tokens at the end of `text`. The last one waits for what follows: they may be one."""
        if self._vocabulary.adds_space and not self._begun:
            last = b""  # its piece has a space that the text has not
        else:
            last = self._vocabulary.piece(tokens[-1])
        if last and text.endswith(last) and last[0] & 0xC0 != 0x80:
            self._unfed, self._head = tokens[:-1], last
        else:
            self._unfed, self._head = tokens, b""
        self._begun = True

    def _write(self, write: Write) -> Work:
        yield from self._settle()
        grammar = self._grammar(write.grammar) if write.grammar is not None else None
        try:
            yield from self._free_text(write, grammar)
        finally:
            if grammar is not None:
                grammar.close()

    def _free_text(self, write: Write, grammar: Grammar | None) -> Work:
        free, start = FreeText(write.stop), len(self.tokens)
        sampled: list[int] = []
        told: list[Token] = []
        cut = write.max_tokens <= 0
        while not cut and not free.ended:
            assert self._logits is not None
            token = self._sampled(self._logits, grammar)
            if token is None:
                break
            if write.logprobs is not None:
                told.append(self._told(self._logits, token, write.logprobs))
            sampled.append(token)
            if text := free.add(self._vocabulary.piece(token)):
                self._tell(Text(write.name, text, tuple(told)))
                told = []
            cut = not free.ended and len(sampled) >= write.max_tokens
            if not cut and not free.ended:
                self.tokens.append(token)
                self._logits = yield Feed([token])
        if (rest := free.rest()) or told:
            self._tell(Text(write.name, rest, tuple(told)))
        if cut:
            self.finish = "length"
        self._begun = self._begun or bool(sampled)
        yield from self._keep(start, sampled, free.text())
        self._tell(Field(write.name, free.text(), cut=cut))

    def _sampled(self, logits: Floats, grammar: Grammar | None) -> int | None:
        """The next token; None at the model's own end."""
        token = self._sampler.token(logits)
        if grammar is not None:
            if not grammar.allows(token):
                allowed = grammar.masked(logits)
                token = self._sampler.token(allowed)
                if not math.isfinite(allowed[token]):
                    return None
            grammar.accept(token)
        return None if self._vocabulary.is_end(token) else token

    def _told(self, logits: Floats, token: int, count: int) -> Token:
        top = sampling.likeliest(logits, count)
        found = sampling.logprobs(logits, [token, *top])
        pieces = map(self._vocabulary.piece, top)
        return Token(self._vocabulary.piece(token), found[0], tuple(zip(pieces, found[1:], strict=True)))

    def _keep(self, start: int, sampled: list[int], text: str) -> Work:
        """Of what was evaluated, keep the tokens that are the text's alone; its last part waits for what follows."""
        fed = len(self.tokens) - start
        count, self._head = kept([self._vocabulary.piece(token) for token in sampled[:fed]], text)
        if count < fed:
            yield from self._trim(start + count)

    def _score(self, score: Score) -> Work:
        text = score.text.encode("utf-8", "replace")
        tokens = self._tokens(self._head + text)
        sizes = accumulate(len(self._vocabulary.piece(token)) for token in tokens)
        before = min(sum(size <= len(self._head) for size in sizes), len(tokens) - 1) if tokens else 0
        found: list[float] = []
        if before == 0 and tokens:
            yield from self._feed([])
            assert self._logits is not None
            found += sampling.logprobs(self._logits, tokens[:1])
        targets = {place: [tokens[place + 1]] for place in range(max(before - 1, 0), len(tokens) - 1)}
        whole, rest = self._head + text, tokens[-1:]
        if len(tokens) > 1:
            need = yield from self._feed(tokens[:-1], targets)
            found += [need.found[place][0] for place in sorted(targets)]
        self._head = b""
        if rest:
            self._take(rest, whole)
        probability = math.exp(sum(found) / len(found)) if found else 1.0
        self._tell(Field(score.name, score.text, probability))


def only(tokens: list[int]) -> Work:
    """Evaluates tokens, and makes nothing of what comes after them."""
    yield Feed(tokens)
