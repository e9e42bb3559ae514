"""The ledger against real memory: within the promised bounds, for two kinds of models."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.fixtures.gemma import gemma_file
from tests.fixtures.model import NAME, EmbeddedModel

pytestmark = [pytest.mark.model, pytest.mark.slow]


def holds(model: str, context: int, kv: str) -> None:
    from benchmarks.bench_ledger import AGAIN, FIRST, accounts

    first, again = accounts(model, context, kv)
    assert first.off <= FIRST, f"{model} {context} {kv}: {first}"
    assert again.off <= AGAIN, f"{model} {context} {kv}: {again}"


@pytest.mark.parametrize("kv", ["f16", "q8_0"])
@pytest.mark.parametrize("context", [2048, 8192])
def test_a_dense_model(embedded_model: EmbeddedModel, context: int, kv: str) -> None:
    holds(NAME, context, kv)


@pytest.mark.parametrize("kv", ["f16", "q8_0"])
@pytest.mark.parametrize("context", [2048, 8192, 32768])
def test_a_model_with_a_sliding_window(embedded_model: EmbeddedModel, real_home: str, context: int, kv: str) -> None:
    from maw_remote.engine.store import Store

    file = gemma_file(Path(real_home, ".cache", "maw-tests", "models"))
    if file is None:
        if os.environ.get("CI"):
            pytest.fail("Gemma 3 270M cannot be had")
        pytest.skip("Gemma 3 270M cannot be had")
    Store().pull("gemma", f"path:{file}", lambda *_: None)
    holds("gemma", context, kv)
