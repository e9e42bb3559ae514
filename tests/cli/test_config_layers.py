"""Which layer wins, what a repository may say, and what an unknown key does."""

from __future__ import annotations

from pathlib import Path

import pytest

from maw.config.load import load
from maw.config.schema import SETTINGS, amount_or_auto, env_name
from maw.errors import FatalError


def write(path: Path, text: str) -> None:
    path.write_text(text)


def test_each_layer_wins_over_the_one_before(home: Path) -> None:
    key = "review.block_at"
    assert (load().values[key], load().origins[key]) == ("error", "default")
    write(home / "config.toml", '[review]\nblock_at = "info"\n')
    assert (load()[key], load().origins[key]) == ("info", "user")
    write(home / ".maw.toml", '[review]\nblock_at = "warning"\n')
    found = load(worktree=str(home))
    assert (found[key], found.origins[key]) == ("warning", "repository")
    environ = {"MAW_REVIEW_BLOCK_AT": "critical"}
    found = load(worktree=str(home), environ=environ)
    assert (found[key], found.origins[key]) == ("critical", "environment")
    found = load(worktree=str(home), environ=environ, flags={key: "error"})
    assert (found[key], found.origins[key]) == ("error", "flag")
    assert load(worktree=str(home), environ=environ, flags={key: None})[key] == "critical"


@pytest.mark.parametrize("setting", [s for s in SETTINGS if not s.repo], ids=lambda s: s.key)
def test_a_repository_cannot_say_where_work_goes_or_what_runs(home: Path, setting) -> None:
    table, _, name = setting.key.rpartition(".")
    write(home / ".maw.toml", (f"[{table}]\n" if table else "") + f"{name} = 1\n")
    with pytest.raises(FatalError, match="may not be set by a repository"):
        load(worktree=str(home))
    found = load(worktree=str(home), strict=False)
    assert found.values[setting.key] == setting.default
    assert len(found.problems) == 1


def test_a_repository_cannot_name_nodes(home: Path) -> None:
    write(home / ".maw.toml", '[nodes.pro]\nhost = "evil.example.org"\n')
    with pytest.raises(FatalError, match="may not name nodes"):
        load(worktree=str(home))
    assert load(worktree=str(home), strict=False).nodes == {}


def test_an_unknown_key_is_an_error_that_suggests_and_a_warning_in_hooks(home: Path) -> None:
    write(home / "config.toml", '[review]\nblok_at = "info"\ndeadline = "5s"\n')
    with pytest.raises(FatalError, match=r"did you mean 'review\.block_at'"):
        load()
    found = load(strict=False)
    assert found["review.deadline"] == 5.0
    assert "review.blok_at" in found.problems[0]


def test_an_unknown_variable_is_told(home: Path) -> None:
    with pytest.raises(FatalError, match="did you mean 'MAW_REVIEW_DEADLINE'"):
        load(environ={"MAW_REVIEW_DEADLIN": "1s"})


@pytest.mark.parametrize("text", ["node =", "a = 1\na = 2", "\x00", "[" * 2000, b"\xff\xfe"])
def test_a_file_that_is_not_toml_is_named(home: Path, text: str | bytes) -> None:
    (home / "config.toml").write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(FatalError, match=r"config\.toml: not TOML"):
        load()
    assert load(strict=False)["node"] == "local"


@pytest.mark.parametrize("line", ["", 'host = "-oProxyCommand=evil"'])
def test_a_host_that_ssh_would_take_for_an_option_is_refused(home: Path, line: str) -> None:
    write(home / "config.toml", f"[nodes.pro]\n{line}\n")
    with pytest.raises(FatalError, match="may not start with a dash") as caught:
        load()
    assert caught.value.message.count("config.toml") == 1
    assert load(strict=False).nodes == {}


@pytest.mark.parametrize(
    ("text", "value"),
    [("20GB", 20 * 10**9), ("1.5 gib", 3 << 29), ("512MB", 512 * 10**6), ("7", 7), (7, 7), ("auto", 0), (0, 0)],
)
def test_amounts(text: object, value: int) -> None:
    assert amount_or_auto(text) == value


@pytest.mark.parametrize("text", ["much", "-1GB", "1PB", "9" * 400 + "TB", True, -1, 1.5e300, float("nan"), None, []])
def test_what_is_no_amount(text: object) -> None:
    with pytest.raises(ValueError, match="expected an amount"):
        amount_or_auto(text)


@pytest.mark.parametrize(
    ("text", "value"), [("500ms", 0.5), ("30s", 30.0), ("5m", 300.0), ("12h", 43200.0), ("14d", 1209600.0), ("7", 7.0)]
)
def test_durations(text: str, value: float) -> None:
    assert load(environ={"MAW_REVIEW_DEADLINE": text})["review.deadline"] == value


def test_every_setting_has_a_variable_of_its_own() -> None:
    names = [env_name(setting.key) for setting in SETTINGS]
    assert len(set(names)) == len(names)
