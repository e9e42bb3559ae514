"""How the tests of the Generate screen drive it."""

from __future__ import annotations

import pytest
from textual.widgets import TextArea

from tests.fixtures.git import Repository
from tests.generate.conftest import APP, CHECK
from tests.tui.conftest import Ui

TEST = "import app\n\n\ndef test_add():\n    assert app.add(3, 1) == 4\n"
TRACEBACK = """Traceback (most recent call last):
  File "/srv/shop/src/app.py", line 2, in add
    return a - b
TypeError: unsupported operand type(s)
"""


@pytest.fixture
def project(repo: Repository) -> Repository:
    repo.write("src/app.py", APP)
    repo.write("check.py", CHECK)
    repo.write("docs/deep/read me.txt", "x\n")
    repo.commit("a project")
    return repo


async def choose(ui: Ui, task: str) -> None:
    """Choose the task by its first letter."""
    await ui.press("ctrl+t")
    await ui.until_has("first letter or enter takes")
    await ui.press(task[0])
    await ui.until_has(f"Generate: {task}")


async def say(ui: Ui, words: str) -> None:
    """Write the instruction."""
    await ui.press("i")
    await ui.until(lambda: isinstance(ui.app.focused, TextArea), "the instruction's focus")
    await ui.type(words)


async def find(ui: Ui, letters: str) -> None:
    """Add the path that these letters find first."""
    await ui.press("ctrl+o")
    await ui.until_has("tab mark")
    await ui.type(letters)
    await ui.press("tab", "enter")


async def give(ui: Ui, key: str, command: str) -> None:
    """Give a command, with the key that asks for it."""
    await ui.press(key)
    await ui.until_has("a shell command; none if empty")
    await ui.type(command)
    await ui.press("enter")


async def set_options(ui: Ui, *values: str) -> None:
    """Type what each option is, in their order, and take them."""
    await ui.press("o")
    await ui.until_has("→ completes")
    for value in values:
        await ui.type(value)
        await ui.press("tab")
    await ui.press("enter")


async def write(ui: Ui, words: str = "add should add", *paths: str) -> None:
    """Compose and have it written."""
    await say(ui, words)
    for path in paths:
        await find(ui, path)
    await ui.press("ctrl+g")
