"""Every test runs in a home of its own: no test can touch the user's configuration, keys or repositories."""

import importlib.util
import os
import signal

import pytest
from hypothesis import settings

pytest_plugins = [
    "tests.fixtures.home",
    "tests.fixtures.git",
    "tests.fixtures.attendant",
    "tests.fixtures.fake_runner",
    "tests.fixtures.cli",
    "tests.fixtures.ssh",
    "tests.fixtures.runner",
    "tests.fixtures.model",
    "tests.fixtures.hub",
    "tests.fixtures.grammars",
    "tests.fixtures.openai_server",
    "tests.fixtures.scripted",
]

# Some tests have maw run a project's own pytest, which these options are not for.
os.environ.pop("PYTEST_ADDOPTS", None)

# A shell that runs tests in the background has them ignore Ctrl-C, and nohup SIGHUP; whatever they start would, too.
for number, usual in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, usual)

# Without an extra (an Air's install, whose lowest versions CI tries) what needs it is left out.
collect_ignore = []
if importlib.util.find_spec("litestar") is None:
    collect_ignore += ["engine", "faults", "runner", "v1"]
if importlib.util.find_spec("tree_sitter") is None:
    collect_ignore.append("map")
if importlib.util.find_spec("textual") is None:
    collect_ignore.append("tui")

# How many examples a property is tried with, all of them here. `make test` takes the few; `make test-all` runs
# whatever hypothesis tries a second time, with the many (`-m fuzz --hypothesis-profile many`).
settings.register_profile("few", max_examples=40, deadline=None)
settings.register_profile("many", max_examples=100, deadline=None)  # some minutes for all of them
settings.load_profile("few")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what hypothesis tries out."""
    for item in items:
        if getattr(getattr(item, "function", None), "is_hypothesis_test", False):
            item.add_marker("fuzz")
