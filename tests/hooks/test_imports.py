"""The hook path needs the standard library only, from start to exit."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from maw_hooks import install
from tests.hooks.conftest import Hooked

# Heavy for what they give on this path (measured): everything else of the standard library may come.
_TOO_HEAVY = {
    "argparse",
    "asyncio",
    "dataclasses",
    "hashlib",
    "pathlib",
    "http.client",
    "logging",
    "email",
    "urllib.request",
}
_PROBE = """
import sys
sys.path[:0] = sys.argv[1:3]
import maw_hooks.main
code = maw_hooks.main.main(sys.argv[4:])
with open(sys.argv[3], "w") as file:
    file.write("\\n".join(sys.modules))
sys.exit(code)
"""


def _modules(hooked: Hooked, hook: str, *arguments: str, **environment: str) -> set[str]:
    log = hooked.path / ".git" / "modules-loaded"
    roots = [install._root(install.maw.__file__), install._root(install.maw_hooks.__file__)]
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", _PROBE, *roots, str(log), hook, *arguments], cwd=hooked.path,
        env=os.environ | environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return set(log.read_text().splitlines())


def _check(modules: set[str]) -> None:
    roots = {name.partition(".")[0] for name in modules} - {"__main__"}
    assert roots - set(sys.stdlib_module_names) == {"maw", "maw_hooks"}
    assert modules & _TOO_HEAVY == set()


def test_a_configuration_read_before(hooked: Hooked) -> None:
    hooked.write("a.py", "four = 4\n")
    hooked.ok("add", "-A")
    assert _modules(hooked, "pre-commit") >= {"tomllib", "typing"}
    assert _modules(hooked, "pre-commit") & {"tomllib", "typing"} == set()


def test_nothing_to_do(hooked: Hooked) -> None:
    modules = _modules(hooked, "pre-commit")
    _check(modules)
    assert hooked.runner.submits == []


@pytest.mark.parametrize("configured", [False, True])
def test_a_whole_review_and_its_record(hooked: Hooked, configured: bool) -> None:
    if configured:
        hooked.write(".maw.toml", '[review]\nblock_at = "critical"\n')
    hooked.write("a.py", "four = 4\n")
    hooked.ok("add", "-A")
    _check(_modules(hooked, "pre-commit"))
    assert len(hooked.runner.submits) == 1
    hooked.ok("commit", "-q", "-n", "-m", "change")
    _check(_modules(hooked, "post-commit"))


def test_a_message_suggested_and_checked(hooked: Hooked) -> None:
    """Looking for examples opens a database; nothing else is loaded that a review does without."""
    hooked.write("a.py", "four = 4\n")
    hooked.ok("add", "-A")
    file = hooked.path / ".git" / "COMMIT_EDITMSG"
    file.write_text("\n# a comment\n")
    _check(_modules(hooked, "prepare-commit-msg", str(file)))
    assert [body["kind"] for body in hooked.runner.submits] == ["message"]
    file.write_text("Say " + "very " * 20 + "much\n")
    _check(_modules(hooked, "commit-msg", str(file), MAW_MESSAGE_CHECK="suggest"))


def test_help_and_usage() -> None:
    command = [sys.executable, "-m", "maw_hooks"]
    done = subprocess.run([*command, "--help"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.startswith("usage: maw-hook")) == (0, True)
    done = subprocess.run([*command, "pre-cook"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
