"""Which findings count as dismissed: by the code, not by where it stands."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maw.finding import Finding, finding_id
from maw.memory.dismissals import Around, Dismissal, Dismissals, around, in_force
from maw.record import encode, merge, standing

CODE = b"""\
import math

def mean(items):
    total = sum(items)
    count = len(items)
    return total / count

def first(items):
    return items[0]
"""
LINE = 6


def finding(path: str = "a.py", line: int = LINE, quote: str = "    return total / count", **more: str) -> Finding:
    title = more.get("title", "Division by zero for an empty list")
    return Finding(
        id=finding_id(path, quote, title), path=path, line=line, end_line=line, severity="error",
        category=more.get("category", "bug"), title=title,
        scenario=more.get("scenario", "With an empty list count is 0, and the division raises ZeroDivisionError."),
        suggestion="", replacement=None, quote=quote, confidence=None, unit="u1",
    )  # fmt: skip


def dismissed(code: bytes, seen: Finding) -> bool:
    """Whether a finding in `code` is the dismissed one of CODE."""
    lines = CODE.split(b"\n")
    all_of_them = Dismissals([Dismissal(finding(), around(lines, LINE), "", "")])
    return all_of_them.find(seen, lambda: around(code.split(b"\n"), seen.line)) is not None


def test_the_same_code() -> None:
    assert dismissed(CODE, finding())


def test_moved_code() -> None:
    head, function, rest = CODE.split(b"\n\n")
    moved = b"\n\n".join([head, rest.rstrip(b"\n"), function]) + b"\n"
    assert dismissed(moved, finding(line=9))
    assert dismissed(b"# one\n# two\n" + CODE, finding(line=LINE + 2))


def test_a_renamed_file() -> None:
    assert dismissed(CODE, finding(path="stats/mean.py"))


def test_indented_code() -> None:
    code = b"class Numbers:\n" + b"".join(b"\t" + line + b"\n" for line in CODE.split(b"\n") if line)
    assert dismissed(code, finding(line=6, quote="\t    return total / count"))


@pytest.mark.parametrize(
    ("old", "new", "quote"),
    [
        (b"return total / count", b"return total // count", "    return total // count"),
        (b"count = len(items)\n", b"count = len(items) - 1\n", "    return total / count"),
        (b"total = sum(items)\n    count = len(items)\n", b"total, count = f(items)\n", "    return total / count"),
    ],
    ids=["the line", "the line above", "what is above"],
)
def test_changed_code_is_judged_anew(old: bytes, new: bytes, quote: str) -> None:
    code = CODE.replace(old, new)
    line = code.split(b"\n").index(quote.encode()) + 1
    assert not dismissed(code, finding(line=line, quote=quote))


def test_another_finding_on_the_line_is_raised() -> None:
    seen = finding(title="Integers are truncated", scenario="The result of two large integers loses precision.")
    assert not dismissed(CODE, seen)
    assert not dismissed(CODE, finding(title="Divides by zero: an empty list", category="style"))


def test_other_words_for_the_same() -> None:
    seen = finding(title="Empty list: division by zero", scenario="count is 0 for an empty list.")
    assert dismissed(CODE, seen)


def test_a_line_alone_is_known_by_its_path() -> None:
    one = Dismissals([Dismissal(finding(), Around(), "", "")])
    assert one.find(finding(), Around) is not None
    assert one.find(finding(path="b.py"), Around) is None


def test_nothing_is_looked_at_without_the_line() -> None:
    def never() -> Around:
        raise AssertionError("the file was read")

    assert Dismissals([Dismissal(finding(), Around(), "", "")]).find(finding(quote="x = 1"), never) is None


def _record(status: str, seen: Finding) -> dict[str, object]:
    return {"kind": "feedback", "status": status, "finding": seen.to_json(), "around": {"above": ["x"], "below": 3}}


def test_the_last_word_counts() -> None:
    assert len(in_force([_record("dismissed", finding())])) == 1
    assert in_force([_record("dismissed", finding()), _record("accepted", finding())]) == []
    again = [_record("accepted", finding()), _record("dismissed", finding()), _record("dismissed", finding("b.py"))]
    assert [item.finding.path for item in in_force(again)] == ["a.py", "b.py"]
    assert in_force([{"kind": "feedback", "status": "dismissed", "finding": "none"}, {"kind": "review"}]) == []


_LINES = st.lists(st.sampled_from([b"a = 1", b"b = 2", b"", b"c = f(a)", b"d"]), min_size=4, max_size=12)


@given(_LINES, _LINES, _LINES)
def test_code_that_moved_as_a_whole_stays_dismissed(block: list[bytes], above: list[bytes], below: list[bytes]) -> None:
    """Blank lines around a block keep what is near its lines as it was, wherever it stands."""
    block = [b"", *block, b""]
    for at, text in enumerate(block):
        if text:
            seen = finding(line=len(above) + at + 1, quote=text.decode())
            here = around([*above, *block, *below], seen.line)
            there = Dismissal(seen, around(block, at + 1), "", "")
            assert Dismissals([there]).find(seen, lambda here=here: here) is there


_SAID = st.lists(
    st.tuples(st.sampled_from(["dismissed", "accepted", "fixed"]), st.sampled_from(["a.py", "b.py"])), max_size=8
)


@given(_SAID, st.data())
def test_notes_joined_in_any_order_say_the_same(said: list[tuple[str, str]], data: st.DataObject) -> None:
    """Each clone has some of the lines, and some of the first are retracted somewhere."""
    lines = [
        encode({**_record(status, finding(path)), "v": 1, "id": f"r{at}", "ts": f"2026-01-01T00:00:{at:02d}.000Z"})
        for at, (status, path) in enumerate(said)
    ]
    gone = data.draw(st.sets(st.sampled_from(range(len(said))))) if said else set()
    lines += [
        encode({"v": 1, "id": f"u{at}", "ts": "2026-01-02T00:00:00.000Z", "kind": "retract", "retracts": f"r{at}"})
        for at in gone
    ]
    ours, theirs = (data.draw(st.lists(st.sampled_from(lines))) if lines else [] for _ in range(2))
    one = in_force(standing(merge(ours, lines, theirs)))
    assert one == in_force(standing(merge(theirs, data.draw(st.permutations(lines)), ours)))
    last = {path: status for at, (status, path) in enumerate(said) if at not in gone}
    assert {item.finding.path for item in one} == {path for path, status in last.items() if status == "dismissed"}
