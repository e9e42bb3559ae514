"""From a model's logits to tokens and probabilities, in numpy: nothing here walks the vocabulary in Python."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

FLOOR = -9999.0  # stands for minus infinity where a number must be finite
_LIKELY = 256  # tokens that mostly hold all that top_p lets in

Floats = npt.NDArray[np.float32]


class Sampler:
    """One answer's way to choose: by temperature (0: the likeliest) and top_p, repeatable by its seed."""

    def __init__(self, temperature: float, top_p: float, seed: int) -> None:
        self.temperature = temperature
        self._top_p = top_p
        self._random = np.random.default_rng(seed & 0xFFFF_FFFF_FFFF_FFFF)

    def token(self, logits: Floats) -> int:
        """A token. One that is minus infinity is never taken, unless all are."""
        if self.temperature <= 0:
            return int(logits.argmax())
        weights = np.exp((logits - logits.max()) / np.float32(self.temperature))
        if not np.isfinite(weights).all():
            return int(np.nan_to_num(logits, nan=-np.inf).argmax())
        if self._top_p >= 1:
            return self._drawn(weights)
        chosen = _nucleus(weights, self._top_p)
        return int(chosen[self._drawn(weights[chosen])])

    def option(self, scores: Sequence[float]) -> int:
        """One of several, by their log-probabilities."""
        values = np.asarray(scores, np.float64)
        if self.temperature <= 0 or not np.isfinite(values.max()):
            return int(values.argmax())
        return self._drawn(np.exp((values - values.max()) / self.temperature))

    def _drawn(self, weights: npt.NDArray[np.floating]) -> int:
        sums = np.cumsum(weights, dtype=np.float64)
        at = int(np.searchsorted(sums, self._random.random() * sums[-1], side="right"))
        return min(at, len(sums) - 1)


def logprobs(logits: Floats, tokens: Sequence[int]) -> list[float]:
    """The log-probabilities of these tokens."""
    top = logits.max()
    total = float(top) + float(np.log(np.exp(logits - top).sum(dtype=np.float64)))
    found = logits[np.asarray(tokens, np.int64)].astype(np.float64) - total
    return [value if np.isfinite(value) else FLOOR for value in found.tolist()]


def likeliest(logits: Floats, count: int) -> list[int]:
    """The `count` likeliest tokens, likeliest first."""
    count = min(count, len(logits))
    if not count:
        return []
    found = np.argpartition(logits, len(logits) - count)[len(logits) - count :]
    return [int(token) for token in found[np.argsort(logits[found])[::-1]]]


def _nucleus(weights: Floats, top_p: float) -> npt.NDArray[np.int64]:
    """The fewest likeliest tokens that together have `top_p` of the mass; one at least."""
    limit = top_p * float(weights.sum(dtype=np.float64))
    size = min(_LIKELY, len(weights))
    while True:
        found = np.argpartition(weights, len(weights) - size)[len(weights) - size :]
        found = found[np.argsort(weights[found])[::-1]]
        sums = np.cumsum(weights[found], dtype=np.float64)
        if sums[-1] >= limit or size == len(weights):
            return found[: int(np.searchsorted(sums, limit, side="left")) + 1].astype(np.int64)
        size = min(size * 16, len(weights))
