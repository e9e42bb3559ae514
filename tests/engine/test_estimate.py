"""What a model takes, from its header: figures that llama.cpp itself told, and headers that lie."""

from __future__ import annotations

from typing import Any

import pytest

from maw_remote.engine.estimate import Parts, Plan, estimate, kv_bytes
from maw_remote.engine.gguf import Header
from maw_remote.engine.layers import Layer, layers
from maw_remote.engine.ledger import Budget, Ledger

MIB = 1 << 20


def header(architecture: str, **values: Any) -> Header:
    named = {f"{architecture}.{key.replace('__', '.')}": value for key, value in values.items()}
    plain = Header(architecture, "", "", 0, 0, 0, 0, 0, 0, 0, 1, 0, False)
    return plain._replace(each_layer=layers(architecture, named), embedding=values.get("embedding_length", 0))


LLAMA = header("llama", block_count=30, embedding_length=576, attention__head_count=9, attention__head_count_kv=3)
GEMMA = header(
    "gemma3", block_count=18, embedding_length=640, attention__head_count=4, attention__head_count_kv=1,
    attention__key_length=256, attention__value_length=256, attention__sliding_window=512,
)  # fmt: skip


@pytest.mark.parametrize(
    ("model", "cells", "kv", "told"),
    [
        (LLAMA, 2048, "f16", 45.0), (LLAMA, 8192, "q8_0", 95.62), (LLAMA, 8192, "f16", 180.0),
        (LLAMA, 100, "f16", 5.62),
        (GEMMA, 8192, "f16", 24 + 63.75), (GEMMA, 2048, "f16", 6 + 30.0), (GEMMA, 32768, "q8_0", 51 + 33.87),
    ],
)  # fmt: skip
def test_the_cache_is_as_large_as_llama_cpp_says(model: Header, cells: int, kv: str, told: float) -> None:
    """Its log's words "KV buffer size", with eight sequences."""
    assert kv_bytes(model, Plan(cells, cells, 8, kv)) / MIB == pytest.approx(told, abs=0.01)


def test_a_layer_looks_through_the_window_or_at_everything() -> None:
    assert [layer.window for layer in GEMMA.each_layer[:7]] == [512] * 5 + [0, 512]
    told = header("gemma4", block_count=3, attention__head_count=2, embedding_length=8, attention__sliding_window=64,
                  attention__sliding_window_pattern=[True, False, True], attention__key_length_swa=2)  # fmt: skip
    assert [(layer.window, layer.key) for layer in told.each_layer] == [(64, 4), (0, 8), (64, 4)]
    named_only = header(
        "llama", block_count=2, attention__head_count=2, embedding_length=8, attention__sliding_window=64
    )
    assert [layer.window for layer in named_only.each_layer] == [0, 0]  # a window without a pattern is not used


def test_recurrent_layers_keep_a_state_and_no_tokens() -> None:
    ssm = {"ssm__conv_kernel": 4, "ssm__inner_size": 256, "ssm__state_size": 16, "ssm__group_count": 2}
    state = (3 * (256 + 2 * 2 * 16) + 16 * 256) * 4
    hybrid = header("granitehybrid", block_count=3, embedding_length=64, attention__head_count=4,
                    attention__head_count_kv=[0, 2, 0], **ssm)  # fmt: skip
    assert hybrid.each_layer == (Layer(0, 0, 0, state), Layer(32, 32), Layer(0, 0, 0, state))
    assert kv_bytes(hybrid, Plan(256, 256, 4)) == 2 * 4 * state + 64 * 2 * 256
    interval = header("qwen3next", block_count=4, embedding_length=64, attention__head_count=4,
                      attention__head_count_kv=2, full_attention_interval=4, **ssm)  # fmt: skip
    assert [bool(layer.state) for layer in interval.each_layer] == [True, True, True, False]
    both = header("falcon-h1", block_count=1, embedding_length=64, attention__head_count=4, **ssm)
    assert both.each_layer == (Layer(64, 64, 0, state),)


@pytest.mark.parametrize(
    "values",
    [
        {}, {"block_count": 1 << 62}, {"block_count": -3}, {"block_count": "thirty"},
        {"block_count": 2, "attention__head_count_kv": [], "attention__sliding_window_pattern": []},
        {"block_count": 2, "attention__head_count": 1 << 60, "embedding_length": 1 << 60},
        {"block_count": 5, "attention__head_count_kv": [1, 2], "attention__head_count": 3, "embedding_length": 9},
        {"block_count": 2, "attention__sliding_window": 8, "attention__sliding_window_pattern": "x"},
    ],
)  # fmt: skip
def test_a_header_that_lies_gives_a_number(values: dict[str, Any]) -> None:
    assert kv_bytes(header("llama", **values), Plan(4096, 4096, 4)) >= 0


def test_a_gpu_grants_its_buffers_whole_and_copies_no_weights() -> None:
    model = LLAMA._replace(tensor_bytes=1000, repackable=400, vocabulary=100_000)
    plan = Plan(256, 256, 4)
    assert estimate(model, plan).weights == 1400
    assert estimate(model, plan._replace(gpu=True)).weights == 1000
    assert estimate(model, plan._replace(gpu=True)).compute > estimate(model, plan).compute


def test_the_ledger_adds_up_and_compares() -> None:
    ledger = Ledger(Budget(total=100, models=60, context=30, buffer=10))
    ledger.holdings = {"a": Parts(weights=30, kv=10), "b": Parts(weights=10, prefixes=10)}
    assert (ledger.held, ledger.room) == (60, 30)
    assert ledger.fits(Parts(weights=20, kv=10))
    assert not ledger.fits(Parts(weights=20, kv=11))  # more context than there is
    assert not ledger.fits(Parts(weights=21))  # more weights than there may be
    assert ledger.fits(Parts(weights=40, kv=20), without=["a"])
    assert not ledger.fits(Parts(weights=40, kv=20), without=["b"])
    ledger.jobs["learn"] = 35  # more than the buffer: the rest is taken from the models' room
    assert ledger.room == 5
    ledger.jobs["learn"] = 5
    assert ledger.room == 30


def test_a_refusal_has_the_figures() -> None:
    ledger = Ledger(Budget(total=10 * 10**9, models=8 * 10**9, buffer=2 * 10**9))
    ledger.holdings = {"a": Parts(weights=4 * 10**9)}
    ledger.jobs["learn"] = 10**9
    told = ledger.figures(Parts(weights=7 * 10**9, kv=5 * 10**8), {"a": "pinned"})
    for figure in ("7.5 GB", "weights 7.0 GB", "context 500.0 MB", "8.0 GB are for models", "a 4.0 GB (pinned)",
                   "learn 1.0 GB"):  # fmt: skip
        assert figure in told
