"""Settings files out of anybody's hands: whatever they hold ends in settings or in a line that says what is wrong."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from maw.config import toml
from maw.config.load import PROBLEMS_MAX, Config, load
from maw.config.schema import BY_KEY, SETTINGS
from maw.errors import FatalError

shared_home = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])

PIECES = [
    "a", "review", ".", "=", "[", "]", "[[", "]]", "{", "}", '"', '"""', "'", "'''", "\\", "\n", "\r\n", "\r", "#", ",",
    " ", "0", "-", "1e999", "inf", "nan", "0x", "_", "true", "1979-05-27T07:32:00Z", "\\ud800", "\\U00110000", "é",
    "\0", "\ufeff",
]  # fmt: skip


@shared_home
@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=3), max_size=30).map("".join))
@example("a = nan")
@example("a = 2020-01-01")
@example("x = " + "[" * 3000)
@example(".".join("a" * 200) + " = 1")
def test_a_text_means_what_it_means_to_pythons_reader(home: Path, text: str) -> None:
    """The first time and from what was kept; but for the absurd, which is refused."""
    (home / "state").mkdir(exist_ok=True)
    try:
        wanted = tomllib.loads(text)
    except (ValueError, RecursionError):
        wanted = None
    for _ in range(2):
        try:
            found = toml.loads(text)
        except (ValueError, RecursionError):
            assert wanted is None or text.count(".") > toml.DOTS_MAX
        else:
            assert repr(found) == repr(wanted)  # nan equals nothing


HARD = [
    float("inf"), float("nan"), -1, 0, 10**400, 1e308, "9" * 400, "9" * 400 + "d", "²", "٣", "1e400s", "inf", "",
    "\x1b[2J", "a\nb",
    "**/" * 2000, "[" * 500, "{" * 50, "../../etc", "/dev/zero",
]  # fmt: skip
TABLE_KEYS = st.sampled_from(["glob", "text", "host", "x"])
VALUES = st.recursive(
    st.sampled_from(HARD) | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.datetimes(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TABLE_KEYS, inner, max_size=3),
    max_leaves=6,
)
OF_TWO_TYPES = {"review.verify": (bool, tuple)}  # yes, no, or for which models
KEYS = st.sampled_from([setting.key for setting in SETTINGS] + ["nodes", "nodes.pro", "nodes.pro.port", "x", "review"])


def nested(pairs: dict[str, Any]) -> dict[str, Any]:
    """Dotted keys as tables, where they do not contradict each other."""
    top: dict[str, Any] = {}
    for key, value in pairs.items():
        *tables, name = key.split(".")
        place = top
        for table in tables:
            place = place.setdefault(table, {}) if isinstance(place.get(table, {}), dict) else {}
        place.setdefault(name, value)
    return top


def readings(worktree: Path) -> Iterator[Config]:
    for strict in (False, True):
        try:
            yield load(worktree=str(worktree), environ={}, strict=strict)
        except FatalError as exc:
            assert strict, "a hook takes what it can use"
            assert len(exc.message) <= 400


@shared_home
@given(st.dictionaries(KEYS, VALUES, max_size=5), st.booleans())
@example({"review.deadline": float("inf")}, False)
@example({"review.deadline": 10**400}, False)
@example({"review.deadline": "9" * 400 + "d"}, False)
@example({"review.rules": [{"glob": "**", "text": "x" * 100_000}]}, True)
@example({"review.verify": []}, False)
def test_whatever_is_set_is_used_or_told(home: Path, pairs: dict[str, Any], by_repository: bool) -> None:
    path = home / (".maw.toml" if by_repository else "config.toml")
    path.write_text(tomli_w.dumps(nested(pairs)), encoding="utf-8")
    try:
        for config in readings(home):
            assert len(config.problems) <= PROBLEMS_MAX + 1
            for key, value in config.values.items():
                assert isinstance(value, OF_TWO_TYPES.get(key, type(BY_KEY[key].default)))
                trusted = BY_KEY[key].repo or not by_repository
                assert trusted or config.origins[key] == "default"
            assert not (by_repository and config.nodes)
    finally:
        path.unlink()


@shared_home
@given(st.binary(max_size=60) | st.sampled_from([b"\xff", b"a = '\xe9'", b"\x00" * 70_000, b"[a]" * 50_000]))
def test_bytes_that_are_no_toml_are_told(home: Path, content: bytes) -> None:
    (home / ".maw.toml").write_bytes(content)
    for config in readings(home):
        assert config.origins == dict.fromkeys(config.origins, "default") or tomllib.loads(content.decode())


@pytest.mark.parametrize("value", ["inf", "1e300", '"999999999d"', "9" * 30])
def test_a_duration_that_no_clock_holds_is_refused(home: Path, value: str) -> None:
    """Sockets take no timeout of it, so that it would be a defect in the hook."""
    (home / "config.toml").write_text(f"review.deadline = {value}\n")
    with pytest.raises(FatalError, match=r"review\.deadline: expected a duration"):
        load(environ={})
