"""[backends.NAME]: the user's own file says which servers play a role, and nobody else does."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from maw.config.load import load
from tests.fixtures.cli import Maw
from tests.fixtures.git import Repository

OLLAMA = '[backends.ollama]\nurl = "http://127.0.0.1:11434/v1/"\nkey_env = "OLLAMA_KEY"\ntimeout = "5m"\n'


def test_set_get_and_list(maw: Maw, home: Path) -> None:
    assert maw("config", "set", "backends.ollama.url", "http://127.0.0.1:11434/v1").code == 0
    assert maw("config", "set", "backends.ollama.timeout", "5m").code == 0
    assert maw("config", "get", "backends.ollama.timeout").out == "5m\n"
    assert 'backends.ollama.timeout = "5m"' in maw("config").out
    found = json.loads(maw("config", "list", "--json").out)["backends"]["ollama"]
    assert (found["url"], found["timeout"], found["public"]) == ("http://127.0.0.1:11434/v1", 300.0, False)
    done = maw("config", "get", "backends.other.url")
    assert done.code == 2 and "no backend called 'other' (known: ollama)" in done.err


def test_the_file(home: Path) -> None:
    (home / "config.toml").write_text(OLLAMA)
    found = load().backend("ollama")
    assert (found.url, found.key_env, found.timeout) == ("http://127.0.0.1:11434/v1", "OLLAMA_KEY", 300.0)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[backends.x]\nmodel = "m"\n', "backends.x needs a url"),
        ('[backends.x]\nurl = "ftp://h"\n', "backends.x.url: expected an address"),
        ('[backends.x]\nurl = "http://user:secret@h/v1"\n', "backends.x.url: expected an address"),
        ('[backends.x]\nurl = "http://h"\nulr = 1\n', "unknown key 'backends.x.ulr'; did you mean 'url'?"),
        ('[backends."x y"]\nurl = "http://h"\n', "not a node name"),
        ("backends = 3\n", "backends are tables: [backends.NAME]"),
    ],
)
def test_mistakes_are_named(maw: Maw, home: Path, text: str, said: str) -> None:
    (home / "config.toml").write_text(text)
    done = maw("config", "list")
    assert done.code == 2 and said in done.err


def test_a_repository_names_no_backend(maw: Maw, home: Path, repo: Repository) -> None:
    (repo.path / ".maw.toml").write_text(OLLAMA)
    found = load(worktree=str(repo.path), strict=False)
    assert found.backends == {}
    assert "a repository may not name backends" in found.problems[0]


def test_doctor_tells_where_code_goes(maw: Maw, home: Path) -> None:
    (home / "config.toml").write_text(
        OLLAMA
        + '[backends.far]\nurl = "https://8.8.8.8/v1"\n[backends.near]\nurl = "https://8.8.4.4/v1"\npublic = true\n'
    )
    lines = {
        line.split(None, 2)[2].strip(): line
        for line in maw("doctor", "--offline").out.splitlines()
        if "backend" in line
    }
    text = "\n".join(lines.values())
    assert "127.0.0.1 is this machine or on a private network" in text
    assert "8.8.8.8 is not on this machine or a private network, and is not asked" in text
    assert "code that is sent to 8.8.4.4 leaves your own machines, as you allowed" in text
