"""The doctor names what is wrong, and how to mend it, on set-ups that are broken in real ways."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path
from typing import Any

from tests.fixtures.cli import Maw, Ran
from tests.fixtures.git import Repository, refs_in_a_reftable

NOWHERE = {"MAW_NODE": "nowhere"}


def found(done: Ran, what: str) -> dict[str, Any]:
    return next(check for check in done.json["checks"] if check["what"] == what)


def states(done: Ran) -> dict[str, str]:
    return {check["what"]: check["state"] for check in done.json["checks"]}


def test_a_fresh_machine_is_fine_but_for_the_node(maw: Maw) -> None:
    done = maw("doctor", "--offline", "--json")
    assert done.code == 0
    assert done.json["v"] == 1
    assert set(states(done).values()) == {"ok"}


def test_text_says_what_and_how_to_mend(maw: Maw) -> None:
    done = maw("doctor", **NOWHERE)
    assert done.code == 1
    lines = done.out.splitlines()
    assert lines[-2].startswith("fail  node nowhere")
    assert lines[-1].strip().startswith("→ `maw node add nowhere HOST`")


def test_an_old_or_missing_git_is_named(maw: Maw, home: Path) -> None:
    old = home / "bin" / "git"
    old.parent.mkdir()
    git = shutil.which("git")
    old.write_text(f'#!/bin/sh\n[ "$1" = --version ] && echo git version 2.20.1 || exec {git} "$@"\n')
    old.chmod(0o755)
    path = f"{old.parent}:{os.environ['PATH']}"
    assert found(maw("doctor", "--offline", "--json", PATH=path), "git")["state"] == "fail"


def test_mistakes_in_settings_are_told_by_the_layer_that_has_them(maw: Maw, home: Path, repo: Repository) -> None:
    (home / "config.toml").write_text("nod = 1\n")
    repo.write(".maw.toml", 'node = "evil"\n')
    done = maw("doctor", "--offline", "--json", cwd=repo.path, MAW_REVIEW_DEADLIN="1s")
    assert done.code == 1
    assert "did you mean 'node'" in found(done, "settings")["found"]
    assert "may not be set by a repository" in found(done, "repository's settings")["found"]
    assert "MAW_REVIEW_DEADLIN" in found(done, "environment")["found"]


def test_a_settings_file_that_others_may_write(maw: Maw, home: Path) -> None:
    (home / "config.toml").write_text("")
    (home / "config.toml").chmod(0o666)
    done = maw("doctor", "--offline", "--json")
    assert found(done, "settings")["mend"].startswith("chmod go-w")


def test_a_state_directory_that_others_may_read(maw: Maw, home: Path) -> None:
    keys = home / "state" / "keys"
    keys.mkdir(parents=True)
    (home / "state").chmod(0o700)
    keys.chmod(0o700)
    (keys / "pro").write_text("secret")
    (keys / "pro.pub").write_text("public")
    (keys / "pro").chmod(0o644)
    done = maw("doctor", "--offline", "--json")
    assert found(done, "state")["state"] == "fail"
    assert str(keys / "pro") in found(done, "state")["found"]
    (keys / "pro").chmod(0o600)
    assert found(maw("doctor", "--offline", "--json"), "state")["state"] == "ok"
    assert stat.S_IMODE((keys / "pro.pub").stat().st_mode) & 0o044


def test_a_state_directory_that_is_a_file(maw: Maw, home: Path) -> None:
    (home / "state").write_text("")
    assert found(maw("doctor", "--offline", "--json"), "state")["state"] == "fail"


def test_a_state_directory_whose_path_is_too_long_for_a_socket(maw: Maw, home: Path) -> None:
    done = maw("doctor", "--offline", "--json", MAW_STATE_DIR=str(home / ("d" * 100)))
    assert found(done, "sockets")["state"] == "fail"
    done = maw("doctor", "--offline", "--json", MAW_STATE_DIR=str(home / ("d" * 50)))
    assert found(done, "sockets")["state"] == "warn"


def test_hooks_missing_installed_broken(maw: Maw, repo: Repository) -> None:
    assert states(maw("doctor", "--offline", "--json", cwd=repo.path))["pre-commit hook"] == "warn"
    maw("init", "--yes", cwd=repo.path, **NOWHERE)
    done = maw("doctor", "--offline", "--json", cwd=repo.path)
    assert done.code == 0
    assert states(done)["pre-commit hook"] == "ok"
    assert states(done)["notes.rewriteRef"] == "ok"
    hook = repo.path / ".git/hooks/pre-commit"
    hook.chmod(0o644)
    done = maw("doctor", "--offline", "--json", cwd=repo.path)
    assert done.code == 1
    assert found(done, "pre-commit hook")["mend"].startswith("`maw hooks install`")


def test_notes_that_would_be_left_behind_or_lost(maw: Maw, repo: Repository) -> None:
    repo.git("config", "notes.rewriteMode", "ignore")
    done = maw("doctor", "--offline", "--json", cwd=repo.path)
    assert found(done, "notes.rewriteRef")["state"] == "warn"
    assert found(done, "notes.rewriteMode")["mend"] == "git config notes.rewriteMode cat_sort_uniq"


def test_notes_can_be_kept_in_either_object_format(maw: Maw, either: Repository) -> None:
    assert found(maw("doctor", "--offline", "--json", cwd=either.path), "notes")["state"] == "ok"


def test_a_repository_that_git_refuses_is_named(maw: Maw, repo: Repository) -> None:
    refs_in_a_reftable(repo)
    done = maw("doctor", "--offline", "--json", cwd=repo.path)
    assert done.code == 1
    assert "reftable" in found(done, "repository")["found"] and found(done, "repository")["mend"]


def test_skipping_left_on_is_told(maw: Maw) -> None:
    assert found(maw("doctor", "--offline", "--json", MAW_SKIP="1"), "MAW_SKIP")["state"] == "warn"


def test_control_characters_do_not_reach_the_terminal(maw: Maw, repo: Repository) -> None:
    repo.write(".maw.toml", '"\\u001b[31mred" = 1\n')
    done = maw("doctor", "--offline", cwd=repo.path)
    assert "\x1b" not in done.out + done.err
