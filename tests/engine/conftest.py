"""A hub to pull models from. What it needs is imported when it is asked for: a base install has no downloads."""

from __future__ import annotations

import pytest

from tests.fixtures.hub import ModelHub


@pytest.fixture
def hub(model_hub: ModelHub, monkeypatch: pytest.MonkeyPatch) -> ModelHub:
    """A hub with one model; between tries there is no time to lose."""
    from maw_remote.engine import web
    from tests.engine.pulling import MODEL

    monkeypatch.setattr(web, "PAUSE", 0.01)
    model_hub.put(MODEL)
    return model_hub


@pytest.fixture(params=["hf", "http"])
def source(request: pytest.FixtureRequest, hub: ModelHub) -> str:
    """The same file, by the hub's protocol and by its plain address."""
    from tests.engine.pulling import HUB

    return HUB if request.param == "hf" else hub.url()
