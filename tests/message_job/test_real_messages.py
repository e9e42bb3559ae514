"""A message by the real embedded model. What it says is of no worth; that it has the repository's form is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from maw.config.load import load
from maw.messages import profile, subject
from maw_remote.jobs.message import MessageJob
from tests.fixtures.model import NAME, EmbeddedModel
from tests.messages import repositories
from tests.review_job.changes import Events, patch, payload

pytestmark = pytest.mark.model


@pytest.mark.slow
def test_messages_have_the_form(embedded_model: EmbeddedModel, with_engine: Callable[..., Any]) -> None:
    diff = patch("src/queue.py", [b"def size(self):", b"    return len(self._items)"])
    large = b"".join(patch(f"src/f{number}.py", [b"word " * 30] * 30) for number in range(4))
    habits = {
        "conventional": profile.make(repositories.CONVENTIONAL),
        "tickets": profile.make(repositories.TICKETS),
        "plain": profile.make(repositories.PLAIN),
    }

    async def work(engine: Any) -> None:
        job = MessageJob(load(flags={"runner.unit_tokens": 300}))

        async def ask(name: str, change: bytes, **more: Any) -> list[str]:
            asked = payload(change, profile=profile.to_json(habits[name]), **more)
            result = await job.run(asked, model=NAME, profile="p", engine=engine, emit=Events().emit)
            assert result["stats"]["prompt_tokens"] > 0
            return list(result["messages"])

        for message in await ask("conventional", diff, count=3):
            read = subject.read(message.split("\n")[0])
            assert read.type in habits["conventional"].types
            assert read.scope in ("", *habits["conventional"].scopes)
        (message,) = await ask("tickets", diff, ticket="SHOP-7")
        assert message.startswith("SHOP-7: ")
        assert subject.mood(subject.read(message.split("\n")[0]).text) == "imperative"
        (message,) = await ask("plain", large)
        assert message.split(" ")[0].lower() in habits["plain"].verbs
        assert message.split("\n")[0].endswith(".")

    with_engine(work)
