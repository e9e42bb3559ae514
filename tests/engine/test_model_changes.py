"""Models that come, go, are damaged or given other settings while the engine runs."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from maw import paths
from maw.config.load import load
from tests.engine.asking import STORY, WithEngine, failure, first_piece, gone, stream_of, the_worker
from tests.engine.ggufs import gguf, write
from tests.fixtures.model import NAME, EmbeddedModel

psutil = pytest.importorskip("psutil")
pytestmark = pytest.mark.model


def test_the_state_of_a_model_is_told(embedded_model: EmbeddedModel, with_engine: WithEngine) -> None:
    async def work(engine: Any) -> None:
        before = {model.name: model for model in engine.models()}
        assert (before[NAME].state, before[NAME].roles) == ("installed", ["manager"])
        assert before["phi-4-mini-instruct"].state == "available"
        stream = stream_of(engine, STORY)
        async with aclosing(stream):
            await first_piece(stream)
            model = the_worker(engine)
            assert (model.name, model.busy, model.context) == (NAME, 1, 2048)
            assert model.memory > 80_000_000
        assert the_worker(engine).busy == 0

    with_engine(work, roles=(("manager", NAME),))


def test_unload_ends_the_process_and_the_next_request_starts_another(
    embedded_model: EmbeddedModel, with_engine: WithEngine
) -> None:
    async def work(engine: Any) -> None:
        await engine.load(NAME)
        pid = the_worker(engine).pid
        await engine.unload(NAME)
        assert not psutil.pid_exists(pid)
        assert (await engine.count(NAME, ["x"])) == [1]
        assert the_worker(engine).pid != pid

    with_engine(work)


def test_an_idle_model_leaves_and_a_pinned_one_stays(embedded_model: EmbeddedModel, with_engine: WithEngine) -> None:
    async def work(engine: Any) -> None:
        engine.pin(NAME, True)
        await engine.load(NAME)
        pid = the_worker(engine).pid
        await asyncio.sleep(0.5)
        assert the_worker(engine).pid == pid
        engine.pin(NAME, False)
        await gone(pid)

    with_engine(work, keep_alive=0.1)


def test_a_model_that_is_not_there(embedded_model: EmbeddedModel, with_engine: WithEngine) -> None:
    async def work(engine: Any) -> None:
        error = await failure(engine.load("phi-4-mini-instruct"))
        assert (error.code, error.retry) == ("model_missing", False)
        assert "maw model pull phi-4-mini-instruct" in str(error.hint)
        assert engine.identity("phi-4-mini-instruct") == "missing"
        assert (await failure(engine.load("../../etc/passwd"))).code in ("model_missing", "model_broken")

    with_engine(work)


def test_a_slip_in_the_catalogue_does_not_stop_the_models_that_are_here(
    embedded_model: EmbeddedModel, with_engine: WithEngine
) -> None:
    file = Path(paths.catalogue_file())

    async def work(engine: Any) -> None:
        file.write_text('[models.mine]\nsource = "pypi:mine"\n')
        assert "mine" in {model.name for model in engine.models()}
        file.write_text('[models.mine]\nsauce = "pypi:mine"\n')
        states = {model.name: model.state for model in engine.models()}
        assert (states["mine"], states[NAME]) == ("available", "installed")
        assert await engine.count(NAME, ["one two"]) == [2]
        error = await failure(engine.load("mine"))
        assert (error.code, error.retry) == ("bad_catalogue", False)
        assert str(file) in error.message and "sauce" in error.message
        assert engine.problem == error.message
        file.unlink()
        assert engine.models() and engine.problem is None

    with_engine(work)


def test_a_catalogue_that_was_never_right_leaves_the_shipped_one(home: Path, with_engine: WithEngine) -> None:
    Path(paths.catalogue_file()).write_text("[models")

    async def work(engine: Any) -> None:
        assert NAME in {model.name for model in engine.models()}

    with_engine(work)


@pytest.mark.parametrize("damage", ["gone", "not a GGUF", "truncated", "zero-filled", "no weights behind the header"])
def test_a_model_file_that_was_damaged(
    home: Path, embedded_model_file: EmbeddedModel, with_engine: WithEngine, damage: str
) -> None:
    file = write(home / "m.gguf", gguf())

    def harm() -> None:
        whole = file.read_bytes()
        if damage == "gone":
            file.unlink()
        elif damage == "not a GGUF":
            file.write_bytes(b"PK\3\4" + whole[4:])
        elif damage == "truncated":
            file.write_bytes(whole[: len(whole) // 2])
        elif damage == "zero-filled":
            file.write_bytes(bytes(len(whole)))

    async def work(engine: Any) -> None:
        engine.store.pull("mine", f"path:{file}", lambda *_: None)
        harm()
        error = await failure(engine.load("mine"))
        assert (error.code, error.retry) == ("model_missing" if damage == "gone" else "model_broken", False)
        state = next(model for model in engine.models() if model.name == "mine")
        assert state.state == "broken"
        assert state.error
        assert engine.workers.processes == {}
        if damage == "no weights behind the header":
            assert "error loading model" in error.message  # what llama.cpp says, not only that it failed

    with_engine(work)


def test_identity_follows_the_file_and_never_loads_it(embedded_model: EmbeddedModel, with_engine: WithEngine) -> None:
    async def work(engine: Any) -> None:
        first = engine.identity(NAME)
        assert first.startswith(engine.store.installed(NAME).sha256)
        mine = write(Path(paths.state_dir()) / "m.gguf", gguf())
        engine.store.pull("mine", f"path:{mine}", lambda *_: None)
        before = engine.identity("mine")
        mine.write_bytes(gguf(tensors=2))
        assert engine.identity("mine") not in (before, "missing")
        mine.unlink()
        assert engine.identity("mine") == "missing"
        # Nor are two files one that nobody has pulled or read yet: the answers of one are not the other's.
        files = [write(Path(paths.state_dir()) / f"{name}.gguf", gguf()) for name in ("a", "b")]
        Path(paths.catalogue_file()).write_text("".join(f'[models.{f.stem}]\nsource = "path:{f}"\n' for f in files))
        assert len({engine.identity(name) for name in ("a", "b", "mine")}) == 3
        assert engine.models()
        assert not [model for model in engine.models() if model.state == "loaded"]

    with_engine(work)


def configured(**settings: str | int) -> Any:
    """The configuration with these settings, named as in the file but for _ instead of the dot."""
    lines = [f"{key.replace('_', '.', 1)} = {value!r}\n" for key, value in settings.items()]
    Path(paths.config_file()).write_text("".join(lines))
    return load()


def test_models_whose_settings_changed_are_loaded_anew(embedded_model: EmbeddedModel, with_engine: WithEngine) -> None:
    async def work(engine: Any) -> None:
        same = {"roles_manager": NAME, "runner_threads": 1}
        await engine.configure(configured(**same, runner_context=1024))
        assert not engine.workers.processes and not engine.workers.loading  # nothing was loaded, so nothing is now
        assert await engine.context(NAME) == 1024
        pid = the_worker(engine).pid
        before = engine.identity(NAME)
        await engine.configure(configured(**same, runner_context=1024, runner_keep_alive=60))
        assert the_worker(engine).pid == pid
        await engine.configure(configured(**same, runner_context=512))
        await gone(pid)
        assert [model.state for model in engine.models() if model.name == NAME] == ["loading"]
        assert await engine.context(NAME) == 512
        assert engine.identity(NAME) != before

    with_engine(work)


def test_a_roles_new_model_takes_the_place_of_the_one_that_was_loaded(
    embedded_model: EmbeddedModel, with_engine: WithEngine
) -> None:
    embedded_model.install("other")

    async def work(engine: Any) -> None:
        await engine.configure(configured(roles_manager=NAME, runner_threads=1))
        await engine.load(NAME)
        pid = the_worker(engine).pid
        await engine.configure(configured(roles_manager="other", runner_threads=1))
        await gone(pid)
        assert await engine.count("other", ["hello"]) == [1]
        assert the_worker(engine).name == "other"
        engine.pin("other", True)
        await engine.configure(configured(roles_manager="not-here", runner_threads=1))
        error = await failure(engine.load("not-here"))
        assert error.code == "model_missing" and "model pull" not in str(error.hint)  # the catalogue has none either
        assert the_worker(engine).name == "other"  # a pinned one stays, whatever its role

    with_engine(work)
