"""What goes along with a task: exactly the files that were named or meant, and what matters around them."""

from __future__ import annotations

import importlib.util
import os

import pytest

from maw.edits.refusal import Refused
from maw.errors import FatalError
from maw.generate import context
from maw.generate.context import Context, Wanted
from maw.git.repo import discover
from tests.fixtures.git import Repository

with_parsers = pytest.mark.skipif(importlib.util.find_spec("tree_sitter") is None, reason="parsers are an extra")
CLIENT = "class Client:\n    def get(self, url):\n        return fetch(url)\n\n    def put(self, url):\n        pass\n"


@pytest.fixture
def project(repo: Repository) -> Repository:
    repo.write("src/client.py", CLIENT)
    repo.write("src/wire.py", "def fetch(url):\n    return url\n")
    repo.write("src/use.py", "from client import Client\n\n\ndef main():\n    return Client().get('x')\n")
    repo.write("data.txt", "one\n")
    repo.write(".gitignore", "*.log\n")
    repo.commit("a project")
    return repo


def gather(project: Repository, *edit: str, **more: object) -> Context:
    return context.gather(discover(str(project.path)), Wanted(edit=edit, **more))  # type: ignore[arg-type]


def test_files_that_are_named(project: Repository) -> None:
    found = gather(project, "src/client.py", "new/a.py", "data.txt", read=("src/use.py",))
    assert [(file.path, file.editable) for file in found.files] == [
        ("src/client.py", True), ("data.txt", True), ("src/use.py", False),
    ]  # fmt: skip
    assert found.create == ("new/a.py",)
    assert found.edited == ("src/client.py", "data.txt")
    assert (found.allowed.covers("new/a.py"), found.allowed.covers("src/use.py")) == (True, False)
    assert "fetch" in found.map
    assert "src/client.py:" not in found.map  # it is small, and seen whole


def test_a_folder_is_its_files_and_any_below_it(project: Repository) -> None:
    found = gather(project, "src")
    assert {file.path for file in found.files} == {"src/client.py", "src/wire.py", "src/use.py"}
    assert found.create == ("src/",)
    assert (found.allowed.covers("src/new/b.py"), found.allowed.covers("data.txt")) == (True, False)
    assert gather(project, ".").allowed.covers("data.txt")


def test_what_may_not_be_edited_in_a_folder_is_left_out(project: Repository) -> None:
    project.write("src/latin.py", "# caf\xe9\n".encode("latin-1"))
    project.write("docs/page.md", "# Page\n")
    assert "src/latin.py" not in gather(project, "src").edited
    found = gather(project, "docs")
    assert (found.files, found.create, found.allowed.covers("docs/new.md")) == ((), ("docs/",), True)
    with pytest.raises(Refused):
        gather(project, ".git/hooks")


@with_parsers
def test_a_symbol_is_the_focus_with_what_is_around_it(project: Repository) -> None:
    for found in (gather(project, symbol="Client.get"), gather(project, "src/client.py", symbol="get")):
        assert [(file.path, file.focus) for file in found.files] == [("src/client.py", ((2, 3), (1, 1)))]
        assert "get is used by:\n  src/use.py:5" in found.map
        assert "get uses:\n  src/wire.py:1 def fetch(url)" in found.map
    with pytest.raises(FatalError, match="no definition of nowhere"):
        gather(project, symbol="nowhere")


@with_parsers
def test_what_the_words_speak_of(project: Repository) -> None:
    assert gather(project, words="mend src/wire.py please").edited == ("src/wire.py",)
    assert gather(project, words="`use.py` is wrong.").edited == ("src/use.py",)
    assert gather(project, words="Client should retry").edited == ("src/client.py",)
    assert gather(project, words="call main() twice").edited == ("src/use.py",)
    assert gather(project, "src/client.py", words="let put return").files[0].focus == ((5, 6),)
    with pytest.raises(FatalError, match="no file to work on"):
        gather(project, words="make it better")


def test_what_is_refused_by_name_before_anything_is_asked(project: Repository) -> None:
    project.write("latin.py", "# caf\xe9\n".encode("latin-1"))
    project.write("blob.py", b"a\0b")
    project.write("debug.log", "x\n")
    os.symlink("client.py", project.path / "src/link.py")
    for path, code in {
        "latin.py": "encoding", "blob.py": "encoding", "debug.log": "ignored", "src/link.py": "link",
        ".git/config": "inside_git",
    }.items():  # fmt: skip
        with pytest.raises(Refused) as caught:
            gather(project, path)
        assert (caught.value.refusals[0].code, caught.value.refusals[0].path) == (code, path)


def test_what_is_read_along_must_be_there(project: Repository) -> None:
    with pytest.raises(FatalError, match=r"gone\.py: there is no such file"):
        gather(project, "src/client.py", read=("gone.py",))
