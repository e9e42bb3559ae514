"""`maw stats` as a user runs it, and what other programs make of its CSV and SVG."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path
from xml.etree import ElementTree as Xml

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from maw.memory.index import Index
from maw.memory.query import Filters
from maw.stats.chart import to_svg
from maw.stats.export import COLUMNS, to_csv
from maw.stats.figures import Figures, Found, Place
from maw.stats.gather import Statistics, gather
from maw.stats.plots import nice
from maw.stats.words import columns, duration, fitted, short, table
from tests.cli.test_terminal import on_a_terminal
from tests.fixtures.attendant import finding, kernel_repo
from tests.fixtures.cli import Maw
from tests.fixtures.git import Repository
from tests.stats.test_gather import MONDAY, NEXT, STATS, note, say

SVG = "{http://www.w3.org/2000/svg}"
EVIL = "=cmd|'/C calc'!A0 </text><script>alert(1)</script> & \"quoted\", ]]>"


@pytest.fixture
def busy(repo: Repository) -> Repository:
    """A repository with three reviews, two findings, and feedback on one of them."""
    bug = finding("src/a.py", id="eeee0001")
    one, two, three = repo.commit("one", **{"src/a__py": "1\n"}), repo.commit("two"), repo.commit("three")
    note(repo, one, ts=MONDAY, verdict="block", findings=[bug, finding("b.py", "info", id="eeee0002")], stats=STATS)
    note(repo, two, ts=NEXT, stats={**STATS, "elapsed_ms": 90_000})
    note(repo, three, ts=NEXT, status="unreviewed", verdict="incomplete", reason="away")
    say(repo, one, bug, "accepted")
    return repo


def test_as_text(busy: Repository, maw: Maw) -> None:
    ran = maw("stats", cwd=busy.path)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.splitlines() == [
        "reviews   2: 1 pass, 1 block; 1 never reviewed",
        "findings  2: 1 error, 1 info; 1 accepted, 0 fixed, 0 dismissed: 100% right",
        "time      1 min 31 s on nodes; half of the reviews 1.0 s, 90% 1 min 30 s, 99% 1 min 30 s, first word 200 ms",
        "tokens    200 read, 40% of it known, 20 written",
        "",
        "week        reviews  block  findings  C  E  W  I  accepted      median         90%  tokens",
        "2026-01-05        1      1         2  -  1  -  1      100%       1.0 s       1.0 s     110  ████████████████",
        "2026-01-12        1      -         0  -  -  -  -         -  1 min 30 s  1 min 30 s     110  ████████████████",
        "",
        "category  findings  C  E  W  I  accepted  fixed  dismissed",
        "bug              2  -  1  -  1      100%      -          -  ████████████████",
    ]


def test_every_table(busy: Repository, maw: Maw) -> None:
    groups = ("week", "category", "severity", "author", "model", "path")
    ran = maw("stats", *(word for group in groups for word in ("--by", group)), cwd=busy.path)
    heads = [block.split(None, 1)[0] for block in ran.out.split("\n\n")]
    assert heads == ["reviews", *groups]
    assert re.search(r"^src/ +1 +1 +- +1 +- +- +100%", ran.out, re.MULTILINE)


def test_a_terminal_without_unicode_and_long_tables(busy: Repository, maw: Maw) -> None:
    for number in range(20):
        note(busy, busy.commit(), ts=f"2026-0{number % 9 + 1}-01T00:00:00Z", model=f"model-{'x' * 40}{number}")
    ran = maw("stats", "--by", "model", cwd=busy.path, PYTHONIOENCODING="ascii:replace")
    assert "12 of 21; --all shows them all" in ran.err
    assert "#" in ran.out and ran.out.isascii()
    assert len(maw("stats", "--by", "model", "--all", cwd=busy.path).out.splitlines()) == 4 + 1 + 22


@pytest.mark.parametrize("width", [100, 80, 60, 40])
def test_a_table_fits_its_terminal(busy: Repository, width: int) -> None:
    """Columns of nothing but dashes go first, then heads and names get shorter, then the last columns go."""
    note(busy, busy.commit(), ts=MONDAY, model="漢字" * 20, stats={**STATS, "elapsed_ms": 3_700_000})
    with Index(kernel_repo(busy)) as index:
        index.refresh()
        found = gather(index, Filters(), commits=True)
    for group in ("week", "category", "severity", "author", "model", "path"):
        whole = table(found, group)
        small = fitted(whole, width)
        assert max(map(cell_len, columns(small))) <= width
        assert len(small.heads) > 2 and len(small.rows) == len(whole.rows)
    assert fitted(table(found, "severity"), 80) == table(found, "severity")


def test_a_real_terminal(busy: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    lines = on_a_terminal("stats", cwd=busy.path).decode().replace("\r", "").split("\n")
    assert max(map(cell_len, lines)) <= 80
    assert "          99% 1 min 30 s, first word 200 ms" in lines  # what goes on is indented
    assert "C" not in next(line for line in lines if line.startswith("week")).split()


def test_a_table_of_nothing_is_left_out(repo: Repository, maw: Maw) -> None:
    note(repo, repo.commit("one"))
    ran = maw("stats", "--by", "week", "--by", "category", cwd=repo.path)
    assert "week" in ran.out and "category" not in ran.out


def test_json_and_its_filters(busy: Repository, maw: Maw) -> None:
    found = maw("stats", "--json", cwd=busy.path).json
    assert (found["v"], found["total"]["reviews"], found["total"]["acceptance"]) == (1, 2, 1.0)
    assert found["total"]["latency_ms"] == {"p50": 1000, "p90": 90000, "p99": 90000, "max": 90000}
    assert {key: len(value) for key, value in found.items() if isinstance(value, list)} == {
        "weeks": 2, "categories": 1, "severities": 4, "authors": 1, "models": 1, "paths": 2,
    }  # fmt: skip
    assert maw("stats", "--json", "HEAD~1..", cwd=busy.path).json["total"]["unreviewed"] == 1
    for options in (["--since", "2026-01-12"], ["--author", "nobody"], ["--path", "docs"], ["--model", "huge"]):
        assert maw("stats", "--json", *options, cwd=busy.path).json["total"]["findings"] == 0


def test_csv_and_svg_from_the_command(busy: Repository, maw: Maw, home: Path) -> None:
    ran = maw("stats", "--csv", cwd=busy.path)
    rows = list(csv.DictReader(io.StringIO(ran.out)))
    assert [row["group"] for row in rows] == [
        "total", "week", "week", "author", "model", "category", *["severity"] * 4, "path", "path",
    ]  # fmt: skip
    assert (rows[0]["reviews"], rows[0]["verdict_block"], rows[0]["latency_ms_p90"]) == ("2", "1", "90000")
    picture = home / "out.svg"
    ran = maw("stats", "--svg", str(picture), cwd=busy.path)
    assert (ran.code, ran.out) == (0, "") and "drawn into" in ran.err
    assert picture.read_text() == maw("stats", "--svg", "-", cwd=busy.path).out
    assert Xml.parse(picture).getroot().tag == f"{SVG}svg"


def test_what_cannot_be_done_is_one_line(busy: Repository, maw: Maw, home: Path) -> None:
    assert maw("stats", "--json", "--csv", cwd=busy.path).code == 2
    for arguments in (["no-such"], ["--since", "soon"], ["--svg", str(home / "missing" / "a.svg")]):
        ran = maw("stats", *arguments, cwd=busy.path)
        assert ran.code == 2 and ran.err.startswith("maw: ") and "Traceback" not in ran.err, ran.err
    assert maw("stats", cwd=home).code == 2


def test_nothing_recorded(repo: Repository, maw: Maw) -> None:
    ran = maw("stats", cwd=repo.path)
    assert (ran.code, ran.out) == (0, "") and "nothing recorded" in ran.err
    assert maw("stats", "--json", cwd=repo.path).json["total"]["reviews"] == 0
    assert "nothing recorded" in maw("stats", "--svg", "-", cwd=repo.path).out
    assert len(maw("stats", "--csv", cwd=repo.path).out.splitlines()) == 6


def _strange() -> Statistics:
    figures = Figures()
    figures.verdicts["block"] = figures.reviews["reviewed"] = 7
    figures.latency.values += [0, 5, 10**12]
    found = Found()
    found.add("critical", "dismissed")
    return Statistics(
        figures, {"2026-01-05": figures, "2026-01-12": Figures()}, {EVIL: found, "": found, "\x00\x1b\ufffe": found},
        {"critical": found}, {EVIL: figures}, {EVIL: figures}, {EVIL: Place(1, found)},
    )  # fmt: skip


def test_the_picture_is_well_formed_whatever_names_say() -> None:
    root = Xml.fromstring(to_svg(_strange()))
    assert root.findall(f".//{SVG}script") == []
    assert any("<script>" in (title.text or "") or "=cmd" in (title.text or "") for title in root.iter(f"{SVG}title"))
    _, _, width, height = map(float, root.attrib["viewBox"].split())
    assert len(root.findall(f"{SVG}g")) == 8
    for bar in root.iter(f"{SVG}rect"):
        x, y, wide, high = (float(bar.attrib[name]) for name in ("x", "y", "width", "height"))
        assert x >= 0 and y >= 0 and wide >= 0 and high >= 0 and x + wide <= width and y + high <= height


def test_a_spreadsheet_runs_no_name() -> None:
    table = list(csv.reader(io.StringIO(to_csv(_strange()))))
    assert {len(row) for row in table} == {len(COLUMNS)} and tuple(table[0]) == COLUMNS
    assert [row[1] for row in table if row[0] == "author"] == [f"'{EVIL}"]


@given(st.floats(min_value=1e-6, max_value=1e15))
def test_a_scale_ends_at_a_round_number_that_is_not_far(value: float) -> None:
    assert value <= nice(value) <= 2.5001 * value
    assert f"{nice(value):.3e}"[:5] in ("1.000", "2.000", "5.000")


@pytest.mark.parametrize(
    ("milliseconds", "told"),
    [(None, "-"), (0, "0 ms"), (999, "999 ms"), (59_949, "59.9 s"), (59_950, "1 min 0 s"), (60_000, "1 min 0 s"),
     (3_599_600, "1 h 0 min"), (3_600_000, "1 h 0 min"), (86_400_000 * 3 + 7_200_000, "3 d 2 h")],
)  # fmt: skip
def test_durations(milliseconds: int | None, told: str) -> None:
    assert duration(milliseconds) == told


@pytest.mark.parametrize(
    ("value", "told"),
    [(0, "0"), (999, "999"), (1500, "1.5 k"), (999_499, "999 k"), (999_500, "1 M"), (2e7, "20 M"), (999.9e9, "1,000 G"),
     (1e12, "1,000 G")],
)  # fmt: skip
def test_short_numbers(value: float, told: str) -> None:
    assert short(value) == told
