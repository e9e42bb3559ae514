"""From a failing command's output to the definitions that it is about, by the map of a real project."""

from __future__ import annotations

import functools
from pathlib import Path

import pytest

from maw.generate.failing import locate, places, suspects
from maw.generate.failing.suspects import Suspects
from maw.git.repo import discover
from maw.repomap import build
from maw.repomap.cache import Cache
from tests.fixtures.git import Repository

pytest.importorskip("tree_sitter_python", reason="plain patterns see other ends of definitions")
OUTPUTS = Path(__file__).parent / "outputs"
CART = """from shop.prices import price_of


class Cart:
    def __init__(self):
        self.items = []

    def add(self, name, count=1):
        self.items.append((name, count))

    def total(self):
        return sum(price_of(name) * count for name, count in self.items)
"""
PRICES = """PRICES = {"apple": 3, "pear": "4"}


def price_of(name):
    return lookup(name)


def lookup(name):
    return PRICES[name]
"""
TESTS = """from shop.cart import Cart
from shop.prices import price_of


def test_total():
    cart = Cart()
    cart.add("apple", 2)
    assert cart.total() == 7


def test_price():
    assert price_of("apple") == 4
"""


@pytest.fixture
def shop(repo: Repository) -> Repository:
    for name, content in (("shop/cart.py", CART), ("shop/prices.py", PRICES), ("tests/test_cart.py", TESTS)):
        repo.write(name, content)
    repo.write("notes.txt", "one\n")
    repo.commit("a shop")
    return repo


def found(shop: Repository, output: str) -> Suspects:
    repo = discover(str(shop.path))
    with Cache(repo) as cache:
        snapshot = build.load(repo, cache)
        files = [*snapshot.files, "notes.txt"]
        named = locate.locate(places.find(output), files, "/tmp/g2demo")
        return suspects.find(named, snapshot, functools.cache(lambda path: build.tags_of(cache, snapshot, path)))


def spans(shop: Repository, output: str) -> dict[str, tuple[tuple[int, int], ...]]:
    return {one.path: one.lines for one in found(shop, output).code}


def test_a_trace_leads_to_the_functions_it_went_through(shop: Repository) -> None:
    output = (OUTPUTS / "python.txt").read_text()
    assert spans(shop, output) == {"shop/prices.py": ((8, 9), (4, 5)), "shop/cart.py": ((11, 12),)}


@pytest.mark.parametrize(
    "output",
    ["tests/test_cart.py:8: AssertionError", "FAILED tests/test_cart.py::test_total - assert 6 == 7"],
)
def test_a_failed_assertion_leads_to_what_the_test_uses(shop: Repository, output: str) -> None:
    seen = found(shop, output)
    assert [(one.path, one.lines) for one in seen.tests] == [("tests/test_cart.py", ((5, 8),))]
    assert [one.path for one in seen.code] == ["shop/cart.py"]
    assert set(seen.code[0].lines) == {(4, 12), (8, 9), (11, 12)}


def test_another_test_leads_elsewhere(shop: Repository) -> None:
    assert spans(shop, "FAILED tests/test_cart.py::test_price - assert 3 == 4") == {"shop/prices.py": ((4, 5),)}


def test_a_place_in_no_definition_is_some_lines(shop: Repository) -> None:
    assert spans(shop, "shop/prices.py:2: error: Bad") == {"shop/prices.py": ((1, 14),)}
    assert spans(shop, "notes.txt:20:1: error: Bad") == {"notes.txt": ((8, 32),)}


def test_warnings_count_only_alone(shop: Repository) -> None:
    warning = "shop/cart.py:9: DeprecationWarning: old\n"
    assert spans(shop, warning) == {"shop/cart.py": ((8, 9),)}
    assert spans(shop, warning + "shop/prices.py:9: error: Bad") == {"shop/prices.py": ((8, 9),)}


def test_an_output_that_names_nothing_here(shop: Repository) -> None:
    assert found(shop, "make: *** [all] Error 2") == Suspects((), ())
