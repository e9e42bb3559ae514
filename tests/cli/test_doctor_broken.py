"""`maw doctor` on set-ups that are broken on this machine: for each it names the cause and the remedy."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from maw import paths
from maw.checks.node import node_checks
from tests.cli.test_doctor import NOWHERE, found
from tests.engine.ggufs import gguf, write
from tests.fixtures.cli import Maw
from tests.fixtures.git import Repository, refs_in_a_reftable
from tests.fixtures.runner import RunnerProcess


@pytest.fixture(autouse=True)
def no_runner_left() -> Iterator[None]:
    """The doctor starts a runner where there is none."""
    yield
    subprocess.run([sys.executable, "-m", "maw_remote", "stop"], capture_output=True, check=False, timeout=60)


def told(maw: Maw, what: str, state: str, *arguments: str, cwd: Path | None = None, **env: str) -> tuple[str, str]:
    """What the doctor found there, in that state, and how to mend it."""
    done = maw("doctor", *(arguments or ("--offline",)), "--json", **({"cwd": cwd} if cwd else {}), **env)
    check = found(done, what)
    assert check["state"] == state
    assert done.code == (1 if state == "fail" else done.code)
    return check["found"], check["mend"] or ""


# Hooks


def test_stub_whose_python_is_gone(maw: Maw, repo: Repository) -> None:
    maw("init", "--yes", cwd=repo.path, **NOWHERE)
    hook = repo.path / ".git/hooks/pre-commit"
    hook.write_text(hook.read_text().replace(sys.executable, "/opt/gone/bin/python3"))
    said, mend = told(maw, "pre-commit hook", "fail", cwd=repo.path)
    assert "/opt/gone/bin/python3" in said and "maw hooks install" in mend


def test_hook_that_another_tool_put_in_its_place(maw: Maw, repo: Repository) -> None:
    maw("init", "--yes", cwd=repo.path, **NOWHERE)
    hook = repo.path / ".git/hooks/pre-commit"
    hook.unlink()
    hook.write_text("#!/bin/sh\nexec lefthook run pre-commit\n")
    hook.chmod(0o755)
    said, mend = told(maw, "pre-commit hook", "warn", cwd=repo.path)
    assert "foreign" in said and "keeps and runs another program's" in mend


def test_hooks_that_git_looks_for_elsewhere(maw: Maw, repo: Repository, home: Path) -> None:
    maw("init", "--yes", cwd=repo.path, **NOWHERE)
    (home / "hooks").mkdir()
    repo.git("config", "--global", "core.hooksPath", str(home / "hooks"))
    said, mend = told(maw, "core.hooksPath", "warn", cwd=repo.path)
    assert str(home / "hooks") in said and str(home / ".gitconfig") in said
    assert "git config core.hooksPath .git/hooks" in mend
    repo.git("config", "core.hooksPath", ".git/hooks")
    assert "core.hooksPath" not in maw("doctor", "--offline", cwd=repo.path).out


# Notes


def test_notes_ref_that_points_nowhere(maw: Maw, repo: Repository) -> None:
    repo.commit()
    path = repo.path / ".git/refs/notes/maw/review"
    path.parent.mkdir(parents=True)
    path.write_text("1" * 40 + "\n")
    mend = damaged(maw, repo)
    subprocess.run(mend.split("`")[1], shell=True, check=True, cwd=repo.path)
    assert "damaged" not in maw("doctor", "--offline", cwd=repo.path).out


def test_notes_ref_that_is_garbage(maw: Maw, repo: Repository) -> None:
    repo.commit()
    path = repo.path / ".git/refs/notes/maw/review"
    path.parent.mkdir(parents=True)
    path.write_text("garbage\n")
    mend = damaged(maw, repo)
    subprocess.run(mend.split("`")[1], shell=True, check=True, cwd=repo.path)
    assert "damaged" not in maw("doctor", "--offline", cwd=repo.path).out


def damaged(maw: Maw, repo: Repository) -> str:
    """How to mend the notes' ref, which the doctor names."""
    checks = maw("doctor", "--offline", "--json", cwd=repo.path).json["checks"]
    bad = [check for check in checks if check["what"] == "notes" and check["state"] == "fail"]
    assert len(bad) == 1 and bad[0]["found"] == "refs/notes/maw/review leads to no notes: it is damaged"
    assert "git fetch REMOTE refs/notes/maw/review:refs/notes/maw/review" in bad[0]["mend"]
    return str(bad[0]["mend"])


def test_refs_in_a_reftable(maw: Maw, repo: Repository) -> None:
    refs_in_a_reftable(repo)
    """An older git refuses the repository itself, a newer one leaves it to maw."""
    checks = maw("doctor", "--offline", "--json", cwd=repo.path).json["checks"]
    bad = [check for check in checks if check["state"] == "fail"]
    assert len(bad) == 1 and bad[0]["what"] in ("repository", "notes") and bad[0]["mend"]
    assert "reftable" in bad[0]["found"] or "refstorage" in bad[0]["found"]


# State


class Disk:
    """A small file system where the state directory is."""

    def __init__(self, path: Path, options: str) -> None:
        self.path = path
        path.mkdir(mode=0o700)
        command = ["mount", "-t", "tmpfs", "-o", options, "maw-test", str(path)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"no file system can be mounted here: {done.stderr.strip()}")

    def unmount(self) -> None:
        subprocess.run(["umount", "-l", str(self.path)], check=True)


@pytest.fixture
def full_disk(home: Path) -> Iterator[Path]:
    disk = Disk(home / "state", "size=64k,mode=700")
    (home / "state" / "fill").write_bytes(b"x" * 48 * 1024)
    with open(home / "state" / "fill", "ab", buffering=0) as file:
        try:
            while file.write(b"x"):
                pass
        except OSError:
            pass
    yield disk.path
    disk.unmount()


@pytest.fixture
def read_only(home: Path) -> Iterator[Path]:
    disk = Disk(home / "state", "size=64k,mode=700,ro")
    yield disk.path
    disk.unmount()


def test_disk_that_is_full(maw: Maw, full_disk: Path) -> None:
    said, mend = told(maw, "disk", "fail")
    assert "full: 0 B free" in said and "free some space" in mend


def test_state_that_cannot_be_written(maw: Maw, read_only: Path) -> None:
    said, mend = told(maw, "state", "fail")
    assert "cannot be written: Read-only file system" in said and "mount that file system writable" in mend


def test_state_that_others_may_enter(maw: Maw, home: Path) -> None:
    (home / "state" / "runner").mkdir(parents=True, mode=0o755)
    said, mend = told(maw, "state", "fail")
    assert "others may read" in said and mend == f"chmod -R go= {home / 'state'}"


# The runner of this machine


def test_socket_of_a_dead_runner_is_no_trouble(maw: Maw, runner: RunnerProcess) -> None:
    """It is there after kill -9; whoever needs a runner starts one in its place."""
    runner.kill()
    assert os.path.exists(paths.runner_socket())
    done = maw("doctor", "--node", "local", "--json")
    assert found(done, "node local")["state"] == "ok"


def test_runner_that_hangs(runner: RunnerProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("maw.checks.node.TIMEOUT", 1.0)
    os.kill(runner.pid, signal.SIGSTOP)
    check = list(node_checks("local"))[-1]
    assert check.state == "fail" and f"the runner (pid {runner.pid}) is there, and does not answer" in check.found
    assert f"kill -9 {runner.pid}" in (check.mend or "")


def test_something_else_at_the_runners_socket(maw: Maw, home: Path) -> None:
    pytest.importorskip("litestar", reason="a runner needs the runner extra")
    paths.make_private_dir(paths.runner_dir())
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(paths.runner_socket())
        listener.listen()
        (home / "state" / "runner").chmod(0o700)
        os.unlink(paths.runner_socket())
        os.mkdir(paths.runner_socket())
        said, mend = told(maw, "node local", "fail", "--node", "local")
    assert "runner.sock" in said and mend


def test_model_file_that_was_cut_off(maw: Maw, home: Path) -> None:
    pytest.importorskip("litestar", reason="a runner needs the runner extra")
    (home / "config.toml").write_text('roles.manager = "tiny"\n')
    whole = gguf(size=1 << 16)
    file = write(home / "tiny.gguf", whole)
    assert maw("model", "pull", "tiny", "--from", f"path:{file}").code == 0
    file.write_bytes(whole[: len(whole) // 2])
    said, mend = told(maw, "model tiny", "fail", "--node", "local")
    assert str(file) in said and "truncated" in said
    assert "maw model pull tiny" in mend


def test_model_that_is_missing(maw: Maw, home: Path) -> None:
    pytest.importorskip("litestar", reason="a runner needs the runner extra")
    said, mend = told(maw, "model mistral-7b-instruct-v0.3", "fail", "--node", "local")
    assert "not installed there" in said and "maw model pull" in mend
