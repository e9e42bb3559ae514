"""The installation is replaced below a runner: it goes on with what it has, and says what it takes."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from maw_remote.engine.interface import EngineError
from maw_remote.engine.process import WorkerProcess
from maw_remote.engine.turns import Turns

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
import shutil, sys
from maw.config.load import load
from maw_remote.engine.local import make_engine
from maw_remote.jobs.registry import make_jobs
import maw_remote
from maw_remote.runner.identity import Hello

assert maw_remote.__file__.startswith(sys.argv[1]), maw_remote.__file__
config = load()
engine, jobs = make_engine(config), make_jobs(config)
models = {"manager": "m", "generator": "g"}
hello = Hello(sys.argv[2], jobs, engine, models)
hello.refresh()
before = [model.name for model in engine.models()]
shutil.rmtree(sys.argv[1])
hello.refresh()
for job in jobs.values():
    job.configure(config)
assert [model.name for model in engine.models()] == before
"""


def test_what_the_runner_needs_all_the_time_is_read_once(home: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    for package in (ROOT / "maw", ROOT / "remote" / "maw_remote"):
        shutil.copytree(package, site / package.name, ignore=shutil.ignore_patterns("__pycache__"))
    command = [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(site)!r})\n{PROGRAM}", str(site), str(home)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=home, timeout=60)
    assert done.returncode == 0, done.stderr


def test_a_python_that_is_gone_is_told_with_what_mends_it(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "gone" / "python"))

    async def work() -> None:
        worker = WorkerProcess("m", {}, turns=Turns())
        with pytest.raises(EngineError, match="Python is gone") as caught:
            await worker.start()
        assert "maw-runner restart" in str(caught.value.hint) and not caught.value.retry

    asyncio.run(work())
