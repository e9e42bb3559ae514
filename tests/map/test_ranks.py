"""PageRank, the graph of references, and what a budget has room for: pure."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maw.repomap import fit
from maw.repomap.graph import pagerank, rank
from maw.repomap.tags import Definition, Names, Tags, names_of


def names(defined: str, used: str = "", imports: str = "") -> Names:
    return Names(defined.split(), {name: used.split().count(name) for name in used.split()}, imports.split())


def test_pagerank_of_a_known_graph() -> None:
    # Two nodes that point at each other share evenly; a third that only points at the first has what a start gives it.
    ranks = pagerank([{1: 1.0}, {0: 1.0}, {0: 1.0}])
    assert ranks[2] == pytest.approx(0.15 / 3, abs=1e-3)
    assert ranks[0] > ranks[1] > ranks[2]
    # The exact solution: r0 = t + d(r1 + r2), r1 = t + d r0, r2 = t with t = 0.05 and d = 0.85.
    first = (0.05 + 0.85 * (0.05 + 0.05)) / (1 - 0.85**2)
    assert ranks[0] == pytest.approx(first, abs=1e-2)


@given(st.lists(st.dictionaries(st.integers(0, 7), st.floats(0.01, 10), max_size=5), min_size=8, max_size=8),
       st.sets(st.integers(0, 7)))  # fmt: skip
def test_ranks_are_shares(flows: list[dict[int, float]], chosen: set[int]) -> None:
    ranks = pagerank(flows, chosen)
    assert sum(ranks) == pytest.approx(1, abs=1e-6)
    assert all(share >= 0 for share in ranks)


def test_nothing_to_rank() -> None:
    assert rank({}).files == {} and pagerank([]) == []


FILES = {
    "core.py": names("central rare"),
    "a.py": names("a", "central central", "core"),
    "b.py": names("b", "central rare", "core"),
    "far.py": names("lonely"),
}


def test_what_many_use_ranks_first() -> None:
    ranks = rank(FILES)
    assert max(ranks.files, key=lambda path: ranks.files[path]) == "core.py"
    assert ranks.definitions["core.py", "central"] > ranks.definitions["core.py", "rare"]


def test_seen_from_a_file_its_neighbours_matter() -> None:
    ranks = rank(FILES, ["b.py"])
    assert ranks.files["far.py"] == 0 and ranks.files["core.py"] > ranks.files["a.py"]
    assert rank(FILES, ["core.py"]).users == {"a.py": {"central"}, "b.py": {"central", "rare"}}


def test_a_use_counts_for_the_file_that_is_imported() -> None:
    files = {"one.py": names("run"), "two.py": names("run"), "main.py": names("main", "run", "two")}
    ranks = rank(files, ["main.py"])
    assert ranks.definitions["two.py", "run"] > 5 * ranks.definitions["one.py", "run"]


def tags(*definitions: Definition) -> Tags:
    return Tags(list(definitions), {})


def outline(count: int) -> Tags:
    return tags(
        *(Definition(f"function_{n}", "function", n + 1, n + 1, -1, f"def function_{n}()") for n in range(count))
    )


@given(st.integers(1, 400), st.integers(1, 60))
def test_a_map_keeps_to_its_budget(budget: int, count: int) -> None:
    all_tags = {"a.py": outline(count), "b.py": outline(5)}
    files = {path: names_of(found) for path, found in all_tags.items()}
    chosen = fit.choose(files, rank(files, ["a.py"]), ["a.py"], budget, all_tags.__getitem__)
    text = fit.text(chosen, all_tags.__getitem__)
    assert chosen.tokens <= budget
    assert len(text.encode()) <= chosen.tokens * fit.BYTES_PER_TOKEN


def test_all_is_shown_where_there_is_room() -> None:
    all_tags = {"a.py": outline(3), "b.py": outline(2)}
    files = {path: names_of(found) for path, found in all_tags.items()}
    chosen = fit.choose(files, rank(files), [], 10_000, all_tags.__getitem__)
    assert {path: len(places) for path, places in chosen.files.items()} == {"a.py": 3, "b.py": 2}


def test_a_method_brings_its_class() -> None:
    found = tags(
        Definition("A", "class", 1, 9, -1, "class A"),
        Definition("m", "method", 2, 3, 0, "def m(self)"),
        Definition("inner", "function", 3, 3, 1, "def inner()"),
    )
    assert names_of(found).defined == ["A", "m"]  # what a function defines inside is its own business
    chosen = fit.choose({"a.py": names("m")}, rank({"a.py": names("m")}), ["a.py"], 100, lambda _: found)
    assert fit.text(chosen, lambda _: found) == "a.py:\n  class A\n    def m(self)\n"


def test_control_characters_in_a_name_stay_in_the_repository() -> None:
    found = tags(Definition("f", "function", 1, 1, -1, "def f()"))
    path = "a\x1b[31m\n.py"
    chosen = fit.choose({path: names("f")}, rank({path: names("f")}), [path], 100, lambda _: found)
    assert "\x1b" not in fit.text(chosen, lambda _: found) and fit.text(chosen, lambda _: found).count("\n") == 2
