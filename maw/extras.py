"""How to add one of maw's extras (pyproject.toml) to an installation. Standard library only (hook path)."""

from __future__ import annotations

import re

_NEEDED = re.compile(r"([A-Za-z0-9._-]+).*;.*\bextra *== *['\"]([a-z-]+)['\"]")


def how_to_add(extra: str) -> str:
    """A hint. maw is installed from a clone: no package index has it, so its name alone installs nothing.

    It names the extras that are there along with the missing one: uv and pipx make an installation anew, with what they
    are told and nothing else.
    """
    known = _extras()
    wanted = [name for name in known if name == extra or _is_there(known[name])]
    names = "all" if len(wanted) == len(known) > 1 else ",".join(wanted or [extra])
    return (
        f"in the clone that maw was installed from: `uv tool install --force '.[{names}]'`, "
        f"`pipx install --force '.[{names}]'`, or `pip install '.[{names}]'` in maw's environment"
    )


def _extras() -> dict[str, set[str]]:
    """Each extra and the distributions it consists of; without those that hold a whole other one (`all`, `dev`)."""
    from importlib.metadata import PackageNotFoundError, requires  # 20 ms that only a hint costs

    found: dict[str, set[str]] = {}
    try:
        lines = requires("git-maw") or []
    except PackageNotFoundError:  # run from a clone that was never installed
        return {}
    for match in filter(None, map(_NEEDED.match, lines)):
        found.setdefault(match[2], set()).add(match[1])
    return {extra: names for extra, names in found.items() if not any(other < names for other in found.values())}


def _is_there(names: set[str]) -> bool:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return all(version(name) is not None for name in names)
    except PackageNotFoundError:
        return False
