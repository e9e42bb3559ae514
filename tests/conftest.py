"""Every test runs in a home of its own: no test can touch the user's configuration, keys or repositories."""

pytest_plugins = [
    "tests.fixtures.home",
    "tests.fixtures.git",
    "tests.fixtures.attendant",
    "tests.fixtures.fake_runner",
    "tests.fixtures.cli",
    "tests.fixtures.ssh",
    "tests.fixtures.runner",
    "tests.fixtures.model",
]
