"""A loaded model and its memory of many sequences: with embedder.py, all that knows llama.cpp. It runs in a worker.

All sequences share one KV cache (unified): forking one costs no copy, and a step takes rows of any of them. A step is
all or nothing (n_batch = n_ubatch), so that one which was aborted leaves every sequence as it was before.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Sequence
from typing import Any, NamedTuple

import llama_cpp
import numpy as np
import numpy.typing as npt

BATCH = 256  # rows of a step at most
OUTPUTS = 64  # rows of a step that may have logits: each takes 4 bytes a token of the vocabulary
DONE, FULL, ABORTED = 0, 1, 2  # of llama_decode
_PIECE_MAX = 512  # bytes of one token
_KV_TYPES = {"f16": llama_cpp.GGML_TYPE_F16, "q8_0": llama_cpp.GGML_TYPE_Q8_0}
_LOG_ERROR = 4  # GGML_LOG_LEVEL_ERROR
_ABORTED = (b"failed with error 1\n", b"compute status: 1\n", b"ret = 2\n")  # what is said of a step that was aborted

Floats = npt.NDArray[np.float32]


class Load(NamedTuple):
    """How a model is loaded. `cells`: tokens that all sequences have together; `sequences`: how many can be told
    apart; `gpu_layers` -1: all that fit."""

    path: str
    cells: int
    sequences: int
    threads: int
    gpu_layers: int = 0
    kv: str = "f16"


class Broken(Exception):
    """llama.cpp cannot load or use the model; the log says why."""


class Decoder:
    """One model and its context. One thread at a time may use it; any may call `abort`."""

    def __init__(self, load: Load) -> None:
        """Load it. Raises Broken."""
        llama_cpp.llama_log_set(_log, ctypes.c_void_p(0))
        llama_cpp.llama_backend_init()
        self.model = _open_model(load)
        self.vocab = llama_cpp.llama_model_get_vocab(self.model)
        self.vocab_size = int(llama_cpp.llama_vocab_n_tokens(self.vocab))
        self.window = int(llama_cpp.llama_model_n_swa(self.model))  # 0: each token sees all before it
        self.recurrent = bool(
            llama_cpp.llama_model_is_recurrent(self.model) or llama_cpp.llama_model_is_hybrid(self.model)
        )
        bos, eos = llama_cpp.llama_vocab_bos(self.vocab), llama_cpp.llama_vocab_eos(self.vocab)
        self.start = int(bos) if llama_cpp.llama_vocab_get_add_bos(self.vocab) and bos >= 0 else None  # of a prompt
        self.end = int(eos)
        self.names = (self._name_of(bos), self._name_of(eos))  # as templates write them
        self.sequences = load.sequences if not (self.window or self.recurrent) else min(load.sequences, 16)
        self._context = _open_context(self.model, load, self.sequences)
        self._memory = llama_cpp.llama_get_memory(self._context)
        self.generates = bool(self._memory)  # a model without a memory makes embeddings only
        self.cells = int(llama_cpp.llama_n_ctx(self._context))
        self.gpu = _on_gpu(load)
        self.rows = Rows(self.sequences, BATCH)
        self._flag = ctypes.create_string_buffer(2)
        self._abort = _abort_callback()
        llama_cpp.llama_set_abort_callback(self._context, self._abort, ctypes.addressof(self._flag))
        self._adapters: dict[str, Any] = {}
        self._adapter: str | None = None
        self.rollback = self._can_roll_back()

    def decode(self) -> int:
        """Evaluate the rows: DONE, FULL (no cells are left) or ABORTED. Raises Broken."""
        code = int(llama_cpp.llama_decode(self._context, self.rows.batch))
        self._flag[0] = b"\0"
        if code not in (DONE, FULL, ABORTED):
            raise Broken(f"llama_decode returned {code}")
        return code

    def abort(self) -> None:
        """End the step that is running, if there is one, within some milliseconds. Any thread may call it."""
        self._flag[0] = b"\1"

    def keep_going(self) -> None:
        """Take back an abort that came between two steps."""
        self._flag[0] = b"\0"

    def logits(self, row: int) -> Floats:
        """What the model makes of a row that was to have logits. A view: it ends with the next step."""
        pointer = llama_cpp.llama_get_logits_ith(self._context, row)
        return np.ctypeslib.as_array(pointer, shape=(self.vocab_size,))

    def length(self, sequence: int) -> int:
        """Tokens of a sequence that are evaluated."""
        return int(llama_cpp.llama_memory_seq_pos_max(self._memory, sequence)) + 1

    def fork(self, source: int, target: int, start: int = -1, end: int = -1) -> None:
        """Give `target` what `source` has (from `start`, up to `end`: only with `rollback`). Nothing is copied."""
        llama_cpp.llama_memory_seq_cp(self._memory, source, target, start, end)

    def drop(self, sequence: int) -> None:
        llama_cpp.llama_memory_seq_rm(self._memory, sequence, -1, -1)

    def trim(self, sequence: int, length: int) -> bool:
        """Forget what comes after the first `length` tokens. False when the model cannot: the sequence is then as it
        was. A sliding window that has moved on has lost what an earlier place would look back at."""
        if self.window:
            first = int(llama_cpp.llama_memory_seq_pos_min(self._memory, sequence))
            if first > max(0, length - self.window):
                return False
        return bool(llama_cpp.llama_memory_seq_rm(self._memory, sequence, length, -1))

    def save(self, sequence: int) -> bytes:
        """What `restore` takes to bring the sequence back, in this model's context or another of the same kind."""
        size = llama_cpp.llama_state_seq_get_size(self._context, sequence)
        buffer = (ctypes.c_uint8 * size)()
        written = llama_cpp.llama_state_seq_get_data(self._context, buffer, size, sequence)
        return bytes(memoryview(buffer)[:written])

    def restore(self, sequence: int, state: bytes) -> bool:
        """Bring a saved sequence back. False when the library does not take it, and the sequence is empty then."""
        buffer = (ctypes.c_uint8 * len(state)).from_buffer_copy(state)
        if llama_cpp.llama_state_seq_set_data(self._context, buffer, len(state), sequence) > 0:
            return True
        self.drop(sequence)
        return False

    def use(self, adapter: str | None) -> None:
        """Evaluate the next steps with this LoRA adapter (a path), or with none. Raises Broken."""
        if adapter == self._adapter:
            return
        if adapter is None:
            llama_cpp.llama_set_adapters_lora(self._context, None, 0, None)
        else:
            adapters = (llama_cpp.llama_adapter_lora_p_ctypes * 1)(self.adapter(adapter))
            llama_cpp.llama_set_adapters_lora(self._context, adapters, 1, (ctypes.c_float * 1)(1.0))
        self._adapter = adapter

    def adapter(self, path: str) -> Any:
        """An adapter, loaded once. Raises Broken."""
        if path not in self._adapters:
            found = llama_cpp.llama_adapter_lora_init(self.model, path.encode("utf-8", "surrogateescape"))
            if not found:
                raise Broken(f"the adapter {path} does not fit the model, or cannot be read")
            self._adapters[path] = found
        return self._adapters[path]

    def tokenize(self, text: bytes, control: bool, *, whole: bool = False) -> list[int]:
        """The tokens of a text; `control`: what reads as a control token is one; `whole`: with those that the model
        wants around a document."""
        size = len(text) + 8
        while True:
            buffer = (llama_cpp.llama_token * size)()
            count = llama_cpp.llama_tokenize(self.vocab, text, len(text), buffer, size, whole, control)
            if count >= 0:
                return buffer[:count]
            size = -count

    def piece(self, token: int) -> bytes:
        """A token's bytes; none for a control token."""
        buffer = ctypes.create_string_buffer(_PIECE_MAX)
        size = llama_cpp.llama_token_to_piece(self.vocab, token, buffer, _PIECE_MAX, 0, False)
        return buffer.raw[: max(size, 0)]

    def is_end(self, token: int) -> bool:
        """Whether no text goes on after it: the end of a turn or a document, and any other control token."""
        return bool(
            llama_cpp.llama_vocab_is_eog(self.vocab, token) or llama_cpp.llama_vocab_is_control(self.vocab, token)
        )

    def adds_space(self) -> bool:
        """Whether the vocabulary puts a space before each text by itself (SentencePiece)."""
        return (
            self.metadata("tokenizer.ggml.model") == "llama"
            and self.metadata("tokenizer.ggml.add_space_prefix") != "false"
        )

    def _name_of(self, token: int) -> str:
        return llama_cpp.llama_vocab_get_text(self.vocab, token).decode("utf-8", "replace") if token >= 0 else ""

    def metadata(self, key: str) -> str | None:
        """A value of the model's header, as text."""
        buffer = ctypes.create_string_buffer(1 << 17)
        size = llama_cpp.llama_model_meta_val_str(self.model, key.encode("ascii"), buffer, len(buffer))
        return buffer.value.decode("utf-8", "replace") if size >= 0 else None

    def _can_roll_back(self) -> bool:
        """Ask the library, with two tokens of a sequence that nobody uses."""
        if self.window or self.recurrent or not self._memory:
            return False
        self.rows.clear()
        self.rows.add([0, 0], 0, [0])
        if self.decode() != DONE:
            return False
        can = bool(llama_cpp.llama_memory_seq_rm(self._memory, 0, 1, -1)) and self.length(0) == 1
        self.drop(0)
        return can


class Rows:
    """The rows of the next step, in arrays that llama.cpp reads and numpy writes."""

    def __init__(self, sequences: int, most: int) -> None:
        self.count = 0
        self._token = np.zeros(most, np.int32)
        self._position = np.zeros(most, np.int32)
        self._seqs = np.zeros(most, np.int32)
        self._seq = np.zeros((most, sequences), np.int32)
        self._output = np.zeros(most, np.int8)
        starts = self._seq.ctypes.data + np.arange(most, dtype=np.uint64) * np.uint64(self._seq.strides[0])
        self._pointers = np.ascontiguousarray(starts)
        self._struct = llama_cpp.llama_batch(
            n_tokens=0,
            token=_pointer(self._token, ctypes.c_int32),
            pos=_pointer(self._position, ctypes.c_int32),
            n_seq_id=_pointer(self._seqs, ctypes.c_int32),
            seq_id=_pointer(self._pointers, ctypes.POINTER(ctypes.c_int32)),
            logits=_pointer(self._output, ctypes.c_int8),
        )

    @property
    def batch(self) -> Any:
        self._struct.n_tokens = self.count
        return self._struct

    def clear(self) -> None:
        self.count = 0

    def add(self, tokens: Sequence[int], position: int, sequences: Sequence[int]) -> int:
        """Rows that these sequences have in common, without logits. The number of the first."""
        start, end = self.count, self.count + len(tokens)
        self._token[start:end] = tokens
        self._position[start:end] = np.arange(position, position + len(tokens))
        self._seqs[start:end] = len(sequences)
        self._seq[start:end, : len(sequences)] = sequences
        self._output[start:end] = 0
        self.count = end
        return start

    def add_one(self, token: int, position: int, sequences: Sequence[int]) -> int:
        """A row that several sequences share, with logits. Its number."""
        row = self.add([token], position, sequences)
        self.want(row)
        return row

    def want(self, row: int) -> None:
        """Have logits for a row."""
        self._output[row] = 1


class Grammar:
    """What may come next by a grammar (GBNF), as it goes along with the tokens."""

    def __init__(self, decoder: Decoder, text: str) -> None:
        """Raises ValueError for one that llama.cpp cannot parse: it comes back as NULL, which would crash it later."""
        self._size = decoder.vocab_size
        self._sampler = llama_cpp.llama_sampler_init_grammar(decoder.vocab, text.encode("utf-8"), b"root")
        if not self._sampler:
            raise ValueError("llama.cpp cannot parse the grammar; the worker's log says where")
        self._data: Any = np.zeros(self._size, np.dtype([("id", "i4"), ("logit", "f4"), ("p", "f4")]))

    def allows(self, token: int) -> bool:
        one = self._data[:1]
        one["id"], one["logit"] = token, 0.0
        self._apply(1)
        return bool(np.isfinite(one["logit"][0]))

    def masked(self, logits: Floats) -> Floats:
        """The logits with what may not come at minus infinity. A copy."""
        self._data["id"], self._data["logit"] = np.arange(self._size), logits
        self._apply(self._size)
        return np.array(self._data["logit"])

    def accept(self, token: int) -> None:
        llama_cpp.llama_sampler_accept(self._sampler, token)

    def close(self) -> None:
        if self._sampler:
            llama_cpp.llama_sampler_free(self._sampler)
        self._sampler = None

    def _apply(self, count: int) -> None:
        data = ctypes.cast(self._data.ctypes.data, llama_cpp.llama_token_data_p)
        array = llama_cpp.llama_token_data_array(data=data, size=count, selected=-1, sorted=False)
        llama_cpp.llama_sampler_apply(self._sampler, ctypes.byref(array))


@llama_cpp.llama_log_callback  # type: ignore[untyped-decorator]
def _log(level: int, text: bytes, _: Any) -> None:
    """Errors go to the worker's log; an abort, which llama.cpp takes for one, does not."""
    if level == _LOG_ERROR and not text.endswith(_ABORTED):
        sys.stderr.write(text.decode("utf-8", "replace"))
        sys.stderr.flush()


def _open_model(load: Load) -> Any:
    parameters = llama_cpp.llama_model_default_params()
    parameters.n_gpu_layers = load.gpu_layers if load.gpu_layers >= 0 else 0x7FFFFFFF
    model = llama_cpp.llama_model_load_from_file(load.path.encode("utf-8", "surrogateescape"), parameters)
    if not model:
        raise Broken(f"llama.cpp cannot load {load.path}")
    return model


def _open_context(model: Any, load: Load, sequences: int) -> Any:
    parameters = llama_cpp.llama_context_default_params()
    parameters.n_ctx = load.cells
    parameters.n_batch = parameters.n_ubatch = BATCH
    parameters.n_outputs_max = max(OUTPUTS, sequences)
    parameters.n_seq_max = sequences
    parameters.kv_unified = True
    parameters.swa_full = False
    parameters.n_threads = parameters.n_threads_batch = load.threads
    parameters.flash_attn_type = _flash_attention(load)
    parameters.type_k = parameters.type_v = _KV_TYPES[load.kv]
    parameters.no_perf = True
    context = llama_cpp.llama_init_from_model(model, parameters)
    if not context:
        raise Broken(f"llama.cpp cannot make a context of {load.cells} tokens for {load.path}")
    return context


def _flash_attention(load: Load) -> int:
    """On a CPU only where values are quantised, which needs it: it takes cells one by one there, for each row anew.
    Behind 1,200 tokens a further row of a step costs 30 ms with it and 6 without, a prompt the same (SmolLM2)."""
    wanted = load.kv != "f16" or _on_gpu(load)
    return int(llama_cpp.LLAMA_FLASH_ATTN_TYPE_ENABLED if wanted else llama_cpp.LLAMA_FLASH_ATTN_TYPE_DISABLED)


def _on_gpu(load: Load) -> bool:
    return load.gpu_layers != 0 and bool(llama_cpp.llama_supports_gpu_offload())


def _abort_callback() -> Any:
    """llama.cpp asks between any two operations, a thousand times a step, so Python would be too slow to answer. C's
    own strlen does: of the flag's bytes it makes 0 (go on) or 1 (stop)."""
    address = ctypes.cast(ctypes.CDLL(None).strlen, ctypes.c_void_p).value
    assert address is not None
    return llama_cpp.ggml_abort_callback(address)


def _pointer(array: npt.NDArray[Any], kind: Any) -> Any:
    return ctypes.cast(array.ctypes.data, ctypes.POINTER(kind))
