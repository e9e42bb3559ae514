"""`maw config` as a user runs it."""

from __future__ import annotations

import stat
from pathlib import Path

from tests.fixtures.cli import Maw
from tests.fixtures.git import Repository


def test_list_shows_every_value_and_where_it_comes_from(maw: Maw, repo: Repository, home: Path) -> None:
    (home / "config.toml").write_text('[review]\ndeadline = "45s"\n[nodes.pro]\nhost = "pro.local"\n')
    repo.write(".maw.toml", '[review]\nblock_at = "critical"\n')
    done = maw("config", cwd=repo.path, MAW_CONNECT_TIMEOUT="1s")
    assert done.code == 0
    lines = {line.partition(" = ")[0]: line for line in done.out.splitlines()}
    assert lines["review.deadline"].split() == ["review.deadline", "=", '"45s"', "#", "user"]
    assert lines["review.block_at"].endswith("# repository")
    assert lines["connect_timeout"].endswith("# environment")
    assert lines["review.mode"].endswith("# default")
    assert '"pro.local"' in lines["nodes.pro.host"]


def test_list_as_json(maw: Maw) -> None:
    found = maw("config", "list", "--json").json
    assert maw("config", "--json").json == found
    assert found["v"] == 1
    assert found["settings"]["review.deadline"] == {"value": 30.0, "origin": "default"}


def test_list_works_on_a_configuration_with_a_mistake_and_tells_it(maw: Maw, home: Path) -> None:
    (home / "config.toml").write_text("nod = 'x'\n")
    done = maw("config")
    assert done.code == 2
    assert "did you mean 'node'" in done.err
    assert "review.mode" in done.out


def test_set_get_and_unset(maw: Maw, home: Path) -> None:
    assert maw("config", "set", "review.deadline", "1m").code == 0
    assert maw("config", "get", "review.deadline").out == "1m\n"
    assert maw("config", "get", "--json", "review.deadline").json["value"] == 60.0
    assert stat.S_IMODE((home / "config.toml").stat().st_mode) == 0o600
    assert maw("config", "unset", "review.deadline").code == 0
    assert maw("config", "unset", "review.deadline").code == 1
    assert maw("config", "get", "review.deadline").out == "30s\n"


def test_setting_a_node(maw: Maw) -> None:
    assert maw("config", "set", "nodes.pro.host", "pro.local").code == 0
    assert maw("config", "get", "nodes.pro.host").out == "pro.local\n"
    assert maw("config", "get", "nodes.pro.user").out == "\n"
    assert maw("config", "get", "nodes.gpu.host").code == 2


def test_set_says_when_another_layer_wins(maw: Maw) -> None:
    done = maw("config", "set", "review.deadline", "1m", MAW_REVIEW_DEADLINE="9s")
    assert done.code == 0
    assert "MAW_REVIEW_DEADLINE sets it too" in done.err


def test_unknown_keys_suggest_the_nearest(maw: Maw) -> None:
    done = maw("config", "get", "review.dedline")
    assert done.code == 2
    assert "did you mean 'review.deadline'" in done.err
    assert done.out == ""


def test_repo_file_takes_trusted_keys_only(maw: Maw, repo: Repository) -> None:
    (repo.path / "sub").mkdir()
    assert maw("config", "set", "--repo", "review.block_at", "critical", cwd=repo.path / "sub").code == 0
    assert (repo.path / ".maw.toml").read_text().lstrip() == '[review]\nblock_at = "critical"\n'
    assert maw("config", "set", "--repo", "node", "x", cwd=repo.path).code == 2


def test_repo_file_outside_of_a_repository(maw: Maw) -> None:
    done = maw("config", "set", "--repo", "review.block_at", "info")
    assert done.code == 2
    assert "not a git work tree" in done.err


def test_edit_opens_the_file_and_checks_it(maw: Maw, home: Path) -> None:
    assert maw("config", "edit", EDITOR="true").code == 0
    assert "#deadline" in (home / "config.toml").read_text()
    done = maw("config", "edit", EDITOR="printf 'blok_at = 1\\n' >")
    assert done.code == 2
    assert "blok_at" in done.err


def test_edit_prefers_visual_and_tells_when_the_editor_fails(maw: Maw, home: Path) -> None:
    assert maw("config", "edit", VISUAL="touch visual;true", EDITOR="false").code == 0
    assert (home / "visual").exists()
    done = maw("config", "edit", EDITOR="false")
    assert done.code == 2
    assert "editor" in done.err


def test_control_characters_of_a_repository_do_not_reach_the_terminal(maw: Maw, repo: Repository) -> None:
    repo.write(".maw.toml", '[review]\nexclude = ["\\u001b]0;owned\\u0007"]\n"\\u001b[31mbad" = 1\n')
    done = maw("config", cwd=repo.path)
    assert "\x1b" not in done.out + done.err


def test_a_file_that_is_named_and_not_there_is_a_mistake_unless_it_is_made(maw: Maw, home: Path) -> None:
    named = home / "mine" / "maw.toml"
    env = {"MAW_CONFIG": str(named)}
    said = f"maw: {named}: is not there, though MAW_CONFIG names it\n"
    for words in (("status",), ("review", "HEAD"), ("config", "get", "node"), ("node", "list")):
        done = maw(*words, **env)
        assert (done.code, done.err.startswith(said)) == (2, True), (words, done.err)
    assert (done := maw("config", **env)).code == 2 and said in done.err and "review.mode" in done.out
    (check,) = [one for one in maw("doctor", "--offline", "--json", **env).json["checks"] if one["what"] == "settings"]
    assert (check["state"], "unset MAW_CONFIG" in check["mend"]) == ("fail", True)
    assert maw("config", "set", "review.deadline", "1m", **env).code == 0
    assert maw("config", "get", "review.deadline", **env).out == "1m\n"


def test_path(maw: Maw, home: Path, repo: Repository) -> None:
    assert maw("config", "path").out == f"{home / '.config' / 'maw' / 'config.toml'}\n"
    assert maw("config", "path", "--repo", cwd=repo.path).out.endswith("/.maw.toml\n")
