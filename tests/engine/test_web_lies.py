"""Servers that lie about what they have, or refuse, stall and send people elsewhere."""

from __future__ import annotations

import pytest

from maw.errors import FatalError
from maw_remote.engine import catalogue, web
from maw_remote.engine.sources import StoreError
from maw_remote.engine.store import Store
from maw_remote.fetch import address
from tests.engine.ggufs import write
from tests.engine.pulling import HUB, MODEL, SHA256, half, quiet, refused
from tests.fixtures.hub import FILE, REPOSITORY, ModelHub

pytest.importorskip("huggingface_hub")


def test_wrong_bytes_of_the_right_size_are_refused(hub: ModelHub) -> None:
    wrong = bytearray(MODEL)
    wrong[-1] ^= 1
    hub.behave(serve=str(write(hub.folder / "wrong", bytes(wrong))))
    error = refused(HUB)
    assert (error.code, half()) == ("checksum", 0)
    assert SHA256[:12] in error.message
    assert refused(hub.url(), sha256=SHA256, size=len(MODEL)).code == "checksum"


def test_a_page_instead_of_a_file_is_refused_at_its_first_bytes(hub: ModelHub) -> None:
    hub.behave(serve=str(write(hub.folder / "page", b"<!DOCTYPE html>" + bytes(5 << 20))), step=1000, pause=0.01)
    error = refused(hub.url())
    assert "it begins with b'<!DOCTYPE" in error.message
    assert half() == 0


def test_a_file_that_is_no_whole_model_is_refused_though_it_came_whole(hub: ModelHub, source: str) -> None:
    hub.put(MODEL[:-100])
    error = refused(source)
    assert "truncated" in error.message
    assert half() == 0


def test_an_endless_body_is_bounded_by_what_was_announced(hub: ModelHub) -> None:
    hub.behave(endless=True)
    error = refused(HUB)
    assert "more than the 1,049,056 bytes it announced" in error.message
    assert half() == 0
    assert "does not say how large" in refused(hub.url()).message
    assert half() == 0


def test_a_hub_that_lies_about_the_size_is_refused(hub: ModelHub) -> None:
    for lie in (len(MODEL) - 9, len(MODEL) + 9):
        hub.behave(linked_size=lie)
        error = refused(HUB)
        assert (error.code, half()) == ("checksum", 0)
        assert f"{lie:,}" in error.message


def test_a_server_that_announces_more_than_it_has_is_left_after_some_tries(
    hub: ModelHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web, "SILENCE", 0.3)
    hub.behave(length=len(MODEL) + 9)
    error = refused(hub.url())
    assert error.code == "unreachable"
    assert "(5 tries)" in error.message


def test_a_size_that_no_disk_has_is_refused_with_the_figures_before_a_byte_comes(hub: ModelHub) -> None:
    hub.behave(linked_size=10**15, chunked=True)
    error = refused(HUB)
    assert error.code == "no_space"
    assert "1,000,000,000 MB needed" in error.message
    assert half() == 0


def test_the_catalogues_checksum_is_compared_before_the_download(hub: ModelHub) -> None:
    error = refused(HUB, sha256="0" * 64)
    assert error.code == "checksum"
    assert "not the file the catalogue knows" in error.message
    assert not hub.requests("/cdn/")


@pytest.mark.parametrize(
    ("status", "code"), [(401, "forbidden"), (403, "forbidden"), (404, "not_found"),
     (410, "not_found"), (418, "download")]
)  # fmt: skip
def test_a_refusal_is_told_at_once(hub: ModelHub, status: int, code: str) -> None:
    hub.behave(bytes_statuses=[status] * 9)
    assert refused(hub.url()).code == code
    assert len(hub.requests("/files/")) == 1


def test_an_error_of_the_server_is_tried_again_and_then_told(hub: ModelHub, source: str) -> None:
    hub.behave(bytes_statuses=[500, 503, 429])
    assert Store().pull("tiny", source, quiet).sha256 == SHA256
    hub.behave(bytes_statuses=[502] * 99)
    Store().remove("tiny")
    error = refused(source)
    assert error.code == "unreachable"
    assert "502 (5 tries)" in error.message


def test_the_hubs_own_errors_become_a_line_and_a_next_step(hub: ModelHub) -> None:
    assert "no repository nobody/nothing" in refused("hf:nobody/nothing/x.gguf").message
    assert "no makers/tiny-GGUF/other.gguf" in refused(f"{HUB}/other.gguf").message
    assert f"{FILE}@gone" in refused(f"{HUB}@gone/{FILE}").message
    hub.behave(resolve_statuses=[503] * 9)
    assert "the hub answers 503 (5 tries)" in refused(f"{HUB}/{FILE}").message


def test_a_gated_model_says_whom_to_ask(hub: ModelHub) -> None:
    hub.behave(token="t", refuse=403)
    error = refused(HUB)
    assert error.code == "forbidden"
    assert "accepted its terms" in error.message
    assert "hf auth login" in str(error.hint)


def test_a_hub_that_is_not_there_is_told_after_some_tries(hub: ModelHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(web, "PAUSE", 0.12)
    phases: list[str] = []
    with pytest.raises(StoreError) as caught:
        Store().pull("tiny", HUB, lambda phase, done, total: phases.append(phase))
    assert caught.value.code == "unreachable"
    assert "cannot be reached" in caught.value.message
    assert "HF_ENDPOINT" in str(caught.value.hint)
    assert phases[0] == "connecting"
    assert "connecting, try 4 of 5" in phases


def test_a_hub_over_plain_http_elsewhere_is_refused(hub: ModelHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://hub.invalid")
    assert "plain http is refused" in refused(HUB).message


@pytest.mark.slow
def test_a_server_that_stops_sending_is_left_and_asked_again(hub: ModelHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "SILENCE", 0.3)
    hub.behave(stall=5, stalls=2)
    assert Store().pull("tiny", hub.url(), quiet).sha256 == SHA256
    hub.behave(stalls=999)
    Store().remove("tiny")
    # Each answer brings its first thousand bytes, so only the tag of a file that changes keeps it from going on.
    hub.behave(no_range=True)
    assert "did not answer in time" in refused(hub.url()).message


def test_redirects_are_bounded_and_lead_to_https_or_stay_on_this_machine(hub: ModelHub) -> None:
    hub.behave(location=f"{hub.endpoint}/{REPOSITORY}/resolve/main/{FILE}")
    assert (
        "redirects more than 5 times" in refused(f"{hub.endpoint}/{REPOSITORY}/resolve/main/{FILE}", file=FILE).message
    )
    hub.behave(location="http://elsewhere.invalid/x.gguf")
    assert "plain http is refused" in refused(f"{hub.endpoint}/{REPOSITORY}/resolve/main/{FILE}").message
    hub.behave(location="http://localhost:1/\x7f\x01")
    assert "\x7f" not in refused(f"{hub.endpoint}/{REPOSITORY}/resolve/main/{FILE}").message
    hub.behave(location="file:///etc/passwd")
    assert "not a web address" in refused(f"{hub.endpoint}/{REPOSITORY}/resolve/main/{FILE}").message
    with pytest.raises(FatalError, match="own services"):
        address.redirected("https://elsewhere.invalid/x", "http://127.0.0.1/x")
    assert address.redirected("https://a.invalid/x/y", "../z") == "https://a.invalid/z"


@pytest.mark.parametrize(
    "url", ["http://10.0.0.1/x", "https://", "https://u:p@h/x", "http://localhost.evil/x", "http://127.1.evil/", "https://h:x/"]
)  # fmt: skip
def test_addresses_that_no_model_may_come_from(url: str) -> None:
    with pytest.raises(FatalError):
        catalogue.checked_source(url)


def test_what_an_address_may_hide_is_not_kept(hub: ModelHub) -> None:
    manifest = Store().pull("tiny", hub.url() + "?signature=secret", quiet)
    assert manifest.source == hub.url()
