"""What each layer of a model keeps while it works, read from the header's values. Pure.

A layer keeps keys and values for each token (attention), for the last tokens only (a sliding window), or a state of
fixed size for each sequence (recurrent). llama.cpp knows some of it by architecture alone, so the tables are here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

LAYERS_MAX = 4096
# Of so many layers in a row the last one sees everything, the others look through the window; where the header names
# a window and no pattern (llama-model.cpp, set_swa_pattern).
_PERIODS = {
    "afmoe": 4, "cohere2": 4, "exaone4": 4, "gemma2": 2, "gemma3": 6, "gemma3n": 5, "gpt-oss": 2, "llama4": 4,
    "olmo2": 4, "smallthinker": 4,
}  # fmt: skip
_FLOAT = 4  # bytes: recurrent states are f32


class Layer(NamedTuple):
    """`key` and `value`: elements of one token, all heads together (0: it keeps none). `window`: tokens it looks back
    (0: all). `state`: bytes of one sequence's recurrent state."""

    key: int
    value: int
    window: int = 0
    state: int = 0


Values = Mapping[str, object]


def layers(architecture: str, values: Values) -> tuple[Layer, ...]:
    """A model's layers. Empty where the header says too little, or more than can be true."""
    facts = _Facts(architecture, values)
    count = facts.number("block_count")
    return tuple(map(facts.layer, range(count))) if 0 < count <= LAYERS_MAX else ()


class _Facts:
    def __init__(self, architecture: str, values: Values) -> None:
        self._architecture, self._values = architecture, values
        heads = self.number("attention.head_count")
        head = self.number("embedding_length") // heads if heads else 0
        self._key = self.number("attention.key_length") or head
        self._value = self.number("attention.value_length") or head
        self._key_window = self.number("attention.key_length_swa") or self._key
        self._value_window = self.number("attention.value_length_swa") or self._value
        self._window = self.number("attention.sliding_window")
        self._state = self._state_bytes()

    def layer(self, at: int) -> Layer:
        recurrent = self._recurrent(at)
        heads = 0 if recurrent else self.number("attention.head_count_kv", at, self.number("attention.head_count", at))
        window = self._window if self._windowed(at) else 0
        key, value = (self._key_window, self._value_window) if window else (self._key, self._value)
        return Layer(heads * key, heads * value, window, self._state if recurrent or self._both() else 0)

    def number(self, name: str, at: int | None = None, default: int = 0) -> int:
        """A count: of the whole model (the largest, where there is one a layer), or of the layer `at`."""
        value = self._values.get(f"{self._architecture}.{name}")
        if isinstance(value, list):
            per_layer = at is not None and at < len(value)
            value = (value[at or 0] if per_layer else max(value, default=0)) if value else 0
        elif value is None:
            value = default
        return int(value) if isinstance(value, int) and value > 0 else 0

    def _windowed(self, at: int) -> bool:
        if not self._window:
            return False
        pattern = self._values.get(f"{self._architecture}.attention.sliding_window_pattern")
        if isinstance(pattern, list) and at < len(pattern):
            return bool(pattern[at])
        period = pattern if isinstance(pattern, int) and pattern else _PERIODS.get(self._architecture, 0)
        return bool(period) and at % period < period - 1

    def _recurrent(self, at: int) -> bool:
        if not self._state or self._both():
            return False
        period = self.number("full_attention_interval")
        if period:
            return (at + 1) % period != 0
        return not self.number("attention.head_count_kv", at)

    def _both(self) -> bool:
        return self._architecture == "falcon-h1"  # each of its layers has a state beside its attention

    def _state_bytes(self) -> int:
        """Of one recurrent layer and one sequence: the last inputs of its convolution, and what it has summed up."""
        embedding = self.number("embedding_length")
        inner, state, groups = (self.number(f"ssm.{name}") for name in ("inner_size", "state_size", "group_count"))
        kernel = self.number("ssm.conv_kernel")
        if inner:
            return (max(kernel - 1, 0) * (inner + 2 * groups * state) + state * inner) * _FLOAT
        if cache := self.number("shortconv.l_cache"):
            return (cache - 1) * embedding * _FLOAT
        head = self.number("wkv.head_size")
        return (2 * embedding + embedding * head) * _FLOAT if head else 0
