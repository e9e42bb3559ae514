"""Findings at the lines of a diff, in one column and side by side."""

from __future__ import annotations

from rich.cells import cell_len

from maw.change import parse
from maw.finding import Finding, finding_from_json
from maw.review.annotate import Diff, placed
from tests.fixtures.attendant import finding

PATCH = b"""\
diff --git a/a.py b/a.py
index 1..2 100644
--- a/a.py
+++ b/a.py
@@ -1,4 +1,5 @@ def it():
 one
-two
-three
+zwei \xff\x1b[31m
 four
+five
+six \xe6\xbc\xa2\xe5\xad\x97
diff --git a/old b/new
similarity index 100%
rename from old
rename to new
"""


def of(path: str, line: int, **more: object) -> Finding:
    return finding_from_json(finding(path, line=line, end_line=line, **more))


def texts(diff: Diff) -> list[str]:
    return [shown.line.text.rstrip() for shown in diff.unified()]


def test_findings_stand_below_their_lines() -> None:
    inside, outside = of("a.py", 2, title="Two"), of("a.py", 90, title="Far", id="ffff0000")
    files = parse(PATCH)
    assert placed(files, [inside, outside, of("b.py", 2)]) == {inside}
    lines = texts(Diff(files, [inside, outside], {inside.id: "accepted by Anna"}))
    at = next(number for number, line in enumerate(lines) if "zwei" in line)
    assert lines[:2] == ["a.py", "@@ -1 +1 @@ def it():"]
    assert "Two" in lines[at + 1] and lines[at + 1].startswith("    ▌")
    assert any("accepted by Anna" in line for line in lines[at + 1 : at + 6])
    assert not any("Far" in line for line in lines)
    assert lines[-1] == "old → new (renamed)"


def test_what_stands_where_is_told() -> None:
    shown = Diff(parse(PATCH), [of("a.py", 4)]).unified()
    told = [each for each in shown if each.finding]
    assert {(each.path, each.number) for each in told} == {("a.py", 4)}
    assert [each.begins for each in told] == [True] + [False] * (len(told) - 1)
    assert [each.path for each in shown if each.begins and not each.finding] == ["a.py", "new"]
    assert next(each.number for each in shown if "three" in each.line.text) == 0


def test_old_and_new_stand_beside_each_other_in_equal_columns() -> None:
    rows = [shown.line.text for shown in Diff(parse(PATCH), []).side_by_side(61)]
    code = [row for row in rows if "│" in row]
    assert {cell_len(row) for row in code} == {61}
    assert [("two" in row, "zwei" in row) for row in code][:3] == [(False, False), (True, True), (False, False)]
    assert "three" in code[2] and code[2].endswith(" " * 30)
    assert "漢字" in code[-1]


def test_nothing_in_it_steers_a_terminal() -> None:
    for line in texts(Diff(parse(PATCH), [of("a.py", 2, title="a\x1b]0;x\x07")])):
        assert line.isprintable()
