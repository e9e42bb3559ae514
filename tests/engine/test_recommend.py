"""Which models a machine should run: a choice over the catalogue, and what a machine has."""

from __future__ import annotations

from pathlib import Path

import pytest

from maw import paths
from maw_remote.engine import catalogue, memory, recommend
from maw_remote.engine.recommend import Advice

GB = 1_000_000_000


def advise(gigabytes: float, context: int = 4096) -> Advice:
    return recommend.advise(catalogue.load().values(), int(gigabytes * GB), context)


def chosen(gigabytes: float) -> list[str]:
    return [choice.entry.name for choice in advise(gigabytes).choices]


@pytest.mark.parametrize(
    ("gigabytes", "manager", "generator"),
    [
        (4, "phi-4-mini-instruct", "phi-4-mini-instruct"),
        (8, "qwen2.5-coder-7b-instruct", "qwen2.5-coder-7b-instruct"),
        (16, "phi-4", "phi-4"),
        (21.8, "devstral-small-2-24b", "devstral-small-2-24b"),  # a 32 GB Mac
    ],
)
def test_each_tier_gets_the_best_that_fits(gigabytes: float, manager: str, generator: str) -> None:
    assert chosen(gigabytes) == [manager, generator]


def test_nothing_is_recommended_that_does_not_fit_together() -> None:
    for gigabytes in range(1, 65):
        advice = advise(gigabytes)
        assert advice.needs <= gigabytes * GB
        assert len(advice.choices) in (0, 2)
        loaded = {choice.entry.name: choice.needs for choice in advice.choices}
        assert advice.needs == sum(loaded.values())
        assert set(loaded).isdisjoint(name for name, _ in advice.passed_over)


@pytest.mark.parametrize(
    ("cores", "chosen", "why"),
    [
        (15, "qwen2.5-coder-7b-instruct", "plays both roles"),
        (7, "phi-4-mini-instruct", "plays both roles"),
        (1, "phi-4-mini-instruct", " s on 1 core, longer than the 30 s that a commit waits"),
    ],
)
def test_without_a_gpu_what_answers_while_a_commit_waits_counts(cores: int, chosen: str, why: str) -> None:
    advice = recommend.advise(catalogue.load().values(), 20 * GB, 4096, cores)
    assert [choice.entry.name for choice in advice.choices] == [chosen, chosen]
    assert why in advice.choices[0].why
    assert "s on " in dict(advice.passed_over)["devstral-small-2-24b"]
    assert recommend.advise(catalogue.load().values(), GB, 4096, cores).choices == ()


def test_too_little_memory_gets_no_advice_but_reasons() -> None:
    advice = advise(1)
    assert advice.choices == ()
    assert dict(advice.passed_over)["phi-4-mini-instruct"] == "it needs about 3.3 GB, 1.0 GB are there"


def test_what_thinks_first_or_cannot_step_back_does_not_review() -> None:
    passed = dict(advise(60).passed_over)
    assert "thinks before it answers" in passed["gpt-oss-20b"]
    assert all(not choice.entry.reasoning for size in range(1, 64) for choice in advise(size).choices)
    assert all(advise(size).choices[0].entry.attention == "dense" for size in range(4, 64))


def test_a_longer_context_needs_more() -> None:
    entry = catalogue.load()["phi-4-mini-instruct"]
    assert recommend.needs(entry, 32768) > recommend.needs(entry, 4096) > (entry.size or 0)


def test_the_users_own_models_are_considered(home: Path) -> None:
    Path(paths.catalogue_file()).write_text(
        '[models.mine]\nsource = "hf:me/mine"\nsize = 6_000_000_000\ntier = 24\nroles = ["manager", "generator"]\n'
        'attention = "dense"\n'
    )
    assert chosen(8) == ["mine", "mine"]


def test_metal_grants_two_thirds_or_three_quarters_or_what_was_set() -> None:
    """Measured: 22,906.5 MB of a 32 GiB machine."""
    has = memory.metal(32 << 30, 0)
    assert has.budget == pytest.approx(0.95 * 22_906.5e6, rel=1e-3)
    assert "Metal grants" in has.how
    assert memory.metal(64 << 30, 0).budget == int((48 << 30) * 0.95)
    assert memory.metal(32 << 30, 28_000).budget == int((28_000 << 20) * 0.95)


def test_the_memory_of_all_nvidia_gpus_counts() -> None:
    assert memory.nvidia("") is None
    assert memory.nvidia("No devices were found\n") is None
    one, two = memory.nvidia("24564\n"), memory.nvidia("24564\n8192\n")
    assert one is not None
    assert two is not None
    assert one.budget == int((24564 << 20) * 0.95)
    assert two.budget == int((32756 << 20) * 0.95)
    assert "2 NVIDIA GPUs" in two.how


def test_a_gpu_is_asked_through_its_own_program(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    tool = home / "bin" / "nvidia-smi"
    tool.parent.mkdir()
    tool.write_text("#!/bin/sh\necho 16384\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tool.parent}:/usr/bin:/bin")
    assert memory.memory().total == 16384 << 20
    tool.write_text("#!/bin/sh\necho 'NVIDIA-SMI has failed' >&2; exit 9\n")
    assert "NVIDIA" not in memory.memory().how


def test_a_container_has_no_more_than_it_may() -> None:
    assert memory.plain(32 * GB, 20 * GB).budget == 18 * GB
    assert "no GPU" in memory.plain(32 * GB, 20 * GB).warning
    assert not memory.plain(32 * GB, 20 * GB).gpu and memory.metal(32 << 30, 0).gpu
    assert memory.metal(32 << 30, 0).warning == ""
    assert memory.contained(8 * GB, 20 * GB).budget == int(7.2 * GB)
    assert memory.contained(30 * GB, 20 * GB).budget == 18 * GB
