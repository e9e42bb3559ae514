"""Install git-maw on a node over the user's own ssh, with uv or pipx, whichever is there."""

from __future__ import annotations

import base64
import os
import re
import shlex
from collections.abc import Callable
from typing import NamedTuple

from maw import __version__
from maw.errors import FatalError
from maw.link import install
from maw.link.target import Target

TIMEOUT = 3600.0  # seconds; llama-cpp-python may have to be compiled
_WHEEL = re.compile(r"git_maw-[A-Za-z0-9_.+-]+\.whl\Z")
_WHEEL_MAX = 64 << 20
_SPEC = re.compile(r"[A-Za-z0-9][\x21-\x7e ]*\Z")

_TOOL = r"""
for tool in "$(command -v uv 2>/dev/null)" "$HOME/.local/bin/uv" "$HOME/.cargo/bin/uv" /opt/homebrew/bin/uv \
  /usr/local/bin/uv "$(command -v pipx 2>/dev/null)" "$HOME/.local/bin/pipx" /opt/homebrew/bin/pipx /usr/local/bin/pipx
do [ -n "$tool" ] && [ -x "$tool" ] && { printf '\nmaw-says:%s\n' "$tool"; exit 0; }; done
printf '\nmaw-says:none\n'
"""

# The wheel comes as text behind the script: a shell may have read on in its stdin already, so it cannot come raw.
_WHEEL_SCRIPT = r"""
umask 077
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
decode() { base64 -d 2>/dev/null || base64 -D; }
decode > "$dir/$wheel" <<'MAW-WHEEL' || exit 1
"""


class Plan(NamedTuple):
    """What will be run there. `argv` has `{wheel}` where the copied wheel's directory goes; `wheel` is a file here."""

    argv: tuple[str, ...]
    wheel: str | None

    def shown(self) -> str:
        """For a person to read before it runs."""
        return shlex.join(self.argv).replace("{wheel}", "/…")


def plan(target: Target, source: str | None) -> Plan:
    """Look for uv and pipx on the node, and say what would be run. `source` is a package spec or a wheel's path here;
    by default the version that runs here. Raises NodeError and FatalError."""
    spec, wheel = _spec(source)
    tool = install.run(target, _TOOL)
    if tool == "none":
        raise FatalError(
            f"{target.host} has neither uv nor pipx",
            hint="install one of them there first (https://docs.astral.sh/uv or https://pipx.pypa.io), "
            "or git-maw[runner] into an environment of your own, and give its maw-runner with --command",
        )
    verb = ("tool", "install") if os.path.basename(tool) == "uv" else ("install",)
    return Plan((tool, *verb, "--force", spec), wheel)


def _spec(source: str | None) -> tuple[str, str | None]:
    if source is None:
        return f"git-maw[runner]=={__version__}", None
    if not source.endswith(".whl"):
        if not _SPEC.match(source):
            raise FatalError(f"not a package: {source!r}", hint="give a spec such as 'git-maw[runner]==0.1.0'")
        return source, None
    name = os.path.basename(source)
    if not _WHEEL.match(name):
        raise FatalError(f"not a wheel of git-maw: {name}", hint="a wheel keeps the name that it was built under")
    if not os.path.isfile(source) or os.path.getsize(source) > _WHEEL_MAX:
        raise FatalError(f"no such wheel: {source}", hint="build one with `python -m build --wheel`")
    return f"git-maw[runner] @ file://{{wheel}}/{name}", source


def carry_out(target: Target, what: Plan, tell: Callable[[str], None]) -> None:
    """Run the plan there; `tell` gets each line it prints. Raises NodeError when it fails."""
    install.run(target, script(what), timeout=TIMEOUT, tell=tell)


def script(what: Plan) -> str:
    """The shell script for `sh -s`."""
    words = " ".join(_word(word) for word in what.argv)
    end = f"{words} </dev/null >&2 || exit 1\nprintf '\\nmaw-says:done\\n'\n"
    if what.wheel is None:
        return end
    with open(what.wheel, "rb") as file:
        text = base64.encodebytes(file.read()).decode("ascii")
    return f"wheel={shlex.quote(os.path.basename(what.wheel))}\n{_WHEEL_SCRIPT.lstrip()}{text}MAW-WHEEL\n{end}"


def _word(word: str) -> str:
    before, hole, after = word.partition("{wheel}")
    return f'{shlex.quote(before)}"$dir"{shlex.quote(after)}' if hole else shlex.quote(word)
