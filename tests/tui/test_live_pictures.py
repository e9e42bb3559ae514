"""Queue and nodes as pictures, narrow and wide."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("textual", reason="the tui extra")
pytest.importorskip("uvicorn", reason="a runner needs the runner extra")

from maw import record
from maw.attendant import outbox
from maw.git.repo import discover
from tests.fixtures.git import Repository
from tests.fixtures.runner import RunnerProcess
from tests.tui import picture
from tests.tui.conftest import NARROW, WIDE, Run, Ui

HIDE = {r"\b[0-9a-f]{12}\b": "3f9c0a1b2c3d", r"again in \d+ s": "again in 5 s"}


@pytest.fixture
def day(runner: RunnerProcess, repo: Repository) -> RunnerProcess:
    """A queue with something of everything."""
    runner.wait(runner.submit("review", title="shop 1a2b3c4: Round prices once")["id"])
    runner.wait(runner.submit("review", **{"raise": "missing"}, title="shop 2b3c4d5: Count stock")["id"], "failed")
    said = {"texts": 30, "events": 3, "wait_for": "never"}
    runner.wait(runner.submit("review", **said, title="shop 3c4d5e6: Sell by weight")["id"], "running")
    runner.submit("generate", title="shop: a test for total()", wait_for="never")
    runner.submit("review", number=1, title="shop 4d5e6f7: Weigh twice")
    found = discover(str(repo.path))
    waits = {"node": "pro", "mode": "late", "tree": "1" * 40, "base": "2" * 40, "head": None, "block_at": "error"}
    entry = outbox.put(found, waits, {"diff": ""}, max_bytes=10**6)
    outbox.link(found, {"outbox": entry, "id": record.new_id()}, "5e6f7a8b90" * 4)
    return runner


async def calm(ui: Ui) -> None:
    """All has come, and the speeds have fallen to nothing."""
    await ui.until_has("shop 4d5e6f7", "5e6f7a8b90", "3/9")
    await ui.until_has("28 29")
    await ui.until(lambda: " tok/s" not in ui.text.replace("tok/s   age", ""), "silence")


@pytest.mark.parametrize("size", [NARROW, WIDE])
def test_the_queue(tui: Run, repo: Repository, day: RunnerProcess, size: tuple[int, int]) -> None:
    async def scenario(ui: Ui) -> None:
        await calm(ui)
        await picture.check("queue", ui, HIDE)

    tui(scenario, repo=repo, screen="queue", size=size)


@pytest.mark.parametrize("size", [NARROW, WIDE])
def test_the_nodes(tui: Run, repo: Repository, home: Path, size: tuple[int, int]) -> None:
    (home / "config.toml").write_text('[nodes.pro]\nhost = "127.0.0.1"\nport = 1\n')

    async def scenario(ui: Ui) -> None:
        await ui.until_has("no runner runs", "Connection refused", "▁")
        await picture.check("nodes", ui, HIDE | {r"tokens/s +▁*": "tokens/s ", r"queue +▁*": "queue "})

    tui(scenario, repo=repo, screen="nodes", size=size)
