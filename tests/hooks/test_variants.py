"""Repositories of every kind that git makes: a commit is reviewed by the installed hooks, and has its note."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from maw.attendant import spool
from maw.git.notes import Notes
from maw.git.repo import discover
from maw.memory.index import Index
from maw.memory.query import Filters
from maw_hooks import install
from tests.fixtures.attendant import stop_attendant
from tests.fixtures.cli import Maw
from tests.fixtures.fake_runner import FakeRunner, finding
from tests.fixtures.git import Repository, extension, make_repository, refs_in_a_reftable, unreadable_index
from tests.hooks.conftest import Hooked

FILES = {f"{folder}/{name}.py": f"{name} = 1\n" * 3 for folder in ("in", "out") for name in "abc"}


def origin(home: Path, *options: str) -> Repository:
    """A repository of three commits."""
    found = make_repository(home / "origin", *options)
    for name, content in FILES.items():
        found.write(name, content)
    found.commit("first")
    found.write("in/a.py", "a = 2\n")
    found.commit("second")
    found.write("in/a.py", "a = 3\n")
    found.commit("third")
    return found


def clone(home: Path, *options: str) -> Repository:
    """A clone over git's own transport, which heeds filters and depths."""
    source = origin(home)
    source.git("config", "uploadpack.allowFilter", "true")
    source.git("clone", "-q", *options, source.path.as_uri(), str(home / "clone"))
    return Repository(home / "clone")


def sha256(home: Path) -> Repository:
    return origin(home, "--object-format=sha256")


def sparse_index(home: Path) -> Repository:
    found = origin(home)
    unreadable_index(found, "sparse")
    return found


def split_index(home: Path) -> Repository:
    found = origin(home)
    unreadable_index(found, "split")
    return found


def split_index_by_configuration(home: Path) -> Repository:
    found = origin(home)
    found.git("config", "core.splitIndex", "true")
    return found


def index_v4(home: Path) -> Repository:
    found = origin(home)
    found.git("update-index", "--index-version=4")
    found.git("config", "index.version", "4")
    return found


def partial_clone(home: Path) -> Repository:
    return clone(home, "--filter=blob:none")


def sparse_partial_clone(home: Path) -> Repository:
    """As `git clone --filter=blob:none --sparse` and scalar make them."""
    found = clone(home, "--filter=blob:none", "--sparse")
    found.git("sparse-checkout", "set", "--sparse-index", "in")
    return found


def treeless_clone(home: Path) -> Repository:
    return clone(home, "--filter=tree:0")


def shallow_clone(home: Path) -> Repository:
    return clone(home, "--depth=1")


def worktree(home: Path) -> Repository:
    origin(home).git("worktree", "add", "-q", str(home / "linked"))
    return Repository(home / "linked")


def worktree_of_a_bare_clone(home: Path) -> Repository:
    source = origin(home)
    source.git("clone", "-q", "--bare", str(source.path), str(home / "bare.git"))
    Repository(home / "bare.git").git("worktree", "add", "-q", str(home / "linked"), "main")
    return Repository(home / "linked")


def worktree_of_a_bare_clone_inside_it(home: Path) -> Repository:
    """project/.bare, project/.git that points there, and worktrees beside them."""
    source = origin(home)
    project = home / "project"
    project.mkdir()
    source.git("clone", "-q", "--bare", str(source.path), str(project / ".bare"))
    (project / ".git").write_text("gitdir: ./.bare\n")
    Repository(project).git("worktree", "add", "-q", "main")
    return Repository(project / "main")


def relative_worktree(home: Path) -> Repository:
    """Both ends point at each other by relative paths, as `git worktree add --relative-paths` of git 2.48 does."""
    found = worktree(home)
    admin = home / "origin/.git/worktrees/linked"
    (found.path / ".git").write_text("gitdir: ../origin/.git/worktrees/linked\n")
    (admin / "gitdir").write_text("../../../../linked/.git\n")
    return found


def worktree_with_its_own_configuration(home: Path) -> Repository:
    found = worktree(home)
    found.git("config", "extensions.worktreeConfig", "true")
    found.git("config", "--worktree", "core.autocrlf", "input")
    return found


def submodule(home: Path) -> Repository:
    source = origin(home)
    above = make_repository(home / "above")
    above.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(source.path), "sub")
    above.commit("with a submodule")
    return Repository(above.path / "sub")


def separate_git_dir(home: Path) -> Repository:
    found = origin(home)
    found.git("init", "-q", "--separate-git-dir", str(home / "elsewhere"))
    return found


def borrowed_objects(home: Path) -> Repository:
    source = origin(home)
    source.git("clone", "-q", "--shared", str(source.path), str(home / "clone"))
    return Repository(home / "clone")


def packed(home: Path) -> Repository:
    found = origin(home)
    found.git("gc", "-q")
    found.git("commit-graph", "write", "--reachable")
    found.git("multi-pack-index", "write")
    return found


def an_extension_of_git_only(home: Path) -> Repository:
    found = origin(home)
    extension(found, "partialClone", "origin")
    return found


def bare_repositories_forbidden(home: Path) -> Repository:
    """A setting of careful people, for which maw's own look into .git counts as one."""
    found = origin(home)
    found.git("config", "--global", "safe.bareRepository", "explicit")
    return found


VARIANTS: list[Callable[[Path], Repository]] = [
    sha256, sparse_index, split_index, split_index_by_configuration, index_v4, partial_clone, sparse_partial_clone,
    treeless_clone, shallow_clone, worktree, worktree_of_a_bare_clone, worktree_of_a_bare_clone_inside_it,
    relative_worktree, worktree_with_its_own_configuration, submodule, separate_git_dir, borrowed_objects, packed,
    an_extension_of_git_only, bare_repositories_forbidden,
]  # fmt: skip


@pytest.mark.parametrize("make", VARIANTS, ids=lambda make: make.__name__)
def test_a_commit_is_reviewed_and_has_its_note(
    make: Callable[[Path], Repository], home: Path, user: Path, fake_runner: FakeRunner
) -> None:
    hooked = Hooked(make(home), fake_runner)
    place = discover(str(hooked.path))
    install.install(place)
    fake_runner.plays(finding(severity="warning", path="in/a.py"))
    hooked.write("in/a.py", "a = 4\n")
    said = hooked.commit("-a")
    assert "divides by zero" in said and "below error, so the commit passes" in said
    assert hooked.sent.endswith("-a = 3\n+a = 4\n"), hooked.sent
    stop_attendant()
    spool.drain(place)
    head = hooked.out("rev-parse", "HEAD")
    (record,) = Notes(place).read("review", head)
    assert record.data is not None and record.data["status"] == "reviewed"
    assert record.raw.decode() == hooked.out("notes", "--ref=maw/review", "show", "HEAD")
    assert record.data["tree"] == hooked.out("rev-parse", "HEAD^{tree}")
    with Index(place) as index:
        index.refresh()
        (row,) = index.history(Filters(path="in/a.py", commit=head)).rows
    assert (row.standing, row.subject, row.counts) == ("exact", "change", {"warning": 1})
    hooked.out("fsck", "--strict")


@pytest.mark.parametrize("make", [partial_clone, sparse_partial_clone, an_extension_of_git_only])
def test_notes_of_a_partial_clone_fetch_nothing(
    make: Callable[[Path], Repository], home: Path, user: Path, fake_runner: FakeRunner
) -> None:
    """git itself fetches what a diff needs; writing and reading notes does without."""
    hooked = Hooked(make(home), fake_runner)
    place = discover(str(hooked.path))
    before = hooked.out("rev-list", "--objects", "--all", "--missing=print")
    old = hooked.out("rev-parse", "HEAD~1")
    data = {"v": 1, "id": "a", "ts": "2026-01-01T00:00:00Z", "kind": "review", "head": "0" * 40, "patch_id": "f" * 40}
    data |= {"tree": "0" * 40, "has_binary": False}
    spool.put(place, old, {**data, "base": hooked.out("rev-parse", "HEAD~2^{tree}")})
    os.rename(home / "origin", home / "gone") if make is not an_extension_of_git_only else None
    spool.drain(place)
    with Index(place) as index:
        index.refresh()
        assert [row.standing for row in index.history().rows] == ["stale"]
    missing = [line for line in before.splitlines() if line.startswith("?")]
    after = hooked.out("rev-list", "--objects", "--all", "--missing=print").splitlines()
    assert [line for line in after if line.startswith("?")] == missing


@pytest.mark.slow
def test_the_whole_way_in_a_sha256_repository(home: Path, maw: Maw, fake_runner: FakeRunner) -> None:
    hooked = Hooked(sha256(home), fake_runner)
    (home / "config.toml").write_text('node = "local"\n')
    assert maw("init", "--yes", cwd=hooked.path).code == 0
    fake_runner.plays(finding(severity="error", path="in/a.py"))
    hooked.write("in/a.py", "a = 4\n")
    assert hooked.git("commit", "-q", "-a", "-m", "blocked").returncode == 1
    hooked.commit("-a", "-n")
    ran = maw("show", cwd=hooked.path)
    assert ran.code == 0 and "the hook was bypassed" in ran.out and "divides by zero" in ran.out
    hooked.ok("commit", "-q", "--amend", "-m", "amended")
    (row,) = [line for line in maw("history", "--json", cwd=hooked.path).out.splitlines() if "amended" in line]
    assert '"standing":"exact"' in row
    assert maw("review", "HEAD~1", cwd=hooked.path).code == 1
    assert len(maw("history", cwd=hooked.path).out.splitlines()) == 2
    checks = maw("doctor", "--offline", "--json", cwd=hooked.path).json["checks"]
    assert "by git itself" in next(check["found"] for check in checks if check["what"] == "notes")
    assert maw("uninstall", "--yes", "--notes", cwd=hooked.path).code == 0
    assert hooked.out("for-each-ref", "refs/notes") == "" and not (hooked.path / ".git/maw").exists()


@pytest.mark.parametrize("hook", ["pre-commit", "post-commit"])
def test_hooks_let_a_commit_pass_that_git_would_not_make_here(repo: Repository, user: Path, hook: str) -> None:
    """The git that commits may be another one than the git that the hook finds."""
    repo.commit("first", a__py="a = 1\n")
    refs_in_a_reftable(repo)
    done = subprocess.run(
        [sys.executable, "-m", "maw_hooks", hook], cwd=repo.path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0
    assert done.stderr.startswith("maw: git refuses this repository: its refs are a reftable")
    assert len(done.stderr.splitlines()) == 1


def test_refs_in_a_reftable_where_git_knows_them(home: Path, user: Path, fake_runner: FakeRunner) -> None:
    made = subprocess.run(
        ["git", "init", "-q", "--ref-format=reftable", str(home / "origin")], capture_output=True, check=False
    )
    if made.returncode:
        pytest.skip("this git makes no reftables")
    repository = Repository(home / "origin")
    repository.commit("first", a__py="a = 1\n")
    hooked = Hooked(repository, fake_runner)
    install.install(discover(str(hooked.path)))
    hooked.write("a.py", "a = 2\n")
    hooked.commit("-a")
    stop_attendant()
    spool.drain(discover(str(hooked.path)))
    assert '"status":"reviewed"' in hooked.out("notes", "--ref=maw/review", "show", "HEAD")


def test_a_repository_of_somebody_else_is_named(home: Path, maw: Maw, repo: Repository) -> None:
    if os.getuid() != 0:
        pytest.skip("only root gives files away")
    repo.commit("first", a__py="a = 1\n")
    for path in (repo.path, repo.path / ".git"):
        os.chown(path, 65534, 65534)
    for command in (["init", "--yes"], ["history"], ["show"], ["hooks", "status"]):
        done = maw(*command, cwd=repo.path)
        assert done.code == 2
        assert done.err.startswith("maw: git refuses this repository: it belongs to another user\n"), done.err
        assert "safe.directory" in done.err and len(done.err.splitlines()) == 2
    repo.git("config", "--global", "--add", "safe.directory", str(repo.path))
    assert maw("history", cwd=repo.path).code == 0
