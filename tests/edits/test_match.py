"""Where a search block stands, and what is put there."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maw.edits import lines, match, refusal, splice
from maw.edits.refusal import Refused

CODE = """class Basket:
    def total(self, items):
        result = 0
        for item in items:
            result += item.price
        return result

    def count(self, items):
        return len(items)
"""


def edited(content: str, search: str, replace: str) -> tuple[str, match.Match]:
    text = lines.read(content.encode())
    wanted = tuple(search.split("\n"))
    found = match.find(wanted, text.lines, "a.py")
    return splice.splice(text, [(found, wanted, tuple(replace.split("\n")))]).encode().decode(), found


def test_exact() -> None:
    new, found = edited(CODE, "        return len(items)", "        return sum(1 for _ in items)")
    assert new == CODE.replace("len(items)", "sum(1 for _ in items)")
    assert (found.how, found.difference) == (match.EXACT, "")


def test_a_search_without_indentation_is_found_and_its_replacement_indented() -> None:
    search = "for item in items:\n    result += item.price\nreturn result"
    replace = "for item in items:\n    if item.price:\n        result += item.price\nreturn result"
    new, found = edited(CODE, search, replace)
    inner = "            if item.price:\n                result += item.price\n"
    assert new == CODE.replace("            result += item.price\n", inner)
    assert found.how == match.SPACE
    assert "+        return result" in found.difference


def test_tabs_stay_tabs_where_the_model_writes_blanks() -> None:
    tabbed = CODE.replace("    ", "\t")
    search = "    def total(self, items):\n        result = 0"
    replace = "    def total(self, items):\n        if not items:\n            return 0\n        result = 0"
    new, _ = edited(tabbed, search, replace)
    assert new == tabbed.replace("\t\tresult = 0\n", "\t\tif not items:\n\t\t\treturn 0\n\t\tresult = 0\n")


def test_two_blanks_for_four() -> None:
    new, _ = edited(
        CODE,
        "  def count(self, items):\n    return len(items)",
        "  def count(self, items):\n    if items:\n      return 1\n    return 0",
    )
    assert new.endswith("    def count(self, items):\n        if items:\n            return 1\n        return 0\n")


def test_a_replacement_further_left_than_all_that_was_found() -> None:
    new, _ = edited(CODE, "    return len(items)", "    return 1\n\n  def more(self): ...")
    assert new.endswith("        return 1\n\n      def more(self): ...\n")


def test_the_nearest_place_is_taken_and_what_the_model_did_not_change_stays() -> None:
    search = (
        "    def total(self, entries):\n        result = 0\n        for item in items:\n            result += item.cost"
    )
    replace = search.replace("result = 0", "result = 1")
    new, found = edited(CODE, search, replace)
    assert new == CODE.replace("result = 0", "result = 1")  # entries and cost were never in the file, nor are they now
    assert found.how == match.NEAREST
    assert "-            result += item.cost" in found.difference
    assert "+            result += item.price" in found.difference


def test_a_line_that_the_model_left_out_stays() -> None:
    start = "    def total(self, items):\n        for item in items:\n"
    search = start + "            result += item.price\n        return result"
    new, _ = edited(CODE, search, search.replace("return result", "return round(result)"))
    assert new == CODE.replace("return result", "return round(result)")


@pytest.mark.parametrize(
    ("search", "code", "told"),
    [
        ("same()", refusal.AMBIGUOUS, "lines 2, 5"),
        ("  same()", refusal.AMBIGUOUS, "lines 2, 5"),
        ("nothing of the kind = 12", refusal.NO_MATCH, "nothing of the kind"),
        ("", refusal.EMPTY_SEARCH, "without a line"),
        ("\n  \n", refusal.EMPTY_SEARCH, "without a line"),
    ],
)
def test_what_is_not_found_once_is_refused(search: str, code: str, told: str) -> None:
    with pytest.raises(Refused) as caught:
        edited("a:\n    same()\n\nb:\n    same()\n", search, "x")
    assert caught.value.refusals[0].code == code
    assert told in caught.value.message


def test_two_places_that_are_nearly_alike_are_not_told_apart() -> None:
    content = "".join(
        f"def f{n}(first, second):\n    value = first + second\n    return value * {n}\n\n" for n in (1, 2)
    )
    with pytest.raises(Refused) as caught:
        edited(content, "def f3(first, second):\n    value = first + second\n    return value * 3", "x")
    assert caught.value.refusals[0].code == refusal.AMBIGUOUS


def test_no_match_gives_back_the_real_lines() -> None:
    with pytest.raises(Refused) as caught:
        edited(CODE, "    def total(self, items):\n        raise SystemExit(99)\n        # and nothing else here", "x")
    (only,) = caught.value.refusals
    assert only.code == refusal.NO_MATCH
    assert "        result = 0\n" in only.real


@pytest.mark.parametrize(
    "content",
    ["a\r\nb\r\nc\r\n", "a\nb\r\nc\n", "a\nb\nc", "a\r\nb\r\nc", "\ufeffa\nb\nc\n", "a\tx\nb  \nc\n\n"],
)
def test_line_ends_and_the_end_of_the_file_stay(content: str) -> None:
    for old, new in [("a", "A"), ("b", "B"), ("c", "C")]:
        line = next(line for line in content.removeprefix("\ufeff").replace("\r", "").split("\n") if old in line)
        got, _ = edited(content, line.strip(), line.strip().replace(old, new))
        assert got.strip() == content.replace(line, line.strip().replace(old, new)).strip()
        assert got.count("\r\n") == content.count("\r\n")
        assert got.endswith("\n") == content.endswith("\n")
        assert got.startswith("\ufeff") == content.startswith("\ufeff")


def test_lines_put_after_the_last_one() -> None:
    assert edited("a\nb", "b", "b\nc")[0] == "a\nb\nc"
    assert edited("a\r\nb", "b", "b\nc")[0] == "a\r\nb\r\nc"
    assert edited("a\r\nb\r\n", "b", "b\nc")[0] == "a\r\nb\r\nc\r\n"


def test_hostile_sizes_take_no_time() -> None:
    many = "x = x + x\n" * 20_000
    for search in ("x = x + y\n" * 399, "\n".join(["{"] * 399 + ["y"]), "a" * 100_000, "\n" * 3_000 + "a"):
        with pytest.raises(Refused):
            edited(many, search, "z")
    edited("a\n" * 2_000 + "end\n", "a\n" * 2_000 + "end", "b\n" * 20_000 + "end")


@given(st.lists(st.sampled_from(["a", "  a", "b", "", "c d", "\tb"]), min_size=1, max_size=12), st.data())
def test_an_exact_match_replaces_these_lines_and_no_other_byte(there: list[str], data: st.DataObject) -> None:
    ends = data.draw(st.lists(st.sampled_from(["\n", "\r\n"]), min_size=len(there), max_size=len(there)))
    ends[-1] = data.draw(st.sampled_from(["\n", "\r\n", ""] if there[-1] else ["\n", "\r\n"]))  # "" is no line
    content = "".join(line + end for line, end in zip(there, ends, strict=True))
    start = data.draw(st.integers(0, len(there) - 1))
    end = data.draw(st.integers(start + 1, len(there)))
    new = data.draw(st.lists(st.sampled_from(["a", "x", "  y", ""]), max_size=4))
    text = lines.read(content.encode())
    try:
        found = match.find(there[start:end], text.lines, "a.txt")
    except Refused as exc:
        assert exc.refusals[0].code in (refusal.AMBIGUOUS, refusal.EMPTY_SEARCH)
        return
    got = splice.splice(text, [(found, there[start:end], new)])
    if (found.start, found.how) == (start, match.EXACT) and ends[-1]:
        assert [line.text for line in got.lines] == [*there[:start], *new, *there[end:]]
        assert got.lines[:start] == text.lines[:start]
        assert got.lines[len(got.lines) - (len(there) - end) :] == text.lines[end:]
