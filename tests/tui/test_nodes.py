"""The Nodes screen over real runners, one of them with the real tiny model."""

from __future__ import annotations

import asyncio
import contextlib
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("textual", reason="the tui extra")
pytest.importorskip("uvicorn", reason="a runner needs the runner extra")

import psutil  # which the runner extra brings

from maw import client, reach
from tests.fixtures.git import Repository
from tests.fixtures.model import NAME, EmbeddedModel
from tests.fixtures.runner import RunnerProcess
from tests.tui.conftest import WIDE, Run, Ui


@pytest.fixture
def model_runner(embedded_model: EmbeddedModel) -> Iterator[None]:
    """A runner as `maw-runner start` starts it, with the tiny model in both roles."""
    subprocess.run([sys.executable, "-m", "maw_remote", "start"], check=True, timeout=60, capture_output=True)
    yield
    subprocess.run([sys.executable, "-m", "maw_remote", "stop"], check=True, timeout=60, capture_output=True)


async def on_model(ui: Ui, name: str) -> None:
    """Put the cursor on a model's row."""
    await ui.until_has(name)
    await ui.press("home")
    rows = ui.app.screen.query_one("#rows")
    while name not in ui.lines[rows.region.y + rows.cursor]:
        await ui.press("j")


def row(ui: Ui, name: str) -> str:
    return next((line for line in ui.lines if line.startswith(f"    {name}")), "")


@pytest.mark.model
def test_a_model_is_loaded_pinned_and_unloaded(tui: Run, repo: Repository, model_runner: None) -> None:
    async def scenario(ui: Ui) -> None:
        await on_model(ui, NAME)
        await ui.until(lambda: "installed" in row(ui, NAME))
        await ui.press("p")
        await ui.until(lambda: "pinned" in row(ui, NAME) and ui.has("l Load") and not ui.has("u Unload"))
        await ui.press("enter")
        await ui.until(lambda: "loaded" in row(ui, NAME))
        await ui.until_has("weights", "memory   █", "tokens/s", "waiting", "u Unload")
        await ui.press("p")
        await ui.until(lambda: "pinned" not in row(ui, NAME) and "leaves in" in row(ui, NAME))
        await ui.press("u")
        await ui.until(lambda: "installed" in row(ui, NAME))
        await ui.press("a")
        await ui.until(lambda: "available" in row(ui, "mistral-7b-instruct-v0.3"))
        await on_model(ui, "mistral-7b-instruct-v0.3")
        await ui.press("l")
        await ui.until_has("! ", "maw model pull mistral-7b-instruct-v0.3")  # what cannot be is a line that helps

    tui(scenario, repo=repo, screen="nodes", size=WIDE)


@pytest.mark.model
def test_a_load_that_takes_long_says_how_far_it_is_and_can_be_given_up(
    tui: Run, repo: Repository, model_runner: None
) -> None:
    runner = psutil.Process(client.request(reach.LOCAL, "GET", "/api/v1/status")["pid"])

    def worker() -> psutil.Process | None:
        for child in runner.children():
            with contextlib.suppress(psutil.NoSuchProcess):  # it was about to leave
                if "engine.worker" in " ".join(child.cmdline()):
                    return child
        return None

    async def caught(ui: Ui) -> bool:
        """Begin to load and stop the worker meanwhile, as if it read 20 GB from a slow disk; False if it was faster."""
        await ui.until(lambda: "installed" in row(ui, NAME) and worker() is None)  # one may be about to leave
        await ui.press("l")
        while (found := worker()) is None:
            await asyncio.sleep(0.002)
        found.suspend()
        await asyncio.sleep(0.3)  # what it had written before has been read by then
        models = client.request(reach.LOCAL, "GET", "/api/v1/models")["models"]
        if next(model for model in models if model["name"] == NAME)["state"] == "loading":
            return True
        found.resume()
        await ui.press("u")
        return False

    async def scenario(ui: Ui) -> None:
        await on_model(ui, NAME)
        while not await caught(ui):
            pass
        await ui.until(lambda: re.search(r"loading .* after \ds", row(ui, NAME)), "how far it is")
        assert "%" in row(ui, NAME)
        await ui.until_has("loading  █")
        await ui.press("l")
        await ui.until_has("is being loaded (u gives that up)")
        await ui.press("u")
        await ui.until_has("loading it was given up")
        await ui.until(lambda: "installed" in row(ui, NAME))
        assert not ui.has("! ")

    tui(scenario, repo=repo, screen="nodes", size=WIDE)


def test_a_runner_is_busy_goes_and_comes_back(tui: Run, repo: Repository, runner: RunnerProcess) -> None:
    async def scenario(ui: Ui) -> None:
        await ui.until_has("● local on this machine, 0 running, 0 waiting", "up ")
        runner.submit(texts=10_000, text_pause=0.02, wait_for="go")
        for number in range(3):
            runner.submit(number=number)
        await ui.until_has("1 running, 3 waiting", "3 (top 3)")
        await ui.until(lambda: any((line.startswith("tokens/s") and "▇" in line) or "█" in line for line in ui.lines))
        runner.kill()
        await ui.until_has("✗ local", "tried again in")
        await ui.press("l")
        assert not ui.has("is being loaded") and not ui.has("l Load")  # there is no model under the cursor
        runner.start()
        await ui.press("r")
        await ui.until_has("● local on this machine", "up ")

    tui(scenario, repo=repo, screen="nodes")


def test_a_node_that_cannot_be_reached_says_why_beside_one_that_can(
    tui: Run, repo: Repository, home: Path, runner: RunnerProcess
) -> None:
    (home / "config.toml").write_text('[nodes.pro]\nhost = "127.0.0.1"\nport = 1\n')

    async def scenario(ui: Ui) -> None:
        await ui.until_has("● local", "✗ pro 127.0.0.1:1 cannot be reached: Connection refused")
        runner.wait(runner.submit(title="of this machine")["id"])
        await ui.press("home", "enter")  # the node's tasks
        await ui.until_has("of this machine")
        assert ui.app.current_mode == "queue"
        await ui.press("4", "j", "enter")
        await ui.until_has("nothing has all of these words")
        assert not ui.has("of this machine")
        await ui.press("4")
        await ui.resize(20, 5)
        await ui.until(lambda: len(ui.lines) == 5 and any(line.startswith("✗ pro") for line in ui.lines))
        await ui.press("j", "k")
        await ui.resize(160, 48)
        await ui.until_has("Connection refused")

    tui(scenario, repo=repo, screen="nodes")


def test_nothing_is_watched_before_somebody_looks(tui: Run, repo: Repository) -> None:
    async def scenario(ui: Ui) -> None:
        assert ui.app.live.nodes == []
        await ui.press("4")
        await ui.until_has("no runner runs on this machine")
        assert not reach.is_up(reach.LOCAL)  # and looking starts nothing

    tui(scenario, repo=repo, screen="history")
