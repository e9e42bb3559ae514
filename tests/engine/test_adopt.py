"""What other programs keep: Ollama's store, LM Studio's, a hub's cache, any folder. Found, never copied or changed."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import pytest

from maw.errors import FatalError
from maw_remote.engine import adopt, catalogue
from tests.engine.ggufs import gguf, write

MODEL = gguf()
MODEL_LAYER = "application/vnd.ollama.image.model"


def ollama(store: Path, tag: str, data: bytes | Path, media: str = MODEL_LAYER) -> Path:
    """Put a model into a store as Ollama does; a Path is linked, not copied. The blob's path."""
    digest = hashlib.sha256(data.read_bytes() if isinstance(data, Path) else data).hexdigest()
    blob = store / "blobs" / f"sha256-{digest}"
    if isinstance(data, Path):
        blob.parent.mkdir(parents=True, exist_ok=True)
        os.link(data, blob)
    else:
        write(blob, data)
    layers = [{"mediaType": media, "digest": f"sha256:{digest}", "size": 1}, {"mediaType": "x.license", "digest": "y"}]
    write(store / "manifests" / "registry.invalid" / tag, json.dumps({"layers": layers}).encode())
    return blob


def scan() -> dict[str, adopt.Found]:
    return {found.name: found for found in adopt.scan(catalogue.load().values(), adopt.known_places())}


def test_ollamas_models_are_found_under_their_names(home: Path) -> None:
    store = home / ".ollama" / "models"
    blob = ollama(store, "library/tiny/latest", MODEL)
    ollama(store, "library/qwen2.5-coder/7b", gguf(tensors=2))
    ollama(store, "somebody/Their_Model/q4_K_M", gguf(tensors=3))
    found = scan()
    assert set(found) == {"tiny", "qwen2.5-coder-7b", "somebody-their_model-q4_k_m"}
    assert found["tiny"] == adopt.Found("tiny", str(blob), "ollama", len(MODEL), "llama", "mit", 128)


def test_its_environment_variable_and_its_folder_by_name_are_heeded(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = home / "elsewhere"
    ollama(store, "library/tiny/1b", MODEL)
    assert [found.name for found in adopt.look([], store)] == ["tiny-1b"]
    assert scan() == {}
    monkeypatch.setenv("OLLAMA_MODELS", str(store))
    assert set(scan()) == {"tiny-1b"}


@pytest.mark.parametrize(
    "manifest",
    [
        b"", b"{", b"[]", b'{"layers": 1}', b'{"layers": [1]}', b"[" * 100_000, b"\xff",
        json.dumps({"layers": [{"mediaType": MODEL_LAYER, "digest": "sha256:../../../etc/passwd"}]}).encode(),
        json.dumps({"layers": [{"mediaType": MODEL_LAYER, "digest": 1}]}).encode(),
        json.dumps({"layers": [{"mediaType": MODEL_LAYER, "digest": "sha256:" + "0" * 64}] * 2}).encode(),
    ],
)  # fmt: skip
def test_a_manifest_that_is_none_leads_nowhere(home: Path, manifest: bytes) -> None:
    store = home / ".ollama" / "models"
    ollama(store, "library/good/latest", MODEL)
    write(store / "manifests" / "registry.invalid" / "library" / "bad" / "latest", manifest)
    assert set(scan()) == {"good"}


def test_a_blob_that_is_gone_or_no_model_is_told_and_not_adopted(home: Path) -> None:
    store = home / ".ollama" / "models"
    ollama(store, "library/gone/latest", MODEL).unlink()
    ollama(store, "library/other/latest", b"not a model at all, though it is long enough")
    ollama(store, "library/half/latest", MODEL[:-9])
    found = scan()
    assert "No such file" in found["gone"].error
    assert "not a GGUF" in found["other"].error
    assert "truncated" in found["half"].error


def test_lm_studios_models_are_found_in_both_places_and_projectors_are_not(home: Path) -> None:
    new = write(home / ".lmstudio/models/makers/Tiny-GGUF/Tiny 1B-Q4_K_M.GGUF", MODEL)
    write(home / ".lmstudio/models/makers/Tiny-GGUF/mmproj-Tiny.gguf", gguf(tensors=2))
    write(home / ".lmstudio/models/makers/Tiny-GGUF/readme.md", b"x")
    write(home / ".cache/lm-studio/models/makers/Old/old.gguf", gguf(tensors=3))
    found = scan()
    assert {name: one.origin for name, one in found.items()} == {"tiny-1b-q4_k_m": "lm-studio", "old": "lm-studio"}
    assert found["tiny-1b-q4_k_m"].path == str(new)


def test_a_file_of_the_catalogue_gets_the_catalogues_name(home: Path) -> None:
    write(home / ".lmstudio/models/m/r/Phi-4-mini-instruct-Q4_K_M.gguf", MODEL)
    assert set(scan()) == {"phi-4-mini-instruct"}


def test_one_file_in_two_places_counts_once_and_two_of_one_name_are_told_apart(home: Path) -> None:
    first = write(home / ".lmstudio/models/a/r/tiny.gguf", MODEL)
    link = home / ".cache/huggingface/hub/models--a--r/snapshots/c0ffee/tiny.gguf"
    link.parent.mkdir(parents=True)
    link.symlink_to(first)
    write(home / ".lmstudio/models/b/r/tiny.gguf", gguf(tensors=2))
    assert sorted(scan()) == ["tiny", "tiny-2"]


def test_a_circle_of_folders_and_a_folder_without_bottom_end(home: Path) -> None:
    store = home / ".lmstudio" / "models"
    write(store / "a" / "tiny.gguf", MODEL)
    (store / "a" / "again").symlink_to(store)
    write(store / Path(*["d"] * 30) / "deep.gguf", MODEL)
    assert set(scan()) == {"tiny"}


def test_a_pipe_that_is_called_a_model_keeps_nobody_waiting(home: Path) -> None:
    pipe = home / "pipe.gguf"
    os.mkfifo(pipe)
    assert "cannot be read" in adopt.look([], pipe)[0].error
    store = home / ".ollama" / "models"
    ollama(store, "library/good/latest", MODEL)
    os.mkfifo(store / "manifests" / "registry.invalid" / "library" / "good" / "pipe")
    assert set(scan()) == {"good"}


def test_nothing_is_written_beside_what_is_found(home: Path) -> None:
    ollama(home / ".ollama" / "models", "library/tiny/latest", MODEL)
    before = sorted(str(path) for path in (home / ".ollama").rglob("*"))
    scan()
    assert sorted(str(path) for path in (home / ".ollama").rglob("*")) == before


def test_a_path_is_a_file_or_a_folder(home: Path) -> None:
    file = write(home / "m" / "My Model (v2).gguf", MODEL)
    assert [found.name for found in adopt.look([], file)] == ["my-model-v2"]
    assert [found.path for found in adopt.look([], file.parent)] == [str(file)]
    for path, said in ((home / "no", "no such file"), (Path("m"), "not an absolute"), (home / "hub", "no such file")):
        with pytest.raises(FatalError, match=said):
            adopt.look([], path)
    (home / "empty").mkdir()
    with pytest.raises(FatalError, match="no GGUF file"):
        adopt.look([], home / "empty")


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("A.gguf", "a"), ("../x.gguf", "x"), ("ü.gguf", "model"), ("-rf.GGUF", "rf"), (".gguf", "model"),
        ("a" * 200 + ".gguf", "a" * 60), ("m\x1b[31m.gguf", "m-31m"),
    ],
)  # fmt: skip
def test_a_name_is_always_one_that_may_name_a_model(file: str, name: str) -> None:
    assert adopt.derived_name(file) == name
    catalogue.checked_name(adopt.derived_name(file))
