"""How extras are added: hints name extras that exist, and no package that an index would have to know."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from maw import client, reach
from maw.errors import NodeError
from maw.extras import how_to_add

ROOT = Path(__file__).resolve().parents[2]
NO_LITESTAR = "import sys; sys.modules['litestar'] = sys.modules['uvicorn'] = None\n"


def test_no_hint_names_a_package_that_an_index_would_have_to_know() -> None:
    for folder in ("maw", "hooks", "remote"):
        for path in (ROOT / folder).rglob("*.py"):
            assert not re.search(r"pipx? install '?git-maw", path.read_text()), path


def test_the_extras_that_are_hinted_at_exist() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    used = {
        extra
        for folder in ("maw", "hooks", "remote")
        for path in (ROOT / folder).rglob("*.py")
        for extra in re.findall(r"how_to_add\(.([a-z-]+).\)", path.read_text())
    }
    assert used and used <= set(extras)


def test_a_missing_extra_is_told_with_how_to_add_it_however_the_runner_is_started(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "site").mkdir()
    (home / "site" / "sitecustomize.py").write_text(NO_LITESTAR)
    monkeypatch.setenv("PYTHONPATH", str(home / "site"))
    done = subprocess.run([sys.executable, "-m", "maw_remote", "start"], capture_output=True, text=True, env=os.environ)
    assert done.returncode != 0 and "is not installed" in done.stderr
    assert how_to_add("runner") in done.stderr
    with pytest.raises(NodeError, match="is not installed") as caught:
        client.request(reach.LOCAL, "GET", "/api/v1/status")
    assert caught.value.hint == how_to_add("runner")


def test_a_hint_keeps_the_extras_that_are_there(tmp_path: Path) -> None:
    """uv and pipx put in what they are told, and nothing else: the missing extra alone would take the others away."""
    info = tmp_path / "git_maw-1.dist-info"
    info.mkdir()
    parts = {"generate": ["tree-sitter-x"], "runner": ["llama-x", "lite-x"], "tui": ["textual-x>=8,<9"], "web": ["w"]}
    parts["all"] = [name for names in parts.values() for name in names]
    lines = [f"Requires-Dist: {name}; extra == '{extra}'" for extra, names in parts.items() for name in names]
    (info / "METADATA").write_text("\n".join(["Name: git-maw", "Version: 1", "Requires-Dist: click", *lines, ""]))

    def hint(extra: str, *there: str) -> str:
        for name in there:
            about = tmp_path / f"{name.replace('-', '_')}-1.dist-info"
            about.mkdir()
            (about / "METADATA").write_text(f"Name: {name}\nVersion: 1\n")
        code = f"from maw.extras import how_to_add; print(how_to_add({extra!r}))"
        # -S: only what stands here is installed
        done = subprocess.run([sys.executable, "-S", "-c", code], capture_output=True, text=True, check=True,
                              cwd=tmp_path, env={"PYTHONPATH": f"{tmp_path}:{ROOT}"})  # fmt: skip
        return done.stdout

    assert "uv tool install --force '.[tui]'" in hint("tui")
    assert "'.[tui]'" in hint("tui", "lite-x")  # half of an extra is none
    assert "'.[runner,tui]'" in hint("tui", "llama-x")
    assert "'.[all]'" in hint("web", "tree-sitter-x", "textual-x")
