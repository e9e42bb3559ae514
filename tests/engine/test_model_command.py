"""`maw model` against a real runner, whose models are small files made by hand or the embedded one."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from maw import client, reach
from tests.engine.ggufs import gguf, write
from tests.fixtures.cli import Maw
from tests.fixtures.model import NAME, EmbeddedModel
from tests.fixtures.waiting import eventually
from tests.review_job.changes import patch, payload

pytest.importorskip("litestar")
psutil = pytest.importorskip("psutil")


@pytest.fixture
def real_runner(home: Path) -> Iterator[None]:
    """A runner as `maw-runner start` starts it."""
    subprocess.run([sys.executable, "-m", "maw_remote", "start"], check=True, timeout=30, capture_output=True)
    yield
    subprocess.run([sys.executable, "-m", "maw_remote", "stop"], check=True, timeout=30, capture_output=True)


def test_a_file_is_pulled_listed_found_and_forgotten(real_runner: None, home: Path, maw: Maw) -> None:
    file = write(home / "tiny.gguf", gguf())
    pulled = maw("model", "pull", "tiny", "--from", "tiny.gguf", "--json")
    assert pulled.code == 0
    assert pulled.json["model"]["path"] == str(file)
    assert "\r" not in pulled.err  # no progress line where nobody watches
    listed = maw("model", "list")
    assert "tiny" in listed.out
    assert "installed" in listed.out
    (found,) = [model for model in maw("model", "list", "--json").json["models"] if model["name"] == "tiny"]
    assert (found["state"], found["bytes"], found["context"]) == ("installed", file.stat().st_size, 128)
    assert maw("model", "path", "tiny").out == f"{file}\n"
    removed = maw("model", "rm", "tiny", "--json").json
    assert (removed["v"], removed["deleted"]) == (1, False)
    assert file.exists()
    assert maw("model", "path", "tiny").code == 2


def test_what_cannot_be_done_says_what_to_do(real_runner: None, home: Path, maw: Maw) -> None:
    assert "not a GGUF" in maw("model", "pull", "x", "--from", write(home / "x.gguf", b"PK").as_posix()).err
    assert "no such file" in maw("model", "pull", "x", "--from", "path:/nowhere.gguf").err
    assert "not a source" in maw("model", "pull", "x", "--from", "ftp:x").err
    assert "not a model's name" in maw("model", "pull", "X", "--from", "path:/x.gguf").err
    assert "no model called" in maw("model", "rm", "nothing").err
    assert "maw model pull phi-4-mini-instruct" in maw("model", "load", "phi-4-mini-instruct").err
    assert maw("model", "list").err == "phi-4-mini-instruct is not on this node\n"  # its name once
    assert "models.toml" in maw_with_broken_catalogue(home, maw).err


def maw_with_broken_catalogue(home: Path, maw: Maw):  # type: ignore[no-untyped-def]
    (home / "models.toml").write_text("[models.a")
    ran = maw("model", "list")
    (home / "models.toml").unlink()
    return ran


@pytest.mark.model
def test_ps_tells_who_holds_how_much_and_who_left_why(
    embedded_model: EmbeddedModel, real_runner: None, maw: Maw
) -> None:
    assert "no model is loaded" in maw("model", "ps").out
    assert maw("model", "load", NAME, "--keep-alive", "1h").code == 0
    told = maw("model", "ps").out
    assert NAME in told and re.search(r"in (1h|\d\dm)$", told, re.MULTILINE)  # some time has passed already
    assert "held" in told and "free of" in told
    ledger = maw("model", "ps", "--json").json
    (held,) = ledger["models"]
    assert (ledger["v"], held["model"], held["state"]) == (1, NAME, "loaded")
    assert held["bytes"] == sum(held["parts"].values()) == ledger["held"]
    assert ledger["held"] + ledger["free"] == ledger["budget"]["total"]
    maw("model", "pin", NAME)
    assert "pinned" in maw("model", "ps").out
    maw("model", "pin", NAME, "--off")
    maw("model", "load", NAME, "--keep-alive", "0s")
    assert "idled for as long as it is kept" in eventually(lambda: maw("model", "ps").out, lambda out: "left:" in out)
    assert maw("model", "load", NAME, "--keep-alive", "soon").code == 2


def test_the_pulls_stream_ends_with_what_came_of_it(real_runner: None, home: Path) -> None:
    file = write(home / "tiny.gguf", gguf(size=8 << 20))
    body = {"v": 1, "source": f"path:{file}"}
    events = list(client.follow(reach.LOCAL, "POST", "/api/v1/models/tiny/pull", body))
    assert [event.type for event in events[:-1]] == ["progress"] * (len(events) - 1)
    assert events[-1].type == "done"
    assert all(event.data["v"] == 1 for event in events)
    assert len({event.id for event in events}) == len(events)


@pytest.mark.model
def test_a_model_is_loaded_pinned_and_unloaded(embedded_model: EmbeddedModel, real_runner: None, maw: Maw) -> None:
    loaded = maw("model", "load", NAME, "--json").json
    assert (loaded["state"], loaded["roles"]) == ("loaded", ["manager", "generator"])
    assert loaded["memory"] > 80_000_000
    assert maw("model", "pin", NAME, "--json").json["pinned"] is True
    assert "pinned" in maw("model", "list").out
    assert "pinned" not in maw("model", "pin", NAME, "--off", "--json").json
    assert maw("model", "unload", NAME, "--json").json["state"] == "installed"
    assert maw("model", "rm", NAME).code == 0
    assert embedded_model.path.exists()


@pytest.mark.model
def test_an_installed_model_that_is_loaded_can_be_removed(
    embedded_model: EmbeddedModel, real_runner: None, maw: Maw
) -> None:
    maw("model", "load", NAME)
    assert maw("model", "rm", NAME).code == 0
    (listed,) = [model for model in maw("model", "list", "--json").json["models"] if model["name"] == NAME]
    assert listed["state"] == "available"


@pytest.mark.model
def test_a_worker_does_not_outlive_a_runner_that_is_killed(
    embedded_model: EmbeddedModel, real_runner: None, maw: Maw
) -> None:
    worker = psutil.Process(maw("model", "load", NAME, "--json").json["pid"])
    runner = client.request(reach.LOCAL, "GET", "/api/v1/status")["pid"]
    os.kill(runner, signal.SIGKILL)
    eventually(lambda: not worker.is_running() or worker.status() == psutil.STATUS_ZOMBIE)


@pytest.mark.slow
@pytest.mark.model
def test_a_task_whose_worker_is_killed_is_done_at_the_next_attempt(
    embedded_model: EmbeddedModel, real_runner: None
) -> None:
    request = {"kind": "review", "payload": payload(patch("a.py", [b"x = 1 / 0"]))}
    task = client.submit(reach.LOCAL, request)
    kinds, killed, attempts = [], False, set()
    for event in client.events(reach.LOCAL, task["id"]):
        kinds.append(event.type)
        if event.type == "unit" and not killed:
            killed = True
            models = client.request(reach.LOCAL, "GET", "/api/v1/models")["models"]
            os.kill(next(model["pid"] for model in models if model["name"] == NAME), signal.SIGKILL)
        if event.type in ("started", "restarted"):
            attempts.add(event.data["attempt"])
    assert "restarted" in kinds
    assert kinds[-1] == "done"
    assert attempts == {1, 2}
    assert event.data["result"]["units"] == {"total": 1, "done": 1, "failed": 0, "reused": 0}
    assert client.submit(reach.LOCAL, request)["id"] == task["id"]  # the answer is known now
