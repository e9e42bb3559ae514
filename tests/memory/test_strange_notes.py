"""Notes and the objects around them out of anybody's hands: read without a crash, kept byte for byte, merged."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from maw.errors import FatalError
from maw.git.notes import Notes
from maw.git.objects import BLOB, TREE, Person, format_commit, format_tree, parse_commit, parse_tree
from maw.memory.index import Index
from maw.record import KINDS, VERSION, Record, encode, format_note, merge, parse_line, parse_note, standing
from tests.fixtures.attendant import kernel_repo
from tests.fixtures.git import Repository

shared_repo = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])

# Values that stand where records have others, and keys that records have.
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
    | st.sampled_from(["review", "retract", "a", "b", 10**400, "\ud800", "\x1b[2J", "2026-01-01T00:00:00Z"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip
KEYS = st.sampled_from([
    "v", "id", "ts", "kind", "status", "verdict", "findings", "head", "tree", "patch_id", "has_binary", "retracts",
    "reason", "model", "bypassed", "commit_patch_id", "skipped", "units",
])  # fmt: skip
GOOD = st.fixed_dictionaries({
    "v": st.just(VERSION), "id": st.sampled_from(["a", "b", "c"]), "ts": st.sampled_from(["1", "2026-01-01T00:00:00Z"]),
    "kind": st.sampled_from([*KINDS, "retract"]),
})  # fmt: skip
DATA = st.builds(lambda good, more: good | more, GOOD, st.dictionaries(KEYS, VALUES, max_size=4)) | st.dictionaries(
    KEYS, VALUES, max_size=6
)
LINES = DATA.map(lambda data: json.dumps(data).encode()) | st.binary(max_size=20).map(
    lambda raw: raw.replace(b"\n", b"")
)
CONTENT = st.lists(LINES, max_size=6).map(b"\n".join) | st.binary(max_size=60)
NOTE = CONTENT.map(parse_note)


@given(CONTENT)
@example(b"\r\n\r\n")
@example(b'{"v":1,"id":"a","ts":"","kind":"retract","retracts":"a"}')
@example(b"[" * 100_000)
@example(b"9" * 5000)
def test_any_content_is_lines_that_are_kept(content: bytes) -> None:
    found = parse_note(content)
    assert [record.raw for record in found] == [raw for raw in content.split(b"\n") if raw.strip()]
    assert parse_note(format_note(found)) == found
    for record in found:
        if record.data is not None:
            assert type(record.data["v"]) is int and record.data["v"] == VERSION
            assert all(isinstance(record.data[key], str) for key in ("id", "ts", "kind"))


@given(NOTE, NOTE, NOTE)
def test_merging_is_commutative_associative_and_idempotent(a: list[Record], b: list[Record], c: list[Record]) -> None:
    assert merge(a, b) == merge(b, a)
    assert merge(merge(a, b), c) == merge(a, merge(b, c))
    assert merge(merge(a, b), merge(a, b)) == merge(a, b) == merge(a, b, a)
    assert {record.raw for record in merge(a, b, c)} == {record.raw for record in a + b + c}
    assert parse_note(format_note(merge(a, b))) == merge(a, b)


@given(NOTE, NOTE)
def test_what_stands_does_not_depend_on_who_merged_first(a: list[Record], b: list[Record]) -> None:
    key = [json.dumps(data, sort_keys=True) for data in standing(merge(a, b))]
    assert key == [json.dumps(data, sort_keys=True) for data in standing(merge(b, a))]
    assert all(data["kind"] != "retract" for data in standing(a))


@given(DATA)
def test_what_can_be_encoded_comes_back(data: dict[str, Any]) -> None:
    try:
        record = encode(data)
    except (ValueError, RecursionError):
        return
    assert parse_line(record.raw) == record and b"\n" not in record.raw and record.raw.isascii()
    assert json.loads(record.raw) == record.data


@shared_repo
@given(CONTENT)
@example(b"")
def test_a_repository_with_such_a_note_can_be_read_and_added_to(repo: Repository, content: bytes) -> None:
    """Read, listed, added to; and nothing of what was there is gone."""
    notes, commit = _noted(repo, content)
    old = {record.raw for record in notes.read("review", commit)}
    assert old == {raw for raw in content.split(b"\n") if raw.strip()}
    with Index(kernel_repo(repo)) as index:
        index.refresh()
        rows = index.history(limit=100).rows
    assert len(rows) <= len(old)
    notes.append("review", commit, [encode({"v": 1, "id": "ours", "ts": "t", "kind": "review"})])
    assert old < {record.raw for record in notes.read("review", commit)}


def _noted(repo: Repository, content: bytes) -> tuple[Notes, str]:
    """A note of this content, in place of all others, on the repository's one commit."""
    notes = Notes(kernel_repo(repo))
    commit = repo.git("rev-parse", "--verify", "-q", "HEAD", check=False) or repo.commit("one", a__txt="1\n")
    fan = notes.objects.write_tree({commit[2:].encode(): (BLOB, bytes.fromhex(notes.objects.write("blob", content)))})
    tree = notes.objects.write_tree({commit[:2].encode(): (TREE, bytes.fromhex(fan))})
    made = notes.objects.write("commit", format_commit(tree, [], Person(b"A", b"a@b", 1), "notes\n"))
    repo.git("update-ref", "refs/notes/maw/review", made)
    return notes, commit


# The objects themselves


@given(st.binary(max_size=80), st.sampled_from([20, 32]))
@example(b"100644 a\0" + b"x" * 20, 20)
@example(b"100644 a\0" + b"x" * 19, 20)
@example(b"40000 \0" + b"x" * 20, 20)
def test_any_bytes_are_a_tree_or_none(content: bytes, oid_bytes: int) -> None:
    try:
        found = parse_tree("0", content, oid_bytes)
    except FatalError:
        return
    assert sum(len(mode) + len(name) + 2 + oid_bytes for name, (mode, _) in found.items()) <= len(content)


NAMES = st.binary(min_size=1, max_size=5).filter(lambda name: not {0, 47} & set(name))


@given(st.dictionaries(NAMES, st.tuples(st.sampled_from([BLOB, TREE, b"120000"]), st.binary(min_size=20, max_size=20))))
def test_trees_come_back(entries: dict[bytes, tuple[bytes, bytes]]) -> None:
    assert parse_tree("0", format_tree(entries), 20) == entries


@given(st.lists(st.sampled_from([
    b"tree ", b"parent ", b"author ", b"committer ", b"\n", b"\n\n", b"A <a@b> 1 +0000", b"<", b">", b"9" * 30, b" ",
    b"0" * 40, b"\0", b"\xff", b"-1 +9999",
]), max_size=16).map(b"".join))  # fmt: skip
@example(b"tree " + b"0" * 40 + b"\nauthor A <a@b> -5 +0000\ncommitter <> 1 +0\n\n\xff")
def test_any_bytes_are_a_commit_or_none(content: bytes) -> None:
    found = parse_commit("0", content)
    assert found is None or (found.message in content and isinstance(found.author.time, int))


@given(st.binary(max_size=12), st.binary(max_size=12), st.integers(0, 2**40))
def test_what_is_written_is_a_commit_that_git_takes(name: bytes, email: bytes, time: int) -> None:
    """Also in the name of somebody whose own commit has a strange one."""
    found = parse_commit("0", format_commit("0" * 40, ["1" * 40], Person(name, email, time), "words\n"))
    assert found is not None
    assert (found.tree, found.parents, found.message) == ("0" * 40, ("1" * 40,), b"words\n")
    assert found.committer == found.author and found.author.time == time


def test_git_takes_what_is_written(repo: Repository) -> None:
    for name in (b"", b"<", b"a\nb", b"\xff", b" "):
        content = format_commit(repo.git("mktree"), [], Person(name, name, 5), "words\n")
        repo.git("hash-object", "-t", "commit", "--stdin", stdin=content)
