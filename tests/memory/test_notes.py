"""refs/notes/maw/<kind>: what others wrote is read, and what we write has one shape."""

from __future__ import annotations

import errno
import os
import re
import time
from pathlib import Path

import pytest

from maw import files, record
from maw.errors import FatalError
from maw.git import notetree
from maw.git.libgit import LibGit
from maw.git.notes import Notes
from maw.git.plumbing import Plumbing
from maw.git.run import RepositoryRefused
from maw.record import encode, parse_line, parse_note
from tests.fixtures.attendant import kernel_repo, review_record
from tests.fixtures.git import Repository, extension

REF = "refs/notes/maw/review"


@pytest.fixture
def repo(either: Repository) -> Repository:
    """What is promised here is promised for both ways to a repository."""
    return either


def note_of(repository: Repository, commit: str) -> bytes:
    return repository.git("notes", "--ref=maw/review", "show", commit).encode("utf-8", "surrogateescape") + b"\n"


def tree_names(repository: Repository) -> list[str]:
    return repository.git("ls-tree", "-r", "--name-only", REF).splitlines()


def test_git_shows_what_was_appended(repo: Repository) -> None:
    commit = repo.commit("one", a__txt="1\n")
    data = review_record(repo, commit)
    assert Notes(kernel_repo(repo)).append("review", commit, [encode(data)])
    assert parse_note(note_of(repo, commit))[0].data == data
    assert (
        repo.git("log", "-1", "--format=%an <%ae>|%s", REF)
        == f"A Tester <tester@example.invalid>|maw: review {commit[:12]}"
    )
    assert data["id"] in repo.git("log", "-1", "--notes=maw/review")


def test_several_notes_are_one_update(repo: Repository) -> None:
    commits = [repo.commit(str(number)) for number in range(5)]
    notes = Notes(kernel_repo(repo))
    assert notes.append_many("review", {commit: [encode(review_record(repo, commit))] for commit in commits}) == 5
    assert repo.git("rev-list", "--count", REF) == "1"
    assert sorted(name.replace("/", "") for name in tree_names(repo)) == sorted(commits)
    assert all(re.fullmatch(r"[0-9a-f]{2}/[0-9a-f]{38,62}", name) for name in tree_names(repo))
    assert repo.git("log", "-1", "--format=%s", REF).endswith(" and 4 more")


def test_a_record_is_not_doubled(repo: Repository) -> None:
    commit = repo.commit()
    data = review_record(repo, commit)
    notes = Notes(kernel_repo(repo))
    assert notes.append("review", commit, [encode(data)])
    tip = notes.tip("review")
    assert not notes.append("review", commit, [encode(data)])
    assert not notes.append("review", commit, [encode(data | {"patch_id": "told only now"})])
    assert notes.tip("review") == tip


def test_foreign_lines_are_kept_byte_for_byte(repo: Repository) -> None:
    commit = repo.commit()
    strange = b'not json\n\n{"v":99,"id":"x","future":true}\n\xff\xfe caf\xe9\r\n{"v":1}\n[]\n'
    (repo.path / "note").write_bytes(strange)
    repo.git("notes", "--ref=maw/review", "add", "-C", repo.git("hash-object", "-w", "note"), commit)
    repo.git("notes", "--ref=maw/review", "append", "-m", "by hand", commit)
    Notes(kernel_repo(repo)).append("review", commit, [encode(review_record(repo, commit))])
    lines = {line for line in note_of(repo, commit).split(b"\n") if line}
    assert {line for line in strange.split(b"\n") if line} | {b"by hand"} < lines
    assert len(lines) == 7
    read = Notes(kernel_repo(repo)).read("review", commit)
    assert [item.data is not None for item in read].count(True) == 1


@pytest.mark.parametrize("depth", [0, 2])
def test_other_layouts_are_read_and_made_one_level(repo: Repository, depth: int) -> None:
    commits = [repo.commit(str(number)) for number in range(6)]
    blobs = {commit: _blob(repo, encode(review_record(repo, commit)).raw + b"\n") for commit in commits}
    _import_layout(
        repo, {_at_depth(commit, depth): blob for commit, blob in blobs.items()} | {"README": _blob(repo, b"hi\n")}
    )
    notes = Notes(kernel_repo(repo))
    assert [len(notes.read("review", commit)) for commit in commits] == [1] * 6
    notes.append("review", commits[0], [encode(review_record(repo, commits[0]))])
    assert sorted(tree_names(repo)) == sorted(["README", *(_at_depth(commit, 1) for commit in commits)])
    assert [len(notes.read("review", commit)) for commit in commits] == [2, 1, 1, 1, 1, 1]
    assert len(repo.git("notes", "--ref=maw/review", "list").splitlines()) == 6


def test_one_object_noted_at_three_depths_keeps_all_lines(repo: Repository) -> None:
    commit, other = repo.commit("one"), repo.commit("two")
    lines = [encode(review_record(repo, commit)).raw for _ in range(3)]
    _import_layout(repo, {_at_depth(commit, depth): _blob(repo, lines[depth]) for depth in range(3)})
    notes = Notes(kernel_repo(repo))
    assert {item.raw for item in notes.read("review", commit)} == set(lines)
    notes.append("review", other, [encode(review_record(repo, other))])  # touches another note only
    assert sorted(tree_names(repo)) == sorted([_at_depth(commit, 1), _at_depth(other, 1)])
    assert {item.raw for item in notes.read("review", commit)} == set(lines)
    assert {line.encode() for line in repo.git("notes", "--ref=maw/review", "show", commit).splitlines()} == set(lines)


def test_git_and_maw_take_turns(repo: Repository) -> None:
    """git re-makes a small tree flat each time; neither loses the other's notes."""
    notes = Notes(kernel_repo(repo))
    commits = [repo.commit(str(number)) for number in range(8)]
    for number, commit in enumerate(commits):
        if number % 2:
            repo.git("notes", "--ref=maw/review", "add", "-m", "hand", commit)
        else:
            notes.append("review", commit, [encode(review_record(repo, commit))])
    assert sorted(name.replace("/", "") for name in tree_names(repo)) == sorted(commits)


def test_identity_falls_back_to_the_committer(repo: Repository, home: Path) -> None:
    commit = repo.commit()
    (home / ".gitconfig").write_text("[user]\n\tuseConfigOnly = true\n")
    Notes(kernel_repo(repo)).append("review", commit, [encode(review_record(repo, commit))])
    assert repo.git("log", "-1", "--format=%cn <%ce>", REF) == "A Tester <tester@example.invalid>"


def test_identity_is_what_git_says(repo: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    commit = repo.commit()
    monkeypatch.setenv("GIT_COMMITTER_NAME", "Zoë of the Environment")
    monkeypatch.setenv("GIT_COMMITTER_EMAIL", "zoe@example.invalid")
    Notes(kernel_repo(repo)).append("review", commit, [encode(review_record(repo, commit))])
    assert repo.git("log", "-1", "--format=%cn <%ce>", REF) == "Zoë of the Environment <zoe@example.invalid>"


def test_identity_falls_back_to_the_login(repo: Repository, home: Path) -> None:
    repo.git("hash-object", "-w", "--stdin", stdin=b"x")
    (home / ".gitconfig").write_text("[user]\n\tuseConfigOnly = true\n")
    Notes(kernel_repo(repo)).append("review", "ab" * (repo.oid_length // 2), [parse_line(b"x")])  # no such commit
    assert "@" in repo.git("log", "-1", "--format=%ce", REF)


def test_bad_names_are_refused(repo: Repository) -> None:
    notes = Notes(kernel_repo(repo))
    for oid in ("HEAD", "abc", "A" * repo.oid_length, "a" * (104 - repo.oid_length), "../../etc"):
        with pytest.raises(ValueError, match="not a full object id"):
            notes.append("review", oid, [])
    with pytest.raises(ValueError, match="unknown kind"):
        notes.read("reviews", "a" * repo.oid_length)


def test_a_left_lock_file_is_told(repo: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    commit = repo.commit()
    notes = Notes(kernel_repo(repo))
    notes.append("review", commit, [encode(review_record(repo, commit))])
    (repo.path / ".git/refs/notes/maw/review.lock").touch()
    monkeypatch.setattr("maw.git.notes.ATTEMPTS", 3)
    with pytest.raises(FatalError, match="cannot update refs/notes/maw/review") as caught:
        notes.append("review", commit, [encode(review_record(repo, commit))])
    assert caught.value.hint and ".lock" in caught.value.hint


def test_the_lock_file_of_a_killed_writer_is_removed(repo: Repository) -> None:
    commit = repo.commit()
    notes = Notes(kernel_repo(repo))
    notes.append("review", commit, [encode(review_record(repo, commit))])
    left = repo.path / ".git/refs/notes/maw/review.lock"
    left.touch()
    os.utime(left, (time.time() - 120, time.time() - 120))
    assert notes.append("review", commit, [encode(review_record(repo, commit))])
    assert not left.exists()


def test_a_file_system_without_locks(repo: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    """As NFS is without its lock daemon. The ref itself says whether somebody else was faster."""

    def refused(fd: int, how: int) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    commit = repo.commit()
    monkeypatch.setattr("fcntl.flock", refused)
    assert Notes(kernel_repo(repo)).append("review", commit, [encode(review_record(repo, commit))])
    with pytest.raises(OSError, match="No locks available"):
        files.try_lock(str(repo.path / "lock"))  # which others rely on


def test_libgit2_is_used_where_it_can_be(repo: Repository) -> None:
    way = LibGit if repo.oid_length == 40 else Plumbing
    assert type(Notes(kernel_repo(repo)).objects) is way


def test_what_git_knows_and_libgit2_does_not(repo: Repository) -> None:
    """A partial clone made by a git before 2.25 says so by an extension."""
    commit = repo.commit()
    extension(repo, "partialClone", "origin")
    notes = Notes(kernel_repo(repo))
    assert type(notes.objects) is Plumbing
    assert notes.append("review", commit, [encode(review_record(repo, commit))])
    assert len(notes.read("review", commit)) == 1


@pytest.mark.parametrize(
    ("key", "value", "said"), [("refStorage", "reftable", "reftable"), ("martian", "true", "extension")]
)
def test_what_git_itself_refuses_is_named(repo: Repository, key: str, value: str, said: str) -> None:
    found = kernel_repo(repo)
    extension(repo, key, value)
    for ask in (lambda: Notes(found), lambda: kernel_repo(repo)):
        with pytest.raises(RepositoryRefused, match=said) as caught:
            ask()
        assert caught.value.hint and "\n" not in caught.value.message


def test_notes_from_a_worktree_are_everybodys(repo: Repository, home: Path) -> None:
    commit = repo.commit()
    repo.git("worktree", "add", "-q", "--detach", str(home / "tree"))
    Notes(kernel_repo(Repository(home / "tree"))).append("review", commit, [encode(review_record(repo, commit))])
    assert len(Notes(kernel_repo(repo)).read("review", commit)) == 1


def test_a_missing_object_is_told(repo: Repository) -> None:
    commit = repo.commit()
    notes = Notes(kernel_repo(repo))
    notes.append("review", commit, [encode(review_record(repo, commit))])
    for name in (f"{REF}:{commit[:2]}/{commit[2:]}", f"{REF}:{commit[:2]}", f"{REF}^{{tree}}", REF):
        oid = repo.git("rev-parse", name)
        (repo.path / ".git/objects" / oid[:2] / oid[2:]).unlink()
        for use in (lambda notes: notes.read("review", commit), lambda notes: notes.append("review", commit, [])):
            with pytest.raises(FatalError, match=f"lacks the (blob|tree|commit) {oid}") as caught:
                use(Notes(kernel_repo(repo)))
            assert caught.value.hint


def test_cat_sort_uniq_of_two_clones_is_our_merge(repo: Repository, home: Path) -> None:
    commit = repo.commit()
    Notes(kernel_repo(repo)).append(
        "review", commit, [encode(review_record(repo, commit)), parse_line(b"plain \xff text")]
    )
    repo.git("clone", "-q", str(repo.path), str(home / "other"))
    other = Repository(home / "other")
    other.git("fetch", "-q", "origin", f"{REF}:{REF}")
    for repository in (repo, other):
        for _ in range(2):
            data = review_record(repo, commit, findings=[{"title": "é \x1b"}])
            Notes(kernel_repo(repository)).append("review", commit, [encode(data)])
    both = [Notes(kernel_repo(repository)).read("review", commit) for repository in (repo, other)]
    repo.git("fetch", "-q", str(other.path), f"{REF}:refs/notes/maw-remote/other/review")
    repo.git("notes", "--ref=maw/review", "merge", "-q", "-s", "cat_sort_uniq", "refs/notes/maw-remote/other/review")
    assert note_of(repo, commit) == record.format_note(record.merge(*both))
    assert len(Notes(kernel_repo(repo)).read("review", commit)) == 6


@pytest.mark.parametrize("mode", ["cat_sort_uniq", "concatenate"])
def test_notes_travel_through_amend_and_rebase(repo: Repository, mode: str) -> None:
    repo.git("config", "notes.rewriteRef", "refs/notes/maw/*")
    repo.git("config", "notes.rewriteMode", mode)
    repo.commit("base", base__txt="0\n")
    repo.git("branch", "side")
    first = repo.commit("first", a__txt="1\n")
    second = repo.commit("second", b__txt="2\n")
    notes = Notes(kernel_repo(repo))
    ids = {}
    for commit in (first, second):
        data = review_record(repo, commit)
        ids[commit] = data["id"]
        notes.append("review", commit, [encode(data)])
    repo.git("commit", "-q", "--amend", "-m", "second, amended")
    assert [item.id for item in notes.read("review", repo.git("rev-parse", "HEAD"))] == [ids[second]]
    repo.git("checkout", "-q", "side")
    repo.commit("elsewhere", c__txt="3\n")
    repo.git("checkout", "-q", "main")
    repo.git("rebase", "-q", "side")
    assert [item.id for item in notes.read("review", repo.git("rev-parse", "HEAD~1"))] == [ids[first]]
    repo.git("reset", "-q", "--soft", "HEAD~2")
    repo.git("reset", "-q", "--hard", "ORIG_HEAD")
    repo.git("-c", "sequence.editor=sed -i 2s/pick/squash/", "rebase", "-q", "-i", "HEAD~2")
    assert {item.id for item in notes.read("review", repo.git("rev-parse", "HEAD"))} == set(ids.values())


def test_an_object_id_that_looks_like_a_folder_is_no_note(repo: Repository) -> None:
    """A tree named like a whole id, or a file too deep, is left alone."""
    commit = repo.commit()
    blob = _blob(repo, b"x\n")
    _import_layout(repo, {f"{commit}/x": blob, f"{commit[:2]}/{commit[2:4]}/{commit[4:]}/y": blob, "ab/README": blob})
    notes = Notes(kernel_repo(repo))
    assert list(notetree.walk(notes.objects, notes.tree(notes.tip("review")))) == []
    notes.append("review", commit, [encode(review_record(repo, commit))])
    assert {f"{commit}/x", "ab/README", f"{commit[:2]}/{commit[2:]}"} <= set(tree_names(repo))


def _blob(repository: Repository, content: bytes) -> str:
    return repository.git("hash-object", "-w", "--stdin", stdin=content)


def _at_depth(commit: str, depth: int) -> str:
    return "".join(commit[2 * level : 2 * level + 2] + "/" for level in range(depth)) + commit[2 * depth :]


def _import_layout(repository: Repository, entries: dict[str, str]) -> None:
    """A notes ref with blobs at these paths, as somebody else's program would make it."""
    lines = [f"M 100644 {blob} {path}\n" for path, blob in entries.items()]
    head = f"commit {REF}\ncommitter A <a@b> 1700000000 +0000\ndata 0\n"
    repository.git("fast-import", "--quiet", "--force", stdin=(head + "".join(lines)).encode())
