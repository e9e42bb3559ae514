"""husky finds a project's hook by the name its own script was started by, so maw must not rename that."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from maw.errors import FatalError
from maw.git.repo import discover
from maw_hooks import husky, install
from tests.fixtures.cli import Maw
from tests.fixtures.fake_runner import finding
from tests.hooks.conftest import Hooked

# As husky 9 makes them: NAME only starts h beside it, and h the script NAME of the folder above.
NAME = '#!/usr/bin/env sh\n. "$(dirname "$0")/h"\n'
H = """\
#!/usr/bin/env sh
name=$(basename "$0")
script=$(dirname "$(dirname "$0")")/$name
[ -f "$script" ] || exit 0
sh -e "$script" "$@"
"""


@pytest.fixture
def project(hooked: Hooked) -> Hooked:
    """A project whose own check blocks every commit of a file `bad`, by husky; the user has maw."""
    install.uninstall(discover(str(hooked.path)))
    hooked.write(".husky/_/h", H)
    for hook in ("pre-commit", "post-commit", "commit-msg"):
        hooked.write(f".husky/_/{hook}", NAME).chmod(0o755)
    hooked.write(".husky/_/.gitignore", "*")
    hooked.write(".husky/pre-commit", "if git diff --cached --name-only | grep -qx bad; then exit 1; fi\n")
    hooked.ok("config", "core.hooksPath", ".husky/_")
    hooked.ok("add", "-A")
    hooked.commit()
    return hooked


def _add_lines(project: Hooked) -> None:
    for hook in install.HOOKS:
        with open(project.path / ".husky" / hook, "a") as file:
            file.write(husky.line(hook) + "\n")


def _refused(project: Hooked) -> bool:
    project.write("bad", os.urandom(8).hex())
    project.ok("add", "bad")
    code = project.git("commit", "-q", "-m", "change").returncode
    project.ok("rm", "-q", "--cached", "bad")
    return code == 1


def test_it_is_refused_by_name_and_the_projects_checks_go_on(project: Hooked) -> None:
    before = sorted(path.name for path in (project.path / ".husky" / "_").iterdir())
    with pytest.raises(FatalError) as caught:
        install.install(discover(str(project.path)))
    assert "husky runs the hooks of this repository" in caught.value.message
    hint = str(caught.value.hint)
    assert all(f"{project.path}/.husky/{hook} the line `{husky.line(hook)}`" in hint for hook in install.HOOKS)
    assert sorted(path.name for path in (project.path / ".husky" / "_").iterdir()) == before
    assert _refused(project)


def test_with_the_lines_it_reviews_behind_the_projects_checks(project: Hooked) -> None:
    _add_lines(project)
    place = discover(str(project.path))
    assert [(change.action, change.note) for change in install.install(place)] == [
        ("unchanged", "husky runs it")
    ] * len(install.HOOKS)
    assert [state.state for state in install.status(place)] == ["installed"] * len(install.HOOKS)
    assert _refused(project)
    project.runner.plays(finding(severity="error"))
    project.write("a.py", "four = 4\n")
    assert project.git("commit", "-q", "-a", "-m", "change").returncode == 1
    project.runner.plays(finding(severity="warning"))
    project.write("a.py", "five = 5\n")  # what was blocked is known
    project.commit("-a")
    record = project.record()
    assert record is not None
    assert (record["status"], record["verdict"]) == ("reviewed", "warn")
    assert [change.action for change in install.uninstall(place)] == ["kept"] * len(install.HOOKS)


def test_a_colleague_without_maw_commits_as_before(project: Hooked) -> None:
    for hook in install.HOOKS:
        text = husky.line(hook).replace(os.path.dirname(sys.executable), "/nowhere/bin")
        with open(project.path / ".husky" / hook, "a") as file:
            file.write(text + "\n")
    project.write("a.py", "four = 4\n")
    assert project.commit("-a") == ""
    assert _refused(project)


@pytest.mark.parametrize("with_lines", [True, False])
def test_init(project: Hooked, maw: Maw, with_lines: bool) -> None:
    if with_lines:
        _add_lines(project)
    done = maw("init", "--yes", cwd=project.path)
    assert done.code == (0 if with_lines else 2), done.err
    assert ("husky" in done.err) is not with_lines
    assert (project.path / ".maw.toml").exists() is with_lines
    done = maw("hooks", "status", cwd=project.path)
    assert done.code == (0 if with_lines else 1)
    assert "husky" in done.out


def test_a_line_that_is_a_comment_does_not_count(project: Hooked) -> None:
    project.write(".husky/pre-commit", f"# {husky.line('pre-commit')}\n")
    assert not husky.runs_maw(str(project.path / ".husky"), "pre-commit")


def test_stubs_that_took_its_place_are_told_and_taken_away(project: Hooked) -> None:
    path = project.path / ".husky" / "_" / "pre-commit"
    install._install(str(path.parent), "pre-commit", sys.executable)
    assert not _refused(project)  # what it is all about
    place = discover(str(project.path))
    assert install.status(place)[0].state == "broken"
    assert [change.action for change in install.uninstall(place)] == ["restored"]
    assert path.read_text() == NAME
    assert _refused(project)


@pytest.mark.parametrize(
    ("directory", "files", "expected"),
    [
        (".husky/_", [], ".husky"),  # a new worktree, before `npm install`
        (".config/husky/_", [".config/husky/_/h"], ".config/husky"),
        (".husky", [".husky/_/husky.sh"], ".husky"),  # version 8
        (".githooks", [".githooks/pre-commit"], None),
        ("_", ["_/pre-commit"], None),
    ],
)
def test_how_it_is_recognised(home: Path, directory: str, files: list[str], expected: str | None) -> None:
    for name in files:
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).touch()
    found = husky.scripts_dir(str(home / directory))
    assert found == (None if expected is None else str(home / expected))
