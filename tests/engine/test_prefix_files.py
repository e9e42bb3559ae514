"""Snapshots of prefixes on the disk: whole or not there, and never more than their limit."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maw_remote.engine import prefixes, snapshots
from maw_remote.engine.interface import Message
from maw_remote.engine.prefixes import PrefixStore

KEY = snapshots.key([1, 2, 3], "model", "f16")
STATE = bytes(range(256)) * 40


def test_what_was_written_is_read(tmp_path: Path) -> None:
    file = str(tmp_path / "a")
    snapshots.write(file, KEY, 3, STATE)
    found = snapshots.read(file, KEY)
    assert (found.tokens, bytes(found.state)) == (3, STATE)
    assert os.stat(file).st_mode & 0o077 == 0
    snapshots.write(file, KEY, 4, b"")
    assert snapshots.read(file, KEY) == (4, b"")


def test_a_key_tells_all_that_a_state_depends_on() -> None:
    keys = [snapshots.key([1, 2], "a", "b"), snapshots.key([1, 2], "ab", ""), snapshots.key([2, 1], "a", "b"),
            snapshots.key([1], "a", "b"), snapshots.key([1, 2], "a")]  # fmt: skip
    assert len(set(keys)) == len(keys)
    assert len(keys[0]) == snapshots.KEY_BYTES


def test_another_prefixs_snapshot_is_not_taken(tmp_path: Path) -> None:
    snapshots.write(str(tmp_path / "a"), KEY, 3, STATE)
    with pytest.raises(snapshots.BadSnapshot, match="another prefix"):
        snapshots.read(str(tmp_path / "a"), snapshots.key([1, 2, 4], "model", "f16"))


@given(st.data())
def test_no_damage_goes_unnoticed(data: st.DataObject) -> None:
    directory = Path(os.environ["MAW_STATE_DIR"])
    directory.mkdir(parents=True, exist_ok=True)
    file = directory / "damaged"
    snapshots.write(str(file), KEY, 3, STATE[:999])
    whole = file.read_bytes()
    at = data.draw(st.integers(0, len(whole) - 1))
    if data.draw(st.booleans()):
        file.write_bytes(whole[:at] + bytes([whole[at] ^ data.draw(st.integers(1, 255))]) + whole[at + 1 :])
    else:
        file.write_bytes(whole[:at])
    with pytest.raises(snapshots.BadSnapshot):
        snapshots.read(str(file), KEY)


def test_a_full_disk_leaves_what_was_there(tmp_path: Path) -> None:
    """A limit on file sizes stands for the disk: the write fails in the middle, as it would there."""
    file = tmp_path / "a"
    snapshots.write(str(file), KEY, 3, STATE)
    program = (
        "import resource, signal, sys; from maw_remote.engine import snapshots\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))\n"
        "try: snapshots.write(sys.argv[1], snapshots.key([9]), 3, bytes(100_000))\n"
        "except OSError as exc: print(exc.filename)\n"
    )
    done = subprocess.run([sys.executable, "-c", program, str(file)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(file)
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert bytes(snapshots.read(str(file), KEY).state) == STATE


def test_the_least_recently_used_prefixes_leave(tmp_path: Path) -> None:
    store = PrefixStore(str(tmp_path / "prefixes"), limit=2500)
    for number in range(3):
        place = store.place(f"p{number}")
        assert place.load is None and place.save is not None
        Path(place.save).write_bytes(bytes(1000))
        os.utime(place.save, (number, number))
    assert store.place("p0").load is not None  # p0 was asked for again, so p1 is the oldest
    assert store.trim() == 1
    assert [store.place(f"p{number}").load is not None for number in range(3)] == [True, False, True]
    assert store.usage() == (2000, 2)


def test_a_half_written_file_goes_once_nobody_can_be_writing_it(tmp_path: Path) -> None:
    store = PrefixStore(str(tmp_path), limit=1000)
    young, old = tmp_path / "a.prefix.1.tmp", tmp_path / "b.prefix.2.tmp"
    for path in (young, old):
        path.write_bytes(b"x")
    os.utime(old, (1, 1))
    store.trim()
    assert young.exists() and not old.exists()
    assert store.usage() == (0, 0)


def test_a_damaged_prefix_is_removed_and_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    store = PrefixStore(str(tmp_path), limit=1000)
    (tmp_path / "a.prefix").write_bytes(b"nonsense")
    store.discard(store.place("a"))
    assert "damaged" in caplog.text
    assert store.place("a").load is None


def test_without_a_limit_nothing_is_kept(tmp_path: Path) -> None:
    assert PrefixStore(str(tmp_path / "none"), limit=0).place("a") == (None, None)
    assert not (tmp_path / "none").exists()


def test_a_prefix_is_named_by_what_determines_it() -> None:
    rules = [Message("system", "rules")]
    names = {prefixes.key("m", rules), prefixes.key("n", rules), prefixes.key("m", [Message("user", "rules")])}
    assert len(names) == 3
    assert prefixes.key("m", rules) == prefixes.key("m", [Message("system", "rules")])
