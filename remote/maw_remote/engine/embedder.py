"""Texts to vectors, in a context of its own beside the decoder's (with decoder.py, all that knows llama.cpp)."""

from __future__ import annotations

from typing import Any

import llama_cpp
import numpy as np
import numpy.typing as npt

from maw_remote.engine.decoder import DONE, Broken, Decoder, Rows

PART = 512  # tokens that are looked at together; a longer text's vector is the mean over its parts


class Embedder:
    """Makes a model's embeddings: as its file says they are pooled, by the mean where it says nothing."""

    def __init__(self, decoder: Decoder, threads: int) -> None:
        """Raises Broken."""
        self._decoder = decoder
        self._context = self._open(threads, llama_cpp.LLAMA_POOLING_TYPE_UNSPECIFIED)
        if llama_cpp.llama_pooling_type(self._context) == llama_cpp.LLAMA_POOLING_TYPE_NONE:
            llama_cpp.llama_free(self._context)
            self._context = self._open(threads, llama_cpp.LLAMA_POOLING_TYPE_MEAN)
        self._memory = llama_cpp.llama_get_memory(self._context)
        self._size = int(llama_cpp.llama_model_n_embd_out(decoder.model))
        self._rows = Rows(1, PART)

    def vector(self, text: str) -> list[float]:
        """The text's vector, of length 1. Raises Broken."""
        tokens = self._decoder.tokenize(text.encode("utf-8", "replace"), False, whole=True)
        total = np.zeros(self._size, np.float64)
        for start in range(0, len(tokens), PART):
            part = tokens[start : start + PART]
            total += self._pooled(part) * len(part)
        length = float(np.linalg.norm(total))
        return (total / length).tolist() if np.isfinite(length) and length else total.tolist()

    def _pooled(self, tokens: list[int]) -> npt.NDArray[np.float32]:
        self._rows.clear()
        self._rows.add(tokens, 0, [0])
        for row in range(len(tokens)):
            self._rows.want(row)
        if self._memory:
            llama_cpp.llama_memory_seq_rm(self._memory, 0, -1, -1)
        run = llama_cpp.llama_decode if self._memory else llama_cpp.llama_encode
        if run(self._context, self._rows.batch) != DONE:
            raise Broken("llama.cpp made no embedding")
        pointer = llama_cpp.llama_get_embeddings_seq(self._context, 0)
        return np.ctypeslib.as_array(pointer, shape=(self._size,))

    def _open(self, threads: int, pooling: int) -> Any:
        parameters = llama_cpp.llama_context_default_params()
        parameters.n_ctx = parameters.n_batch = parameters.n_ubatch = PART
        parameters.n_seq_max = 1
        parameters.embeddings = True
        parameters.pooling_type = pooling
        parameters.n_threads = parameters.n_threads_batch = threads
        context = llama_cpp.llama_init_from_model(self._decoder.model, parameters)
        if not context:
            raise Broken("llama.cpp cannot make a context for embeddings")
        return context
