"""Cutting: every added line that can be judged is in exactly one unit, and units keep to their budget."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maw import change
from maw_remote.jobs.review import prompting, units
from maw_remote.jobs.review.payload import Rule
from tests.review_job.changes import one_file, words

LINE = st.binary(max_size=60).map(lambda raw: raw.replace(b"\n", b" "))
KINDS = st.lists(st.tuples(st.sampled_from(b" +-").map(lambda kind: bytes([kind])), LINE), max_size=60)


def build(hunks: list[list[tuple[bytes, bytes]]]) -> bytes:
    """A patch of one file with these hunks."""
    parts = [b"diff --git a/f b/f\nindex 1..2 100644\n--- a/f\n+++ b/f\n"]
    old = new = 1
    for lines in hunks:
        olds, news = (sum(kind in (b" ", side) for kind, _ in lines) for side in (b"-", b"+"))
        parts.append(b"@@ -%d,%d +%d,%d @@ def f():\n" % (old, olds, new, news))
        parts += [kind + text + b"\n" for kind, text in lines]
        old, new = old + olds + 10, new + news + 10
    return b"".join(parts)


@given(st.lists(KINDS.filter(len), min_size=1, max_size=6), st.integers(10, 400))
def test_every_line_to_judge_is_in_exactly_one_unit(hunks: list[list[tuple[bytes, bytes]]], budget: int) -> None:
    file = change.parse(build(hunks))[0]
    cut = units.cut(file, budget, words)
    judged = Counter((line.new, line.text) for unit in cut for line in unit.judged())
    assert judged == Counter((line.new, line.text) for line in file.added() if units.is_judged(line))
    assert all(unit.judged() for unit in cut)
    assert all(count == 1 for count in judged.values())


@given(st.lists(KINDS.filter(len), min_size=1, max_size=6), st.integers(60, 400))
def test_units_keep_to_the_budget_and_to_the_number_of_lines(
    hunks: list[list[tuple[bytes, bytes]]], budget: int
) -> None:
    for unit in units.cut(change.parse(build(hunks))[0], budget, words):
        lines = [line for piece in unit.pieces for line in piece.lines]
        cost = sum(units._cost(line, words([units.shown(line.text)])[0]) for line in lines)
        assert cost <= budget or len(lines) == 1
        assert len(unit.judged()) <= units.ADDED_MAX


def test_a_long_addition_is_cut_by_the_number_of_lines() -> None:
    file = one_file("a.py", [b"x = %d" % number for number in range(950)])
    assert [len(unit.judged()) for unit in units.cut(file, 10**6, words)] == [200, 200, 200, 200, 150]


def test_ids_follow_the_content() -> None:
    first, again = (units.cut(one_file("a.py", [b"x"]), 100, words)[0].id for _ in range(2))
    other = units.cut(one_file("b.py", [b"x"]), 100, words)[0].id
    assert first == again != other


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        (b"plain\tx\r", "plain\tx"),
        (b"caf\xe9", "caf\N{REPLACEMENT CHARACTER}"),
        (b"\x1b[31m\x00\x7f", "\N{REPLACEMENT CHARACTER}[31m\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}"),
        ("näh 🦊".encode(), "näh 🦊"),
        (b"x" * 300, "x" * 240 + "…"),
    ],
)
def test_lines_are_made_fit_to_be_shown(raw: bytes, shown: str) -> None:
    assert units.shown(raw) == shown


def test_old_and_new_code_stand_apart_and_added_lines_have_their_number() -> None:
    text = build([[(b" ", b"keep"), (b"-", b"old()"), (b"+", b"new()"), (b"+", b""), (b"+", b"more()")]])
    unit = units.cut(change.parse(text)[0], 500, words)[0]
    asked = prompting.messages(unit, [])[-1].text
    old, new = asked.split("New code:")
    assert "| keep\n| old()" in old
    assert "new()" not in old
    assert "| keep\n2| new()\n| \n4| more()" in new
    assert "old()" not in new


def test_a_rule_is_told_for_the_files_of_its_glob_and_those_for_all_come_first() -> None:
    rules = [Rule("src/**", "No prints."), Rule("**", "Be kind."), Rule("*.md", "Spell well.")]
    text = prompting.system("src/a/b.py", rules)
    assert text.index("Be kind.") < text.index("No prints.")
    assert "Spell well." not in text
    assert prompting.system("x.c", []) == prompting.load("system")


def test_units_of_a_change_begin_alike_so_that_their_prefix_is_evaluated_once() -> None:
    files = [one_file(name, [b"x"]) for name in ("a.py", "b.py")]
    systems = {prompting.messages(units.cut(file, 500, words)[0], [Rule("**", "R")])[0].text for file in files}
    assert len(systems) == 1


def test_a_placeholder_in_the_code_is_code() -> None:
    unit = units.cut(one_file("a.sh", [b"echo $path $new ${old} $$"]), 500, words)[0]
    assert "1| echo $path $new ${old} $$" in prompting.messages(unit, [Rule("**", "$rules")])[-1].text
