"""A message to begin with in git's editor, with real git and a real editor program (a script)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from maw.git.repo import discover
from maw.messages import store
from tests.fixtures.cli import Maw
from tests.fixtures.fake_runner import Json, message_script
from tests.fixtures.runner import eventually
from tests.hooks.conftest import Hooked

MESSAGE = "Add a fourth number\n\nThree were not enough."
# An editor that shows the test what it was opened with, and does as EDITOR_DOES says: keeps the file, or replaces it.
EDITOR = """
import os, shutil, sys
path = sys.argv[-1]
shutil.copy(path, os.environ["SEEN"])
text = os.environ.get("WRITES")
if text is not None:
    with open(path, "wb") as file:
        file.write(text.encode("utf-8", "surrogateescape"))
"""


class Editing:
    """Commits through an editor."""

    def __init__(self, hooked: Hooked, folder: Path) -> None:
        self.hooked = hooked
        self._editor = folder / "editor.py"
        self._editor.write_text(EDITOR)
        self._seen = folder / "seen"
        self.environment = {"GIT_EDITOR": f"'{sys.executable}' '{self._editor}'", "SEEN": str(self._seen)}

    def commit(self, *arguments: str, writes: str | None = None, code: int = 0, **more: str) -> str:
        """`git commit` with an editor that keeps what it finds, or `writes` another text; what was said."""
        environment = {**self.environment, **more} | ({} if writes is None else {"WRITES": writes})
        done = self.hooked.git("commit", *arguments, **environment)
        assert done.returncode == code, done.stderr
        return done.stderr

    @property
    def seen(self) -> bytes:
        """The file as the editor found it."""
        return self._seen.read_bytes()

    @property
    def message(self) -> str:
        return self.hooked.out("log", "-1", "--format=%B").strip()


@pytest.fixture
def editing(hooked: Hooked, home: Path) -> Editing:
    """A change is staged; its review finds nothing, and a message comes for it."""
    hooked.write("a.py", "one = 1\ntwo = 2\nthree = 3\nfour = 4\n")
    hooked.ok("add", ".")
    hooked.runner.plays(message=message_script(MESSAGE))
    return Editing(hooked, home)


def asked(editing: Editing) -> list[Json]:
    return [
        request["body"]["payload"]
        for request in editing.hooked.runner.requests
        if request["method"] == "POST" and request["body"]["kind"] == "message"
    ]


def test_a_suggestion_stands_at_the_top(editing: Editing) -> None:
    editing.commit()
    assert editing.seen.startswith(MESSAGE.encode() + b"\n\n# Please enter the commit message")
    assert editing.message == MESSAGE
    (payload,) = asked(editing)
    assert payload["branch"] == "main"
    assert payload["profile"]["commits"] == 1


def test_a_message_given_is_left_alone(editing: Editing) -> None:
    """-m, -F, an amend, a merge and a fixup: nothing is asked."""
    editing.hooked.commit()
    editing.commit("--amend")
    assert editing.seen.startswith(b"change\n")
    editing.hooked.write("b.py", "b = 1\n")
    editing.hooked.ok("commit", "-a", "-F", "-", "--allow-empty-message")
    editing.hooked.write("b.py", "b = 2\n")
    editing.commit("-a", "-e", "-m", "mine")
    assert editing.seen.startswith(b"mine\n")
    editing.hooked.write("b.py", "b = 3\n")
    editing.commit("-a", "--fixup=HEAD")
    assert asked(editing) == []


def test_a_template_stays_below(editing: Editing, home: Path) -> None:
    for template in ("# Why?\n\n# Ticket:\n", "\nWhy:\nTicket:\n", "Why:\n"):
        (home / "template").write_text(template)
        editing.commit("-t", str(home / "template"), code=1, writes="")
        above = MESSAGE + ("\n" if template[0] in "#\n" else "\n\n")
        assert editing.seen.decode().startswith(above + template)


def test_sign_off_comes_after_it(editing: Editing) -> None:
    editing.commit("-s")
    assert editing.message.splitlines()[0] == MESSAGE.splitlines()[0]
    assert editing.message.splitlines()[-1].startswith("Signed-off-by: ")
    assert editing.hooked.out("log", "-1", "--format=%(trailers:key=Signed-off-by)")


@pytest.mark.parametrize("char", [";", "auto", "//"])
def test_other_comment_characters(editing: Editing, char: str) -> None:
    editing.hooked.ok("config", "core.commentChar", char)
    if char == "//" and editing.hooked.git("commit", "--dry-run").returncode == 128:
        pytest.skip("this git knows comment characters of one character alone")
    editing.commit()
    assert editing.seen.startswith(MESSAGE.encode())
    assert editing.message == MESSAGE


def test_verbose_keeps_its_scissors(editing: Editing) -> None:
    editing.hooked.ok("config", "commit.verbose", "true")
    editing.commit()
    assert b" >8 ---" in editing.seen
    assert b"+four = 4" in editing.seen
    assert editing.message == MESSAGE


@pytest.mark.parametrize("cleanup", ["strip", "whitespace", "scissors", "verbatim"])
def test_every_cleanup(editing: Editing, cleanup: str) -> None:
    editing.hooked.ok("config", "commit.cleanup", cleanup)
    editing.commit()
    assert editing.seen.startswith(MESSAGE.encode() + b"\n")
    assert editing.message.startswith(MESSAGE)


def test_another_encoding(editing: Editing) -> None:
    editing.hooked.ok("config", "i18n.commitEncoding", "ISO-8859-1")
    editing.hooked.runner.plays(message=message_script("Ändere die Größe \u2014 sofort"))
    editing.commit()
    assert editing.seen.startswith("Ändere die Größe - sofort\n".encode("latin-1"))
    assert editing.hooked.out("log", "-1", "--format=%s", "--encoding=UTF-8") == "Ändere die Größe - sofort"


def test_what_an_encoding_cannot_hold_is_not_suggested(editing: Editing) -> None:
    editing.hooked.ok("config", "i18n.commitEncoding", "ISO-8859-1")
    editing.hooked.runner.plays(message=message_script("修正"))
    editing.commit(writes="mine\n")
    assert editing.seen.startswith(b"\n# Please")


def test_a_line_that_git_would_take_for_a_comment_is_not_suggested(editing: Editing) -> None:
    editing.hooked.runner.plays(message=message_script("#12: Add it"))
    editing.commit(writes="mine\n")
    assert editing.seen.startswith(b"\n# Please")


def test_who_came_before_is_heard(editing: Editing) -> None:
    """Another program's hook wrote something: that is a message."""
    saved = editing.hooked.path / ".git" / "hooks" / "prepare-commit-msg.maw-saved"
    saved.write_text('#!/bin/sh\nprintf "TICKET-1: \\n%s" "$(cat "$1")" > "$1"\n')
    saved.chmod(0o755)
    editing.commit()
    assert editing.seen.startswith(b"TICKET-1: ")
    assert asked(editing) == []


def test_switched_off(editing: Editing) -> None:
    editing.commit(writes="mine\n", MAW_MESSAGE_SUGGEST="false")
    editing.commit("--allow-empty", writes="mine\n", MAW_SKIP="1")
    assert asked(editing) == []


def test_nothing_to_commit_has_no_message(editing: Editing) -> None:
    editing.hooked.commit()
    editing.commit("--allow-empty", writes="empty\n")
    assert asked(editing) == []


@pytest.mark.parametrize("late", ["drop", "comment"])
def test_the_editor_never_waits_longer_than_the_deadline(editing: Editing, late: str) -> None:
    steps = [{"event": "text", "data": {"text": "Add a\nfo\x1b[2J"}}, {"sleep": 20}]
    editing.hooked.runner.plays(message=steps)
    editing.commit(writes="mine\n", MAW_MESSAGE_DEADLINE="300ms", MAW_MESSAGE_LATE=late)
    assert (b"# maw: so far: Add a fo\xef\xbf\xbd[2J\n" in editing.seen) == (late == "comment")
    assert editing.seen.startswith(b"\n# Please")
    assert editing.message == "mine"


def test_late_comments_never_become_a_message(editing: Editing) -> None:
    editing.hooked.runner.plays(message=[{"sleep": 20}])
    editing.hooked.ok("config", "commit.cleanup", "verbatim")
    editing.commit(writes="mine\n", MAW_MESSAGE_DEADLINE="300ms", MAW_MESSAGE_LATE="comment")
    assert b"maw" not in editing.seen


def test_no_node_no_word(editing: Editing) -> None:
    editing.hooked.runner.stop()
    said = editing.commit(writes="mine\n", MAW_NODE="nowhere", MAW_REVIEW_MODE="block")
    assert "message" not in said.replace("commit message", "")
    assert editing.message == "mine"


@pytest.mark.parametrize(
    ("writes", "status", "distance"),
    [
        (None, "taken", 0),
        (MESSAGE.replace("Three", "Two"), "edited", 1),
        ("Count to four", "dropped", 8),
    ],
)
def test_what_became_of_it_is_recorded(editing: Editing, writes: str | None, status: str, distance: int) -> None:
    editing.commit(writes=writes)

    def noted() -> Json | None:
        done = editing.hooked.git("notes", "--ref=maw/message", "show", "HEAD")
        return json.loads(done.stdout) if done.returncode == 0 else None

    record = eventually(noted)
    assert record is not None
    assert (record["kind"], record["status"], record["edit_distance"]) == ("message", status, distance)
    assert record["suggestion"] == MESSAGE
    assert record["head"] == editing.hooked.head
    assert record["tree"] == editing.hooked.out("rev-parse", "HEAD^{tree}")
    assert record["model"] == "fake"
    repo = discover(str(editing.hooked.path))
    assert store.get(repo, record["tree"], editing.hooked.out("rev-parse", "HEAD^")) is None


def test_secrets_do_not_leave(editing: Editing) -> None:
    """Neither those of the change, nor those of messages that go along as examples."""
    key = "AKIA" + "QWERTYUIOPASDFGH"
    editing.hooked.write("c.py", f'key = "{key}"\n')
    editing.hooked.ok("add", ".")
    editing.commit("-n", writes="mine\n")
    assert key not in json.dumps(asked(editing))


def test_a_rebase_asks_nothing(editing: Editing) -> None:
    editing.hooked.commit()
    for number in range(3):
        editing.hooked.write("b.py", f"b = {number + 1}\n")
        editing.hooked.commit("-a")
    before = len(asked(editing))
    editing.hooked.ok("rebase", "-q", "--force-rebase", "HEAD~2", **editing.environment)
    assert len(asked(editing)) == before == 0


def test_under_a_framework(editing: Editing, home: Path) -> None:
    """pre-commit gives the file as an argument and the source in the environment."""
    path = home / "COMMIT_EDITMSG"
    path.write_bytes(b"\n# a comment\n")
    for source, said in (("message", b""), ("", MESSAGE.encode() + b"\n")):
        command = [sys.executable, "-m", "maw_hooks", "prepare-commit-msg", str(path)]
        environment = {**os.environ, "PRE_COMMIT_COMMIT_MSG_SOURCE": source}
        subprocess.run(command, cwd=editing.hooked.path, env=environment, check=True, timeout=60)
        assert path.read_bytes() == said + b"\n# a comment\n"


def test_the_check_suggests_or_blocks(editing: Editing) -> None:
    long = "Say " + "very " * 20 + "much"
    blocked = editing.hooked.git("commit", "-m", long, MAW_MESSAGE_CHECK="enforce")
    assert blocked.returncode == 1
    assert "the subject has 108 characters" in blocked.stderr
    taken = editing.hooked.git("commit", "-F", str(editing.hooked.path / ".git" / "maw" / "MESSAGE"))
    assert taken.returncode == 0, taken.stderr
    assert editing.message == MESSAGE
    said = editing.hooked.ok("commit", "--allow-empty", "-m", long)
    assert "about the message" in said
    assert "about the message" not in editing.hooked.ok("commit", "--allow-empty", "-m", long, MAW_MESSAGE_CHECK="off")


def test_amend_changes_the_message_alone(editing: Editing, maw: Maw) -> None:
    editing.hooked.commit("-n", "-s")
    editing.hooked.write("later.py", "staged = 1\n")
    editing.hooked.ok("add", ".")
    tree = editing.hooked.out("rev-parse", "HEAD^{tree}")
    done = maw("generate", "message", "--amend", "--json", cwd=editing.hooked.path)
    assert done.code == 0, done.err
    assert done.json["amended"] is True
    assert editing.message.startswith(MESSAGE + "\n\nSigned-off-by: ")
    assert editing.hooked.out("rev-parse", "HEAD^{tree}") == tree
    assert editing.hooked.out("diff", "--cached", "--name-only") == "later.py"
