"""Requests that are worked on together: they share prefixes, join and leave, and none harms another."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from maw_remote.engine import snapshots
from maw_remote.engine.interface import Message
from maw_remote.engine.program import Option, Pick, Program, Say, Write
from tests.engine import tiny
from tests.engine.inside import CHAT, Inside, fields, usage, written

pytestmark = pytest.mark.model
LONG = Message("system", "Look for wrong results, and judge the lines that were added. " * 8)
ABORTED = 2  # of llama_decode
STORY: Program = (Write("text", 60, ("\x00\x00",)),)
CHOICE: Program = (
    Say("Line:"), Pick("line", tuple(Option(f" {line}\n", str(line)) for line in range(1, 30))), Write("why", 8),
)  # fmt: skip


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("llama_cpp")
    return tiny.make(tmp_path_factory.mktemp("tiny") / "tiny.gguf")


@pytest.fixture(scope="module")
def window(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("llama_cpp")
    return tiny.make(tmp_path_factory.mktemp("tiny") / "window.gguf", architecture="gemma3", window=24)


def unit(at: int) -> list[Message]:
    return [LONG, Message("user", f"{at}| y = {at}\n" * 4)]


def test_what_requests_share_is_evaluated_once(file: Path) -> None:
    inside = Inside(file)
    numbers = [inside.ask(CHOICE, unit(at), shared=1) for at in range(8)]
    inside.work()
    ends = [usage(inside.frames[number]) for number in numbers]
    shared = inside.service._chat.tokens(unit(0), 1).shared
    assert shared > 100
    assert ends[0]["cached_tokens"] == 0
    assert all(shared <= end["cached_tokens"] < shared + 12 for end in ends[1:])
    assert usage(inside.answer(CHOICE, unit(9), shared=1))["cached_tokens"] >= shared


def test_a_chat_goes_on_from_where_it_was(file: Path) -> None:
    inside = Inside(file)
    said = str(fields(inside.answer(STORY, [*CHAT]))["text"]["value"])
    more = [*CHAT, Message("assistant", said), Message("user", "go on")]
    assert usage(inside.answer(STORY, more))["cached_tokens"] > len(inside.service._chat.tokens(CHAT, 0).tokens) - 3


def test_what_nobody_uses_is_swapped_out_and_comes_back(file: Path) -> None:
    inside = Inside(file, cells=2048)
    first = fields(inside.answer(CHOICE, unit(1), shared=1))
    other = [Message("system", "Something else altogether. " * 40), Message("user", "x")]
    inside.answer(CHOICE, other, shared=1)
    kept = list(inside.slots._cells._kept)
    assert [prefix.sequence is None for prefix in kept if len(prefix.tokens) > 256] == [True, False]
    frames = inside.answer(CHOICE, unit(1), shared=1)
    assert usage(frames)["cached_tokens"] > 256
    assert fields(frames)["line"]["probability"] == pytest.approx(first["line"]["probability"], rel=0.02)


def test_only_the_beginning_of_an_old_chat_stays_beside_one_that_goes_another_way(file: Path) -> None:
    inside = Inside(file)
    system = Message("system", "You tell stories. " * 4)
    inside.answer(STORY, [system, Message("user", "of a boat, " * 60)])
    number = inside.ask(STORY, [system, Message("user", "of rain")])
    inside.work(1)
    assert inside.slots.busy
    assert inside.slots._cells._kept.cells() == 0  # in the model's cache; the old chat can come back
    inside.work()
    assert usage(inside.frames[number])["cached_tokens"] > 16
    frames = inside.answer(STORY, [system, Message("user", "of a boat, " * 60)])
    assert usage(frames)["cached_tokens"] > 256


def test_more_than_fits_waits_for_its_turn(file: Path) -> None:
    inside = Inside(file, cells=1024, context=512, sequences=16)
    numbers = [inside.ask(STORY, [Message("user", f"{at} " * 60)]) for at in range(20)]
    inside.work()
    assert all(usage(inside.frames[number])["completion_tokens"] > 0 for number in numbers)


def test_too_long_is_refused_with_the_figures(file: Path) -> None:
    frames = Inside(file, context=256).answer(STORY, [Message("user", "x" * 400)])
    assert frames[-1]["code"] == "too_long"
    assert "of 256" in frames[-1]["message"]


@pytest.mark.parametrize("steps", [1, 3, 9, 25])
def test_who_leaves_harms_nobody_and_leaves_nothing(file: Path, steps: int) -> None:
    alone = [fields(Inside(file).answer(CHOICE, unit(at), shared=1)) for at in range(3)]
    inside = Inside(file)
    numbers = [inside.ask(CHOICE, unit(at), shared=1) for at in range(3)]
    leaving = [inside.ask(program, unit(at + 5), shared=1) for at, program in enumerate((CHOICE, STORY))]
    inside.work(steps)
    leaving = [number for number in leaving if not any(frame["op"] == "end" for frame in inside.frames[number])]
    assert leaving
    for number in leaving:
        inside.service.take({"op": "cancel", "id": number})
    inside.work()
    for number, one in zip(numbers, alone, strict=True):
        found = fields(inside.frames[number])
        assert found["line"]["probability"] == pytest.approx(one["line"]["probability"], rel=0.02)
    assert all(frame["op"] != "end" for number in leaving for frame in inside.frames[number])
    _nothing_left(inside)


def _nothing_left(inside: Inside) -> None:
    """All sequences are free, but those of kept prefixes, and hold nothing."""
    cells, decoder = inside.slots._cells, inside.service._decoder
    kept = [prefix.sequence for prefix in cells._kept if prefix.sequence is not None]
    assert sorted([*cells._free, *kept]) == list(range(decoder.sequences))
    assert all(decoder.length(sequence) == 0 for sequence in cells._free)
    assert not any(prefix.users for prefix in cells._kept)


def test_a_prefix_that_nobody_waits_for_any_more_is_not_built(file: Path) -> None:
    inside = Inside(file)
    number = inside.ask(CHOICE, unit(1), shared=1)
    inside.work(1)
    inside.service.take({"op": "cancel", "id": number})
    assert not inside.slots.busy
    _nothing_left(inside)


@pytest.mark.parametrize("program", [STORY, CHOICE])
@pytest.mark.parametrize("model", ["file", "window"])
def test_a_step_that_is_aborted_is_done_again(
    request: pytest.FixtureRequest, model: str, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = request.getfixturevalue(model)
    whole = fields(Inside(path).answer(program, unit(1), shared=1))
    inside = Inside(path)
    decoder = inside.service._decoder
    decode, codes = decoder.decode, []

    def aborted() -> int:
        if len(codes) % 3 == 2:
            decoder.abort()
        codes.append(decode())
        return codes[-1]

    monkeypatch.setattr(decoder, "decode", aborted)
    found = fields(inside.answer(program, unit(1), shared=1))
    assert codes.count(ABORTED) > 2
    name = "text" if program is STORY else "line"
    assert found[name]["value"] == whole[name]["value"]


def test_the_background_waits_and_gives_its_sequence_when_it_must(file: Path) -> None:
    alone = str(fields(Inside(file).answer(STORY, unit(1)))["text"]["value"])
    inside = Inside(file, cells=1024, context=700, sequences=2)
    behind = [inside.ask(STORY, unit(1), background=True) for _ in range(2)]
    inside.work(6)
    before = len(inside.frames[behind[0]])
    now = [inside.ask(STORY, [Message("user", "hi" * 160)]) for _ in range(2)]
    while not all(inside.frames[number] and inside.frames[number][-1]["op"] == "end" for number in now):
        assert inside.slots.step()
    assert len(inside.frames[behind[0]]) == before
    inside.work()
    for number in behind:
        value = str(fields(inside.frames[number])["text"]["value"])
        assert value[:40] == alone[:40]
        assert usage(inside.frames[number])["completion_tokens"] > 0
    _nothing_left(inside)


def test_interactive_requests_do_not_wait_for_the_backgrounds_end(file: Path) -> None:
    inside = Inside(file, sequences=2)
    for _ in range(2):
        inside.ask(STORY, unit(1), background=True)
    inside.work(3)
    number = inside.ask((Write("text", 2),), unit(2))
    for _ in range(40):
        inside.slots.step()
    assert usage(inside.frames[number])["op"] == "end"


def test_who_is_not_waited_for_any_more_steps_aside_in_the_middle(file: Path) -> None:
    inside = Inside(file, cells=1024, context=700, sequences=2)
    left = [inside.ask(STORY, unit(at)) for at in range(2)]
    inside.work(6)
    for number in left:
        inside.service.take({"op": "urge", "id": number, "background": True})
    before = [len(inside.frames[number]) for number in left]
    now = inside.ask((Write("text", 2),), unit(2))
    while not (inside.frames[now] and inside.frames[now][-1]["op"] == "end"):
        assert inside.slots.step()
    assert [len(inside.frames[number]) for number in left] == before
    inside.service.take({"op": "urge", "id": left[0], "background": False})
    assert inside.slots.interactive
    inside.work()
    assert all(usage(inside.frames[number])["completion_tokens"] > 0 for number in left)
    _nothing_left(inside)


# Models that cannot roll back


def test_a_model_with_a_sliding_window_answers_as_it_does_alone(window: Path) -> None:
    alone = [fields(Inside(window, sequences=1).answer(CHOICE, unit(at))) for at in range(4)]
    inside = Inside(window)
    assert not inside.service.ready()["rollback"]
    numbers = [inside.ask(CHOICE, unit(at), shared=1) for at in range(4)]
    inside.work()
    for number, one in zip(numbers, alone, strict=True):
        found = fields(inside.frames[number])
        assert found["line"]["probability"] == pytest.approx(one["line"]["probability"], rel=0.02)
    assert sum(usage(inside.frames[number])["cached_tokens"] > 100 for number in numbers) == 3


def test_a_stop_over_several_tokens_is_cut_off_where_nothing_can_be_rolled_back(window: Path) -> None:
    inside = Inside(window)
    program: Program = (Write("text", 50, ("ab", "e", "o", "\x0b", "\xff")), Say("|"), *CHOICE)
    for seed in range(20):
        frames = inside.answer(program, unit(1), shared=1, temperature=1.5, seed=seed)
        written(program, frames)
    _nothing_left(inside)


# Prefixes on disk


def test_a_prefix_is_saved_and_comes_back_in_another_process(file: Path, tmp_path: Path) -> None:
    path = str(tmp_path / "one.prefix")
    first = Inside(file)
    cold = first.answer(CHOICE, unit(1), shared=1, prefix={"load": None, "save": path})
    assert usage(cold)["prefix"] == "saved"
    (saved,) = first.saved
    snapshots.write(*saved)
    second = Inside(file)
    warm = second.answer(CHOICE, unit(2), shared=1, prefix={"load": path, "save": None})
    assert (usage(warm)["prefix"], usage(warm)["cached_tokens"] > 256) == ("loaded", True)
    straight = first.answer(CHOICE, unit(2), shared=1)
    assert fields(warm)["line"]["probability"] == pytest.approx(fields(straight)["line"]["probability"], rel=0.02)


def _cut(data: bytes) -> bytes:
    return data[: len(data) // 2]


def _flipped(data: bytes) -> bytes:
    return data[:2000] + bytes([data[2000] ^ 1]) + data[2001:]


@pytest.mark.parametrize("harm", [_cut, _flipped, lambda _: b"", lambda _: None])
def test_a_damaged_prefix_is_told_and_evaluated(
    file: Path, tmp_path: Path, harm: Callable[[bytes], bytes | None], capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "one.prefix"
    inside = Inside(file)
    inside.answer(CHOICE, unit(1), shared=1, prefix={"load": None, "save": str(path)})
    snapshots.write(*inside.saved[0])
    damaged = harm(path.read_bytes())
    path.unlink() if damaged is None else path.write_bytes(damaged)
    other = Inside(file)
    frames = other.answer(CHOICE, unit(2), shared=1, prefix={"load": str(path), "save": None})
    assert (usage(frames)["prefix"], usage(frames)["cached_tokens"]) == ("bad", 0)
    assert "one.prefix" in capsys.readouterr().err


def test_a_prefix_of_other_tokens_or_another_model_is_not_taken(file: Path, tmp_path: Path) -> None:
    inside = Inside(file)
    inside.answer(CHOICE, unit(1), shared=1, prefix={"load": None, "save": str(tmp_path / "one.prefix")})
    snapshots.write(*inside.saved[0])
    place = {"load": str(tmp_path / "one.prefix"), "save": None}
    other = [Message("system", LONG.text + "!"), CHAT[1]]
    assert usage(Inside(file).answer(CHOICE, other, shared=1, prefix=place))["prefix"] == "bad"
    model = tiny.make(tmp_path / "other.gguf", seed=5)
    assert usage(Inside(model).answer(CHOICE, unit(1), shared=1, prefix=place))["prefix"] == "bad"


def test_warming_evaluates_ahead(file: Path) -> None:
    inside = Inside(file)
    number = inside.send({"op": "warm", "messages": [LONG], "adapter": None})
    inside.work()
    warmed = usage(inside.frames[number])
    assert (warmed["op"], warmed["cached"]) == ("warmed", 0)
    assert usage(inside.answer(CHOICE, unit(1), shared=1))["cached_tokens"] == warmed["tokens"] > 100
    again = inside.send({"op": "warm", "messages": [LONG], "adapter": None})
    inside.work()
    assert usage(inside.frames[again])["cached"] == warmed["tokens"]


# Adapters


def test_adapters_are_switched_per_request_and_share_nothing(file: Path, tmp_path: Path) -> None:
    adapter = str(tiny.make_adapter(tmp_path / "a.gguf"))
    other = str(tiny.make_adapter(tmp_path / "b.gguf", seed=9))

    def line(frames: list[dict[str, Any]]) -> Any:
        return fields(frames)["line"]["probability"], fields(frames)["line"]["mass"]

    alone = {which: line(Inside(file).answer(CHOICE, unit(1), adapter=which)) for which in (None, adapter, other)}
    assert len({round(mass, 9) for _, mass in alone.values()}) == 3
    inside = Inside(file, sequences=6)
    numbers = [(which, inside.ask(CHOICE, unit(1), adapter=which, shared=1)) for which in [*alone, *alone]]
    inside.work()
    for which, number in numbers:
        assert line(inside.frames[number]) == pytest.approx(alone[which], rel=0.05)
    _nothing_left(inside)


def test_an_adapter_that_does_not_fit_is_refused(file: Path, tmp_path: Path) -> None:
    inside = Inside(file)
    bad = tmp_path / "bad.gguf"
    bad.write_bytes(b"GGUF" + bytes(40))
    for path in (str(bad), str(tmp_path / "missing.gguf"), str(file)):
        assert inside.answer(CHOICE, adapter=path)[-1]["code"] == "bad_adapter"
    assert usage(inside.answer(CHOICE))["op"] == "end"
