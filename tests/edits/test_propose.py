"""What an answer may touch, and the diff that is made of it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from maw.edits import hunks, propose, refusal
from maw.edits.answer import Whole
from maw.edits.place import FILE_MAX, Allowed, is_git
from maw.edits.propose import Proposal
from maw.edits.refusal import Refused
from maw.git.repo import Repo
from tests.edits.conftest import replacing, tree_of, whole
from tests.fixtures.git import Repository, make_repository

Offer = Callable[..., Proposal]
FIX = replacing("src/app.py", "def add(a, b):\n    return a - b\n", "def add(a, b):\n    return a + b\n")


def codes(offer: Offer, text: str, allowed: Allowed | None = None) -> list[str]:
    with pytest.raises(Refused) as caught:
        offer(text) if allowed is None else offer(text, allowed)
    assert all(each.message.isprintable() and "\n" not in each.message for each in caught.value.refusals)
    return [each.code for each in caught.value.refusals]


def test_the_diff_is_git_s_own(project: Repository, offer: Offer) -> None:
    made = offer(FIX + whole("src/a new é.py", "x = 1\n"))
    project.git("apply", "-", stdin=made.diff)
    project.git("add", "-A", "-N")
    assert "return a + b" in (project.path / "src/app.py").read_text()
    assert (project.path / "src/a new é.py").read_text() == "x = 1\n"
    shown = project.git("diff", "--full-index", "--no-color", "--no-indent-heuristic")
    assert shown.encode("utf-8", "surrogateescape") + b"\n" == made.diff


@pytest.mark.parametrize(
    "setting",
    [
        "diff.suppressBlankEmpty=true", "diff.noprefix=true", "diff.mnemonicPrefix=true", "diff.external=false",
        "diff.context=0", "diff.interHunkContext=9", "diff.algorithm=patience", "color.ui=always",
        "core.autocrlf=true", "core.safecrlf=true", "core.quotePath=false", "core.fileMode=false",
        "apply.whitespace=error-all", "apply.ignoreWhitespace=change",
        "core.attributesFile=attributes", "diff.orderFile=order",
    ],
)  # fmt: skip
def test_no_setting_has_a_say(project: Repository, offer: Offer, home: Path, setting: str) -> None:
    project.write("a.sh", "x \r\n\n\t y\r\nz\n").chmod(0o755)
    (home / "attributes").write_text("* binary -diff diff=odd filter=odd\n")
    (home / "order").write_text("src/*\n")
    text = replacing("a.sh", "z\n", "z  \n") + FIX + whole("src/né.py", "x = 1\n")
    plain = offer(text)
    name, _, value = setting.partition("=")
    project.git("config", "--global", name, str(home / value) if name.endswith("File") else value)
    project.git("config", "--global", "filter.odd.clean", "false")
    assert offer(text) == plain
    assert propose.accepted(plain, [choice.id for choice in hunks.choices(plain.diff)]) == plain


def test_nothing_is_written(project: Repository, offer: Offer) -> None:
    before, objects = tree_of(project), project.git("count-objects")
    offer(FIX + whole("src/new.py", "x = 1\n"))
    assert tree_of(project) == before
    assert project.git("count-objects") == objects


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("../out.txt", refusal.BAD_PATH),
        ("src/../../out.txt", refusal.BAD_PATH),
        ("src/./a.py", refusal.BAD_PATH),
        ("src//a.py", refusal.BAD_PATH),
        ("src/", refusal.BAD_PATH),
        ("/etc/passwd", refusal.BAD_PATH),
        ("~/.profile", refusal.BAD_PATH),
        ("C:/windows.ini", refusal.BAD_PATH),
        ("src\\..\\..\\out.txt", refusal.BAD_PATH),
        ("a\x1b[2Jb", refusal.BAD_PATH),
        ("a" * 300, refusal.BAD_PATH),
        ("a/" * 3000 + "b", refusal.BAD_PATH),
        (".git/config", refusal.INSIDE_GIT),
        ("src/.GIT/hooks/pre-commit", refusal.INSIDE_GIT),
        ("git~1/config", refusal.INSIDE_GIT),
        (".git . /config", refusal.INSIDE_GIT),
        (".git::$INDEX_ALLOCATION/config", refusal.INSIDE_GIT),
        (".ｇｉｔ/config", refusal.INSIDE_GIT),
        ("debug.log", refusal.IGNORED),
    ],
)
def test_where_an_edit_may_not_go(offer: Offer, path: str, code: str) -> None:
    assert codes(offer, whole(path, "x\n")) == [code]


def test_git_s_folder_by_a_name_that_hfs_takes_for_it() -> None:
    assert is_git(".g\u200cit")
    assert not is_git(".github")
    assert not is_git(".gitignore")


def test_only_what_is_allowed(offer: Offer) -> None:
    assert codes(offer, FIX, Allowed(frozenset({"notes.txt"}))) == [refusal.NOT_ALLOWED]
    assert codes(offer, whole("srcs/x.py", "x\n"), Allowed(folders=frozenset({"src"}))) == [refusal.NOT_ALLOWED]
    assert offer(FIX, Allowed(frozenset({"src/app.py"}))).edits
    assert offer(whole("src/x/y.py", "x = 1\n"), Allowed(folders=frozenset({"src/"}))).edits


def test_every_reason_is_told(offer: Offer) -> None:
    text = replacing("notes.txt", "eleven\n", "x\n") + replacing("none.txt", "x\n", "y\n") + whole("notes2.txt", "\n")
    assert codes(offer, text) == [refusal.NO_MATCH, refusal.NO_FILE, refusal.DELETES]


def test_links_are_not_followed(project: Repository, offer: Offer) -> None:
    (project.path / "link.txt").symlink_to("notes.txt")
    (project.path / "away").symlink_to("/tmp")
    assert codes(offer, replacing("link.txt", "one\n", "1\n")) == [refusal.LINK]
    assert codes(offer, whole("away/x.txt", "x\n")) == [refusal.LINK]
    project.commit("links")
    (project.path / "link.txt").unlink()
    assert codes(offer, whole("link.txt", "x\n")) == [refusal.LINK]


def test_other_repositories_are_left_alone(project: Repository, offer: Offer) -> None:
    make_repository(project.path / "inner").commit("inner", a__txt="x\n")
    assert codes(offer, whole("inner/b.txt", "x\n")) == [refusal.SUBMODULE]
    project.git("-c", "advice.addEmbeddedRepo=false", "add", "inner")
    assert codes(offer, whole("inner/b.txt", "x\n")) == [refusal.SUBMODULE]


def test_a_submodule_that_is_not_checked_out(project: Repository, offer: Offer) -> None:
    commit = project.git("rev-parse", "HEAD")
    project.git("update-index", "--add", "--cacheinfo", f"160000,{commit},sub")
    assert codes(offer, whole("sub/b.txt", "x\n")) == [refusal.SUBMODULE]


def test_a_file_that_is_not_checked_out(project: Repository, offer: Offer) -> None:
    project.git("update-index", "--skip-worktree", "notes.txt")
    (project.path / "notes.txt").unlink()
    assert codes(offer, whole("notes.txt", "x\n")) == [refusal.NOT_CHECKED_OUT]


def test_in_the_middle_of_a_merge(project: Repository, offer: Offer) -> None:
    project.git("checkout", "-q", "-b", "side")
    project.commit("theirs", notes__txt="1\n")
    project.git("checkout", "-q", "main")
    project.commit("ours", notes__txt="I\n")
    project.git("merge", "side", check=False)
    assert codes(offer, replacing("notes.txt", "I\n", "II\n")) == [refusal.UNMERGED]
    assert offer(FIX).edits


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"caf\xe9\n", refusal.ENCODING),
        ("x\n".encode("utf-16"), refusal.ENCODING),
        (b"\x00\x01\x02x\n", refusal.ENCODING),
        (b"x\n" * (FILE_MAX // 2 + 1), refusal.UNFIT),
    ],
)
def test_files_that_no_model_edits(project: Repository, offer: Offer, content: bytes, code: str) -> None:
    project.write("odd.txt", content)
    assert codes(offer, replacing("odd.txt", "x\n", "y\n")) == [code]


def test_what_is_no_file(project: Repository, offer: Offer) -> None:
    os.mkfifo(project.path / "pipe")
    (project.path / "folder").mkdir()
    assert codes(offer, replacing("pipe", "x\n", "y\n")) == [refusal.UNFIT]
    assert codes(offer, replacing("folder", "x\n", "y\n")) == [refusal.UNFIT]
    assert codes(offer, whole("notes.txt/x", "y\n")) == [refusal.UNFIT]
    assert codes(offer, whole("n", "y\n") + whole("n/x", "y\n")) == [refusal.UNFIT]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (replacing("src/app.py", "def sub(a, b):\n    return a - b\n", "def sub(a, b:\n"), refusal.SYNTAX),
        (whole("src/new.py", "return 1\n"), refusal.SYNTAX),
        (whole("a.json", "{,}\n"), refusal.SYNTAX),
        (whole("a.toml", "a = \n"), refusal.SYNTAX),
        (whole("deep.py", "(" * 50_000 + "\n"), refusal.SYNTAX),
        (whole("deep.json", "[" * 200_000 + "\n"), refusal.SYNTAX),
        (whole("a.json", "9" * 5_000 + "\n"), refusal.SYNTAX),
        (whole("notes.txt", "x\n"), refusal.EXISTS),
        (whole("new.txt", "x\n") + replacing("new.txt", "x\n", "y\n"), refusal.OVERLAP),
        (replacing("notes.txt", "one\ntwo\n", "1\n") + replacing("notes.txt", "two\n", "2\n"), refusal.OVERLAP),
        (replacing("notes.txt", "one\n", "one\n"), refusal.NO_CHANGE),
        (replacing("notes.txt", "one\n", "\x1b]0;title\x07\n"), refusal.CONTROL),
        (replacing("notes.txt", "one\n", "a\u202eb\n"), refusal.CONTROL),
        (
            replacing("notes.txt", "one\ntwo\nthree\nfour\nfive\nsix\nseven\neight\nnine\nten\n", ""),
            refusal.DELETES,
        ),
    ],
)
def test_edits_that_are_refused(offer: Offer, text: str, code: str) -> None:
    assert codes(offer, text) == [code]


def test_a_file_that_was_broken_before_may_stay_so(project: Repository, offer: Offer) -> None:
    project.write("half.py", "def f(:\n    pass\nx = 1\n")
    assert offer(replacing("half.py", "x = 1\n", "x = 2\n")).edits


def test_an_executable_and_an_empty_file(project: Repository, offer: Offer) -> None:
    project.write("run.sh", "#!/bin/sh\necho 1\n").chmod(0o755)
    project.write("empty.py", "")
    made = offer(replacing("run.sh", "echo 1\n", "echo 2\n") + whole("empty.py", "x = 1\n"))
    assert b"100755" in made.diff
    assert [edit.path for edit in made.edits] == ["empty.py", "run.sh"]


def test_hunks_are_chosen_one_by_one(project: Repository, offer: Offer) -> None:
    project.write("notes.txt", "".join(f"{n}\n" for n in range(60)))
    first = replacing("notes.txt", "0\n", "zero\nand more\n")
    made = offer(
        first + replacing("notes.txt", "30\n", "") + replacing("notes.txt", "58\n59\n", "58\nfifty-nine\n") + FIX
    )
    assert [choice.id for choice in hunks.choices(made.diff)] == ["1:1", "1:2", "1:3", "2:1"]
    some = propose.accepted(made, ["1:1", "1:3"])
    assert some is not None
    project.git("apply", "--check", "-", stdin=some.diff)
    (edit,) = some.edits
    assert edit.new == b"zero\nand more\n" + b"".join(b"%d\n" % n for n in range(1, 59)) + b"fifty-nine\n"
    assert some.diff == hunks.select(made.diff, ["1:1", "1:3"]).replace(
        *(next(line for line in diff.split(b"\n") if line.startswith(b"index ")) for diff in (made.diff, some.diff))
    ), "the places are counted as git counts them"
    assert propose.accepted(made, []) is None
    assert propose.accepted(made, ["1:1", "1:2", "1:3", "2:1"]) == made
    with pytest.raises(ValueError, match="no hunk '3:1'"):
        propose.accepted(made, ["3:1"])


def test_a_last_line_without_an_end_is_chosen_as_it_is(project: Repository, offer: Offer) -> None:
    project.write("notes.txt", "\r\n".join(str(n) for n in range(30)))
    made = offer(replacing("notes.txt", "0\n", "zero\n") + replacing("notes.txt", "29\n", "last\n"))
    some = propose.accepted(made, ["1:2"])
    assert some is not None
    assert some.edits[0].new == "\r\n".join([*(str(n) for n in range(29)), "last"]).encode()


def test_blocks_may_come_from_a_program_without_text(place_of: Repo) -> None:
    made = propose.propose(place_of, [Whole("a.txt", ("<<<<<<< SEARCH",))], Allowed(frozenset({"a.txt"})))
    assert made.edits[0].new == b"<<<<<<< SEARCH\n"
