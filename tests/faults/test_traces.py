"""What a day of use leaves behind on both machines: files and sockets with the modes of docs/security.md, and no log
that quotes a change, a rule, a token or a request."""

from __future__ import annotations

import re
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.use import SECRET, Day
from tests.fixtures.model import EmbeddedModel
from tests.fixtures.ssh import Air, Pro, Sshd

pytestmark = [pytest.mark.model, pytest.mark.slow]

PAGE = (Path(__file__).parents[2] / "docs" / "security.md").read_text(encoding="utf-8")
# Where a change, a rule or a setting may lie (docs/security.md, "Modes"); all else counts as a log.
KEEPS = re.compile(r"runner/(queue|units)\.db(-wal|-shm)?|toml\.json")


@pytest.fixture
def day(air: Air, pro: Pro, sshd: Sshd, embedded_model_file: EmbeddedModel) -> Iterator[Day]:
    """A day that has been gone through."""
    found = Day(air, pro, embedded_model_file)
    try:
        found.go()
        yield found
    finally:
        found.leave()


def promised() -> dict[str, int]:
    """The table of modes: a pattern of paths each, in which a word in capitals stands for any name."""
    table = PAGE.partition("\n## Modes\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (`.+`) \| (0[0-7]{3}) \|", table, re.MULTILINE)
    cells = ((path, int(mode, 8)) for paths, mode in rows for path in re.findall(r"`([^`]+)`", paths))
    return {re.sub(r"\b[A-Z]{2,}\b", r"[^/]+", re.escape(path)): mode for path, mode in cells}


def found_below(state: Path) -> Iterator[tuple[str, Path]]:
    """Everything in a state directory, by its path as the page writes it: a directory ends with a slash."""
    yield "./", state
    for path in sorted(state.rglob("*")):
        yield f"{path.relative_to(state)}{'/' * path.is_dir()}", path


def test_modes_are_those_of_the_page(day: Day) -> None:
    modes = promised()
    met = set()
    for state in (day.air_state, day.pro.state):
        for name, path in found_below(state):
            rules = [rule for rule in modes if re.fullmatch(rule, name)]
            assert rules, f"docs/security.md says nothing of {name}"
            mode = stat.S_IMODE(path.lstat().st_mode)
            assert mode == modes[rules[0]], f"{name} has mode {mode:04o}"
            met.add(rules[0])
    seldom = [rule for rule in modes if rule not in met]
    assert len(met) > 15 and len(seldom) < len(modes) / 2, f"a day in which most files were not made: {seldom}"


def test_no_log_quotes_a_change_a_rule_a_token_or_a_request(day: Day) -> None:
    logs = 0
    for state in (day.air_state, day.pro.state):
        for name, path in found_below(state):
            if path.is_file() and not KEEPS.fullmatch(name):
                content = path.read_bytes()
                quoting = [line for line in content.splitlines() if SECRET.encode() in line]
                assert not quoting, f"{name}: {quoting[0][:300]!r}"
                logs += path.suffix == ".log" and bool(content)
    assert logs >= 5, "runner, worker, link, attendant and defect log: one of them was not written"
