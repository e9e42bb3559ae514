"""What a model will take of the memory, in bytes, before it is loaded: from its header and how it is to be run. Pure.

Weights are counted whole: llama.cpp maps them and touches each page when it loads. So are the cells of the KV cache,
which it fills with zeros at once. Of the buffers that it computes in only what usual steps touch counts on a CPU,
because the rest stays address space; a GPU grants them whole.
"""

from __future__ import annotations

from typing import NamedTuple

from maw_remote.engine.gguf import Header

UBATCH = 256  # rows of a step (decoder.BATCH)
OUTPUTS = 64  # rows of a step that may have logits (decoder.OUTPUTS)
WINDOWED = 16  # sequences that a model with a window or a state may have at most (decoder)
KV_BYTES = {"f16": (2, 1), "q8_0": (34, 32)}  # bytes of so many elements
_CELLS = 256  # llama.cpp rounds the cells up to a multiple
_USUAL_OUTPUTS = 16  # rows that have logits in usual steps: some sequences, and the options of one choice
_USUAL_CELLS = 1024  # cells that are in use in usual steps
_FLOAT = 4
_PROCESS = 40 << 20  # Python, numpy, llama.cpp's code
_TOKEN = 250  # bytes of a token in llama.cpp's tables: 168 (SentencePiece) and 362 (BPE with its merges) were measured


class Plan(NamedTuple):
    """How a model is to be loaded. `context`: tokens a request may have; `cells`: tokens of all requests and prefixes
    together; `sequences`: how many of them are told apart; `prefixes`: bytes of prefixes kept beside the cache."""

    context: int
    cells: int
    sequences: int
    kv: str = "f16"
    prefixes: int = 0
    gpu: bool = False


class Parts(NamedTuple):
    """Bytes by what they are for."""

    weights: int = 0
    kv: int = 0
    compute: int = 0
    prefixes: int = 0
    process: int = 0

    @property
    def total(self) -> int:
        return sum(self)

    @property
    def context(self) -> int:
        """What the context budget pays for; the models' pays for the rest."""
        return self.kv + self.prefixes


def estimate(header: Header, plan: Plan) -> Parts:
    """The bytes that a worker with this model will hold once it works."""
    return Parts(
        weights=header.tensor_bytes + (0 if plan.gpu else header.repackable),
        kv=kv_bytes(header, plan),
        compute=_compute(header, plan.gpu) + (0 if plan.gpu or plan.kv != "f16" else _scores(header, plan)),
        prefixes=plan.prefixes,
        process=_PROCESS + header.vocabulary * _TOKEN,
    )


def kv_bytes(header: Header, plan: Plan) -> int:
    """Keys, values and states of all cells."""
    size, elements = KV_BYTES[plan.kv]
    bounded = any(layer.window or layer.state for layer in header.each_layer)
    sequences = min(plan.sequences, WINDOWED) if bounded else plan.sequences
    total = 0
    for layer in header.each_layer:
        cells = _rounded(plan.cells)
        if layer.window:
            cells = min(cells, _rounded(layer.window * sequences + UBATCH))
        total += (layer.key + layer.value) * size // elements * cells + layer.state * sequences
    return total


def _compute(header: Header, whole: bool) -> int:
    """The buffers of a step: what goes from layer to layer, and logits, which are kept twice."""
    rows = OUTPUTS if whole else _USUAL_OUTPUTS
    wide = 8 * header.embedding + 3 * header.feed_forward
    return (UBATCH * wide + 2 * rows * header.vocabulary) * _FLOAT


def _scores(header: Header, plan: Plan) -> int:
    """What the rows of a step give to the cells they look at, which a CPU writes down where it can (decoder)."""
    return header.heads * min(_rounded(plan.cells), _USUAL_CELLS) * UBATCH * _FLOAT


def _rounded(cells: int) -> int:
    return -(-cells // _CELLS) * _CELLS
