"""Diffs by real git, parsed back: every name, kind of change and line ending that git can print."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from maw.change import BadPatch, FileChange, display_path, parse, quote_path, raw_path, unquote_path
from maw.git.repo import DIFF_OPTIONS, diff_trees, discover, empty_tree
from tests.fixtures.git import Repository

SHARED_HOME = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


def write(repository: Repository, files: dict[bytes, bytes | None]) -> str:
    """Write files (None: remove), stage everything; the tree's id."""
    top = os.fsencode(repository.path)
    for name, content in files.items():
        path = os.path.join(top, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if content is None:
            os.unlink(path)
        else:
            Path(os.fsdecode(path)).write_bytes(content)
    repository.git("add", "-A")
    return repository.git("write-tree")


def diff(repository: Repository, base: str, tree: str) -> bytes:
    return diff_trees(discover(str(repository.path)), base, tree)


def changes(repository: Repository, before: dict[bytes, bytes], after: dict[bytes, bytes | None]) -> list[FileChange]:
    """What `git diff` between two states of the files parses to."""
    base = write(repository, dict(before)) if before else empty_tree(discover(str(repository.path)))
    return parse(diff(repository, base, write(repository, after)))


def lines_of(content: bytes) -> list[bytes]:
    """A file's lines. Whether the last one has an end is not told by a change: findings are about lines."""
    return content.removesuffix(b"\n").split(b"\n") if content else []


def apply(old: bytes, change: FileChange) -> list[bytes]:
    """The new file's lines by the parsed hunks, whose numbers are checked on the way."""
    lines = lines_of(old)
    out: list[bytes] = []
    at = 0
    for hunk in change.hunks:
        start = hunk.old_start - 1 if hunk.old_count else hunk.old_start
        out += lines[at:start]
        at = start
        assert len(out) + 1 == hunk.new_start or not hunk.new_count
        for line in hunk.lines:
            if line.kind != "+":
                assert (line.old, line.text) == (at + 1, lines[at])
                at += 1
            if line.kind != "-":
                assert line.new == len(out) + 1
                out.append(line.text)
    return out + lines[at:]


NAMES = [
    b"plain.txt", b"with space.txt", b" leading", b"trailing ", b"caf\xe9.txt", b"\xff\xfe", "имя.txt".encode(),
    "имя.txt".encode("cp1251"), b"new\nline", b"tab\tname", b'quo"te', b"back\\slash", b"x b/y", b"a b/a b/a",
    b"b/b/b", b"a/a/b/x", b"--- a", b"+++ b", b"@@ -1 +1 @@", b"-dash", b"\x01\x1b[31m", b"a/b c/d b/e f", b'"', b"\\",
    b"\\351", b'"a" b"', b"dev/null", b"x\r", b"=> y", b"{a => b}",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("case", ["added", "modified", "deleted", "renamed", "mode", "empty", "binary"])
def test_names(repo: Repository, name: bytes, case: str) -> None:
    body = b"".join(b"%d\n" % number for number in range(20))
    before: dict[bytes, bytes] = {name: body}
    after: dict[bytes, bytes | None] = {name: body + b"more\n"}
    other = b"other place/" + name
    status = case
    if case == "added":
        before = {}
    elif case == "deleted":
        after = {name: None}
    elif case == "renamed":
        after = {name: None, other: body + b"more\n"}
    elif case == "empty":
        before, after, status = {}, {name: b""}, "added"
    elif case == "binary":
        after, status = {name: b"\0"}, "modified"
    base = write(repo, dict(before)) if before else empty_tree(discover(str(repo.path)))
    if case == "mode":
        os.chmod(os.path.join(os.fsencode(repo.path), name), 0o755)
        after = {}
    (change,) = parse(diff(repo, base, write(repo, after)))
    assert raw_path(change.path) == (other if case == "renamed" else name)
    assert raw_path(change.old_path) == name
    assert change.status == status
    assert change.binary == (case == "binary")
    if case in ("modified", "renamed"):
        assert [(line.new, line.text) for line in change.added()] == [(21, b"more")]


def test_many_files_keep_their_order_and_lines(repo: Repository) -> None:
    files = {b"f%02d" % number: b"line %d\n" % number for number in range(30)}
    found = changes(repo, {}, dict(files))
    assert {raw_path(change.path): change.added()[0].text + b"\n" for change in found} == files
    assert [change.path for change in found] == sorted(change.path for change in found)


TRICKY = [
    b"--- a/x\n+++ b/y\n@@ -1 +1 @@\n-x\n+y\n",
    b"diff --git a/evil b/evil\nindex 000..111 100644\n--- a/evil\n+++ b/evil\n@@ -1,2 +1,2 @@\n",
    b"-- \n2.39.5\n\n", b"\\ No newline at end of file\n", b"\\", b"Binary files a and b differ\n",
    b"GIT binary patch\n",
    b"\n\n\n", b" \n", b"+\n-\n", b"@@\n", b"From 0123 Mon Sep 17\nSubject: x\n", b"rename from a\nrename to b\n",
    b"a\r\nb\r\n", b"a\rb\rc", b"mixed\r\nends\n", b"no end", b"\r", b"\x0c\x0b\x85\n", "\u2028\u2029\n".encode(),
    b"\xff\xfe bytes \x80\n", b"x" * 100_000 + b"\n",
]  # fmt: skip


@pytest.mark.parametrize("content", TRICKY, ids=range(len(TRICKY)))
def test_content_that_looks_like_a_diff(repo: Repository, content: bytes) -> None:
    around = b"before\n%sbetween\n%s"
    old, new = around % (b"", b""), around % (content, content)
    (added,) = changes(repo, {}, {b"f": content})
    assert apply(b"", added) == lines_of(content)
    (change, _) = changes(repo, {b"f": old, b"g": b"g\n"}, {b"f": new, b"g": b"h\n"})
    assert apply(old, change) == lines_of(new)
    (change, _) = changes(repo, {b"f": new, b"g": b"g\n"}, {b"f": old, b"g": b"h\n"})
    assert apply(new, change) == lines_of(old)


def test_symlinks_submodules_modes_and_kinds_of_change(repo: Repository) -> None:
    base = write(repo, {b"link-to-be": b"target", b"run.sh": b"#!/bin/sh\n", b"gone": b"1\n"})
    repo.git("update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},sub")
    base = repo.git("write-tree")
    (repo.path / "link").symlink_to("a target")
    repo.git("add", "link")
    repo.git("update-index", "--chmod=+x", "run.sh")
    repo.git("update-index", "--cacheinfo", f"160000,{'2' * 40},sub")
    repo.git("rm", "-q", "--cached", "gone")
    (repo.path / "link-to-be").unlink()
    (repo.path / "link-to-be").symlink_to("target")
    repo.git("add", "link-to-be")
    found = {(change.path, change.status): change for change in parse(diff(repo, base, repo.git("write-tree")))}
    assert found["link", "added"].is_symlink and found["link", "added"].added()[0].text == b"a target"
    assert found["sub", "modified"].is_submodule and len(found["sub", "modified"].added()) == 1
    mode = found["run.sh", "mode"]
    assert (mode.old_mode, mode.new_mode, mode.hunks) == ("100644", "100755", [])
    # git tells a file that became a link as one deleted and one added.
    assert ("link-to-be", "deleted") in found and found["link-to-be", "added"].is_symlink
    assert found["gone", "deleted"].hunks[0].new_count == 0


def test_copies(repo: Repository) -> None:
    body = b"".join(b"%d\n" % number for number in range(30))
    base = write(repo, {b"one": body})
    tree = write(repo, {b"two words": body + b"x\n"})
    patch = repo.git("diff", *DIFF_OPTIONS, "--find-copies-harder", base, tree).encode()
    (change,) = parse(patch)
    assert (change.status, change.old_path, change.path) == ("copied", "one", "two words")


def test_rename_and_mode_and_lines_at_once(repo: Repository) -> None:
    body = b"".join(b"%d\n" % number for number in range(30))
    base = write(repo, {b"old name": body})
    write(repo, {b"old name": None, b"new name": body + b"x\n"})
    os.chmod(repo.path / "new name", 0o755)
    (change,) = parse(diff(repo, base, write(repo, {})))
    assert (change.status, change.old_path, change.path) == ("renamed", "old name", "new name")
    assert (change.old_mode, change.new_mode, len(change.added())) == ("100644", "100755", 1)


@pytest.mark.parametrize(
    ("old", "new"),
    [(b"a\nb", b"a\nb\n"), (b"a\nb\n", b"a\nb"), (b"a\nb", b"a\nc"), (b"", b"x"), (b"x", b""), (b"x\n", b"")],
)
def test_a_missing_last_newline(repo: Repository, old: bytes, new: bytes) -> None:
    (change,) = changes(repo, {b"f": old}, {b"f": new})
    text = [(line.kind, line.text) for hunk in change.hunks for line in hunk.lines if line.kind != " "]
    assert [entry for kind, entry in text if kind == "-"] == [line for line in old.split(b"\n") if line][-1:]
    assert [entry for kind, entry in text if kind == "+"] == [line for line in new.split(b"\n") if line][-1:]


def test_an_empty_diff(repo: Repository) -> None:
    tree = write(repo, {b"f": b"1\n"})
    assert diff(repo, tree, tree) == b""
    assert parse(b"") == parse(b"\n \n") == []


def test_binary_patches(repo: Repository) -> None:
    base = write(repo, {b"f": b"\0one", b"t": b"1\n"})
    tree = write(repo, {b"f": b"\0two" * 100, b"t": b"2\n"})
    binary, text = parse(repo.git("diff", *DIFF_OPTIONS, "--binary", base, tree).encode())
    assert (binary.path, binary.binary, binary.hunks) == ("f", True, [])
    assert (text.path, len(text.added())) == ("t", 1)


def test_mails_of_format_patch(repo: Repository) -> None:
    repo.commit("one", a__txt="1\n")
    repo.commit("two\n\n---\nbody with\n--- a/x\n+++ b/x\nbut no hunk", a__txt="2\n", b__txt="b\n")
    repo.commit("three", b__txt="c\n")
    found = parse(repo.git("format-patch", "--stdout", "--root", "HEAD").encode())
    assert [(change.path, change.status, change.added()[0].text) for change in found] == [
        ("a.txt", "added", b"1"), ("a.txt", "modified", b"2"), ("b.txt", "added", b"b"), ("b.txt", "modified", b"c"),
    ]  # fmt: skip


def test_plain_diff_u(tmp_path: Path) -> None:
    for side, content in {"old": "a\nb\n", "new": "a\nc\n"}.items():
        (tmp_path / side).mkdir()
        (tmp_path / side / "with space.txt").write_text(content)
        (tmp_path / side / "z").write_text(content)
    done = subprocess.run(["diff", "-ruN", "old", "new"], cwd=tmp_path, capture_output=True, check=False)
    found = parse(done.stdout)
    assert [change.path for change in found] == ["new/with space.txt", "new/z"]
    assert [line.text for line in found[0].added()] == [b"c"]


def test_a_patch_that_came_with_crlf(repo: Repository) -> None:
    (plain,) = changes(repo, {b"my f": b"a\nb\nc\n"}, {b"my f": b"a\nx\nc\n"})
    base, tree = repo.git("hash-object", "-t", "tree", "/dev/null"), repo.git("write-tree")
    (mangled,) = parse(diff(repo, base, tree).replace(b"\n", b"\r\n"))
    assert (mangled.path, mangled.status) == ("my f", "added")
    assert [line.text for line in mangled.added()] == [b"a\r", b"x\r", b"c\r"]
    assert plain.added()[0].text == b"x"


@pytest.mark.parametrize(
    "patch",
    [
        b"hello\n", b"\0", b"diff --git\n", b"diff --git a b\n", b"diff --git a/x b/x\n@@ nonsense\n",
        b"--- a/x\n+++ b/x\n@@ -1 +1 @@\n-x\n", b"--- a/x\n+++ b/x\n@@ -1,3 +1 @@\n-x\n+y\n",
        b"--- a/x\n+++ b/x\n@@ -1 +1 @@\n*x\n+y\n", b"--- a/x\n+++ b/x\n@@ -x +y @@\n",
        b"--- /dev/null\n+++ /dev/null\n@@ -1 +1 @@\n-x\n+y\n", b"--- a/x\n+++ b/x\n@@ -1 +1,99999999999 @@\n+y\n",
        b"diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n a\ndiff --git a/y b/y\n",
    ],
)  # fmt: skip
def test_garbage_is_a_bad_patch(patch: bytes) -> None:
    if patch == b"diff --git a/x b/x\n@@ nonsense\n":
        (change,) = parse(patch)  # a header without hunks: nothing but an unknown line follows
        assert (change.path, change.hunks) == ("x", [])
        return
    with pytest.raises(BadPatch) as caught:
        parse(patch)
    assert caught.value.line >= 1 and "line " in str(caught.value)


LINES = st.lists(
    st.one_of(
        st.sampled_from(
            [b"", b"a", b"b", b"--- a/f", b"+++ b/f", b"@@ -1 +1 @@", b"diff --git a/x b/x", b"\\ No newline"]
        ),
        st.binary(max_size=6).filter(lambda text: b"\0" not in text and b"\n" not in text),
    ),
    max_size=14,
)


@SHARED_HOME
@given(LINES, LINES, st.booleans(), st.booleans())
@example([b"-- x"], [b"++ x"], True, True)
def test_random_files_come_back(old: list[bytes], new: list[bytes], old_end: bool, new_end: bool) -> None:
    before = b"\n".join(old) + (b"\n" if old and old_end else b"")
    after = b"\n".join(new) + (b"\n" if new and new_end else b"")
    top = Path(os.environ["HOME"])
    for side, content in (("old", before), ("new", after)):
        (top / side).write_bytes(content)
    options = [option for option in DIFF_OPTIONS if not option.startswith(("-O", "--no-relative"))]
    done = subprocess.run(
        ["git", "diff", "--no-index", *options, "--", "old", "new"], cwd=top, capture_output=True, check=False
    )
    assert done.returncode in (0, 1), done.stderr
    found = parse(done.stdout)
    if before == after:
        assert found == []
        return
    (change,) = found
    assert apply(before, change) == lines_of(after)


@SHARED_HOME
@given(st.binary(max_size=300))
def test_random_bytes_end_in_files_or_a_bad_patch(patch: bytes) -> None:
    try:
        parse(patch)
    except BadPatch as exc:
        assert exc.line >= 1


@given(
    st.lists(
        st.sampled_from(
            [
                b"diff --git a/x b/x", b'diff --git "a/\\351" b/x', b"--- a/x", b"+++ b/x", b"--- /dev/null", b"+++ ",
                b"@@ -1 +1 @@", b"@@ -0,0 +1,3 @@", b"@@ -1,2 +3,4 @@ f()", b"+x", b"-x", b" x", b"", b"\\ No newline",
                b"rename from \"a", b"rename to b", b"copy from x", b"old mode 1", b"new mode", b"new mode 100755",
                b"Binary files a and b differ", b"GIT binary patch", b"index 1..2 100644", b"index",
                b"deleted file mode 1",
                b"new file mode ", b"similarity index 1%", b"-- ", b"@@ -", b"diff --git ", b'diff --git "',
            ]
        ),
        max_size=25,
    )
)  # fmt: skip
def test_shuffled_diff_lines_end_in_files_or_a_bad_patch(lines: list[bytes]) -> None:
    try:
        for change in parse(b"\n".join(lines)):
            assert raw_path(change.path) is not None
            assert change.status in ("added", "deleted", "modified", "renamed", "copied", "mode")
    except BadPatch as exc:
        assert exc.line >= 1


@SHARED_HOME
@given(st.binary(max_size=40))
@example(b'"')
@example(b"\\")
@example(b'"\\351"')
def test_paths_come_back(raw: bytes) -> None:
    assert raw_path(display_path(raw)) == raw
    assert unquote_path(quote_path(raw).encode("ascii")) == raw
    display_path(raw).encode("utf-8")


@pytest.mark.parametrize("text", ['"', '"abc', '"\\9"', '"\\400"', '"\\1"', '"\\', '"a\\"', '"\\x41"'])
def test_broken_quoting_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="quoted path"):
        raw_path(text)


def test_quoting_is_gits(repo: Repository) -> None:
    for number, name in enumerate(
        name for name in NAMES if any(byte < 32 or byte > 126 or byte in b'"\\' for byte in name)
    ):
        tree = write(repo, {b"%d" % number: b"", name: b""})
        listed = repo.git("-c", "core.quotePath=true", "ls-tree", "--name-only", "-r", tree).splitlines()
        assert quote_path(name) in listed


def test_a_large_patch_takes_time_in_proportion() -> None:
    body = b"".join(b"+%d\n" % number for number in range(200_000))
    patch = b"diff --git a/x b/x\nnew file mode 100644\n--- /dev/null\n+++ b/x\n@@ -0,0 +1,200000 @@\n" + body
    (change,) = parse(patch)
    assert len(change.added()) == 200_000
