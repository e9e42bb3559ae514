"""`maw generate message` as it is typed, and what is told of suggestions afterwards."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fixtures.cli import Maw
from tests.fixtures.fake_runner import Json, message_script
from tests.fixtures.git import make_repository
from tests.fixtures.waiting import eventually, wait_for
from tests.hooks.conftest import Hooked

MESSAGE = "Add a fourth number\n\nThree were not enough."


@pytest.fixture
def asking(hooked: Hooked) -> Hooked:
    """A message comes for whatever is asked."""
    hooked.runner.plays(message=message_script(MESSAGE))
    return hooked


def _change(hooked: Hooked, number: int) -> None:
    hooked.write("a.py", f"number = {number}\n")
    hooked.ok("commit", "-q", "-n", "-a", "-m", f"number {number}")


def _asked(hooked: Hooked) -> list[Json]:
    return [body["payload"] for body in hooked.runner.submits if body["kind"] == "message"]


def test_a_range_is_one_change(asking: Hooked, maw: Maw) -> None:
    for number in range(4):
        _change(asking, number)
    done = maw("generate", "message", "HEAD~2..HEAD", cwd=asking.path)
    assert (done.code, done.out.strip()) == (0, MESSAGE)
    (payload,) = _asked(asking)
    diff = base64.b64decode(payload["diff"]).decode()
    assert ("-number = 1\n" in diff, "+number = 3\n" in diff, "number = 2" in diff) == (True, True, False)
    assert payload["title"].endswith("HEAD~2..HEAD")
    # Its own messages would be answers, not examples.
    assert {"number 0", "number 1"} <= set(payload["examples"])
    assert not {"number 2", "number 3"} & set(payload["examples"])


def test_a_commit_and_what_is_none(asking: Hooked, maw: Maw) -> None:
    _change(asking, 1)
    assert maw("generate", "message", "HEAD", "--json", cwd=asking.path).json["messages"] == [MESSAGE]
    assert b"+number = 1" in base64.b64decode(_asked(asking)[0]["diff"])
    for what in ("nothing", "HEAD..nothing", "--", "HEAD~99"):
        assert maw("generate", "message", what, cwd=asking.path).code == 2, what
    done = maw("generate", "message", cwd=asking.path)
    assert (done.code, done.err.splitlines()[0]) == (2, "maw: there is no change to write a message for")
    asking.git("commit", "-q", "--allow-empty", "--no-verify", "-m", "Nothing")
    done = maw("generate", "message", "--amend", cwd=asking.path)
    assert (done.code, done.err) == (2, f"maw: {asking.head} changes nothing that a message could tell\n")
    assert len(_asked(asking)) == 1


def test_several_to_choose_from(hooked: Hooked, maw: Maw) -> None:
    hooked.runner.plays(message=message_script("Add it", "Count on", "Go on"))
    done = maw("generate", "message", "HEAD", "--count", "3", cwd=hooked.path)
    assert done.out == "--- 1 ---\nAdd it\n--- 2 ---\nCount on\n--- 3 ---\nGo on\n"
    assert _asked(hooked)[0]["count"] == 3
    for wrong in (["--count", "0"], ["--count", "9"], ["--count", "2", "--amend"], ["--amend", "HEAD"], ["--force"]):
        assert maw("generate", "message", *wrong, cwd=hooked.path).code == 2, wrong
    assert len(_asked(hooked)) == 1


def test_what_is_to_be_minded_goes_along_without_secrets(asking: Hooked, maw: Maw) -> None:
    _change(asking, 1)
    key = "ghp_" + "Ab3dE6gH9jK2mN5pQ8rS1tU4vW7xY0zAbCdE"
    words = ("--instruction", "-", "--model", "another", "HEAD")
    done = maw("generate", "message", "--dry-run", *words, cwd=asking.path, stdin=f"name the report {key}\n")
    assert (done.code, done.json["sent"], _asked(asking)) == (0, False, [])
    payload = done.json["payload"]
    assert payload["instruction"].startswith("name the report ") and key not in done.out
    assert (payload["model"], payload["redacted"]) == ("another", True)
    assert maw("generate", "message", "HEAD", "--instruction", "be brief", cwd=asking.path).err == "maw: asking local\n"
    (sent,) = _asked(asking)
    assert sent["instruction"] == "be brief" and "model" not in sent


@pytest.mark.parametrize("more", [[], ["--amend"]])
def test_ctrl_c_cancels_the_task_and_changes_nothing(hooked: Hooked, more: list[str]) -> None:
    hooked.runner.plays(message=[{"event": "started", "data": {"attempt": 1}}, {"sleep": 60}])
    hooked.write("a.py", "staged = 1\n")
    hooked.ok("add", "-A")
    before = hooked.head
    command = [sys.executable, "-P", "-m", "maw", "generate", "message", *more]
    with subprocess.Popen(
        command, cwd=hooked.path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ
    ) as process:
        wait_for(lambda: any("events" in request["path"] for request in hooked.runner.requests), "the stream", 30)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (130, "")
    assert "Traceback" not in err
    assert hooked.runner.cancelled
    assert hooked.head == before
    assert hooked.out("diff", "--cached", "--name-only") == "a.py"


def test_what_a_remote_has_is_not_amended_unless_forced(asking: Hooked, maw: Maw, home: Path) -> None:
    origin = make_repository(home / "origin.git", "--bare")
    asking.ok("remote", "add", "origin", str(origin.path))
    asking.ok("push", "-q", "origin", "main")
    before = asking.head
    done = maw("generate", "message", "--amend", cwd=asking.path)
    assert done.code == 2
    assert "is in origin/main already" in done.err and "--force" in done.err
    assert (asking.head, _asked(asking)) == (before, [])
    assert maw("generate", "message", "--amend", "--force", cwd=asking.path).code == 0
    assert asking.out("log", "-1", "--format=%B").strip() == MESSAGE
    _change(asking, 5)
    assert maw("generate", "message", "--amend", cwd=asking.path).code == 0  # this one nobody has


def test_history_and_show_tell_what_became_of_suggestions(asking: Hooked, maw: Maw, home: Path) -> None:
    script = home / "editor.py"
    script.write_text("import pathlib, sys\nf = pathlib.Path(sys.argv[1])\n"
                      "f.write_text(f.read_text().replace('Three', 'Two'))\n")  # fmt: skip
    for number, editor in enumerate(("true", f"'{sys.executable}' '{script}'")):
        asking.write("a.py", f"number = {number}\n")
        asking.ok("add", "-A")
        asking.ok("commit", "-q", GIT_EDITOR=editor)

    def listed() -> list[Json]:
        out = maw("history", "--kind", "message", "--json", cwd=asking.path).out
        return [json.loads(line) for line in out.splitlines()]

    edited, taken = eventually(listed, lambda rows: len(rows) == 2)
    assert (edited["status"], taken["status"], taken["commit"]) == (
        "edited", "taken", asking.out("rev-parse", "HEAD~1"),
    )  # fmt: skip
    table = maw("history", "--kind", "message", cwd=asking.path).out.splitlines()
    assert [line.split()[2] for line in table] == ["edited", "taken"]
    shown = maw("show", cwd=asking.path).out
    assert "1 word of it changed" in shown and "suggested: Three were not enough." in shown
    assert "suggested" not in maw("show", "HEAD~1", cwd=asking.path).out
    (record,) = [one for one in maw("show", "--json", cwd=asking.path).json["records"] if one["kind"] == "message"]
    assert (record["suggestion"], record["edit_distance"]) == (MESSAGE, 1)
