"""The file in which the runner keeps what was said about units."""

from __future__ import annotations

import logging
import os
import sqlite3
import stat
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from maw_remote.jobs.review.cache import Cache
from tests.fixtures.clock import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock(1000.0)


@pytest.fixture
def path(home: Path) -> Path:
    return home / "units.db"


@pytest.fixture
def cache(path: Path, clock: Clock) -> Iterator[Cache]:
    cache = Cache(str(path), age=100.0, clock=clock)
    yield cache
    cache.close()


def test_what_was_kept_is_known_and_nothing_else(cache: Cache, path: Path) -> None:
    cache.keep("a", b"1")
    cache.keep("b", b"2")
    assert cache.known(["a", "b", "c"]) == {"a": b"1", "b": b"2"}
    assert cache.known([]) == {}
    cache.keep("a", b"3")
    cache.close()
    assert cache.known(["a"]) == {"a": b"3"}
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600


def test_who_wants_it_fresh_gets_nothing_from_before(cache: Cache, clock: Clock) -> None:
    cache.keep("a", b"1")
    clock.now += 5
    assert cache.known(["a"], since=clock.now) == {}
    cache.keep("a", b"2")
    assert cache.known(["a"], since=clock.now) == {"a": b"2"}


def test_what_nobody_asked_for_in_time_is_dropped(cache: Cache, clock: Clock) -> None:
    cache.keep("old", b"1")
    cache.keep("asked", b"2")
    clock.now += 99
    cache.known(["asked"])
    clock.now += 2
    cache.close()
    assert cache.known(["old", "asked"]) == {"asked": b"2"}


def test_the_longest_unused_go_first_when_it_is_too_much(path: Path, clock: Clock) -> None:
    cache = Cache(str(path), age=1e9, size=3 * 1300, clock=clock)
    for name in "abcd":
        clock.now += 1
        cache.keep(name, b"x" * 1000)
    clock.now += 1
    cache.known(["a"])
    cache.close()
    assert set(cache.known(list("abcd"))) == {"a", "c", "d"}
    cache.close()


@pytest.mark.parametrize("content", [b"no database at all " * 100, b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_broken_file_is_replaced(cache: Cache, path: Path, content: bytes, caplog: pytest.LogCaptureFixture) -> None:
    path.write_bytes(content)
    with caplog.at_level(logging.WARNING):
        assert cache.known(["a"]) == {}
    assert str(path) in caplog.records[0].__dict__["file"]
    cache.keep("a", b"1")
    assert cache.known(["a"]) == {"a": b"1"}


def test_a_file_of_another_version_begins_anew(cache: Cache, path: Path) -> None:
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("CREATE TABLE unit (something TEXT)")
        db.execute("PRAGMA user_version = 7")
    cache.keep("a", b"1")
    assert cache.known(["a"]) == {"a": b"1"}


def test_where_there_can_be_no_file_a_review_goes_on_without(home: Path, caplog: pytest.LogCaptureFixture) -> None:
    (home / "file").write_text("in the way")
    cache = Cache(str(home / "file" / "units.db"), age=1.0)
    with caplog.at_level(logging.WARNING):
        cache.keep("a", b"1")
        assert cache.known(["a"]) == {}
        cache.close()
    assert len(caplog.records) == 3


def test_many_threads_and_two_reviews_at_once(path: Path, cache: Cache, clock: Clock) -> None:
    other = Cache(str(path), age=100.0, clock=clock)

    def work(mine: Cache, name: str) -> None:
        for number in range(40):
            mine.keep(f"{name}{number}", name.encode())
            mine.known([f"{name}{number}"])

    threads = [
        threading.Thread(target=work, args=(mine, name)) for mine, name in ((cache, "a"), (cache, "b"), (other, "c"))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    keys = [f"{name}{number}" for name in "abc" for number in range(40)]
    assert len(cache.known(keys)) == len(other.known(keys)) == 120
    other.close()
