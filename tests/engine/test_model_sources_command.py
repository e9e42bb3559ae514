"""`maw model pull|recommend|import` against a real runner, with a hub on this machine and others' stores."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from maw import client, paths, reach
from tests.engine.ggufs import gguf, write
from tests.fixtures.cli import Maw
from tests.fixtures.hub import REPOSITORY, ModelHub
from tests.fixtures.model import NAME, EmbeddedModel
from tests.fixtures.waiting import eventually

pytest.importorskip("litestar")
pytest.importorskip("huggingface_hub")

MODEL = gguf(size=4 << 20)
SHA256 = hashlib.sha256(MODEL).hexdigest()
HUB = f"hf:{REPOSITORY}"


@pytest.fixture
def real_runner(home: Path, model_hub: ModelHub) -> Iterator[None]:
    """A runner as `maw-runner start` starts it, which knows the hub."""
    model_hub.put(MODEL)
    start()
    yield
    subprocess.run([sys.executable, "-m", "maw_remote", "stop"], check=True, timeout=30, capture_output=True)


def start() -> None:
    subprocess.run([sys.executable, "-m", "maw_remote", "start"], check=True, timeout=30, capture_output=True)


def pulling(maw: Maw, name: str = "tiny") -> subprocess.Popen[str]:
    """A pull that runs in a process of its own; some of the file has come."""
    process = subprocess.Popen(
        [sys.executable, "-m", "maw", "model", "pull", name, "--from", HUB], stderr=subprocess.PIPE, text=True
    )
    eventually(lambda: partial(maw, name))
    return process


def partial(maw: Maw, name: str = "tiny") -> int:
    models = client.request(reach.LOCAL, "GET", "/api/v1/models")["models"]
    return next((int(model.get("partial", 0)) for model in models if model["name"] == name), 0)


def test_a_model_comes_from_a_hub_and_says_what_its_checksum_was_compared_with(
    real_runner: None, maw: Maw, model_hub: ModelHub
) -> None:
    pulled = maw("model", "pull", "tiny", "--from", HUB)
    assert pulled.code == 0
    assert f"{SHA256[:16]}… (as the hub says)" in pulled.err
    assert Path(pulled.out.strip()).read_bytes() == MODEL
    assert "nothing to compare it with" in maw("model", "pull", "again", "--from", model_hub.url()).err
    model_hub.behave(token="t")
    failed = maw("model", "pull", "other", "--from", HUB)
    assert failed.code == 2
    assert "hf auth login" in failed.err
    away = maw("model", "pull", "other", "--from", "http://127.0.0.1:9/x.gguf")
    assert (away.code, "(5 tries)" in away.err) == (4, True)


@pytest.mark.slow
def test_two_who_pull_at_once_share_one_download(real_runner: None, maw: Maw, model_hub: ModelHub) -> None:
    model_hub.behave(step=200_000, pause=0.05)
    first, second = pulling(maw), pulling(maw)
    assert (first.wait(60), second.wait(60)) == (0, 0)
    assert len(model_hub.requests("/cdn/")) == 1
    elsewhere = pulling(maw, "one")
    refused = maw("model", "pull", "one", "--from", model_hub.url())
    assert "being pulled from elsewhere" in refused.err
    assert elsewhere.wait(60) == 0
    for process in (first, second, elsewhere):
        process.communicate()


def test_ctrl_c_leaves_the_pull_running_and_cancel_stops_it_and_keeps_the_half(
    real_runner: None, maw: Maw, model_hub: ModelHub
) -> None:
    model_hub.behave(step=20_000, pause=0.05)
    watching = pulling(maw)
    watching.send_signal(signal.SIGINT)
    _, said = watching.communicate(timeout=20)
    assert watching.returncode == 130
    assert "goes on with it" in said
    before = partial(maw)
    eventually(lambda: partial(maw) > before)
    assert maw("model", "pull", "tiny", "--cancel").code == 0
    eventually(lambda: "is not being pulled" in maw("model", "pull", "tiny", "--cancel").err)
    assert partial(maw) > before
    assert "have come" in maw("model", "list").out
    model_hub.behave(pause=0)
    assert maw("model", "pull", "tiny", "--from", HUB).code == 0
    assert "range" in model_hub.requests("/cdn/")[-1]["headers"]


def test_what_a_cancelled_pull_brought_can_be_removed(real_runner: None, maw: Maw, model_hub: ModelHub) -> None:
    model_hub.behave(step=20_000, pause=0.05)
    watching = pulling(maw)
    maw("model", "pull", "tiny", "--cancel")
    _, said = watching.communicate(timeout=20)
    assert watching.returncode == 2
    assert "cancelled" in said
    assert "was not whole" in maw("model", "rm", "tiny").err
    assert partial(maw) == 0


@pytest.mark.slow
def test_a_pull_outlives_a_killed_runner_as_a_half_that_the_next_goes_on_with(
    real_runner: None, maw: Maw, model_hub: ModelHub
) -> None:
    model_hub.behave(step=50_000, pause=0.05)
    watching = pulling(maw)
    os.kill(client.request(reach.LOCAL, "GET", "/api/v1/status")["pid"], signal.SIGKILL)
    watching.communicate(timeout=20)
    half = (Path(paths.model_dir()) / ".pulls" / "tiny" / "model.part").stat().st_size
    assert 0 < half < len(MODEL)
    model_hub.behave(pause=0)
    start()
    pulled = maw("model", "pull", "tiny", "--from", HUB, "--json")
    assert pulled.json["model"]["sha256"] == SHA256
    assert model_hub.requests("/cdn/")[-1]["headers"]["range"].startswith("bytes=")


def test_a_recommendation_says_what_why_and_how(real_runner: None, maw: Maw) -> None:
    told = maw("model", "recommend", "--memory", "8")
    assert told.code == 0
    assert "manager    qwen2.5-coder-7b-instruct: needs about" in told.out
    assert "plays both roles" in told.out
    assert "  maw model pull qwen2.5-coder-7b-instruct\n  maw config set roles.manager qwen2.5-coder" in told.out
    assert "gpt-oss-20b: it thinks" in told.out
    answer = maw("model", "recommend", "--memory", "8", "--json").json
    assert answer["v"] == 1
    assert [choice["role"] for choice in answer["choices"]] == ["manager", "generator"]
    assert all(choice["approximate"] for choice in answer["choices"])
    nothing = maw("model", "recommend", "--memory", "0.5")
    assert (nothing.code, "No model of the catalogue fits" in nothing.out) == (1, True)
    own = maw("model", "recommend", "--json").json["memory"]
    assert 0 < own["budget"] <= own["total"]
    assert maw("model", "recommend", "--memory", "-1").code == 2


@pytest.mark.slow
@pytest.mark.model
def test_others_models_are_adopted_where_they_lie_and_one_of_them_runs(
    real_runner: None, maw: Maw, home: Path, embedded_model_file: EmbeddedModel
) -> None:
    real = embedded_model_file.path
    digest = hashlib.sha256(real.read_bytes()).hexdigest()
    store = home / ".ollama" / "models"
    (store / "blobs").mkdir(parents=True)
    blob = store / "blobs" / f"sha256-{digest}"
    link(real, blob)
    layer = {"mediaType": "application/vnd.ollama.image.model", "digest": f"sha256:{digest}"}
    write(store / "manifests/r/library/smollm2/135m", json.dumps({"layers": [layer]}).encode())
    broken = write(home / ".lmstudio/models/m/r/broken.gguf", b"GGUF" + bytes(99))
    dry = maw("model", "import", "--scan", "--dry-run", "--json").json["models"]
    assert {(one["name"], one["known_as"]) for one in dry} == {("smollm2-135m", None), ("broken", None)}
    done = maw("model", "import", "--scan")
    assert done.code == 0
    assert f"smollm2-135m: known as smollm2-135m, 98.4 MB, llama, ollama, {blob}" in done.out
    assert f"broken: not usable: a GGUF file of version 0; versions 2 and 3 can be read ({broken})" in done.out
    assert maw("model", "path", "smollm2-135m").out == f"{blob}\n"
    assert maw("model", "load", "smollm2-135m", "--json").json["state"] == "loaded"
    maw("model", "rm", "smollm2-135m")
    assert blob.exists()


def link(real: Path, target: Path) -> None:
    try:
        os.link(real, target)
    except OSError:  # another file system
        target.symlink_to(real)


def test_a_file_and_a_folder_are_adopted_by_path(real_runner: None, maw: Maw, home: Path) -> None:
    file = write(home / "m" / "one.gguf", MODEL)
    assert maw("model", "import", "m/one.gguf", "--name", "mine").code == 0
    assert maw("model", "path", "mine").out == f"{file}\n"
    write(home / "m" / "two.gguf", gguf(tensors=2))
    names = {one["name"]: one["known_as"] for one in maw("model", "import", "m", "--json").json["models"]}
    assert names == {"one": "mine", "two": "two"}
    assert "one name was given" in maw("model", "import", "m", "--name", "x").err
    assert "no such file" in maw("model", "import", "m/none.gguf").err
    assert "name a PATH" in maw("model", "import").err
    assert "looked in" in maw("model", "import", "--scan").err
    bad = maw("model", "import", write(home / "bad.gguf", b"no").as_posix())
    assert (bad.code, "not usable" in bad.out) == (1, True)
    assert NAME not in names
