"""Notes of strangers: whoever can write the ref can write what he likes."""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from maw.attendant import spool
from maw.record import LINES_MAX, encode
from tests.fixtures.attendant import kernel_repo, review_record
from tests.fixtures.cli import Maw
from tests.fixtures.fake_runner import finding
from tests.fixtures.git import Repository
from tests.hooks.hostile import EVIL, REF, clean


def line(number: int = 0, **more: Any) -> bytes:
    data = {"v": 1, "id": f"evil{number}", "ts": "2026-01-01T00:00:00Z", "kind": "review", "status": "reviewed"}
    return json.dumps(data | {"verdict": "pass"} | more).encode() + b"\n"


FORGED: dict[str, Callable[[], bytes]] = {
    "noise": lambda: os.urandom(100_000),
    "zeros": lambda: bytes(1_000_000),
    "a deep line": lambda: b"[" * 500_000 + b"\n" + b'{"v":1,"a":' * 100_000 + b"\n",
    "a deep record": lambda: line(findings=eval("[" * 90 + "]" * 90)),
    "a long line": lambda: line(model="x" * 9_000_000),
    "many lines": lambda: b"x\n" * (LINES_MAX + 1),
    "many records": lambda: b"".join(line(number) for number in range(2000)),
    "one id many times": lambda: b"".join(line(7, model=f"m{number}") for number in range(500)),
    "everything retracted": lambda: b"".join(
        line(number, kind="retract", retracts=target) for number, target in enumerate(["evil7", "", "*", None, ["a"]])
    ),
    "control characters": lambda: line(
        **dict.fromkeys(("verdict", "status", "reason", "model", "node", "task"), EVIL),
        findings=[finding(path=EVIL, title=EVIL, scenario=EVIL, suggestion=EVIL, quote=EVIL, severity="error")],
        skipped=[{"path": EVIL, "reason": EVIL}],
    ),
    "what is no text": lambda: line(
        status=[], verdict={}, reason=1, model=True, findings={}, skipped=7, head=[], tree=0
    ),
    "what is no finding": lambda: line(findings=[None, 1, "x", [], {}, {"severity": "error"}, {"severity": []}]),
    "what is no JSON": lambda: line(model=float("nan"), stats=float("inf")),
    "a large number": lambda: line(stats=10**4000, units={"total": 10**400}),
    "half a surrogate": lambda: line(model="\ud800", findings=[{"severity": "error", "path": "\udfff"}]),
    "other versions": lambda: line(v=2) + line(v="1") + line(v=True) + line(v=1.0) + line(v=None),
    "paths": lambda: line(findings=[finding(path=path) for path in ("/etc/passwd", "../../x", ".git/config", "\0")]),
}


@pytest.mark.parametrize("what", FORGED)
def test_forged_notes_are_shown_as_what_they_are_and_kept(what: str, repo: Repository, maw: Maw) -> None:
    commit = repo.commit("one", a__txt="1\n")
    forged = FORGED[what]()
    _note(repo, commit, repo.git("hash-object", "-w", "--stdin", stdin=forged))
    for command in (["history"], ["show"], ["show", "--json"]):
        done = clean(maw(*command, cwd=repo.path))
        assert done.code == 0, done.err
        if "--json" in command:
            assert "NaN" not in done.out and "Infinity" not in done.out
    # Ours beside it: written, or set aside where there is no adding to it. Nothing of theirs is lost.
    spool.put(kernel_repo(repo), commit, review_record(repo, commit))
    spool.drain(kernel_repo(repo))
    kept = repo.git("notes", "--ref=maw/review", "show", commit).encode("utf-8", "surrogateescape").split(b"\n")
    assert {raw for raw in forged.split(b"\n") if raw.strip()} <= set(kept)
    bad = Path(spool.directory(kernel_repo(repo)), "bad")
    assert bad.exists() == (what == "many lines")


def test_a_note_that_is_small_packed_and_large_unpacked(repo: Repository, maw: Maw) -> None:
    """70 MB of one letter, which git stores in 70 kB; only a repository's own objects may be that large."""
    commit, other = repo.commit("one"), repo.commit("two")
    _note(repo, commit, repo.git("hash-object", "-w", "--stdin", stdin=b"x" * 70_000_000))
    made = review_record(repo, other)
    for oid, record in ((commit, review_record(repo, commit)), (other, made)):
        spool.put(kernel_repo(repo), oid, record)
    done = clean(maw("history", "--json", cwd=repo.path))
    assert (done.code, json.loads(done.out)["id"]) == (0, made["id"])
    assert f"the note on {commit} is left out" in done.err
    done = clean(maw("show", "--raw", commit, cwd=repo.path))
    assert done.code == 2 and "70,000,000 bytes" in done.err and len(done.err.splitlines()) == 1


def bomb(repository: Repository, leaf: str, mode: str, levels: int) -> str:
    """A tree of 256 names for the same tree of 256 names for …; 10 objects, and more entries than there are atoms."""
    for _ in range(levels):
        entries = b"".join(f"{mode} {leaf}\t{number:02x}\n".encode() for number in range(256))
        leaf = repository.git("mktree", stdin=entries)
        mode = "040000 tree"
    return leaf


@pytest.mark.slow
def test_a_tree_of_notes_without_end(either: Repository, maw: Maw) -> None:
    commit = either.commit("one")
    tree = bomb(either, either.git("hash-object", "-w", "--stdin", stdin=b"x"), "100644 blob", either.oid_length // 2)
    either.git("update-ref", REF, either.git("commit-tree", "-m", "notes", tree))
    spool.put(kernel_repo(either), commit, review_record(either, commit))
    done = clean(maw("history", cwd=either.path))
    assert done.code == 2
    assert done.err.splitlines()[-2].startswith(f"maw: {REF} is nothing that maw reads: more than 1,000,000 entries")
    assert len(spool.waiting(kernel_repo(either))) == 1


@pytest.mark.slow
@pytest.mark.parametrize("leaf", ["file", "nothing"])
def test_a_commit_of_trees_without_end(either: Repository, maw: Maw, leaf: str) -> None:
    blob = either.git("hash-object", "-w", "--stdin", stdin=b"x"), "100644 blob"
    start = blob if leaf == "file" else (either.git("mktree"), "040000 tree")
    commit = either.git("commit-tree", "-m", "bomb", bomb(either, *start, 9))
    data = {"v": 1, "id": "a", "ts": "2026-01-01T00:00:00Z", "kind": "review", "tree": "0", "commit_patch_id": "1"}
    _note(either, commit, either.git("hash-object", "-w", "--stdin", stdin=encode(data).raw))
    done = clean(maw("history", "--json", cwd=either.path))
    assert (done.code, json.loads(done.out)["standing"]) == (0, "stale")


def test_a_tree_as_deep_as_no_recursion_goes(repo: Repository, maw: Maw) -> None:
    leaf, mode = repo.git("hash-object", "-w", "--stdin", stdin=b"x"), b"100644"
    objects = repo.path / ".git/objects"
    for _ in range(3000):
        content = mode + b" a\0" + bytes.fromhex(leaf)
        leaf, mode = _loose(objects, b"tree", content), b"40000"
    commit = repo.git("commit-tree", "-m", "deep", leaf)
    note = repo.git("hash-object", "-w", "--stdin", stdin=line())
    _note(repo, commit, note)
    done = clean(maw("history", "--json", cwd=repo.path))
    assert (done.code, json.loads(done.out)["subject"]) == (0, "deep")


def _loose(objects: Path, kind: bytes, content: bytes) -> str:
    import hashlib

    whole = b"%s %d\0" % (kind, len(content)) + content
    oid = hashlib.sha1(whole).hexdigest()
    path = objects / oid[:2] / oid[2:]
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(zlib.compress(whole))
    return oid


def _note(repository: Repository, commit: str, blob: str) -> None:
    """Let `blob` be the note on `commit`, whatever git would say to its content."""
    fan = repository.git("mktree", stdin=f"100644 blob {blob}\t{commit[2:]}\n".encode())
    tree = repository.git("mktree", stdin=f"040000 tree {fan}\t{commit[:2]}\n".encode())
    repository.git("update-ref", REF, repository.git("commit-tree", "-m", "forged", tree))
