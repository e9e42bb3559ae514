"""Files are whole or not there; locks end with their process."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from maw import files


def test_write_replaces_and_is_private(tmp_path: Path) -> None:
    path = str(tmp_path / "file")
    for content in (b"one", b"", b"three" * 10000):
        files.write_atomic(path, content, durable=True)
        assert files.read_optional(path) == content
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    assert os.listdir(tmp_path) == ["file"]


def test_threads_that_write_the_same_file(tmp_path: Path) -> None:
    path = str(tmp_path / "file")
    whole = {bytes([letter]) * 5000 for letter in b"abcd"}

    def written(content: bytes) -> bool:
        files.write_atomic(path, content)
        return files.read_optional(path) in whole

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(written, [*whole] * 300))


def test_a_failed_write_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(IsADirectoryError):
        files.write_atomic(str(tmp_path / "folder"), b"x")
    assert os.listdir(tmp_path) == ["folder"]
    with pytest.raises(FileNotFoundError):
        files.write_atomic(str(tmp_path / "no" / "file"), b"x")


def test_a_planted_link_is_not_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("kept")
    (tmp_path / f"file.{threading.get_native_id()}.tmp").symlink_to(victim)
    with pytest.raises(OSError, match="symbolic links"):
        files.write_atomic(str(tmp_path / "file"), b"x")
    assert victim.read_text() == "kept"


def test_what_is_not_there_is_none(tmp_path: Path) -> None:
    assert files.read_optional(str(tmp_path / "no")) is None


def test_one_holder_at_a_time(tmp_path: Path) -> None:
    path = str(tmp_path / "lock")
    with files.lock(path):
        assert files.try_lock(path) is None
        with pytest.raises(TimeoutError, match="held by another process"), files.lock(path, timeout=0.05):
            pass
    fd = files.try_lock(path)
    assert fd is not None
    os.close(fd)


def test_a_killed_holder_lets_go(tmp_path: Path) -> None:
    path = str(tmp_path / "lock")
    program = "import sys,time; from maw import files; files.try_lock(sys.argv[1]); print(flush=True); time.sleep(600)"
    holder = subprocess.Popen([sys.executable, "-c", program, path], stdout=subprocess.PIPE)
    assert holder.stdout and holder.stdout.readline()
    assert files.try_lock(path) is None
    holder.kill()
    holder.wait()
    holder.stdout.close()
    fd = files.try_lock(path)
    assert fd is not None
    os.close(fd)


def test_what_is_durable_is_synced_before_it_is_relied_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The content before it gets its name, the name before we go on."""
    path = tmp_path / "file"
    seen: list[tuple[str, bool]] = []
    sync = os.fsync

    def spy(fd: int) -> None:
        kind = "directory" if os.path.samestat(os.fstat(fd), os.stat(tmp_path)) else "content"
        seen.append((kind, path.exists()))
        sync(fd)

    monkeypatch.setattr(os, "fsync", spy)
    files.write_atomic(str(path), b"x")
    assert seen == []
    path.unlink()
    files.write_atomic(str(path), b"x", durable=True)
    assert seen == [("content", False), ("directory", True)]
