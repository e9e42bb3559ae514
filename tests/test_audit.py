"""`make audit` fails for a known weakness and for nothing else: what pip-audit printed, and what is made of it."""

from __future__ import annotations

import importlib.util
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).resolve().parent.parent / "scripts" / "audit.py"
CLEAN = {"name": "click", "version": "8.5.1", "vulns": []}
WEAK = {
    "name": "jinja2",
    "version": "2.4.1",
    "vulns": [{"id": "PYSEC-2014-8", "fix_versions": ["2.7.2"], "aliases": ["CVE-2014-1402"], "description": "…"}],
}
UNKNOWN = {"name": "rich", "skip_reason": "Dependency not found on PyPI and could not be audited: rich (15.0.0)"}
AWAY = "ERROR:pip_audit._cli:Could not connect to the vulnerability service"


def judged(code: int, out: str, err: str = "") -> int:
    spec = importlib.util.spec_from_file_location("audit", SCRIPT)
    assert spec is not None and spec.loader is not None
    module: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    result = module._judged(subprocess.CompletedProcess([], code, out, err))
    assert isinstance(result, int)
    return result


def listed(*packages: dict[str, Any]) -> str:
    return json.dumps({"dependencies": packages, "fixes": []})


@pytest.mark.parametrize(
    ("code", "out", "err", "wanted", "said"),
    [
        (0, listed(CLEAN), "", 0, "1 of 1 packages looked at, 0 with known weaknesses"),
        (
            1,
            listed(CLEAN, WEAK, UNKNOWN),
            "Found 1 known vulnerability",
            1,
            "jinja2 2.4.1: PYSEC-2014-8, mended in: 2.7.2",
        ),
        (0, listed(UNKNOWN, UNKNOWN), "", 0, "skipped, nothing was looked at: Dependency not found"),
        (1, "", AWAY, 0, "skipped, nothing was looked at: ERROR:pip_audit"),
        (2, "", "", 0, "skipped, nothing was looked at: exit code 2"),
        (0, "[]", "", 0, "skipped, nothing was looked at"),
    ],
)
def test_only_a_known_weakness_fails(
    code: int, out: str, err: str, wanted: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert judged(code, out, err) == wanted
    assert said in capsys.readouterr().out
