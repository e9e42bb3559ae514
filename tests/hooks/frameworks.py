"""pre-commit and prek, running the hooks of .pre-commit-hooks.yaml from this environment; lefthook, as in the docs."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

BIN = Path(sys.executable).parent
MANIFEST = Path(__file__).resolve().parents[2] / ".pre-commit-hooks.yaml"
PAGE = MANIFEST.parent / "docs" / "hooks.md"
NAMES = ("pre-commit", "prek")


def hooks() -> list[dict[str, Any]]:
    """The manifest's."""
    found: list[dict[str, Any]] = yaml.safe_load(MANIFEST.read_text())
    return found


def configure(path: Path) -> None:
    """Write a configuration with all of the manifest's hooks; nothing is installed in the repository by that."""
    ours = hooks()
    for hook in ours:
        hook.update(language="system", entry=f"{BIN}/{hook['entry']}")
        hook.pop("minimum_pre_commit_version")
    types = list(dict.fromkeys(stage for hook in ours for stage in hook["stages"]))
    config = {"repos": [{"repo": "local", "hooks": ours}], "default_install_hook_types": types}
    (path / ".pre-commit-config.yaml").write_text(yaml.safe_dump(config))


def configure_lefthook(path: Path) -> None:
    """As the docs have it, but for where the program lies."""
    example = re.search(r"```yaml\n# lefthook\.yml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert example is not None
    (path / "lefthook.yml").write_text(example[1].replace("maw-hook", f"{BIN}/maw-hook"))


def run(name: str, path: Path, *arguments: str, timeout: float = 100) -> str:
    done = subprocess.run(
        [BIN / name, *arguments], cwd=path, capture_output=True, text=True, check=False, timeout=timeout
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr
