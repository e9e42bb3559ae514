"""What docs/tui.md is made of: `python -m tests.tui.guide` writes the keys, from the bindings, and the pictures."""

from __future__ import annotations

import asyncio
import re
import sys
import tempfile
from pathlib import Path

import pytest

from maw.config.load import load
from maw.git.repo import discover
from maw_tui import keys
from maw_tui.app import MawApp
from tests.fixtures.git import make_repository
from tests.fixtures.home import enter, new_home
from tests.fixtures.runner import RunnerProcess
from tests.tui.conftest import Ui
from tests.tui.sample import NOW, build

PAGE = Path(__file__).resolve().parents[2] / "docs" / "tui.md"
PICTURES = PAGE.parent / "images" / "tui"
BEGIN, END = "<!-- keys: made by `make docs` -->\n", "<!-- /keys -->\n"
SIZE = (130, 38)

# Screen, keys to press, and what is on the screen then.
SCENES = {
    "history": ("history", ["down", "down"], "IndexError"),
    "commit": ("history", ["down", "down", "enter", "z", "n"], "IndexError"),
    "findings": ("findings", ["space", "home"], "IndexError"),
    "queue": ("queue", [], "amounts 0738e4b"),
    "nodes": ("nodes", [], "on this machine"),
    "stats": ("stats", [], "reviews"),
    "generate": ("generate", [], "Generate"),
}


def table() -> str:
    """All keys, a table a screen."""
    parts = []
    for section in keys.sections():
        rows = [f"| {' '.join(f'`{key}`' for key in line.keys)} | {line.does} |" for line in section.keys]
        about = f"{section.about}\n\n" if section.about else ""
        parts.append("\n".join([f"### {section.title}: keys\n\n{about}| key | what it does |\n|---|---|", *rows, ""]))
    return "\n".join(parts).replace("`|`", "`\\|`")


def written(page: str) -> str:
    """The page with the tables in their place."""
    pattern = re.escape(BEGIN) + ".*?" + re.escape(END)
    found, count = re.subn(pattern, lambda _: BEGIN + table() + END, page, flags=re.DOTALL)
    assert count == 1, f"{PAGE.name} has no place for the keys"
    return found


def picture(app: MawApp) -> str:
    """The screen as SVG, without the fonts that Rich would have a browser fetch from elsewhere."""
    svg = app.export_screenshot(title="maw tui")
    return re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)


async def _take(name: str, repo: Path) -> str:
    screen, pressed, wanted = SCENES[name]
    app = MawApp(discover(str(repo)), load(), screen=screen, now=lambda: NOW)
    async with app.run_test(size=SIZE) as pilot:
        ui = Ui(app, pilot)
        await ui.idle()
        for key in pressed:
            await ui.press(key)
            await ui.idle()
        await ui.until_has(wanted)
        return picture(app)


def _take_all() -> None:
    PICTURES.mkdir(parents=True, exist_ok=True)
    runner = RunnerProcess().start()
    try:
        runner.submit("review", texts=40, wait_for="go", title="amounts 0738e4b")
        runner.submit("review", number=2, title="amounts c8e4ea4")
        repo = make_repository(Path(tempfile.mkdtemp(dir=Path.home())) / "amounts")
        build(repo)
        for name in SCENES:
            (PICTURES / f"{name}.svg").write_text(asyncio.run(_take(name, repo.path)), encoding="utf-8")
    finally:
        runner.end()


def main() -> None:
    with new_home() as home, pytest.MonkeyPatch.context() as patch:
        enter(home, patch)
        _take_all()
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    sys.stderr.write(f"{len(SCENES)} pictures in {PICTURES}, and the keys in {PAGE.name}\n")


if __name__ == "__main__":
    main()
