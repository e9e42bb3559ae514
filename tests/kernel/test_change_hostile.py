"""Patches that were real before something happened to them: a right parse or BadPatch, never a wrong number."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from maw.change import BadPatch, FileChange, parse, raw_path
from tests.fixtures.git import make_repository
from tests.kernel.test_change import apply, diff, lines_of, write

shared_home = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
OLD = b"".join(b"line %d\n" % number for number in range(40))
NEW = OLD.replace(b"line 3\n", b"line three\n").replace(b"line 20\n", b"").replace(b"line 30\n", b"a\n\n-- b\n++ c\n")
SPLICES = st.lists(
    st.tuples(st.integers(0, 40), st.integers(0, 4), st.sampled_from(["drop", "twice", "swap", "insert", "bytes"])),
    min_size=1, max_size=3,
)  # fmt: skip
STRANGE = [
    b"", b"@@ -1 +1 @@", b"@@ -0,0 +1,2 @@", b"@@ -3,999999999 +3 @@", b"+", b"-", b" ",
    b"\\ No newline at end of file",
    b"diff --git a/x b/x", b"--- a/x", b"+++ b/x", b"+++ /dev/null", b'rename to "\\777"', b"\r", b"\0",
    b"GIT binary patch",
]  # fmt: skip


@pytest.fixture(scope="module")
def patch(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A real one, of a file that changed in three places, a new one, a removed one and one with a strange name."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
        repository = make_repository(tmp_path_factory.mktemp("real") / "r")
        base = write(repository, {b"f": OLD, b"gone": b"x\n", b"caf\xe9 \t": b"1\n2\n"})
        after: dict[bytes, bytes | None] = {b"f": NEW, b"gone": None, b"caf\xe9 \t": b"1\n3\n", b"new": b"y"}
        return diff(repository, base, write(repository, after))


def mutated(patch: bytes, splices: list[tuple[int, int, str]]) -> bytes:
    lines = patch.split(b"\n")
    for at, more, how in splices:
        at %= len(lines)
        if how == "drop":
            del lines[at : at + more + 1]
        elif how == "twice":
            lines[at:at] = lines[at : at + more + 1]
        elif how == "swap":
            other = (at + more + 1) % len(lines)
            lines[at], lines[other] = lines[other], lines[at]
        elif how == "insert":
            lines.insert(at, STRANGE[(at * 5 + more) % len(STRANGE)])
        else:
            lines[at] = bytes(byte ^ (more + 1) for byte in lines[at])
        lines = lines or [b""]
    return b"\n".join(lines)


def check(change: FileChange) -> None:
    """A hunk holds what its header says, and its numbers go up by one."""
    assert isinstance(raw_path(change.path), bytes)
    for hunk in change.hunks:
        old = [line.old for line in hunk.lines if line.kind != "+"]
        new = [line.new for line in hunk.lines if line.kind != "-"]
        assert old == list(range(hunk.old_start, hunk.old_start + hunk.old_count))
        assert new == list(range(hunk.new_start, hunk.new_start + hunk.new_count))


@given(SPLICES)
def test_what_is_left_of_a_real_patch(patch: bytes, splices: list[tuple[int, int, str]]) -> None:
    try:
        changes = parse(mutated(patch, splices))
    except BadPatch as exc:
        assert 1 <= exc.line <= patch.count(b"\n") + 20
    else:
        for change in changes:
            check(change)


@given(st.integers(0, 5000))
def test_a_patch_that_was_cut_off(patch: bytes, size: int) -> None:
    """Files that are whole are those of the whole patch; a hunk that is not whole is never taken for one."""
    whole = parse(patch)
    try:
        changes = parse(patch[:size])
    except BadPatch:
        return
    for change, wanted in zip(changes[:-1], whole, strict=False):
        assert change == wanted
    for change in changes[-1:]:
        check(change)


@pytest.fixture(scope="module")
def single(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A real one of the one file `f`, in three hunks."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
        repository = make_repository(tmp_path_factory.mktemp("single") / "r")
        return diff(repository, write(repository, {b"f": OLD}), write(repository, {b"f": NEW}))


TEXT = st.binary(max_size=5).map(lambda text: text.replace(b"\n", b""))


@shared_home
@given(st.integers(1, 3), st.lists(TEXT, min_size=6, max_size=6), TEXT, st.sampled_from([b"", b"a mail's head\n\n"]))
def test_numbers_are_those_of_git_apply(
    home: Path, single: bytes, count: int, added: list[bytes], section: bytes, head: bytes
) -> None:
    """git makes of the patch what our lines, at their numbers, make of it."""
    above, *hunks = re.split(rb"^(?=@@ )", single, flags=re.MULTILINE)
    texts = iter(added)
    kept = re.sub(rb"^\+.*", lambda _: b"+" + next(texts, b"x"), b"".join(hunks[:count]), flags=re.MULTILINE)
    changed = head + above + kept.replace(b" @@\n", b" @@ " + section + b"\n")
    (home / "f").write_bytes(OLD)
    subprocess.run(["git", "apply", "-"], cwd=home, input=changed, capture_output=True, check=True)
    (change,) = parse(changed)
    assert len(change.hunks) == count
    assert apply(OLD, change) == lines_of((home / "f").read_bytes())
