"""Settings as text: TOML values, durations as people write them, and the commented files that `maw init` writes."""

from __future__ import annotations

import textwrap
from typing import Any

import tomli_w

from maw.config.schema import NAMED, SETTINGS, Setting, amount, amount_or_auto, integer, seconds

_BYTES = (("TB", 10**12), ("GB", 10**9), ("GiB", 1 << 30), ("MB", 10**6), ("MiB", 1 << 20), ("kB", 10**3))
_SECONDS = (("d", 86400.0), ("h", 3600.0), ("m", 60.0), ("s", 1.0), ("ms", 0.001))

_USER_HEAD = """\
# maw: your own settings, for every repository (docs/configuration.md).
# A line that starts with # shows a default. `maw config set KEY VALUE` edits this file and keeps your comments.
"""

_REPOSITORY_HEAD = """\
# maw: how changes to this repository are reviewed (docs/configuration.md).
# What stands here is for everybody who works on it; where the work is sent and which model does it is not
# the repository's business and belongs into each person's own file (`maw config path`).
"""

_REPOSITORY_RULES = """
# What the reviewer should look for, in words, for the files a glob names (default: all):
#[[review.rules]]
#glob = "src/**/*.py"
#text = "Money is Decimal, never float."
"""


_NODES = "# Machines that do the work; `maw node add NAME HOST` writes these tables."
_BACKENDS = """\
# Servers that speak OpenAI's API and may play a role: roles.manager = "ollama/MODEL" (docs/backends.md; runner)."""


def literal(value: Any) -> str:
    """A value as TOML on one line. Raises TypeError for what TOML has no word for."""
    if isinstance(value, list | tuple):
        return "[" + ", ".join(literal(part) for part in value) + "]"
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key_text((name,))} = {literal(part)}" for name, part in value.items()) + " }"
    return tomli_w.dumps({"k": value}).partition("=")[2].strip()


def key_text(path: tuple[str, ...]) -> str:
    """A dotted key as TOML, quoted where it must be."""
    return ".".join(tomli_w.dumps({part: 0}).rpartition(" =")[0] for part in path)


def duration(value: float) -> str:
    """Seconds as the largest whole unit: 1800.0 is '30m'."""
    for unit, size in _SECONDS:
        count = value / size
        if count >= 1 and abs(count - round(count)) < 1e-9:
            return f"{round(count)}{unit}"
    return f"{value:g}s"


def bytes_text(value: int) -> str:
    """Bytes as the largest whole unit: 2_000_000_000 is '2GB'."""
    for unit, size in _BYTES:
        if value and value % size == 0:
            return f"{value // size}{unit}"
    return str(value)


def shown(setting: Setting, value: Any) -> Any:
    """A read value in the form a person would write: durations and amounts as text, tuples as lists."""
    if setting.read is seconds and isinstance(value, float):
        return duration(value)
    if setting.read in (amount, amount_or_auto):
        return "auto" if setting.read is amount_or_auto and not value else bytes_text(value)
    return list(value) if isinstance(value, tuple) else value


def written(setting: Setting, value: object) -> Any:
    """What to put into a file for `value`, which may be text from a command line. Raises ValueError."""
    read = setting.read(value)
    if setting.read is integer or not isinstance(value, str):
        return shown(setting, read) if setting.read is not seconds else value
    if setting.read is seconds:
        return value.strip() if not value.strip().replace(".", "", 1).isdigit() else read
    if setting.read in (amount, amount_or_auto):
        return value.strip()
    return list(read) if isinstance(read, tuple) else read


def initial_text() -> str:
    """A new user's file: every setting with its meaning, its default commented out."""
    return _USER_HEAD + _tables(SETTINGS) + _example("nodes", "pro", _NODES) + _example("backends", "ollama", _BACKENDS)


def initial_repository_text() -> str:
    """A new .maw.toml: the settings a repository is trusted with, commented out."""
    trusted = tuple(setting for setting in SETTINGS if setting.repo and setting.key != "review.rules")
    return _REPOSITORY_HEAD + _tables(trusted) + _REPOSITORY_RULES


def _tables(settings: tuple[Setting, ...]) -> str:
    lines: list[str] = []
    current = ""
    for setting in settings:
        table, _, name = setting.key.rpartition(".")
        if table != current:
            lines += ["", f"[{table}]"]
            current = table
        lines += ["", *textwrap.wrap(setting.help, 116, initial_indent="# ", subsequent_indent="# ")]
        lines.append(_commented_default(name, setting))
    return "\n".join(lines) + "\n"


def _commented_default(name: str, setting: Setting) -> str:
    return f"#{name} = {literal(shown(setting, setting.default))}"


def _example(kind: str, table: str, head: str) -> str:
    lines = ["", head, f"#[{kind}.{table}]"]
    for name, setting in NAMED[kind].items():
        example = shown(setting, setting.default) if setting.default not in (None, "") else "…"
        lines.append(f"#{name} = {literal(example)}".ljust(28) + f"  # {setting.help}")
    return "\n".join(lines) + "\n"
