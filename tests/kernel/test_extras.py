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
