"""Every way of committing, gone with real git, the installed hooks and a real runner: what ran, what was sent, what was
recorded. ways_*.py have them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from maw_hooks import install
from tests.fixtures.attendant import stop_attendant
from tests.fixtures.home import enter, new_home, processes_of
from tests.fixtures.runner import RunnerProcess
from tests.hooks import table
from tests.hooks.place import Place, Seen
from tests.hooks.way import WAYS, Way


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


def _gone(way: Way, place: Place) -> Seen:
    return (way.go(place) or place).seen()


@pytest.mark.parametrize("way", [way for way in WAYS if not way.under], ids=lambda way: way.go.__name__)
def test_a_way_of_committing(way: Way, place: Place) -> None:
    assert _gone(way, place) == way.seen


def _framed_id(given: Way | str) -> str:
    return given if isinstance(given, str) else given.go.__name__


FRAMED = [(way, framework) for way in WAYS for framework in way.under]


@pytest.mark.slow
@pytest.mark.parametrize(("way", "framework"), FRAMED, ids=_framed_id)
def test_a_way_of_committing_under_a_framework(way: Way, place: Place, framework: str) -> None:
    pytest.importorskip("yaml", reason="the frameworks need the pre-commit extra")
    from tests.hooks import frameworks

    install.uninstall(place.repo)
    (frameworks.configure_lefthook if framework == "lefthook" else frameworks.configure)(place.path)
    place.ok("add", "-A")
    place.ok("commit", "-q", "-m", "framework")
    frameworks.run(framework, place.path, "install")
    assert _gone(way, place) == way.seen


def test_the_table_in_the_docs_is_this_one() -> None:
    page = table.PAGE.read_text(encoding="utf-8")
    assert table.written(page) == page, "`make docs` writes it"
