"""init sets up what is missing and uninstall takes exactly that back: repository, hooks, git's settings, files."""

from __future__ import annotations

import json
import stat
from pathlib import Path

from maw import paths
from maw.config import edit
from maw.link.keygen import make_key
from tests.cli.conftest import NOWHERE, snapshot
from tests.fixtures.cli import Maw
from tests.fixtures.git import Repository, make_repository, refs_in_a_reftable


def test_round_trip_leaves_everything_as_it_was(maw: Maw, set_up: Repository) -> None:
    before = snapshot(set_up.path)
    done = maw("init", "--yes", cwd=set_up.path, **NOWHERE)
    assert done.code == 0, done.err
    assert snapshot(set_up.path) != before
    assert maw("uninstall", "--yes", cwd=set_up.path, **NOWHERE).code == 0
    assert snapshot(set_up.path) == before


def test_notes_come_with_git_fetch_and_uninstall_takes_that_back(maw: Maw, set_up: Repository) -> None:
    set_up.git("remote", "add", "origin", str(set_up.path))
    before = snapshot(set_up.path)
    assert maw("init", "--yes", "--fetch-notes", "nowhere", cwd=set_up.path, **NOWHERE).code == 2
    assert snapshot(set_up.path) == before
    for _ in range(2):
        done = maw("init", "--yes", "--fetch-notes", "origin", cwd=set_up.path, **NOWHERE)
        assert done.code == 0, done.err
    refspecs = set_up.git("config", "--get-all", "remote.origin.fetch").splitlines()
    assert refspecs[1:] == ["+refs/notes/maw/*:refs/notes/maw-remote/origin/*"]
    assert maw("uninstall", "--yes", cwd=set_up.path, **NOWHERE).code == 0
    assert snapshot(set_up.path) == before


def test_round_trip_of_a_repository_without_a_hooks_directory(maw: Maw, repo: Repository) -> None:
    hooks = repo.path / ".git" / "hooks"
    if hooks.exists():
        hooks.rmdir()
    before = snapshot(repo.path)
    assert maw("init", "--yes", cwd=repo.path, **NOWHERE).code == 0
    assert maw("uninstall", "--yes", cwd=repo.path, **NOWHERE).code == 0
    assert snapshot(repo.path) == before


def test_what_init_sets_up(maw: Maw, set_up: Repository, home: Path) -> None:
    done = maw("init", "--yes", cwd=set_up.path, **NOWHERE)
    assert set_up.git("config", "--get-all", "notes.rewriteRef").split("\n") == [
        "refs/notes/commits",
        "refs/notes/maw/*",
    ]
    assert set_up.git("config", "notes.rewriteMode") == "cat_sort_uniq"
    assert (set_up.path / ".git/hooks/pre-commit.maw-saved").exists()
    assert "maw" in (set_up.path / ".git/hooks/post-commit").read_text()
    assert (set_up.path / ".maw.toml").exists()
    assert stat.S_IMODE((home / "config.toml").stat().st_mode) == 0o600
    assert "nowhere" in done.out
    assert "their reviews wait (`maw outbox`)" in done.out


def test_a_second_init_changes_nothing(maw: Maw, set_up: Repository) -> None:
    assert maw("init", "--yes", cwd=set_up.path, **NOWHERE).code == 0
    before = snapshot(set_up.path)
    done = maw("init", "--yes", cwd=set_up.path, **NOWHERE)
    assert "everything was set up already" in done.out
    assert snapshot(set_up.path) == before


def test_json_tells_the_same(maw: Maw, set_up: Repository) -> None:
    set_up.git("config", "notes.rewriteMode", "overwrite")
    first = maw("init", "--yes", "--json", cwd=set_up.path, **NOWHERE)
    assert first.code == 0 and len(first.out.splitlines()) == 1
    assert (first.json["v"], first.json["ok"]) == (1, False)  # no such node
    assert any("pre-commit hook installed" in line for line in first.json["changed"])
    assert any("notes.rewriteMode is overwrite" in line for line in first.json["warnings"])
    assert [check["state"] for check in first.json["checks"] if "nowhere" in check["what"]] == ["fail"]
    assert maw("init", "--yes", "--json", cwd=set_up.path, **NOWHERE).json["changed"] == []


def test_uninstall_keeps_what_was_changed_or_committed_since(maw: Maw, repo: Repository) -> None:
    maw("init", "--yes", cwd=repo.path, **NOWHERE)
    (repo.path / ".maw.toml").write_text('[review]\nblock_at = "info"\n')
    done = maw("uninstall", "--yes", cwd=repo.path)
    assert "stays" in done.out
    assert (repo.path / ".maw.toml").exists()

    other = make_repository(repo.path.parent / "other")
    maw("init", "--yes", cwd=other.path, **NOWHERE)
    other.git("add", ".maw.toml")
    done = maw("uninstall", "--yes", cwd=other.path)
    assert "git rm" in done.out
    assert (other.path / ".maw.toml").exists()


def test_settings_that_were_there_are_not_taken(maw: Maw, repo: Repository) -> None:
    repo.git("config", "notes.rewriteRef", "refs/notes/*")
    repo.git("config", "notes.rewriteMode", "concatenate")
    before = (repo.path / ".git/config").read_bytes()
    maw("init", "--yes", cwd=repo.path, **NOWHERE)
    assert (repo.path / ".git/config").read_bytes() == before
    maw("uninstall", "--yes", cwd=repo.path)
    assert (repo.path / ".git/config").read_bytes() == before


def test_a_mode_that_loses_lines_is_left_and_told(maw: Maw, repo: Repository) -> None:
    repo.git("config", "notes.rewriteMode", "overwrite")
    done = maw("init", "--yes", cwd=repo.path, **NOWHERE)
    assert "notes.rewriteMode is overwrite" in done.out
    assert repo.git("config", "notes.rewriteMode") == "overwrite"


def test_init_from_a_worktree_sets_up_the_shared_repository(maw: Maw, set_up: Repository) -> None:
    set_up.git("worktree", "add", "-q", "../second")
    second = set_up.path.parent / "second"
    assert maw("init", "--yes", cwd=second, **NOWHERE).code == 0
    assert "maw" in (set_up.path / ".git/hooks/post-commit").read_text()
    assert (set_up.path / ".git/maw/init.json").exists()
    assert maw("uninstall", "--yes", cwd=set_up.path, **NOWHERE).code == 0
    assert not (second / ".maw.toml").exists()


def test_without_a_terminal_it_wants_yes(maw: Maw, repo: Repository) -> None:
    before = snapshot(repo.path)
    for command in ("init", "uninstall"):
        done = maw(command, cwd=repo.path)
        assert done.code == 2
        assert "--yes" in done.err
    assert snapshot(repo.path) == before


def test_outside_of_a_repository(maw: Maw) -> None:
    assert maw("init", "--yes").code == 2
    assert maw("uninstall", "--yes").code == 2


def test_a_sha256_repository_is_set_up_and_left_as_it_was(maw: Maw, sha256: Repository) -> None:
    before = snapshot(sha256.path)
    done = maw("init", "--yes", cwd=sha256.path, **NOWHERE)
    assert done.code == 0, done.err
    assert maw("init", "--yes", "--json", cwd=sha256.path, **NOWHERE).json["changed"] == []
    assert maw("uninstall", "--yes", "--notes", cwd=sha256.path).code == 0
    assert snapshot(sha256.path) == before


def test_refs_in_a_reftable_are_named(maw: Maw, repo: Repository, home: Path) -> None:
    """This git does not know them, so it is git that refuses; one line says what it is about."""
    refs_in_a_reftable(repo)
    before = snapshot(repo.path)
    done = maw("init", "--yes", cwd=repo.path, **NOWHERE)
    assert done.code == 2, done.out
    assert done.err.startswith("maw: git refuses this repository: its refs are a reftable")
    assert snapshot(repo.path) == before
    assert not (home / "config.toml").exists()


def test_what_became_no_note_does_not_keep_maw_from_leaving(maw: Maw, sha256: Repository) -> None:
    waiting = sha256.path / ".git/maw/spool/0.json"
    waiting.parent.mkdir(parents=True)
    waiting.write_text("{}")
    done = maw("uninstall", "--yes", cwd=sha256.path)
    assert done.code == 0, done.err
    assert not (sha256.path / ".git/maw").exists()


def test_an_unknown_node_changes_nothing(maw: Maw, repo: Repository) -> None:
    before = snapshot(repo.path)
    done = maw("init", "--yes", "--node", "pro", cwd=repo.path)
    assert done.code == 2
    assert "maw node add pro" in done.err
    assert snapshot(repo.path) == before


def test_a_chosen_node_is_written_for_the_user_not_the_repository(maw: Maw, repo: Repository, home: Path) -> None:
    port = _closed_port()
    (home / "config.toml").write_text(f'[nodes.pro]\nhost = "127.0.0.1"\nport = {port}\n# mine\n')
    assert maw("init", "--yes", "--node", "pro", cwd=repo.path).code == 0
    _stop_link("pro")
    text = (home / "config.toml").read_text()
    assert 'node = "pro"' in text
    assert "# mine" in text
    assert '"pro"' not in (repo.path / ".maw.toml").read_text()


def test_notes_stay_unless_asked_for(maw: Maw, set_up: Repository) -> None:
    set_up.git("notes", "--ref=maw/review", "add", "-m", "kept", "HEAD")
    maw("init", "--yes", cwd=set_up.path, **NOWHERE)
    done = maw("uninstall", "--yes", cwd=set_up.path)
    assert "notes stay in this repository" in done.out and "`maw uninstall --notes`" in done.out
    assert set_up.git("notes", "--ref=maw/review", "show", "HEAD") == "kept"
    set_up.git("update-ref", "refs/notes/maw-remote/origin/review", "refs/notes/maw/review")
    done = maw("uninstall", "--yes", "--notes", cwd=set_up.path)
    assert done.code == 0
    assert "notes stay at origin; `git push origin --delete refs/notes/maw/review` removes those" in done.out
    assert set_up.git("for-each-ref", "refs/notes/maw") == ""


def test_a_key_that_a_node_still_lets_in_is_told_with_the_end_of_its_line(maw: Maw, repo: Repository) -> None:
    edit.set_value(paths.config_file(), "nodes.pro.host", "pro.example")
    tag = make_key(paths.node_key_file("pro"), "maw:pro@air").split()[-1]
    done = maw("uninstall", "--yes", "--state", cwd=repo.path)
    assert "pro.example still lets in maw's key: `maw node rm pro`, before this" in done.out
    assert f"or the line there that ends in {tag} ends that" in done.out


def test_state_is_removed_when_asked_for(maw: Maw, repo: Repository, home: Path) -> None:
    maw("init", "--yes", cwd=repo.path, **NOWHERE)
    (home / "state" / "keys").mkdir(parents=True, mode=0o700)
    done = maw("uninstall", "--yes", "--state")
    assert done.code == 0
    assert not (home / "state").exists()
    assert not (home / "config.toml").exists()  # it was as init wrote it


def test_settings_of_the_users_own_survive(maw: Maw, repo: Repository, home: Path) -> None:
    (home / "config.toml").write_text('[review]\ndeadline = "9s"\n')
    maw("init", "--yes", cwd=repo.path, **NOWHERE)
    done = maw("uninstall", "--yes", "--state", cwd=repo.path)
    assert "so it stays" in done.out
    assert (home / "config.toml").read_text() == '[review]\ndeadline = "9s"\n'


def test_an_init_that_was_cut_short_can_be_taken_back(maw: Maw, set_up: Repository) -> None:
    before = snapshot(set_up.path)
    maw("init", "--yes", cwd=set_up.path, **NOWHERE)
    # As if it had been killed between writing down and doing: the value is in the list and not in the configuration.
    set_up.git("config", "--unset", "notes.rewriteMode")
    (set_up.path / ".maw.toml").unlink()
    assert maw("uninstall", "--yes", cwd=set_up.path).code == 0
    assert snapshot(set_up.path) == before


def test_a_damaged_list_is_told_and_nothing_is_guessed(maw: Maw, repo: Repository) -> None:
    maw("init", "--yes", cwd=repo.path, **NOWHERE)
    (repo.path / ".git/maw/init.json").write_text("{")
    done = maw("uninstall", "--yes", cwd=repo.path)
    assert done.code == 2
    assert "damaged" in done.err


def test_what_was_changed_is_written_down(maw: Maw, repo: Repository) -> None:
    maw("init", "--yes", cwd=repo.path, **NOWHERE)
    listed = json.loads((repo.path / ".git/maw/init.json").read_text())
    assert listed["v"] == 1
    assert {"git-config", "file"} <= {entry["what"] for entry in listed["entries"]}


def _closed_port() -> int:
    import socket

    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def _stop_link(node: str) -> None:
    from maw.link import control

    control.stop(node)
    assert control.running(node) is None
