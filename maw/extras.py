"""How to add one of maw's extras (pyproject.toml) to an installation. Standard library only (hook path)."""

from __future__ import annotations


def how_to_add(extra: str) -> str:
    """A hint. maw is installed from a clone: no package index has it, so its name alone installs nothing."""
    return (
        f"in the clone that maw was installed from: `pipx install --force '.[{extra}]'`, "
        f"or `pip install '.[{extra}]'` in maw's environment"
    )
