"""Queue and nodes as pictures, narrow and wide; and whether both themes can be read."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("textual", reason="the tui extra")
pytest.importorskip("uvicorn", reason="a runner needs the runner extra")

from rich.color import Color

from maw import record
from maw.attendant import outbox
from maw.git.repo import discover
from tests.fixtures.git import Repository
from tests.fixtures.runner import RunnerProcess
from tests.tui import picture
from tests.tui.conftest import NARROW, WIDE, Run, Ui

HIDE = {r"\b[0-9a-f]{12}\b": "3f9c0a1b2c3d", r"again in \d+ s": "again in 5 s"}
READABLE = 3.0  # contrast, of WCAG's


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


@pytest.mark.parametrize(("name", "size"), [("narrow", NARROW), ("wide", WIDE)])
def test_the_queue(tui: Run, repo: Repository, day: RunnerProcess, name: str, size: tuple[int, int]) -> None:
    async def scenario(ui: Ui) -> None:
        await calm(ui)
        picture.check(f"queue-{name}", ui.app, HIDE)

    tui(scenario, repo=repo, screen="queue", size=size)


@pytest.mark.parametrize(("name", "size"), [("narrow", NARROW), ("wide", WIDE)])
def test_the_nodes(tui: Run, repo: Repository, home: Path, name: str, size: tuple[int, int]) -> None:
    (home / "config.toml").write_text('[nodes.pro]\nhost = "127.0.0.1"\nport = 1\n')

    async def scenario(ui: Ui) -> None:
        await ui.until_has("no runner runs", "Connection refused")
        picture.check(f"nodes-{name}", ui.app, HIDE | {r"tokens/s +▁*": "tokens/s ", r"queue +▁*": "queue "})

    tui(scenario, repo=repo, screen="nodes", size=size)


@pytest.mark.slow
@pytest.mark.parametrize("screen", ["queue", "nodes"])
def test_both_themes_can_be_read(tui: Run, repo: Repository, day: RunnerProcess, screen: str) -> None:
    async def scenario(ui: Ui) -> None:
        await ui.until_has("● local", "2 running" if ui.has("2 running") else "1 running")
        for _ in range(2):
            assert {text: ratio for text, ratio in contrasts(ui).items() if ratio < READABLE} == {}
            await ui.press("T")

    tui(scenario, repo=repo, screen=screen, size=WIDE)


def contrasts(ui: Ui) -> dict[str, float]:
    """How far each text of the screen stands out from its ground."""
    found: dict[str, float] = {}
    for strip in ui.app.screen._compositor.render_strips():
        for segment in strip:
            style = segment.style
            if segment.text.strip(" │─▁░") and style and style.color and style.bgcolor:
                found[segment.text.strip()] = contrast(style.color, style.bgcolor)
    return found


def contrast(one: Color, other: Color) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def luminance(color: Color) -> float:
    def linear(value: float) -> float:
        return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4

    red, green, blue = (linear(part / 255) for part in color.get_truecolor())
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
