"""`maw map` as a user runs it, over real repositories, hostile ones too."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import pytest

from maw.git.repo import discover
from maw.repomap import build
from maw.repomap.cache import Cache
from tests.fixtures.cli import Maw
from tests.fixtures.git import Repository

CORE = "class Core:\n    def run(self, x):\n        return helper(x)\n\n\ndef helper(x):\n    return x\n"
USER = "from core import Core, helper\n\n\ndef main():\n    Core().run(helper(1))\n"


@pytest.fixture
def project(repo: Repository) -> Repository:
    repo.write("src/core.py", CORE)
    repo.write("src/user.py", USER)
    repo.commit("one")
    return repo


def load(repository: Repository, commit: str | None = None) -> tuple[build.Snapshot, list[int]]:
    """A snapshot, and how many files were parsed for it."""
    parsed: list[int] = []
    repo = discover(str(repository.path))
    with Cache(repo) as cache:
        snapshot = build.load(repo, cache, commit, lambda done, _: parsed.append(done))
    return snapshot, parsed


def test_a_map(project: Repository, maw: Maw) -> None:
    ran = maw("map", cwd=project.path)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == (
        "src/core.py:\n  class Core\n    def run(self, x)\n  def helper(x)\nsrc/user.py:\n  def main()\n"
    )


def test_from_a_folder_below_and_for_a_file(project: Repository, maw: Maw) -> None:
    ran = maw("map", "user.py", cwd=project.path / "src")
    assert ran.out.startswith("src/user.py:\n  def main()\nsrc/core.py:\n")
    assert maw("map", ".", cwd=project.path / "src").out.count(".py:") == 2


def test_json(project: Repository, maw: Maw) -> None:
    answer = maw("map", "--json", "--tokens", "100", cwd=project.path).json
    assert answer["v"] == 1 and answer["commit"] is None and answer["mapped"] == 2 and answer["budget"] == 100
    core = answer["files"][0]
    assert core["path"] == "src/core.py" and core["rank"] > 0.5
    assert core["definitions"][1] == {
        "name": "run", "kind": "function", "line": 2, "end": 3, "signature": "def run(self, x)",
        "rank": core["definitions"][1]["rank"],
    }  # fmt: skip


def test_a_symbol(project: Repository, maw: Maw) -> None:
    ran = maw("map", "--symbol", "Core.run", cwd=project.path)
    assert ran.out.splitlines() == [
        "src/core.py:2", "  class Core", "    def run(self, x)",
        "uses:", "  src/core.py:6  def helper(x)", "used by:", "  src/user.py:5  def main()",
    ]  # fmt: skip
    found = maw("map", "--symbol", "helper", "--json", cwd=project.path).json["symbols"]
    assert [place["line"] for place in found[0]["used_by"]] == [3, 1, 5]
    ran = maw("map", "--symbol", "Core.nothing", cwd=project.path)
    assert ran.code == 2 and "no definition of Core.nothing" in ran.err


def test_what_is_not_in_the_map_is_said(project: Repository, maw: Maw) -> None:
    project.write("notes.txt", "hello\n")
    for path, reason in (("notes.txt", "no source file"), ("gone.py", "no source file"), ("..", "outside")):
        ran = maw("map", path, cwd=project.path)
        assert ran.code == 2 and reason in ran.err and ran.out == ""
    ran = maw("map", "--at", "no-such", cwd=project.path)
    assert ran.code == 2 and "no such commit" in ran.err


def test_only_what_changed_is_parsed(project: Repository) -> None:
    assert len(load(project)[1]) == 2
    assert load(project)[1] == []
    project.write("src/user.py", USER + "\n\ndef more():\n    pass\n")
    snapshot, parsed = load(project)
    assert len(parsed) == 1 and snapshot.files["src/user.py"].defined == ["main", "more"]
    os.unlink(project.path / "src/user.py")
    snapshot, parsed = load(project)
    assert parsed == [] and list(snapshot.files) == ["src/core.py"]


def test_a_change_within_the_clocks_tick_is_seen(project: Repository) -> None:
    load(project)
    path = project.path / "src/user.py"
    before = path.stat()
    path.write_text(USER.replace("main", "mine"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert load(project)[0].files["src/user.py"].defined == ["mine"]


def test_a_commit_shares_what_the_worktree_parsed(either: Repository) -> None:
    either.write("a.py", CORE)
    commit = either.commit("one")
    assert len(load(either)[1]) == 1
    snapshot, parsed = load(either, commit)
    assert parsed == [] and snapshot.commit == commit and snapshot.files["a.py"].defined == ["Core", "run", "helper"]
    either.write("a.py", "def other():\n    pass\n")
    assert load(either, commit)[0].files["a.py"].defined == ["Core", "run", "helper"]
    assert load(either)[0].files["a.py"].defined == ["other"]


def test_what_is_left_out(repo: Repository, home: Path) -> None:
    outside = home / "outside"
    outside.mkdir()
    (outside / "secret.py").write_text("def secret(): pass\n")
    inner = repo.path / "sub"
    inner.mkdir()
    Repository(inner).git("init", "-q")
    Repository(inner).commit("inner", x__py="def inner(): pass\n")
    repo.write(".gitignore", "ignored.py\n")
    repo.write("ignored.py", "def ignored(): pass\n")
    repo.write("huge.py", "x = 1\n" * 100_000)
    repo.write("long.js", "x=1;" * 10_000)
    repo.write("binary.py", b"def f(): pass\n\0\0")
    repo.write("made.py", "# @" + "generated\ndef f(): pass\n")
    repo.write("lib/a.min.js", "function f() {}\n")
    repo.write("node_modules/b.js", "function f() {}\n")
    (repo.path / "link.py").symlink_to(outside / "secret.py")
    (repo.path / "folder").symlink_to(outside)
    repo.write("bad\x1b[31m\xff.py", b"def good(): pass\n\xff\xfe")
    repo.write("untracked.py", "def untracked(): pass\n")
    for commit in (None, repo.commit("all")):
        snapshot, _ = load(repo, commit)
        assert set(snapshot.files) == {"bad\x1b[31m\xff.py", "untracked.py"}
        assert snapshot.left_out == {
            "huge.py": "too large (600,000 bytes)", "long.js": "minified", "binary.py": "binary",
            "made.py": "generated (it says so)", "lib/a.min.js": "generated (*.min.js)",
            "node_modules/b.js": "vendored (node_modules/)",
        }  # fmt: skip


def test_a_folder_that_became_a_link_is_not_followed(project: Repository, home: Path) -> None:
    (project.path / "src").rename(home / "elsewhere")
    (project.path / "src").symlink_to(home / "elsewhere")
    snapshot, _ = load(project)
    assert snapshot.files == {}


def test_names_reach_no_terminal_raw(repo: Repository, maw: Maw) -> None:
    repo.write("bad\x1b[31m\n.py", "def good(): pass\n")
    ran = maw("map", cwd=repo.path)
    assert ran.code == 0 and "\x1b" not in ran.out and "def good()" in ran.out


def test_names_that_are_no_utf8(repo: Repository, maw: Maw) -> None:
    (Path(os.fsdecode(os.fsencode(repo.path) + b"/caf\xe9.py"))).write_text("def good(): pass\n")
    for _ in range(2):
        assert "def good()" in maw("map", cwd=repo.path).out
    assert maw("map", "--json", cwd=repo.path).json["files"][0]["path"] == "caf\udce9.py"


def test_a_damaged_cache_is_made_anew(project: Repository) -> None:
    load(project)
    cache = project.path / ".git/maw/map.db"
    cache.write_bytes(b"no database, and long enough to be looked at as one" * 100)
    assert len(load(project)[1]) == 2
    with sqlite3.connect(cache) as db:
        db.execute("PRAGMA user_version = 99")
    assert len(load(project)[1]) == 2


def test_a_filter_of_the_repository_is_not_run(project: Repository, home: Path) -> None:
    mark = home / "ran"
    project.git("config", "filter.evil.clean", f"touch {mark}; cat")
    project.git("config", "core.fsmonitor", f"touch {mark}; false")
    project.write(".gitattributes", "*.py filter=evil\n")
    project.write("src/user.py", USER + "# more\n")
    assert len(load(project)[0].files) == 2
    assert not mark.exists()


def test_an_empty_and_a_bare_repository(repo: Repository, maw: Maw, home: Path) -> None:
    ran = maw("map", cwd=repo.path)
    assert ran.code == 0 and ran.out == "" and "no definitions" in ran.err
    repo.commit("one", a__py="def f(): pass\n")
    repo.git("clone", "-q", "--bare", ".", str(home / "bare"))
    ran = maw("map", cwd=home / "bare")
    assert ran.code == 2 and "--at COMMIT" in ran.err
    assert maw("map", "--at", "HEAD", cwd=home / "bare").out == "a.py:\n  def f()\n"


def test_without_parsers_outlines_are_plain_and_that_is_said(project: Repository, maw: Maw, home: Path) -> None:
    # A module of this name without a place on the disk is what a missing one looks like to those who ask for it.
    (home / "sitecustomize.py").write_text("import sys\nsys.modules['tree_sitter'] = None\n")
    ran = maw("map", cwd=project.path, PYTHONPATH=str(home))
    assert ran.code == 0 and "plain patterns" in ran.err and "pip install" in ran.err
    assert "class Core\n    def run(self, x)\n" in ran.out
