"""A loaded model: the only module that knows llama.cpp. It runs inside a worker process and nowhere else."""

from __future__ import annotations

import codecs
import ctypes
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, cast

import llama_cpp
from llama_cpp.llama_chat_format import Jinja2ChatFormatter
from llama_cpp.llama_grammar import LlamaGrammar

from maw_remote.engine import prompt
from maw_remote.engine.interface import Generation, Usage

BATCH = 256  # tokens of a prompt that are evaluated at a time; between two batches a cancelled one stops
_PLAIN_TEMPLATE = "{% for message in messages %}{{ message['content'] }}\n\n{% endfor %}"
_PIECE_MAX = 512  # bytes of one token; llama-cpp-python's own 32 are too few for long runs of blanks


class Load(NamedTuple):
    """How a model is loaded. `threads` and `context` are at least 1; `gpu_layers` -1: all that fit."""

    path: str
    context: int
    threads: int
    gpu_layers: int


class Refused(Exception):
    """A request that this model cannot answer. `code` is EngineError's."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Cancelled(Exception):
    """The runner wants no answer any more."""


def _never() -> bool:
    return False


class _Llama(llama_cpp.Llama):
    """llama-cpp-python's model, which reuses the prefix that two prompts share, with a stop between batches.

    The abort callback below only works on CPU; on a GPU this is what ends a long prompt early.
    """

    cancelled: Callable[[], bool] = staticmethod(_never)
    evaluated = 0

    def eval(self, tokens: Sequence[int]) -> None:
        for start in range(0, len(tokens), BATCH):
            if self.cancelled():
                raise Cancelled
            chunk = tokens[start : start + BATCH]
            super().eval(chunk)
            self.evaluated += len(chunk)


def _open(load: Load, *, verbose: bool) -> _Llama:
    return _Llama(
        load.path, n_ctx=load.context, n_batch=BATCH, n_ubatch=BATCH, n_threads=load.threads,
        n_threads_batch=load.threads, n_gpu_layers=load.gpu_layers, flash_attn=True, verbose=verbose,
    )  # fmt: skip


class Model:
    """One model and its context. One thread at a time may use it."""

    def __init__(self, load: Load) -> None:
        """Load it. Raises ValueError when llama.cpp cannot; standard error then says why."""
        try:
            self._llama = _open(load, verbose=False)
        except ValueError:
            # Only the talkative way says what is wrong, and it says so much that it is kept for this case.
            self._llama = _open(load, verbose=True)
        self._vocab = self._llama._model.vocab
        self._template = self._formatter()
        self._abortable = False
        self.gpu = load.gpu_layers != 0 and llama_cpp.llama_supports_gpu_offload()
        # llama.cpp keeps the bare pointer: without this reference the callback would be collected and crash us.
        self._abort = llama_cpp.ggml_abort_callback(lambda _: self._abortable and self._llama.cancelled())
        llama_cpp.llama_set_abort_callback(self._llama.ctx, self._abort, ctypes.c_void_p(0))

    @property
    def context(self) -> int:
        return int(self._llama.n_ctx())

    def count(self, text: str) -> int:
        return len(self._tokenize(text.encode("utf-8", "replace"), False))

    def prompt(self, request: Generation) -> list[int]:
        """The request's tokens. Raises Refused when they and the answer do not fit."""
        try:
            pieces = prompt.parts(self._render, request.messages)
        except prompt.BadTemplate as exc:
            raise Refused("model_broken", str(exc)) from exc
        found = prompt.tokens(pieces, self._tokenize, adds_space=self._adds_space())
        start = self._llama.token_bos()
        if self._llama._model.add_bos_token() and found[:1] != [start]:
            found.insert(0, start)
        if len(found) + request.max_tokens > self.context:
            raise Refused(
                "too_long",
                f"a prompt of {len(found)} tokens and an answer of {request.max_tokens} do not fit into the context "
                f"of {self.context}",
            )
        return found

    def generate(self, request: Generation, cancelled: Callable[[], bool]) -> Iterator[str | Usage]:
        """Whole characters as they come, then Usage. Raises Refused and Cancelled."""
        began = time.monotonic()
        tokens = self.prompt(request)
        self._check_grammar(request.grammar)
        self._llama.cancelled, self._llama.evaluated = cancelled, 0
        answer = _Answer(request)
        self._abortable = True
        try:
            yield from self._texts(self._sampled(tokens, request), answer)
        except RuntimeError as exc:  # "llama_decode returned 2": the abort callback said stop
            self._mend()
            if cancelled():
                raise Cancelled from exc
            raise
        finally:
            self._abortable = False
            self._llama.cancelled = _never
        first, elapsed = ((moment - began) * 1000 for moment in (answer.first_at, time.monotonic()))
        yield Usage(len(tokens), len(tokens) - answer.evaluated, answer.count, first, elapsed, answer.finish)

    def _texts(self, sampled: Iterator[int], answer: _Answer) -> Iterator[str]:
        """The answer's text as it grows, up to its end. Raises Cancelled."""
        for token in sampled:
            if not answer.count:
                # From here a stop comes between two tokens, which keeps the evaluated prefix for the next request.
                self._abortable = False
                answer.first_at, answer.evaluated = time.monotonic(), self._llama.evaluated
            if self._llama.cancelled():
                raise Cancelled
            if llama_cpp.llama_vocab_is_eog(self._vocab, token):
                break
            if text := answer.add(self._piece(token)):
                yield text
            if answer.finished:
                break
        if rest := answer.rest():
            yield rest

    def _sampled(self, tokens: list[int], request: Generation) -> Iterator[int]:
        self._llama.set_seed(request.seed)
        grammar = LlamaGrammar(_grammar=request.grammar) if request.grammar else None
        sampled: Iterator[int] = self._llama.generate(
            tokens, temp=request.temperature, top_p=request.top_p, top_k=0, min_p=0.0, grammar=grammar
        )
        return sampled

    def _check_grammar(self, grammar: str | None) -> None:
        """A grammar that llama.cpp cannot parse comes back as NULL, which the library would hand on and crash."""
        if grammar is None:
            return
        sampler = llama_cpp.llama_sampler_init_grammar(self._vocab, grammar.encode("utf-8"), b"root")
        if not sampler:
            raise Refused("bad_grammar", "llama.cpp cannot parse the grammar; the worker's log says where")
        llama_cpp.llama_sampler_free(sampler)

    def _mend(self) -> None:
        """After an abort the library's idea of what is evaluated may be ahead of the truth: then start afresh."""
        memory = llama_cpp.llama_get_memory(self._llama.ctx)
        if llama_cpp.llama_memory_seq_pos_max(memory, 0) + 1 < self._llama.n_tokens:
            llama_cpp.llama_memory_clear(memory, True)
            self._llama.reset()  # type: ignore[no-untyped-call]

    def _tokenize(self, text: bytes, control: bool) -> list[int]:
        found: list[int] = self._llama.tokenize(text, add_bos=False, special=control)
        return found

    def _piece(self, token: int) -> bytes:
        buffer = ctypes.create_string_buffer(_PIECE_MAX)
        size = llama_cpp.llama_token_to_piece(self._vocab, token, buffer, _PIECE_MAX, 0, False)
        return buffer.raw[: max(size, 0)]

    def _adds_space(self) -> bool:
        values = self._llama.metadata
        return (
            values.get("tokenizer.ggml.model") == "llama" and values.get("tokenizer.ggml.add_space_prefix") != "false"
        )

    def _formatter(self) -> Jinja2ChatFormatter:
        template = self._llama.metadata.get("tokenizer.chat_template", _PLAIN_TEMPLATE)
        names = [self._text_of(token) for token in (self._llama.token_eos(), self._llama.token_bos())]
        return Jinja2ChatFormatter(template, eos_token=names[0], bos_token=names[1])

    def _text_of(self, token: int) -> str:
        return str(self._llama._model.token_get_text(token)) if token >= 0 else ""

    def _render(self, chat: list[dict[str, str]]) -> str:
        # Templates raise jinja's errors, which are no ValueErrors, and what their expressions raise.
        from jinja2 import TemplateError

        try:
            return str(self._template(messages=cast(Any, chat)).prompt)
        except (TemplateError, TypeError, KeyError, AttributeError) as exc:
            raise ValueError(str(exc)) from exc


class _Answer:
    """An answer as it grows: bytes to whole characters, its end at a stop text or at max_tokens."""

    def __init__(self, request: Generation) -> None:
        self.count = 0
        self.first_at = 0.0  # time.monotonic() of its first token
        self.evaluated = 0  # tokens of the prompt that had to be evaluated by then
        self.finish: Any = "stop"
        self.finished = False
        self._max = request.max_tokens
        self._stop = [text for text in request.stop if text]
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._held = ""  # might be the beginning of a stop text

    def add(self, piece: bytes) -> str:
        """What can be told after one more token."""
        self.count += 1
        text = self._held + self._decode(piece)
        ends = [at for stop in self._stop if (at := text.find(stop)) >= 0]
        if ends:
            self.finished, self._held = True, ""
            return text[: min(ends)]
        if self.count >= self._max:
            self.finished, self.finish = True, "length"
        keep = max((_overlap(text, stop) for stop in self._stop), default=0)
        self._held = text[len(text) - keep :]
        return text[: len(text) - keep]

    def rest(self) -> str:
        """What was held back: at the end it was no stop text after all. A cut character is left out."""
        return self._held


def _overlap(text: str, stop: str) -> int:
    """How many characters at the end of `text` begin `stop`."""
    return next((size for size in range(min(len(stop) - 1, len(text)), 0, -1) if text.endswith(stop[:size])), 0)
