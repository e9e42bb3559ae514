"""`maw generate changelog` as a user runs it: a real runner, and a Manager that is told what to say."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.fixtures.cli import Maw
from tests.fixtures.git import Repository
from tests.fixtures.scripted import Says

LOG = "# Changelog\n\n## [Unreleased]\n\n### Added\n\n- A first thing.\n\n## [1.0.0] - 2026-01-01\n\n- All.\n"
ADDED = "Section: Added\nEntry: Sizes are shown.\n"
SECRET = "ghp_" + "R9x2Kq7LmZ4vTn8Yb3Wc6Hd1Jf5Gs0Pa2Ue7"


@pytest.fixture
def released(project: Repository) -> Repository:
    """A project with a tag, a change log, and commits since."""
    project.write("CHANGELOG.md", LOG)
    project.commit("Begin a change log")
    project.git("tag", "v1.0.0")
    project.write("src/sizes.py", "def shown(size):\n    return f'{size} B'\n")
    project.commit("Show sizes")
    project.commit("chore: tidy", x__txt="x\n")
    project.commit("fix: a leak", y__txt="y\n")
    project.git("revert", "--no-edit", "HEAD")
    return project


def log(repository: Repository) -> str:
    return (repository.path / "CHANGELOG.md").read_text()


def test_into_the_change_log(released: Repository, maw: Maw, generator: Says) -> None:
    server = generator(ADDED)
    ran = maw("generate", "changelog", "--apply", cwd=released.path)
    assert ran.code == 0, ran.err
    assert log(released) == LOG.replace("first thing.\n", "first thing.\n- Sizes are shown.\n")
    assert ran.out.count("\n+") == 2 and "+- Sizes are shown.\n" in ran.out  # the diff, with its +++ line
    assert "2 commits since v1.0.0, 1 new entry, 2 that cancel each other" in ran.err
    assert len(server.asked()) == 1  # nobody is asked about the tidying
    for part in ("Show sizes", "src/sizes.py", "+def shown(size):"):
        assert part in server.prompt()
    assert "- A first thing." in server.asked()[0]["messages"][0]["content"]
    ran = maw("generate", "changelog", "--apply", cwd=released.path)
    assert ran.code == 0 and "0 new entries, 1 in CHANGELOG.md already" in ran.err and ran.out == ""
    released.commit("docs: the change log")
    assert "changelog: no instruction (CHANGELOG.md)" in maw("history", "--kind", "generate", cwd=released.path).out


@pytest.mark.slow
def test_it_is_taken_back(released: Repository, maw: Maw, generator: Says) -> None:
    generator(ADDED)
    assert maw("generate", "changelog", "--apply", cwd=released.path).code == 0
    assert maw("generate", "--undo", cwd=released.path).code == 0
    assert log(released) == LOG


@pytest.mark.slow
def test_without_a_terminal_it_is_printed(released: Repository, maw: Maw, generator: Says) -> None:
    generator(ADDED)
    ran = maw("generate", "changelog", cwd=released.path)
    assert (ran.code, ran.out) == (0, "## [Unreleased]\n\n### Added\n\n- Sizes are shown.\n"), ran.err
    ran = maw("generate", "changelog", "--patch", cwd=released.path)
    released.git("apply", "--check", stdin=ran.out.encode())
    assert log(released) == LOG


@pytest.mark.slow
def test_a_release_as_json(released: Repository, maw: Maw, generator: Says) -> None:
    generator(ADDED)
    ran = maw("generate", "changelog", "--release", "1.1.0", "--json", "--apply", cwd=released.path)
    found = ran.json
    assert (found["v"], found["since"], found["file"], found["applied"]) == (1, "v1.0.0", "CHANGELOG.md", True)
    (entry,) = found["entries"]
    assert (entry["section"], entry["text"], len(entry["commits"])) == ("Added", "Sizes are shown.", 1)
    assert [one["reason"] for one in found["left_out"]] == ["its type says so"] and len(found["reverted"]) == 2
    assert "## [Unreleased]\n\n## [1.1.0] - 20" in log(released)
    assert log(released).count("- Sizes are shown.\n") == log(released).count("- A first thing.\n") == 1


@pytest.mark.slow
def test_a_file_that_is_not_there(released: Repository, maw: Maw, generator: Says) -> None:
    generator(ADDED)
    ran = maw("generate", "changelog", "--file", "docs/news.md", "--apply", cwd=released.path / "src")
    assert ran.code == 0, ran.err
    assert (released.path / "src/docs/news.md").read_text().endswith("### Added\n\n- Sizes are shown.\n")
    released.git("rm", "-q", "--cached", "CHANGELOG.md")
    (released.path / "CHANGELOG.md").rename(released.path / "CHANGES.md")
    released.git("add", "-A")
    assert maw("generate", "changelog", "--apply", cwd=released.path).code == 0
    assert "- Sizes are shown.\n" in (released.path / "CHANGES.md").read_text()


@pytest.mark.slow
def test_secrets_stay_here(released: Repository, maw: Maw, generator: Says) -> None:
    released.write("src/key.py", f'TOKEN = "{SECRET}"\n')
    released.commit(f"Add a key\n\nIt is {SECRET}.")
    server = generator(ADDED)
    ran = maw("generate", "changelog", "--dry-run", "--instruction", f"token {SECRET}", cwd=released.path)
    assert SECRET not in ran.out and ran.json["payload"]["redacted"] is True and server.asked() == []
    assert maw("generate", "changelog", cwd=released.path).code == 0
    assert SECRET not in json.dumps(server.asked())


@pytest.mark.parametrize("answer", ["", "Hello!", "Section: Poetry\nEntry: x\n", "Section: Added\nEntry: \x1b[2J```\n"])
@pytest.mark.slow
def test_an_answer_of_no_use(released: Repository, maw: Maw, generator: Says, answer: str) -> None:
    generator(answer)
    ran = maw("generate", "changelog", "--apply", cwd=released.path)
    assert ran.code in (0, 3) and "Traceback" not in ran.err and "\x1b" not in ran.out
    released.git("restore", "CHANGELOG.md")
    assert released.git("status", "--porcelain") == ""


def test_bad_input(released: Repository, maw: Maw, home: Path) -> None:
    def refused(*arguments: str) -> str:
        ran = maw("generate", "changelog", *arguments, cwd=released.path)
        assert ran.code in (2, 3) and "Traceback" not in ran.err
        return ran.err

    assert "there are no commits after HEAD" in refused("--since", "HEAD")
    assert "no such commit: v9" in refused("--since", "v9")
    assert "outside of the repository" in refused("--file", "../elsewhere.md")
    assert "exclude each other" in refused("--apply", "--patch")
    (released.path / "CHANGELOG.md").unlink()
    (released.path / "CHANGELOG.md").symlink_to(home / "elsewhere.md")
    assert "symbolic link" in refused("--apply")
    released.git("restore", "CHANGELOG.md")
    released.write("CHANGELOG.md", b"# Changes\n\xff\n")
    assert "not UTF-8" in refused("--apply")
