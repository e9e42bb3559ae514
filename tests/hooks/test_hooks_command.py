"""`maw hooks install | uninstall | status`."""

from __future__ import annotations

from pathlib import Path

from maw_hooks.install import HOOKS
from tests.fixtures.cli import Maw
from tests.fixtures.git import Repository


def test_install_status_uninstall(repo: Repository, maw: Maw, home: Path) -> None:
    done = maw("hooks", "status", cwd=repo.path)
    assert done.code == 1
    assert done.out.count("missing") == len(HOOKS)
    done = maw("hooks", "install", cwd=repo.path)
    assert done.code == 0
    assert "so the hooks review nothing; `maw init` makes it" in done.err
    assert done.out.count("installed") == len(HOOKS)
    (home / "config.toml").write_text("")
    assert maw("hooks", "install", cwd=repo.path).err == ""
    done = maw("hooks", "status", "--json", cwd=repo.path)
    assert done.code == 0
    assert done.json["v"] == 1
    assert [(hook["hook"], hook["state"]) for hook in done.json["hooks"]] == [(hook, "installed") for hook in HOOKS]
    done = maw("hooks", "uninstall", "--json", cwd=repo.path)
    assert [change["action"] for change in done.json["changes"]] == ["removed"] * len(HOOKS)
    assert "no hooks of maw here" in maw("hooks", "uninstall", cwd=repo.path).err


def test_refusals(repo: Repository, maw: Maw) -> None:
    repo.git("config", "core.hooksPath", "/somewhere/else")
    done = maw("hooks", "install", cwd=repo.path)
    assert (done.code, done.out) == (2, "")
    assert "/somewhere/else" in done.err
    done = maw("hooks", "install")
    assert done.code == 2
    assert "not a git repository" in done.err


def test_a_hooks_folder_in_the_worktree_gets_a_warning(repo: Repository, maw: Maw) -> None:
    repo.git("config", "core.hooksPath", ".husky")
    done = maw("hooks", "install", cwd=repo.path)
    assert done.code == 0
    assert "maw: warning: core.hooksPath is " in done.err
