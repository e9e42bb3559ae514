"""Prompts are files: prompts/NAME.md in the package of the job that asks with them."""

from __future__ import annotations

import importlib.resources
from functools import cache


@cache
def load(package: str, name: str) -> str:
    """The text of the package's prompts/NAME.md."""
    return importlib.resources.files(package).joinpath("prompts", f"{name}.md").read_text("utf-8")
