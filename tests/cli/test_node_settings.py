"""A mistake in the settings is told by the commands about nodes too, which would act on half of them otherwise."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fixtures.cli import Maw


@pytest.mark.parametrize(
    "command",
    [
        ("connect", "pro"),
        ("node", "list"),
        ("node", "test", "pro"),
        ("node", "rm", "pro"),
        ("node", "add", "other", "host.invalid", "--yes"),
    ],
    ids=" ".join,
)
def test_an_unknown_key_is_an_error(maw: Maw, home: Path, command: tuple[str, ...]) -> None:
    text = '[nodes.pro]\nhost = "host.invalid"\nprot = 22\n'
    (home / "config.toml").write_text(text)
    done = maw(*command)
    assert (done.code, done.out) == (2, "")
    assert "unknown key 'nodes.pro.prot'; did you mean 'port'?" in done.err
    assert (home / "config.toml").read_text() == text
    assert not (home / "state" / "keys").exists()
