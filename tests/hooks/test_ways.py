"""Every way of committing, gone with real git, the installed hooks and a real runner: what ran, what was sent, what was
recorded. ways.py has them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fixtures.attendant import stop_attendant
from tests.fixtures.home import enter, new_home, processes_of
from tests.fixtures.runner import RunnerProcess
from tests.hooks import ways
from tests.hooks.place import Place
from tests.hooks.ways import Way


@pytest.fixture(scope="module")
def shared_home() -> Iterator[Path]:
    """One home for all ways, with a runner and, from the first commit on, an attendant: starting them costs more than
    a commit."""
    pytest.importorskip("uvicorn", reason="a runner needs the runner extra")
    with new_home() as path, pytest.MonkeyPatch.context() as patch:
        enter(path, patch)
        (path / "config.toml").write_text('node = "local"\n')
        runner = RunnerProcess("tests.hooks.reviewer").start()
        yield path
        stop_attendant()
        runner.stop()
        assert not processes_of(path)


@pytest.fixture
def place(shared_home: Path, home: Path) -> Iterator[Place]:
    """What goes with a way lies in the test's own home."""
    with pytest.MonkeyPatch.context() as patch:
        enter(shared_home, patch)
        yield Place.made(home)


@pytest.mark.parametrize("way", ways.WAYS, ids=lambda way: way.go.__name__)
def test_a_way_of_committing(way: Way, place: Place) -> None:
    looked_at = way.go(place) or place
    assert looked_at.seen() == way.seen


def test_the_table_in_the_docs_is_this_one() -> None:
    page = ways.PAGE.read_text(encoding="utf-8")
    assert ways.written(page) == page, "`make docs` writes it"
