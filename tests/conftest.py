"""Every test runs in a home of its own: no test can touch the user's configuration, keys or repositories."""

import importlib.util

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
]

# Without the runner extra (an Air's install, whose lowest versions CI tries) what needs it is left out.
if importlib.util.find_spec("litestar") is None:
    collect_ignore = ["engine", "faults", "runner"]
