"""Who gets rows in a step, how options are scored, what is sampled: decisions that need no model."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

np = pytest.importorskip("numpy")

from maw_remote.engine import sampling, trie  # noqa: E402 - numpy comes with the runner extra
from maw_remote.engine.answer import FreeText, kept  # noqa: E402
from maw_remote.engine.batch import Pace, Want, share  # noqa: E402

WANTS = st.lists(
    st.builds(
        Want, st.integers(1, 10**6), st.integers(0, 400), st.integers(0, 80), st.integers(1, 99), st.booleans(),
        st.sampled_from([None, "a", "b"]), st.booleans(),
    ),
    max_size=12, unique_by=lambda want: want.number,
)  # fmt: skip


@given(WANTS, st.sampled_from([(), (None,), ("a",)]))
def test_a_step_is_never_too_large_and_never_empty_without_need(
    wants: list[Want], avoid: tuple[str | None, ...]
) -> None:
    plan = share(wants, Pace(256), rows=256, outputs=64, avoid=avoid)
    of = {want.number: want for want in wants}
    given_to = [of[number] for number in plan]
    assert sum(plan.values()) <= 256
    assert all(0 < rows <= of[number].rows for number, rows in plan.items())
    assert sum(min(of[number].outputs, rows) for number, rows in plan.items()) <= 64 + len(plan)
    assert len({want.adapter for want in given_to}) <= 1
    assert bool(plan) == any(want.rows for want in wants)
    if any(want.interactive and want.rows for want in wants):
        assert all(want.interactive for want in given_to)


def test_a_prompt_gets_as_many_rows_as_the_others_patience_allows() -> None:
    pace = Pace(256)
    for _ in range(20):
        pace.learn(4, 4, 0.030)
        pace.learn(24, 4, 0.130)  # 20 more rows took 0.1 s
    assert pace.room(4) == 9  # 0.045 s
    assert pace.room(0) == 50  # 0.25 s


def test_those_who_decode_come_first_and_one_adapter_does_not_keep_another_out() -> None:
    wants = [Want(1, 300, 1, 1, True), Want(2, 1, 1, 2, True), Want(3, 1, 1, 3, True, "a")]
    plan = share(wants, Pace(256), rows=256, outputs=64)
    assert plan[2] == 1 and plan[1] > 1 and 3 not in plan
    assert share(wants, Pace(256), rows=256, outputs=64, avoid=(None,)) == {3: 1}


def test_who_could_begin_waits_for_prompts_that_came_with_his_unless_somebody_decodes() -> None:
    first, second = Want(1, 1, 1, 1, True, held=True), Want(2, 300, 1, 2, True)
    assert share([first, second], Pace(256), rows=256, outputs=64).keys() == {2}
    assert share([first], Pace(256), rows=256, outputs=64) == {1: 1}
    assert share([first._replace(held=False), second], Pace(256), rows=256, outputs=64)[1] == 1
    decoding = Want(3, 1, 1, 3, True)
    assert share([first, second, decoding], Pace(256), rows=256, outputs=64).keys() == {1, 2, 3}


@given(st.lists(st.lists(st.integers(0, 3), min_size=1, max_size=5), min_size=1, max_size=12))
def test_an_options_score_is_the_sum_along_its_path(options: list[list[int]]) -> None:
    tree = trie.Trie(options)
    logprobs = {node: [-0.1 * (token + 1) for token in tokens] for node, tokens in tree.children.items()}
    assert tree.scores(logprobs) == pytest.approx([-0.1 * sum(token + 1 for token in option) for option in options])
    for together in (True, False):
        rows = trie.rows(tree.branches(), together=together)
        assert {row.node for row in rows} == set(range(len(tree.nodes)))
        for row in rows:  # a row's parent comes before it, for each of its branches
            parent = tree.nodes[row.node].parent
            before = rows[: rows.index(row)]
            assert parent < 0 or all(any(r.node == parent and b in r.branches for r in before) for b in row.branches)


@given(st.lists(st.floats(-800, 0), min_size=1, max_size=9))
def test_shares_add_up_to_one(scores: list[float]) -> None:
    found, mass = trie.shares(scores)
    assert sum(found) == pytest.approx(1.0)
    assert 0 <= mass <= 1


def test_shares_of_what_is_impossible_are_finite() -> None:
    assert trie.shares([-math.inf, -math.inf]) == ([0.5, 0.5], 0.0)


@given(st.integers(0, 99), st.sampled_from([0.0, 0.5, 1.0, 2.0]), st.sampled_from([0.1, 0.9, 1.0]))
def test_what_is_impossible_is_never_sampled(seed: int, temperature: float, top_p: float) -> None:
    logits = np.full(600, -np.inf, np.float32)
    logits[[7, 300, 599]] = [1.0, 2.0, 0.5]
    sampler = sampling.Sampler(temperature, top_p, seed)
    found = {sampler.token(logits) for _ in range(20)}
    assert found <= ({300} if temperature == 0 or top_p == 0.1 else {7, 300, 599})
    assert sampling.Sampler(temperature, top_p, -seed).token(logits) in {7, 300, 599}


def test_sampling_follows_the_probabilities() -> None:
    logits = np.log(np.array([0.5, 0.3, 0.2, 1e-30], np.float32))
    sampler = sampling.Sampler(1.0, 1.0, 3)
    counts = np.bincount([sampler.token(logits) for _ in range(4000)], minlength=4) / 4000
    assert counts == pytest.approx([0.5, 0.3, 0.2, 0], abs=0.03)
    assert sampling.logprobs(logits, [0, 3])[0] == pytest.approx(math.log(0.5), abs=1e-4)
    assert sampling.logprobs(np.array([0, -np.inf], np.float32), [1]) == [sampling.FLOOR]
    assert sampling.likeliest(logits, 2) == [0, 1]


@given(st.binary(max_size=40), st.lists(st.integers(1, 5), max_size=20), st.sampled_from(["é", "ab", "\n\n", "🦊"]))
def test_of_a_free_text_whole_characters_are_kept_and_nothing_is_lost(data: bytes, sizes: list[int], stop: str) -> None:
    pieces, at = [], 0
    for size in [*sizes, len(data)]:
        pieces.append(data[at : at + size])
        at += size
    pieces = [piece for piece in pieces if piece]
    free = FreeText([stop])
    told = ""
    for piece in pieces:
        told += free.add(piece)
        if free.ended:
            break
    told += free.rest()
    assert told == free.text()
    assert stop not in told
    count, head = kept(pieces, told)
    assert b"".join(pieces[:count]) + head == told.encode()
    b"".join(pieces[:count]).decode()
