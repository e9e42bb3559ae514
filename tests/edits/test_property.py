"""Whatever a model answers, the working tree is either exactly as before, or exactly what the diff shows."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from maw.edits import apply, hunks, propose
from maw.edits.place import Allowed
from maw.edits.refusal import Refused
from maw.git.repo import discover
from tests.edits.conftest import replacing, tree_of, whole
from tests.fixtures.git import Repository, make_repository

FILES = {
    "a.py": b"import os\n\n\ndef f(x):\n    if x:\n        return 1\n    return 2\n\n\ndef g(x):\n    return f(x)\n",
    "crlf.txt": b"one\r\ntwo\r\n\r\nthree\r\nfour\r\n",
    "mixed.txt": b"\xef\xbb\xbfa\r\nb\nc  \n\td\nb\nlast",
    "deep/tab.mk": b"all:\n\tcc -o x x.c\n\nclean:\n\trm x\n",
    "long.txt": b"".join(b"line %d\n" % n for n in range(60)),
    "latin.txt": b"caf\xe9\n",
    "empty.txt": b"",
}
ALLOWED = Allowed(frozenset({*FILES, "new.py", "link"}), frozenset({"deep"}))
PATHS = [
    *FILES, "new.py", "deep/x/new.txt", "link", "deep/up/x", "../out", "/tmp/out", ".git/config", "deep/.GIT/x",
    "deep/skip.log", "other", "", "deep",
]  # fmt: skip
LINES = sorted({line.rstrip("\r") for content in FILES.values() for line in content.decode("latin-1").split("\n")})


@pytest.fixture
def ground(home: Path) -> Repository:
    repository = make_repository(home / "ground")
    for name, content in FILES.items():
        repository.write(name, content)
    (repository.path / "link").symlink_to("a.py")
    (repository.path / "deep/up").symlink_to("..")
    repository.write(".gitignore", "*.log\n")
    repository.commit("the ground")
    return repository


line = st.one_of(
    st.sampled_from(LINES),
    st.sampled_from(LINES).map(str.strip),
    st.sampled_from(
        ["=======", "x = 1", "    pass", "<<<<<<< SEARCH", ">>>>>>> REPLACE", "DONE", "b\u202e", "\x1b[2J"]
    ),
    st.text(alphabet="ab =:()\t\r\x00é", max_size=6),
)


@st.composite
def spans(draw: st.DrawFn) -> tuple[str, list[str]]:
    """A path and lines that are really there."""
    path = draw(st.sampled_from([*sorted(FILES), "long.txt", "long.txt"]))
    there = FILES[path].decode("latin-1").replace("\r", "").removeprefix("ï»¿").removesuffix("\n").split("\n")
    start = draw(st.integers(0, len(there) - 1))
    return path, there[start : start + draw(st.integers(2, 6))]


@st.composite
def blocks(draw: st.DrawFn) -> str:
    lines = draw(st.lists(line, max_size=4))
    kind = draw(st.sampled_from(["real", "real", "real", "real", "moved", "wrong", "any", "whole"]))
    if kind == "whole":
        path = draw(st.sampled_from(["new.py", "deep/x/new.txt", "empty.txt", *PATHS]))
        return whole(path, "".join(f"{each}\n" for each in lines))
    path, search = draw(spans())
    if kind == "any":
        path, search = draw(st.sampled_from(PATHS)), draw(st.lists(line, max_size=4))
    kept = draw(st.integers(0, len(search)))
    replace = [*search[:kept], *lines, *draw(st.sampled_from([[], search[kept:]]))]
    if kind == "wrong":  # one line remembered wrongly, which only the nearest place makes good
        search[draw(st.integers(0, len(search) - 1))] += " x"
    if kind == "moved":
        search, replace = ([f"  {each}" for each in side] for side in (search, replace))
    return replacing(path, "".join(f"{each}\n" for each in search), "".join(f"{each}\n" for each in replace))


@st.composite
def answers(draw: st.DrawFn) -> bytes:
    text = "".join(draw(st.lists(blocks(), min_size=1, max_size=3)))
    damaged = draw(st.integers(0, 3)) == 3
    damage = draw(st.sampled_from(["cut", "talk", "bytes", "crlf"])) if damaged else ""
    if damage == "cut":
        text = text[: draw(st.integers(0, len(text)))]
    elif damage == "talk":
        text = f"Sure!\n```\n{text}```\nDone."
    elif damage == "crlf":
        text = text.replace("\n", "\r\n")
    raw = text.encode("utf-8", "surrogatepass")
    return draw(st.binary(max_size=8)) + raw if damage == "bytes" else raw


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(answer=answers(), data=st.data())
def test_the_tree_is_as_before_or_as_shown(ground: Repository, answer: bytes, data: st.DataObject) -> None:
    check(ground, answer, data)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@settings(max_examples=10_000, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(answer=answers(), data=st.data())
def test_ten_thousand_answers(ground: Repository, answer: bytes, data: st.DataObject) -> None:
    check(ground, answer, data)


def check(ground: Repository, answer: bytes, data: st.DataObject) -> None:
    try:
        _check(ground, answer, data)
    except AssertionError:  # so that hypothesis finds the next example on the same ground
        ground.git("reset", "-q", "--hard")
        ground.git("clean", "-q", "-ffdx")
        raise


def _check(ground: Repository, answer: bytes, data: st.DataObject) -> None:
    repo = discover(str(ground.path))
    before, index = tree_of(ground), (ground.path / ".git/index").read_bytes()
    try:
        made = propose.from_answer(repo, answer, ALLOWED)
    except Refused as exc:
        assert exc.refusals
        assert all(each.message.isprintable() for each in exc.refusals)
        assert tree_of(ground) == before
        return
    assert tree_of(ground) == before
    ids = [choice.id for choice in hunks.choices(made.diff)]
    chosen = data.draw(st.lists(st.sampled_from(ids), min_size=1, unique=True), label="accepted")
    some = propose.accepted(made, chosen)
    assert some is not None
    apply.apply(repo, some)
    after = without_folders(tree_of(ground))
    assert after == without_folders(shown(before, some.diff))
    assert after == without_folders(shown(before, hunks.select(made.diff, chosen)))
    apply.undo(repo)
    assert tree_of(ground) == before
    assert (ground.path / ".git/index").read_bytes() == index


def shown(before: dict[str, tuple[bytes | str, int]], diff: bytes) -> dict[str, tuple[bytes | str, int]]:
    """What the tree is when git applies the diff to what was there."""
    with tempfile.TemporaryDirectory(dir=os.environ["HOME"]) as folder:
        copy = Repository(Path(folder))
        for name, (content, mode) in before.items():
            if isinstance(content, bytes):
                copy.write(name, content).chmod(mode & 0o7777)
            elif mode == 0:
                (copy.path / name).parent.mkdir(exist_ok=True, parents=True)
                (copy.path / name).symlink_to(content)
        done = subprocess.run(["git", "apply", "-"], cwd=folder, input=diff, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr
        return tree_of(copy)


def without_folders(tree: dict[str, tuple[bytes | str, int]]) -> dict[str, tuple[bytes | str, int]]:
    return {name: entry for name, entry in tree.items() if entry[0] != "" or entry[1] == 0}
