"""A full disk, by small file systems of our own: below the state, a repository, maw's part of it, and the models."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from maw import paths
from maw.errors import ApiError, FatalError
from maw_remote.engine.sources import StoreError
from maw_remote.engine.store import Store
from tests.engine.ggufs import gguf
from tests.faults.conftest import project
from tests.fixtures.attendant import stop_attendant
from tests.fixtures.cli import Maw
from tests.fixtures.fake_runner import FakeRunner
from tests.fixtures.hub import ModelHub
from tests.fixtures.runner import RunnerProcess
from tests.fixtures.ssh import Air
from tests.ssh.helpers import ask

pytestmark = pytest.mark.slow


class Disk:
    """A file system of `size` (as mount's) below `path`."""

    def __init__(self, path: Path, size: str) -> None:
        self.path = path
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._fill = path / "fill"
        command = ["mount", "-t", "tmpfs", "-o", f"size={size},mode=700", "maw-test", str(path)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"no file system can be mounted here: {done.stderr.strip()}")

    def fill(self) -> None:
        with contextlib.suppress(OSError), open(self._fill, "ab", buffering=0) as file:
            for size in (1 << 16, 1 << 12, 1):
                with contextlib.suppress(OSError):
                    while file.write(b"x" * size):
                        pass

    def free(self) -> None:
        self._fill.unlink()

    def unmount(self) -> None:
        subprocess.run(["umount", "-l", str(self.path)], check=True)


MakeDisk = Callable[[Path, str], Disk]


@pytest.fixture
def disk(home: Path) -> Iterator[MakeDisk]:
    made: list[Disk] = []

    def make(path: Path, size: str) -> Disk:
        made.append(Disk(path, size))
        return made[-1]

    yield make
    stop_attendant()
    for one in reversed(made):
        one.unmount()


@pytest.fixture
def user(home: Path) -> None:
    (home / "config.toml").write_text('node = "local"\n')


def one_line(said: str) -> str:
    """The first of the lines that maw said: one for each trouble, perhaps with a hint that is indented."""
    assert all(line.startswith(("maw: ", "     ")) for line in said.splitlines()), said
    assert "None" not in said and "defect" not in said, said
    return said.splitlines()[0]


def half_written(folder: Path) -> list[str]:
    return [str(path) for path in folder.rglob("*.tmp")]


# The repository


def test_no_room_for_what_waits_in_the_repository(
    disk: MakeDisk, home: Path, user: None, fake_runner: FakeRunner
) -> None:
    """The commit passes, reviewed; that its outcome could not be kept is said in a line."""
    work = project(home / "project", fake_runner)
    small = disk(work.path / ".git" / "maw", "64k")
    small.fill()
    commit = work.change()
    assert commit.code == 0
    assert "nothing found" in commit.said
    assert "cannot be kept for the commit's note: No space left on device" in commit.said
    assert "no note was written for this commit" in commit.said
    assert "Traceback" not in commit.said and "None" not in commit.said, commit.said
    assert not half_written(small.path)
    small.free()
    assert work.change().record is not None
    stop_attendant()
    assert len(work.records()) == 1


def test_no_room_for_a_note(disk: MakeDisk, home: Path, user: None, fake_runner: FakeRunner, maw: Maw) -> None:
    """The record waits in the spool; `maw history` says why it stays there, and later writes it."""
    small = disk(home / "project", "8m")
    repository = small.path / "work"
    work = project(repository, fake_runner)
    work.change()
    stop_attendant()
    spool = repository / ".git" / "maw" / "spool"
    (entry,) = spool.glob("*.json")
    work.git("update-ref", "-d", "refs/notes/maw/review")
    small.fill()
    said = maw("history", cwd=repository)
    assert said.code != 0, said
    assert "pace" in one_line(said.err), said.err
    assert entry.exists()
    assert work.git("notes", "--ref=maw/review", "show", "HEAD").returncode != 0
    small.free()
    assert maw("history", cwd=repository).code == 0
    note = json.loads(work.out("notes", "--ref=maw/review", "show", "HEAD"))
    assert note["status"] == "reviewed"
    assert not half_written(repository / ".git")
    assert work.git("fsck", "--strict").returncode == 0


def test_git_itself_has_no_room(disk: MakeDisk, home: Path, user: None, fake_runner: FakeRunner) -> None:
    small = disk(home / "project", "8m")
    work = project(small.path / "work", fake_runner)
    work.write("a.py", "changed = 1\n")
    small.fill()
    done = work.git("commit", "-a", "-m", "change")
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    small.free()
    assert work.change().code == 0
    assert work.git("fsck", "--strict").returncode == 0


# The Air's state


def test_no_room_for_the_state_of_the_air(disk: MakeDisk, home: Path, user: None, maw: Maw) -> None:
    """Hooks keep no state that they need; the attendant's work is done by the next command."""
    small = disk(home / "state", "1m")
    directory = home / "fake"
    directory.mkdir()
    runner = FakeRunner(directory, home / "state" / "runner" / "runner.sock")
    runner.start()
    try:
        work = project(home / "project", runner)
        small.fill()
        commit = work.change()
        assert commit.code == 0 and "nothing found" in commit.said
        assert "Traceback" not in commit.said, commit.said
        assert commit.record is not None and commit.record["status"] == "reviewed"
        assert maw("history", cwd=work.path).code == 0
        assert json.loads(work.out("notes", "--ref=maw/review", "show", "HEAD"))["status"] == "reviewed"
        small.free()
        assert work.change().record is not None
    finally:
        runner.stop()


def test_no_room_for_the_state_of_a_cold_link(disk: MakeDisk, home: Path, served: Air) -> None:
    """It starts all the same: its process id, which it cannot leave, is for those who would stop it by hand."""
    disk(home / "state", "1m").fill()
    assert ask("/echo", b"x", "POST").body == b"x"


# The runner's state


@pytest.fixture
def full(disk: MakeDisk, home: Path) -> Disk:
    return disk(home / "state", "3m")


def test_a_full_disk_takes_no_task_in_and_loses_none(full: Disk, runner_process: RunnerProcess) -> None:
    runner_process.start(heartbeat=0.2)
    waits = runner_process.submit(wait_for="go", echo="waits")["id"]
    runner_process.wait(waits, "running")
    full.fill()
    with pytest.raises(FatalError) as caught:
        runner_process.submit(echo="x" * 200_000)
    assert "full" in caught.value.message and "\n" not in caught.value.message, caught.value.message
    if isinstance(caught.value, ApiError):
        assert (caught.value.status, caught.value.code) == (503, "busy")
    full.free()
    runner_process.release("go")
    _again(runner_process)
    assert runner_process.wait(waits)["result"]["echo"] == "waits"
    assert runner_process.wait(runner_process.submit(echo="later")["id"])["result"]["echo"] == "later"
    ends = [run for run in runner_process.runs() if run[0] == "end" and run[2] == "waits"]
    assert 1 <= len(ends) <= 2


def _again(runner: RunnerProcess) -> None:
    """Where the runner left, the next client starts one; here the test does."""
    assert runner.process is not None
    with contextlib.suppress(subprocess.TimeoutExpired):
        runner.process.wait(1)
    if runner.process.poll() is not None:
        runner.start()


def test_a_runner_cannot_start_on_a_full_disk_and_says_so(full: Disk, maw: Maw) -> None:
    full.fill()
    done = subprocess.run([sys.executable, "-m", "maw_remote", "start"], capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "pace" in one_line(done.stderr) or "full" in one_line(done.stderr), done.stderr
    full.free()
    try:
        again = subprocess.run([sys.executable, "-m", "maw_remote", "start"], capture_output=True, check=False)
        assert again.returncode == 0, again.stderr
    finally:
        subprocess.run([sys.executable, "-m", "maw_remote", "stop"], capture_output=True, check=False)


LOGGER = """
import logging, sys
from maw_remote import logs
logs._SIZE = 20_000
logs.set_up(sys.argv[1], to_stderr=False)
for line in sys.stdin:
    for number in range(200):
        logging.getLogger("test").warning("line %d of a log that is rotated", number)
    print("logged", flush=True)
"""


def test_log_rotation_on_a_full_disk(full: Disk) -> None:
    """Logging goes on when there is room again; nothing waits for it meanwhile, and its files stay bounded."""
    path = full.path / "runner.log"
    with subprocess.Popen(
        [sys.executable, "-c", LOGGER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, text=True,
    ) as process:  # fmt: skip
        assert process.stdin is not None and process.stdout is not None

        def logs() -> None:
            assert process.stdin is not None and process.stdout is not None
            process.stdin.write("go\n")
            process.stdin.flush()
            assert process.stdout.readline() == "logged\n"

        full.fill()
        logs()
        full.free()
        for _ in range(5):
            logs()
    files = sorted(full.path.glob("runner.log*"))
    assert [file.name for file in files] == ["runner.log", "runner.log.1", "runner.log.2", "runner.log.3"]
    assert sum(file.stat().st_size for file in files) <= 4 * 20_000
    assert json.loads(files[0].read_text().splitlines()[-1])["message"].startswith("line 199")


# The models


def test_no_room_for_a_model(disk: MakeDisk, home: Path, model_hub: ModelHub) -> None:
    """The size is compared before; where it was a lie or somebody else takes the room, half a file is no model."""
    model = gguf(size=4 << 20)
    model_hub.put(model)
    small = disk(Path(paths.model_dir()), "3m")
    with pytest.raises(StoreError) as caught:
        Store().pull("tiny", model_hub.url(), lambda *_: None)
    assert caught.value.code == "no_space" and "\n" not in caught.value.message
    assert Store().all_installed() == {}
    assert not list(small.path.glob("*.gguf"))


def test_no_room_for_the_word_that_a_model_is_there(disk: MakeDisk, home: Path) -> None:
    path = home / "model.gguf"
    path.write_bytes(gguf())
    small = disk(Path(paths.model_dir()), "64k")
    small.fill()
    with pytest.raises((StoreError, OSError)) as caught:
        Store().pull("tiny", f"path:{path}", lambda *_: None)
    assert "pace" in str(caught.value), caught.value
    assert Store().all_installed() == {}
    assert not half_written(small.path)
    small.free()
    Store().pull("tiny", f"path:{path}", lambda *_: None)
    assert "tiny" in Store().all_installed()
