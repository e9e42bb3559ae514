"""All of a proposal or none of it, whatever happens; and back again."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from maw.edits import apply, tree
from maw.edits.propose import Proposal
from maw.edits.refusal import Refused
from maw.errors import FatalError
from maw.git.repo import Repo, discover
from tests.edits.conftest import replacing, tree_of, whole
from tests.edits.test_propose import FIX
from tests.fixtures.git import Repository

Offer = Callable[..., Proposal]
THREE = FIX + replacing("notes.txt", "one\n", "ONE\n") + whole("deep/er/new.py", "x = 1\n")


def test_what_was_shown_is_what_is_there(project: Repository, place_of: Repo, offer: Offer) -> None:
    project.write("src/app.py", (project.path / "src/app.py").read_text() + "# not staged\n")
    project.write("src/other.py", "staged\n")
    project.git("add", "src/other.py")
    staged = project.git("diff", "--cached")
    (project.path / "notes.txt").chmod(0o755)
    made = offer(THREE)
    before = tree_of(project)
    done = apply.apply(place_of, made)
    assert done.paths == ("deep/er/new.py", "notes.txt", "src/app.py")
    after = tree_of(project)
    assert set(after) - set(before) == {"deep", "deep/er", "deep/er/new.py"}
    assert all((project.path / edit.path).read_bytes() == edit.new for edit in made.edits)
    assert after["notes.txt"][1] == before["notes.txt"][1]
    assert project.git("diff", "--cached") == staged
    project.git("apply", "-R", "-", stdin=made.diff)
    (project.path / "deep/er").exists() and os.removedirs(project.path / "deep/er")
    assert tree_of(project).keys() == before.keys()


def test_undo_brings_back_what_was_there(project: Repository, place_of: Repo, offer: Offer) -> None:
    before = tree_of(project)
    apply.apply(place_of, offer(THREE))
    assert b"-ONE" in apply.undo_diff(place_of)
    apply.undo(place_of)
    assert tree_of(project) == before
    with pytest.raises(FatalError, match="no application"):
        apply.undo(place_of)


def test_undo_keeps_what_was_done_elsewhere_since(project: Repository, place_of: Repo, offer: Offer) -> None:
    apply.apply(place_of, offer(THREE))
    notes = (project.path / "notes.txt").read_text()
    project.write("notes.txt", notes.replace("nine", "NINE"))
    apply.undo(place_of)
    assert (project.path / "notes.txt").read_text() == notes.replace("ONE", "one").replace("nine", "NINE")


@pytest.mark.parametrize("path", ["notes.txt", "deep/er/new.py"])
def test_undo_changes_nothing_where_lines_are_not_the_same(
    project: Repository, place_of: Repo, offer: Offer, path: str
) -> None:
    apply.apply(place_of, offer(THREE))
    project.write(path, "mine\n")
    before = tree_of(project)
    with pytest.raises(apply.Conflict, match=path):
        apply.undo(place_of)
    assert tree_of(project) == before


def test_undo_of_what_was_taken_back_by_hand(project: Repository, place_of: Repo, offer: Offer) -> None:
    before = tree_of(project)
    made = offer(THREE)
    apply.apply(place_of, made)
    (project.path / "notes.txt").unlink()
    with pytest.raises(apply.Conflict, match=r"notes\.txt"):
        apply.undo(place_of)
    project.git("checkout", "notes.txt")
    (project.path / "deep/er/new.py").unlink()
    assert apply.undo(place_of).paths == ("src/app.py",)
    assert tree_of(project) == before


def test_a_mode_that_changed_meanwhile_stays(project: Repository, place_of: Repo, offer: Offer) -> None:
    made = offer(FIX)
    (project.path / "src/app.py").chmod(0o700)
    apply.apply(place_of, made)
    assert (project.path / "src/app.py").stat().st_mode & 0o777 == 0o700


def test_a_file_that_changed_meanwhile_is_a_conflict(project: Repository, place_of: Repo, offer: Offer) -> None:
    made = offer(THREE)
    project.write("src/app.py", "mine = 1\n")
    before = tree_of(project)
    with pytest.raises(apply.Conflict, match=r"src/app\.py changed meanwhile") as caught:
        apply.apply(place_of, made)
    assert tree_of(project) == before
    assert caught.value.patch is not None
    assert Path(caught.value.patch).read_bytes() == made.diff
    assert caught.value.hint is not None
    assert caught.value.patch in caught.value.hint


@pytest.mark.parametrize("how", ["gone", "new", "link", "folder_link"])
def test_other_ways_to_change_meanwhile(
    project: Repository, place_of: Repo, offer: Offer, home: Path, how: str
) -> None:
    made = offer(THREE)
    if how == "gone":
        (project.path / "src/app.py").unlink()
    elif how == "new":
        project.write("deep/er/new.py", "mine\n")
    elif how == "link":
        (project.path / "notes.txt").rename(home / "kept")
        (project.path / "notes.txt").symlink_to(home / "kept")
    else:
        (home / "outside").mkdir()
        (project.path / "deep").symlink_to(home / "outside")
    before = tree_of(project)
    with pytest.raises((apply.Conflict, Refused)):
        apply.apply(place_of, made)
    assert tree_of(project) == before
    assert not list(home.glob("outside/*"))


def test_an_editor_that_saves_at_the_last_moment(
    project: Repository, place_of: Repo, offer: Offer, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = offer(THREE)
    stage = tree._stage

    def stage_and_save(root: str, application: object, number: int, edit: object) -> None:
        stage(root, application, number, edit)  # type: ignore[arg-type]
        project.write("src/app.py", "saved = 1\n")

    monkeypatch.setattr(tree, "_stage", stage_and_save)
    before = tree_of(project)
    with pytest.raises(apply.Conflict):
        apply.apply(place_of, made)
    assert tree_of(project) == {**before, "src/app.py": (b"saved = 1\n", before["src/app.py"][1])}


STEPS = ("link", "rename", "fsync", "unlink", "mkdir", "rmdir", "replace")


class _Stop(BaseException):
    """As Ctrl-C is one."""


def _stopping(at: int, action: Callable[[], object]) -> Callable[[], object]:
    """Let the system call number `at` of those that change something not return."""
    left = [at]

    def wrapped(real: Callable[..., object]) -> Callable[..., object]:
        def call(*arguments: object, **named: object) -> object:
            done = real(*arguments, **named)
            left[0] -= 1
            if left[0] == 0:
                action()
            return done

        return call

    for name in STEPS:
        setattr(os, name, wrapped(getattr(os, name)))
    return lambda: left[0]


def _killed_at(at: int, work: Callable[[], object]) -> bool:
    """Do it in a process that dies after its system call number `at`; whether it came to that."""
    pid = os.fork()
    if pid == 0:
        try:
            _stopping(at, lambda: os._exit(9))
            work()
            os._exit(0)
        finally:
            os._exit(1)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    assert code in (0, 9)
    return code == 9


def test_killed_at_any_instant_it_is_all_or_none(project: Repository, place_of: Repo, offer: Offer) -> None:
    made = offer(THREE)
    before = tree_of(project)
    at = 1
    while _killed_at(at, lambda: apply.apply(place_of, made)):
        apply.recover(place_of)
        if tree_of(project) != before:  # it was done: only what it could not tell any more was missing
            apply.undo(place_of)
        assert tree_of(project) == before
        at += 1
    assert at > 15
    after = tree_of(project)
    assert all((project.path / edit.path).read_bytes() == edit.new for edit in made.edits)
    at = 1
    while _killed_at(at, lambda: apply.undo(place_of)):
        apply.recover(place_of)
        assert tree_of(project) in (after, before)
        if tree_of(project) == before:
            break
        at += 1
    assert at > 10


def test_stopped_at_any_instant_nothing_is_left(
    project: Repository, place_of: Repo, offer: Offer, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = offer(THREE)
    before = tree_of(project)

    def stop() -> None:
        raise _Stop

    for at in range(1, 40):
        with monkeypatch.context() as patch:
            for name in STEPS:
                patch.setattr(os, name, getattr(os, name))
            _stopping(at, stop)
            try:
                apply.apply(place_of, made)
            except _Stop:
                pass
            else:
                break
        apply.recover(place_of)
        if tree_of(project) != before:
            apply.undo(place_of)
        assert tree_of(project) == before
    assert at > 15


def test_what_the_user_did_after_a_crash_is_left_alone(project: Repository, place_of: Repo, offer: Offer) -> None:
    made = offer(THREE)
    before = tree_of(project)
    at = 1
    while _killed_at(at, lambda: apply.apply(place_of, made)):
        if (project.path / "notes.txt").read_text().startswith("ONE"):
            break
        apply.recover(place_of)
        at += 1
    project.write("notes.txt", "mine\n")
    restored = apply.recover(place_of)
    assert restored is not None
    assert restored.left == ("notes.txt",)
    assert tree_of(project) == {**before, "notes.txt": (b"mine\n", before["notes.txt"][1])}


def test_a_way_that_became_a_link_after_a_crash_is_left_alone(
    project: Repository, place_of: Repo, offer: Offer, home: Path
) -> None:
    made = offer(THREE)
    at = 1
    while _killed_at(at, lambda: apply.apply(place_of, made)):
        if (project.path / "deep/er/new.py").exists():
            break
        apply.recover(place_of)
        at += 1
    (project.path / "deep").rename(home / "moved")
    (project.path / "deep").symlink_to(home / "moved")
    restored = apply.recover(place_of)
    assert restored is not None
    assert restored.left == ("deep/er/new.py",)
    assert (home / "moved/er/new.py").read_text() == "x = 1\n"
    assert apply.recover(place_of) is None


def test_no_room_and_no_right(
    project: Repository, place_of: Repo, offer: Offer, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = offer(THREE)
    before = tree_of(project)

    def full(folder: int, name: str, content: bytes, mode: int) -> None:
        raise OSError(28, "No space left on device", name)

    monkeypatch.setattr(tree, "_write", full)
    with pytest.raises(FatalError, match="No space left"):
        apply.apply(place_of, made)
    assert tree_of(project) == before
    assert apply.recover(place_of) is None


def test_each_worktree_has_its_own_last_application(project: Repository, place_of: Repo, offer: Offer) -> None:
    project.git("worktree", "add", "-q", "../other")
    apply.apply(place_of, offer(FIX))
    with pytest.raises(FatalError, match="no application"):
        apply.undo(discover(str(project.path.parent / "other")))
    apply.undo(place_of)


def test_a_bare_repository_has_nothing_to_change(project: Repository, offer: Offer) -> None:
    made = offer(FIX)
    project.git("clone", "-q", "--bare", ".", "../bare.git")
    with pytest.raises(FatalError, match="bare"):
        apply.apply(discover(str(project.path.parent / "bare.git")), made)
