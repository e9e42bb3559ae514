"""State is private, wherever it lies, and a socket's path that cannot work is refused by name."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from maw import paths
from maw.errors import FatalError


def mode(path: str) -> int:
    return stat.S_IMODE(os.stat(path).st_mode)


def test_the_state_directory_is_private_whoever_makes_what_first() -> None:
    made = paths.make_private_dir(paths.link_dir("pro"))
    between = os.path.dirname(made)
    assert [mode(directory) for directory in (made, between, paths.state_dir())] == [0o700] * 3


def test_an_open_directory_is_tightened() -> None:
    os.makedirs(paths.runner_dir(), mode=0o755)
    os.chmod(paths.runner_dir(), 0o755)
    assert mode(paths.make_private_dir(paths.runner_dir())) == 0o700


def test_a_directory_elsewhere_leaves_its_parents_alone(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    assert mode(paths.make_private_dir(str(tmp_path / "maw"))) == 0o700
    assert mode(str(tmp_path)) == 0o755


def test_a_socket_path_that_is_too_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAW_STATE_DIR", "/tmp/" + "x" * 100)
    with pytest.raises(FatalError, match="longer than 103 bytes") as caught:
        paths.runner_socket()
    assert "MAW_STATE_DIR" in str(caught.value.hint)


@pytest.mark.parametrize("name", ["", "-x", "../up", "a b", "A", "x" * 33, "a\n", "é"])
def test_a_name_that_could_lead_elsewhere_is_no_node(name: str) -> None:
    with pytest.raises(FatalError, match="not a node name"):
        paths.link_dir(name)
