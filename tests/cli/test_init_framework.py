"""`maw init --framework pre-commit`: what it writes into a project's configuration, and what it leaves alone."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path
from typing import Any

import pytest

from maw.git.repo import discover
from maw.setup import framework, journal
from tests.cli.conftest import NOWHERE, snapshot
from tests.fixtures.cli import Maw
from tests.fixtures.git import Repository

CONFIG = """\
# ours
repos:
  - repo: local
    hooks:
      - id: theirs
        name: theirs
        entry: "true"
        language: system
# last words
exclude: ^vendor/
"""
ROOT = Path(__file__).resolve().parents[2]
MANIFEST = ROOT / ".pre-commit-hooks.yaml"


def _as_in_the_manifest(hooks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What both say of a hook: how it is started differs."""
    return [
        {name: value for name, value in hook.items()
         if name not in ("description", "entry", "language", "minimum_pre_commit_version")}
        for hook in hooks
    ]  # fmt: skip


def test_framework_adds_hooks_to_the_projects_configuration(maw: Maw, set_up: Repository) -> None:
    pytest.importorskip("pre_commit")
    import yaml

    set_up.write(".pre-commit-config.yaml", CONFIG)
    before = snapshot(set_up.path)
    done = maw("init", "--yes", "--framework", "pre-commit", cwd=set_up.path, **NOWHERE)
    assert done.code == 0, done.err
    text = (set_up.path / ".pre-commit-config.yaml").read_text()
    found = yaml.safe_load(text)
    theirs, ours = (repo["hooks"] for repo in found["repos"])
    assert [hook["id"] for hook in theirs] == ["theirs"]
    assert _as_in_the_manifest(ours) == _as_in_the_manifest(yaml.safe_load(MANIFEST.read_text()))
    assert found["exclude"] == "^vendor/"
    assert text.startswith("# ours\n")
    validated = subprocess.run(
        [sys.executable, "-m", "pre_commit", "validate-config"], cwd=set_up.path, capture_output=True, check=False
    )
    assert validated.returncode == 0, validated.stdout
    for stage in ("pre-commit", "post-commit", "prepare-commit-msg", "commit-msg", "pre-push"):
        assert "pre-commit.com" in (set_up.path / ".git/hooks" / stage).read_text()
    assert "the line `default_stages: [pre-commit]` in it keeps them at commits" in done.out
    states = maw("hooks", "status", "--json", cwd=set_up.path)
    assert states.code == 0
    assert {state["state"] for state in states.json["hooks"]} == {"installed"}
    again = maw("init", "--yes", "--framework", "pre-commit", cwd=set_up.path, **NOWHERE)
    assert "everything was set up already" in again.out
    gone = maw("uninstall", "--yes", cwd=set_up.path)
    assert gone.code == 0 and "left alone" not in gone.out
    assert snapshot(set_up.path) == before


@pytest.mark.slow
def test_where_maw_is_not_installed_the_projects_hooks_let_commits_pass(maw: Maw, repo: Repository) -> None:
    pytest.importorskip("pre_commit")
    assert maw("init", "--yes", "--framework", "pre-commit", cwd=repo.path, **NOWHERE).code == 0
    assert shutil.which("maw-hook", path="/usr/bin:/bin") is None
    repo.write("a.txt", "a\n")
    repo.git("add", "-A")
    done = subprocess.run(
        ["git", "commit", "-m", "by a colleague"], cwd=repo.path, capture_output=True, text=True, check=False,
        env={**os.environ, "PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "nothing is reviewed" in done.stderr + done.stdout


@pytest.mark.slow
def test_framework_makes_the_configuration_when_there_is_none(maw: Maw, repo: Repository) -> None:
    pytest.importorskip("pre_commit")
    before = snapshot(repo.path)
    assert maw("init", "--yes", "--framework", "pre-commit", cwd=repo.path, **NOWHERE).code == 0
    text = (repo.path / ".pre-commit-config.yaml").read_text()
    assert "default_install_hook_types" in text and "\ndefault_stages: [pre-commit]\n" in text
    assert maw("uninstall", "--yes", cwd=repo.path).code == 0
    after = snapshot(repo.path)
    hooks = {name for name in after if name not in before}
    assert hooks <= {".git/hooks"}


def test_the_projects_hooks_are_kept_at_commits_and_that_is_taken_back(home: Path, repo: Repository) -> None:
    pytest.importorskip("pre_commit")
    repo.write(".pre-commit-config.yaml", CONFIG)
    place = discover(str(repo.path))
    framework.apply(place, str(repo.path), stages=True)
    assert "# ours\ndefault_stages: [pre-commit]\nrepos:\n" in (repo.path / ".pre-commit-config.yaml").read_text()
    for entry in reversed(journal.entries(place)):
        if entry["what"] == "pre-commit-config":
            assert "removed" in str(framework.take_back_config(entry))
    assert (repo.path / ".pre-commit-config.yaml").read_text() == CONFIG


def test_hooks_that_the_configuration_does_not_list_are_foreign(maw: Maw, repo: Repository) -> None:
    pytest.importorskip("pre_commit")
    assert maw("init", "--yes", "--framework", "pre-commit", cwd=repo.path, **NOWHERE).code == 0
    path = repo.path / ".pre-commit-config.yaml"
    path.write_text(path.read_text().replace("- id: maw-message\n", "- id: theirs\n"))
    states = maw("hooks", "status", "--json", cwd=repo.path).json["hooks"]
    assert [state["hook"] for state in states if state["state"] == "foreign"] == ["prepare-commit-msg"]


def _maw_without_pre_commit(tmp: Path) -> Path:
    """A Python with all that this one has, but pre-commit and the YAML that comes with it."""
    venv.create(tmp / "env", symlinks=True)
    shown = tmp / "site"
    shown.mkdir()
    hidden = re.compile(r"pre_commit|yaml|_yaml|pyyaml|.*\.pth$", re.IGNORECASE)
    for entry in Path(sysconfig.get_path("purelib")).iterdir():
        if not hidden.match(entry.name):
            (shown / entry.name).symlink_to(entry)
    (site,) = (tmp / "env" / "lib").glob("python*/site-packages")
    (site / "test.pth").write_text("\n".join([str(shown), *(str(ROOT / name) for name in (".", "hooks", "remote"))]))
    return tmp / "env" / "bin" / "python"


@pytest.mark.slow
def test_a_pre_commit_on_path_is_taken_and_an_old_one_is_not(repo: Repository, tmp_path: Path) -> None:
    pytest.importorskip("pre_commit")
    python, programs = _maw_without_pre_commit(tmp_path), tmp_path / "bin"
    programs.mkdir()
    real = f'#!/bin/sh\nexec {sys.executable} -m pre_commit "$@"\n'
    for script, code, said in (
        (None, 2, "neither installed beside maw nor on PATH"),
        ("#!/bin/sh\necho pre-commit 2.9.3\n", 2, "3.2 or later is needed"),
        (real, 0, "hooks maw-review"),
    ):
        if script is not None:
            (programs / "pre-commit").write_text(script)
            (programs / "pre-commit").chmod(0o755)
        done = subprocess.run(
            [python, "-P", "-m", "maw", "init", "--yes", "--framework", "pre-commit"], cwd=repo.path, text=True,
            capture_output=True, check=False,
            env={**os.environ, **NOWHERE, "PATH": f"{programs}:/usr/bin:/bin"},
        )  # fmt: skip
        assert done.returncode == code, done.stderr
        assert said in done.stdout + done.stderr
    assert "pre-commit.com" in (repo.path / ".git/hooks/commit-msg").read_text()


@pytest.mark.parametrize("scope", ["--local", "--global"])
def test_framework_beside_a_hooks_path_changes_nothing(maw: Maw, repo: Repository, home: Path, scope: str) -> None:
    pytest.importorskip("pre_commit")
    repo.git("config", scope, "core.hooksPath", ".husky")
    before = snapshot(repo.path)
    done = maw("init", "--yes", "--framework", "pre-commit", cwd=repo.path, **NOWHERE)
    assert done.code == 2, done.out
    first, hint = done.err.splitlines()
    where = ".git/config" if scope == "--local" else str(home / ".gitconfig")
    assert first.startswith("maw: core.hooksPath is .husky") and where in first
    assert "without --framework" in hint
    assert snapshot(repo.path) == before
    assert not (home / "config.toml").exists()


@pytest.mark.parametrize(
    "text", ["repos: []\n", "repos: [{repo: meta, hooks: [{id: identity}]}]\n", "exclude: x\n", ":\n- [\n"]
)
def test_a_configuration_that_cannot_be_edited_is_left_alone(maw: Maw, repo: Repository, text: str) -> None:
    pytest.importorskip("pre_commit")
    repo.write(".pre-commit-config.yaml", text)
    done = maw("init", "--yes", "--framework", "pre-commit", cwd=repo.path, **NOWHERE)
    assert done.code == 2, done.out
    assert (repo.path / ".pre-commit-config.yaml").read_text() == text
