"""Records that cannot become notes, and repositories that take none: the rest goes on, and what to do is told."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from maw import record
from maw.attendant import spool
from maw.errors import FatalError
from maw.git.notes import Notes
from tests.fixtures.attendant import kernel_repo, review_record
from tests.fixtures.cli import Maw
from tests.fixtures.git import Repository
from tests.memory.spooling import drain_all, ids_on, put


def test_a_record_that_is_too_long_does_not_keep_the_others_back(
    repo: Repository, caplog: pytest.LogCaptureFixture
) -> None:
    commit = repo.commit()
    found = kernel_repo(repo)
    for over in (1, 0):  # too long as it stands, and with the patch ids
        path = spool.put(found, commit, review_record(repo, commit))
        entry = json.loads(Path(path).read_bytes())
        entry["record"]["model"] = "x" * (record.LINE_MAX + over + len("tiny") - len(json.dumps(entry)))
        Path(path).write_text(json.dumps(entry))
    good = put(repo, commit)
    assert drain_all(repo) == 1
    assert ids_on(repo, commit) == [good]
    assert len(os.listdir(os.path.join(spool.directory(found), "bad"))) == 2 and "bytes" in caplog.text
    assert spool.waiting(found) == []


def test_a_record_with_too_much_left_out_is_shortened(repo: Repository) -> None:
    commit = repo.commit()
    skipped = [{"path": f"vendor/{number}" + "x" * 4000, "reason": "excluded"} for number in range(3000)]
    spool.put(kernel_repo(repo), commit, review_record(repo, commit, skipped=skipped))
    assert drain_all(repo) == 1
    (noted,) = Notes(kernel_repo(repo)).read("review", commit)
    assert noted.data and len(noted.raw) < record.LINE_MAX / 4
    assert "more skipped" in noted.data["skipped"][-1]["reason"]


def test_a_ref_in_the_way_is_named(repo: Repository) -> None:
    commit = repo.commit()
    repo.git("notes", "--ref=maw", "add", "-m", "mine")
    put(repo, commit)
    with pytest.raises(FatalError) as told:
        spool.drain(kernel_repo(repo))
    assert told.value.hint and "git update-ref -d refs/notes/maw`" in told.value.hint
    assert len(spool.waiting(kernel_repo(repo))) == 1
    for command in told.value.hint.split("`")[1].split(" && "):
        repo.git(*command.split()[1:])
    assert drain_all(repo) == 1


@pytest.mark.parametrize("command", [("history",), ("show",)])
def test_a_folder_that_cannot_be_used_is_no_defect(repo: Repository, maw: Maw, command: tuple[str, ...]) -> None:
    repo.commit()
    (repo.path / ".git" / "maw").write_text("in the way")
    ran = maw(*command, cwd=repo.path)
    assert ran.code == 2 and "/.git/maw: File exists" in ran.err and "defect" not in ran.err


def test_a_ref_in_the_way_stops_no_command(repo: Repository, maw: Maw) -> None:
    commit = repo.commit()
    repo.git("notes", "--ref=maw", "add", "-m", "mine")
    put(repo, commit)
    for command in (("history",), ("show",)):
        ran = maw(*command, cwd=repo.path)
        assert ran.code == 0 and "records wait in" in ran.err and "refs/notes/maw is where" in ran.err


def test_uninstall_goes_on_where_notes_cannot_be_written(repo: Repository, home: Path, maw: Maw) -> None:
    commit = repo.commit()
    (home / "config.toml").write_text('node = "local"\n')
    assert maw("hooks", "install", cwd=repo.path).code == 0
    repo.git("notes", "--ref=maw", "add", "-m", "mine")
    waits = put(repo, commit)
    (repo.path / ".git" / "maw" / "notes.lock").touch()
    ran = maw("uninstall", "--yes", cwd=repo.path)
    assert ran.code == 0 and "records wait in" in ran.err and "spool stays" in ran.out
    assert not (repo.path / ".git" / "hooks" / "pre-commit").exists()
    assert os.listdir(repo.path / ".git" / "maw") == ["spool"]
    assert [Path(path).stem for path in spool.waiting(kernel_repo(repo))] == [waits]


def test_uninstall_goes_on_where_a_file_is_in_the_way(repo: Repository, home: Path, maw: Maw) -> None:
    repo.commit()
    (home / "config.toml").write_text('node = "local"\n')
    assert maw("hooks", "install", cwd=repo.path).code == 0
    (repo.path / ".git" / "maw").write_text("in the way")
    ran = maw("uninstall", "--yes", cwd=repo.path)
    assert ran.code == 0, ran.err
    assert not (repo.path / ".git" / "hooks" / "pre-commit").exists()
