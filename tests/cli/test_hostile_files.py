"""What a cloned repository may have where maw reads and writes: links, pipes, devices, and texts that never end."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from maw import files
from maw.config import edit, toml
from maw.config.load import PROBLEMS_MAX, REPO_FILE, load
from maw.errors import FatalError
from maw.git.repo import discover
from maw.setup import framework, journal, repofile
from maw.setup.precommit import Program
from tests.fixtures.cli import Maw
from tests.fixtures.git import Repository

_MAKE: dict[str, Callable[[Path], None]] = {
    "device": lambda path: path.symlink_to("/dev/zero"),
    "pipe": os.mkfifo,
    "folder": Path.mkdir,
    "large": lambda path: path.write_bytes(b"# " + b"x" * files.BOUND),
}


@pytest.fixture(params=_MAKE)
def unfit(request: pytest.FixtureRequest) -> Callable[[Path], None]:
    return _MAKE[request.param]


@pytest.mark.timeout(20)
def test_only_plain_files_of_a_sensible_size_are_read(home: Path, unfit: Callable[[Path], None]) -> None:
    path = home / "file"
    unfit(path)
    for follow in (False, True):
        with pytest.raises(files.UnfitFile):
            files.read_bounded(str(path), follow=follow)
    (home / "plain").write_bytes(b"x" * files.BOUND)
    assert len(files.read_bounded(str(home / "plain")) or b"") == files.BOUND
    (home / "link").symlink_to("plain")
    assert files.read_bounded(str(home / "link"), follow=True) is not None
    with pytest.raises(files.UnfitFile, match="symbolic link"):
        files.read_bounded(str(home / "link"))
    assert files.read_bounded(str(home / "missing")) is None


@pytest.mark.timeout(20)
def test_settings_of_a_repository_that_are_no_file(home: Path, unfit: Callable[[Path], None]) -> None:
    unfit(home / REPO_FILE)
    found = load(worktree=str(home), strict=False)
    assert found["node"] == "local"
    assert found.problems[0].startswith(f"{home / REPO_FILE}: cannot be read: it is ")
    with pytest.raises(FatalError, match="cannot be read"):
        load(worktree=str(home))
    with pytest.raises(FatalError, match="cannot be read"):
        edit.set_value(str(home / REPO_FILE), "review.block_at", "info", repository=True)


def test_the_users_own_file_may_be_a_link(home: Path) -> None:
    (home / "dotfiles").mkdir()
    (home / "dotfiles" / "maw.toml").write_text('node = "pro"\n')
    (home / "config.toml").symlink_to("dotfiles/maw.toml")
    assert load()["node"] == "pro"
    edit.set_value(str(home / "config.toml"), "node", "local")
    assert (home / "config.toml").is_symlink()
    assert load()["node"] == "local"


def test_nothing_is_written_through_a_link(home: Path, repo: Repository) -> None:
    mine = home / "mine"
    place = discover(str(repo.path))
    for name, text in ((REPO_FILE, "[review]\n"), (framework.CONFIG, "repos:\n- repo: meta\n  hooks: []\n")):
        mine.write_text(text)
        (repo.path / name).symlink_to(mine)
        with pytest.raises(FatalError, match="symbolic link"):
            if name == REPO_FILE:
                edit.set_value(str(repo.path / name), "review.block_at", "info", repository=True)
            else:
                framework._add_to_config(place, str(repo.path), Program(("false",)))
        assert mine.read_text() == text
    assert not framework.listed(str(repo.path))


@pytest.mark.timeout(20)
def test_what_lies_there_by_now_is_not_taken_back(home: Path, unfit: Callable[[Path], None]) -> None:
    path = home / "file"
    unfit(path)
    entry: journal.Entry = {"path": str(path), "sha256": journal.digest(b""), "block": "x", "created": True}
    assert "was changed since" in str(repofile.take_back(entry))
    assert "by hand" in str(framework.take_back_config(entry))
    assert os.path.lexists(path)


@pytest.mark.timeout(20)
@pytest.mark.parametrize("before", ["", "x = 1\n", "["])
def test_a_key_that_never_ends(home: Path, before: str) -> None:
    """tomllib needs a quarter of an hour for this one, and more than an hour for as much as may be read."""
    (home / REPO_FILE).write_text(before + ".".join(["a"] * 100_000) + " = 1\n")
    (problem,) = load(worktree=str(home), strict=False).problems
    assert "dots on line" in problem
    with pytest.raises(FatalError, match="dots on line"):
        edit.set_value(str(home / REPO_FILE), "review.block_at", "info", repository=True)


def test_dots_where_people_write_them() -> None:
    text = f"# {'. ' * 200}\n[review]\nexclude = [\n" + '"a.b",\n' * 300 + f"]\n# {'.' * 500}\nx = '{'.' * 500}'\n"
    assert len(toml.loads(text)["review"]["exclude"]) == 300


def test_as_many_dots_as_pass_are_read_in_time(home: Path) -> None:
    line = "{}." + ".".join(["a"] * toml.DOTS_MAX) + " = 1\n"
    text = "".join(line.format(number) for number in range(files.BOUND // (len(line) + 4)))
    assert toml.loads(text)  # 1 s of work; as one line it would be a minute's


@pytest.mark.timeout(20)
def test_thousands_of_unknown_keys(home: Path) -> None:
    (home / REPO_FILE).write_text("[review]\n" + "".join(f"block_a{number:05d} = 1\n" for number in range(13_000)))
    problems = load(worktree=str(home), strict=False).problems
    assert len(problems) == PROBLEMS_MAX + 1
    assert "and more" in problems[-1]
    (home / REPO_FILE).write_text(f"{'k' * 200_000} = 1\n")
    assert len(load(worktree=str(home), strict=False).problems[0]) < 1000


def test_doctor_and_init_in_such_a_repository(maw: Maw, repo: Repository) -> None:
    for name in (REPO_FILE, framework.CONFIG):
        (repo.path / name).symlink_to("/dev/zero")
    done = maw("doctor", "--offline", cwd=repo.path)
    assert done.code == 1
    assert "cannot be read: it is a symbolic link" in done.out
    done = maw("init", "--yes", cwd=repo.path)
    assert done.code == 2
    assert "cannot be read" in done.err
