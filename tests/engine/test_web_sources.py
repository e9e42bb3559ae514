"""hf: and https: against a server on this machine that cuts, lies, refuses, stalls and never ends."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from maw import paths
from maw_remote.engine.sources import StoreError
from maw_remote.engine.store import Store
from tests.engine.ggufs import gguf, write
from tests.engine.pulling import COMMIT, HUB, MODEL, SHA256, folder, half, quiet, refused
from tests.fixtures.hub import FILE, REPOSITORY, ModelHub

pytest.importorskip("huggingface_hub")


def test_a_file_comes_whole_and_is_recorded(hub: ModelHub, source: str) -> None:
    steps: list[tuple[str, int, int | None]] = []
    manifest = Store().pull("tiny", source, lambda *step: steps.append(step))
    assert Path(manifest.path).read_bytes() == MODEL
    assert manifest.sha256 == SHA256
    assert manifest.checked == ("hub" if source == HUB else "")
    assert steps[-1] == ("download", len(MODEL), len(MODEL))
    assert Store().installed("tiny") == manifest
    assert [path.name for path in folder().iterdir()] == ["lock"]


def test_the_hub_is_asked_as_its_library_asks_and_the_file_is_pinned_to_the_commit(hub: ModelHub) -> None:
    Store().pull("tiny", f"{HUB}@main/{FILE}", quiet)
    asked = [(request["method"], request["path"]) for request in hub.requests()]
    assert asked == [
        ("HEAD", f"/{REPOSITORY}/resolve/main/{FILE}"),
        ("GET", f"/{REPOSITORY}/resolve/{COMMIT}/{FILE}"),
        ("GET", f"/cdn/{REPOSITORY}/{FILE}"),
    ]
    assert all("telemetry" not in request["path"] for request in hub.requests())


def test_a_repository_with_several_files_wants_one_named(hub: ModelHub) -> None:
    hub.put(gguf(tensors=2), f"{REPOSITORY}/tiny-Q8_0.gguf")
    hub.put(b"x", f"{REPOSITORY}/mmproj-tiny.gguf")
    error = refused(HUB)
    assert error.code == "not_found"
    assert f"{FILE}, tiny-Q8_0.gguf" in str(error.hint)
    assert "mmproj" not in str(error.hint)
    assert Store().pull("tiny", f"{HUB}/tiny-Q8_0.gguf", quiet).bytes > 8192


def test_the_file_that_the_catalogue_names_is_taken(hub: ModelHub) -> None:
    hub.put(gguf(tensors=2), f"{REPOSITORY}/tiny-Q8_0.gguf")
    Path(paths.catalogue_file()).write_text(f'[models.tiny]\nsource = "{HUB}"\nfile = "{FILE}"\nsha256 = "{SHA256}"\n')
    assert Store().pull("tiny", None, quiet).checked == "catalogue"


@pytest.mark.parametrize("reset", [False, True])
def test_a_cut_is_resumed_where_it_happened(hub: ModelHub, source: str, reset: bool) -> None:
    hub.behave(cuts=[300_000, 200_000], reset=reset)
    assert Store().pull("tiny", source, quiet).sha256 == SHA256
    ranges = [request["headers"].get("range") for request in hub.requests() if "/resolve/" not in request["path"]]
    begun = [int(text.removeprefix("bytes=").rstrip("-")) for text in ranges if text]
    assert len(begun) == 2
    assert 0 < begun[0] <= 300_000
    assert begun[0] < begun[1] <= 500_000


def test_what_an_earlier_pull_brought_is_not_fetched_again(hub: ModelHub, source: str) -> None:
    hub.behave(cuts=[700_000, 0, 0, 0, 0, 0])
    error = refused(source)
    assert (error.code, half()) == ("unreachable", 700_000)
    assert "goes on from where it stopped" in str(error.hint)
    steps: list[str] = []
    hub.behave(cuts=[])
    assert Store().pull("tiny", source, lambda phase, *_: steps.append(phase)).sha256 == SHA256
    assert hub.requests()[-1]["headers"]["range"] == "bytes=700000-"
    assert "check" in steps
    assert half() == 0


def test_a_file_that_changed_meanwhile_is_begun_anew(hub: ModelHub, source: str) -> None:
    hub.behave(cuts=[700_000, 0, 0, 0, 0, 0])
    refused(source)
    other = gguf(size=2 << 20)
    hub.put(other)
    hub.behave(cuts=[])
    assert Store().pull("tiny", source, quiet).sha256 == hashlib.sha256(other).hexdigest()


def test_a_half_without_a_strong_tag_is_kept_only_where_a_checksum_judges_it(hub: ModelHub, source: str) -> None:
    hub.behave(cuts=[700_000, 0, 0, 0, 0, 0], etag="weak")
    refused(source)
    hub.behave(cuts=[])
    assert Store().pull("tiny", source, quiet).sha256 == SHA256
    assert ("range" in hub.requests()[-1]["headers"]) == (source == HUB)


def test_halves_of_two_files_are_never_glued_together(hub: ModelHub) -> None:
    """The file is replaced while it comes, and nothing tells: no tag, no date, no checksum."""
    other = bytes(MODEL[:-1000]) + b"\1" * 1000
    hub.behave(cuts=[300_000], etag="", later=str(write(hub.folder / "other", other)))
    assert Store().pull("tiny", hub.url(), quiet).sha256 == hashlib.sha256(other).hexdigest()
    assert not [request for request in hub.requests() if request["headers"].get("range")]


def test_a_server_that_cannot_resume_sends_all_again(hub: ModelHub, source: str) -> None:
    hub.behave(cuts=[700_000], no_range=True)
    assert Store().pull("tiny", source, quiet).sha256 == SHA256


def test_another_part_than_asked_for_is_never_glued_on(hub: ModelHub, source: str) -> None:
    hub.behave(cuts=[700_000], range_told=5)
    assert Store().pull("tiny", source, quiet).sha256 == SHA256


def test_a_damaged_half_is_found_by_the_checksum_and_removed(hub: ModelHub) -> None:
    hub.behave(cuts=[700_000, 0, 0, 0, 0, 0])
    refused(HUB)
    with open(folder() / "model.part", "r+b") as part:
        part.seek(500_000)
        part.write(b"rot")
    hub.behave(cuts=[])
    error = refused(HUB)
    assert (error.code, half()) == ("checksum", 0)
    assert Store().pull("tiny", HUB, quiet).sha256 == SHA256


@pytest.mark.parametrize("note", [b"", b"[]", b"{", b'{"total": "x"}', b'{"identity": 1, "total": -1}'])
def test_a_damaged_note_beside_the_half_begins_anew(hub: ModelHub, note: bytes) -> None:
    write(folder() / "model.part", b"GGUFnonsense")
    write(folder() / "part.json", note)
    assert Store().pull("tiny", HUB, quiet).sha256 == SHA256


def test_the_token_of_the_librarys_own_store_opens_a_private_model_and_goes_to_the_hub_only(
    hub: ModelHub, home: Path
) -> None:
    hub.behave(token="hf_secret")
    assert "if it is private" in str(refused(HUB).hint)
    write(home / "hf" / "token", b"hf_secret")
    assert Store().pull("tiny", HUB, quiet).sha256 == SHA256
    (stored,) = hub.requests("/cdn/")
    assert "authorization" not in stored["headers"]
    kept = b"".join(path.read_bytes() for path in Path(paths.model_dir()).rglob("*") if path.is_file())
    assert b"hf_secret" not in kept


def test_offline_nothing_is_asked(hub: ModelHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert "HF_HUB_OFFLINE is set" in refused(HUB).message
    assert hub.requests() == []


def test_a_pull_that_is_stopped_ends_its_process_and_keeps_the_half(hub: ModelHub) -> None:
    hub.behave(step=10_000, pause=0.02)

    def stop(phase: str, done: int, total: int | None) -> None:
        if done > 100_000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Store().pull("tiny", HUB, stop)
    assert 100_000 < half() < len(MODEL)
    assert Store().all_installed() == {}
    hub.behave(pause=0)
    assert Store().pull("tiny", HUB, quiet).sha256 == SHA256
    assert "range" in hub.requests()[-1]["headers"]


@pytest.mark.skipif(not os.path.exists("/proc/self/environ"), reason="needs /proc to look into a process")
def test_no_telemetry_wherever_the_runner_came_from(hub: ModelHub) -> None:
    psutil = pytest.importorskip("psutil")
    hub.behave(step=100_000, pause=0.02)
    seen: list[dict[str, str]] = []

    def look(phase: str, done: int, total: int | None) -> None:
        if done and not seen:
            seen.extend(one.environ() for one in psutil.Process().children() if "maw_remote.fetch" in one.cmdline())

    Store().pull("tiny", HUB, look)
    assert [environment["HF_HUB_DISABLE_TELEMETRY"] for environment in seen] == ["1"]


def test_two_at_once_the_second_is_refused_and_the_first_arrives(hub: ModelHub) -> None:
    hub.behave(step=50_000, pause=0.02)
    begun = threading.Event()
    first = threading.Thread(target=lambda: Store().pull("tiny", HUB, lambda *_: begun.set()))
    first.start()
    begun.wait(10)
    with pytest.raises(StoreError, match="is being pulled"):
        Store().pull("tiny", hub.url(), quiet)
    first.join(30)
    assert Store().all_installed()["tiny"].sha256 == SHA256
    assert len(hub.requests("/cdn/")) == 1


def test_removing_drops_the_half_too(hub: ModelHub) -> None:
    hub.behave(cuts=[700_000, 0, 0, 0, 0, 0])
    refused(HUB)
    assert Store().remove("tiny") is None
    assert half() == 0
    with pytest.raises(StoreError, match="not installed"):
        Store().remove("tiny")


@contextlib.contextmanager
def small_disk(path: Path, size: str) -> Iterator[None]:
    path.mkdir(parents=True, mode=0o700)
    if os.geteuid() != 0:
        pytest.skip("mounting a small disk needs root")
    if subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(path)], check=False).returncode:
        pytest.skip("this machine does not let us mount a tmpfs")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(path)], check=True)


def test_a_small_disk_is_told_before_the_download_with_the_figures(hub: ModelHub) -> None:
    with small_disk(Path(paths.model_dir()), "32m"):
        error = refused(HUB)
        assert error.code == "no_space"
        assert "1 MB needed and 67 MB to spare, 34 MB free" in error.message
        assert not hub.requests("/cdn/")[1:]


@pytest.mark.slow
def test_a_disk_that_fills_meanwhile_keeps_the_half_and_goes_on_later(hub: ModelHub) -> None:
    data = gguf(size=60 << 20)
    hub.put(data)
    hub.behave(step=1 << 20, pause=0.03)  # so slowly that progress is told in the middle, on a busy machine too
    disk = Path(paths.model_dir())
    with small_disk(disk, "140m"):
        filler = disk / "filler"

        def fill(phase: str, done: int, total: int | None) -> None:
            if done > 5 << 20 and not filler.exists():
                with contextlib.suppress(OSError), open(filler, "wb", buffering=0) as file:
                    while True:
                        file.write(bytes(1 << 20))

        with pytest.raises(StoreError) as caught:
            Store().pull("tiny", HUB, fill)
        assert caught.value.code == "no_space"
        assert "the disk is full" in caught.value.message
        assert half() > 5 << 20
        assert Store().all_installed() == {}
        filler.unlink()
        assert Store().pull("tiny", HUB, quiet).sha256 == hashlib.sha256(data).hexdigest()
        assert "range" in hub.requests()[-1]["headers"]


def test_the_process_that_fetches_leaves_with_its_runner(hub: ModelHub) -> None:
    psutil = pytest.importorskip("psutil")
    hub.behave(step=1000, pause=0.1)
    children: list[int] = []

    def die(phase: str, done: int, total: int | None) -> None:
        if done:
            (child,) = [one for one in psutil.Process().children() if "maw_remote.fetch" in one.cmdline()]
            os.close(os.pidfd_open(child.pid))
            children.append(child.pid)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Store().pull("tiny", hub.url(), die)
    assert not psutil.pid_exists(children[0])
    started = time.monotonic()
    process = subprocess.Popen(
        [os.sys.executable, "-m", "maw_remote.fetch"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )  # fmt: skip
    request = {"scheme": "http", "rest": hub.url()[5:], "file": "", "size": None, "sha256": None, "pause": 1}
    work = write(folder("other") / "x", b"").parent
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(json.dumps({**request, "silence": 30, "folder": str(work)}).encode() + b"\n")
    process.stdin.flush()
    process.stdout.readline()
    process.stdin.close()  # what a killed runner does
    assert process.wait(10) == 1
    process.stdout.close()
    assert time.monotonic() - started < 30
