"""What a worker is asked, in frames, turned into jobs for its slots; and what comes of them, in frames again."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec

from maw_remote.engine import prompt, snapshots
from maw_remote.engine.chat import Chat, Tokens
from maw_remote.engine.decoder import Broken, Decoder, Grammar, Load
from maw_remote.engine.embedder import Embedder
from maw_remote.engine.frames import Json
from maw_remote.engine.interface import Field, Message, Text, Usage
from maw_remote.engine.job import Job, Refused
from maw_remote.engine.program import Pick, Program, Step, Write
from maw_remote.engine.runs import BadProgram, Run
from maw_remote.engine.sampling import Sampler
from maw_remote.engine.slots import Slots
from maw_remote.engine.vocabulary import Vocabulary

SPARE = 56  # sequences beside those that answer: kept prefixes, and branches of choices
_WARMED = Message("user", "x")  # a chat without a question is none for some templates

Send = Callable[[Json], None]
# save(path, key, tokens, state): write a snapshot, some time soon.
Save = Callable[[str, bytes, int, bytes], None]


class Service:
    """One loaded model, and what is asked of it. `send` takes frames."""

    def __init__(self, config: Json, send: Send, save: Save) -> None:
        """Load the model. Raises Broken."""
        sequences = int(config.get("sequences", 4))
        self._kv: str = config.get("kv", "f16")
        self._decoder = Decoder(
            Load(
                config["path"], int(config.get("cells") or config["context"]), min(256, 2 * sequences + SPARE),
                config["threads"], config["gpu_layers"], self._kv,
            )
        )  # fmt: skip
        decoder = self._decoder
        self._vocabulary = Vocabulary(decoder.tokenize, decoder.piece, decoder.is_end, adds_space=decoder.adds_space())
        self._chat = Chat(decoder, self._vocabulary)
        context = min(config["context"], decoder.cells)
        self.slots = Slots(
            decoder, sequences=sequences, context=context, prefix_bytes=int(config.get("prefix_bytes", 256 << 20))
        )
        self._path = config["path"]
        self._threads: int = config["threads"]
        self._embedder: Embedder | None = None
        self._embedding: list[tuple[int, list[str], list[list[float]]]] = []  # number, texts, vectors so far
        self._send = send
        self._save = save

    def ready(self) -> Json:
        """What is told of the model once it is loaded."""
        decoder = self._decoder
        return {"op": "ready", "context": self.slots.context, "gpu": decoder.gpu, "rollback": decoder.rollback}

    @property
    def busy(self) -> bool:
        """Whether there is anything to compute."""
        return self.slots.busy or bool(self._embedding)

    def step(self) -> None:
        """Compute for a moment: a step of the slots, and a text that is to be embedded."""
        if self.slots.busy:
            self.slots.step()
        if self._embedding:
            self._embed()

    def take(self, request: Json) -> None:
        """Begin what is asked. What is wrong with it is told."""
        number = request["id"]
        try:
            match request["op"]:
                case "run":
                    self._run(number, request)
                case "warm":
                    self._warm(request)
                case "count":
                    counts = [self._vocabulary.count(text) for text in request["texts"]]
                    self._send({"op": "counts", "id": number, "counts": counts})
                case "embed":
                    self._embedding.append((number, request["texts"], []))
                case "cancel":
                    self._embedding = [entry for entry in self._embedding if entry[0] != number]
                    self.slots.cancel(number)
                case "urge":
                    self.slots.urge(number, interactive=not request["background"])
                case other:
                    raise Refused("bad_program", f"unknown operation {other!r}")
        except Refused as exc:
            self._fail(number, exc.code, str(exc))
        except prompt.BadTemplate as exc:
            self._fail(number, "model_broken", str(exc))
        except BadProgram as exc:
            self._fail(number, "bad_program", str(exc))

    def _run(self, number: int, request: Json) -> None:
        if not self._decoder.generates:
            raise Refused("unsupported", "the model makes embeddings only")
        program = _program(request["program"])
        self._check(program)
        if request["messages"] or not request.get("prompt"):
            tokens = self._chat.tokens(_messages(request), request.get("shared", 0))
        else:
            tokens = self._chat.plain(request["prompt"])
        run = Run(
            tokens.tokens, program, self._vocabulary,
            Sampler(request["temperature"], request["top_p"], request["seed"]),
            grammar=partial(Grammar, self._decoder), tell=lambda part: self._send(_frame(number, part)),
        )  # fmt: skip
        self._submit(request, tokens, run, self._bound(program))

    def _warm(self, request: Json) -> None:
        messages = _messages(request)
        tokens = self._chat.tokens([*messages, _WARMED], len(messages))
        self._submit(request, tokens, None, 0)

    def _embed(self) -> None:
        """The next text of the first that asked."""
        number, texts, vectors = self._embedding[0]
        if len(vectors) < len(texts):
            try:
                self._embedder = self._embedder or Embedder(self._decoder, self._threads)
                vectors.append(self._embedder.vector(texts[len(vectors)]))
            except Broken as exc:
                del self._embedding[0]
                self._fail(number, "unsupported", f"the model makes no embeddings: {exc}")
                return
        if len(vectors) == len(texts):
            del self._embedding[0]
            self._send({"op": "vectors", "id": number, "vectors": vectors})

    def _submit(self, request: Json, tokens: Tokens, run: Run | None, answer: int) -> None:
        number = request["id"]
        adapter = request.get("adapter")
        if adapter is not None:
            try:
                self._decoder.adapter(adapter)
            except Broken as exc:
                raise Refused("bad_adapter", str(exc)) from exc
        told: Json = {"op": "warmed" if run is None else "end", "id": number, "prefix": ""}

        def end(usage: Usage) -> None:
            own = {"tokens": tokens.shared, "cached": usage.cached_tokens} if run is None else usage._asdict()
            self._send({**told, **own})

        job = Job(
            number, tokens.tokens, tokens.shared, answer, run, end, partial(self._fail, number),
            interactive=not request.get("background", run is None), adapter=adapter,
        )  # fmt: skip
        self._place(job, request.get("prefix") or {}, told)
        self.slots.submit(job)

    def _place(self, job: Job, place: Json, told: Json) -> None:
        """Where the shared tokens' state lies, or is to be put."""
        shared = job.tokens[: job.shared]
        key = snapshots.key(shared, _content(self._path), _content(job.adapter), self._kv) if place else b""

        def load(path: str) -> bytes | None:
            try:
                found = snapshots.read(path, key)
            except (snapshots.BadSnapshot, OSError) as exc:
                print(f"worker: {os.path.basename(path)}: {exc}", file=sys.stderr)  # noqa: T201 - its log
                told["prefix"] = "bad"
                return None
            told["prefix"] = "loaded"
            return bytes(found.state)

        def save(path: str, state: bytes) -> None:
            told["prefix"] = "saved"
            self._save(path, key, len(shared), state)

        if place.get("load"):
            job.load = partial(load, place["load"])
        if place.get("save"):
            job.save = partial(save, place["save"])

    def _check(self, program: Program) -> None:
        """Raises Refused for a grammar that llama.cpp cannot parse, before anything is evaluated."""
        for step in _all_steps(program):
            if isinstance(step, Write) and step.grammar is not None:
                try:
                    Grammar(self._decoder, step.grammar).close()
                except ValueError as exc:
                    raise Refused("bad_grammar", str(exc)) from exc

    def _bound(self, program: Program) -> int:
        """Tokens that an answer takes at most."""
        total = 0
        for step in program:
            if isinstance(step, Write):
                total += step.max_tokens
            elif isinstance(step, Pick):
                total += max(
                    (self._vocabulary.count(option.text) + self._bound(option.then) for option in step.options),
                    default=0,
                )
            else:
                total += self._vocabulary.count(step.text)
        return total + 1

    def _fail(self, number: int, code: str, message: str) -> None:
        self._send({"op": "error", "id": number, "code": code, "message": message})


def _program(data: Any) -> Program:
    try:
        return msgspec.convert(data, Program)
    except msgspec.ValidationError as exc:
        raise BadProgram(str(exc)) from exc


def _all_steps(program: Program) -> list[Step]:
    found: list[Step] = []
    for step in program:
        found.append(step)
        if isinstance(step, Pick):
            for option in step.options:
                found += _all_steps(option.then)
    return found


def _messages(request: Json) -> list[Message]:
    return [Message(role, text) for role, text in request["messages"]]


def _content(path: str | None) -> str:
    """What stands for a file's content: a changed one has another size or time."""
    if path is None:
        return ""
    state = os.stat(path)
    return f"{path}:{state.st_size}:{state.st_mtime_ns}"


def _frame(number: int, part: Text | Field) -> Json:
    if isinstance(part, Field):
        return {"op": "field", "id": number, **part._asdict()}
    frame: Json = {"op": "text", "id": number, "name": part.name, "text": part.text}
    if part.tokens:
        frame["tokens"] = [
            [list(token.piece), token.logprob, [[list(piece), logprob] for piece, logprob in token.top]]
            for token in part.tokens
        ]
    return frame
