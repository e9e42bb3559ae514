"""Commits whose review comes later: what waits in the outbox, and the note that tells of it in the end."""

from __future__ import annotations

import json

from maw.attendant import outbox
from maw.git.repo import discover
from tests.fixtures.attendant import wait_for
from tests.fixtures.fake_runner import FakeRunner
from tests.hooks.conftest import Hooked, Json

HERE = {"v": 1, "hello": {"v": 1, "protocol": [1, 1]}}
THREE = "one = 1\ntwo = 2\nthree = 3\n"


def committed(hooked: Hooked, text: str = "four = 4\n", *arguments: str, **environment: str) -> str:
    hooked.write("a.py", THREE + text)
    return hooked.commit("-a", *arguments, **environment)


def waiting(hooked: Hooked) -> list[outbox.Entry]:
    return outbox.entries(discover(str(hooked.path)))


def late_review(hooked: Hooked, commit: str = "HEAD") -> Json:
    """The late review of a commit, once its note has it."""

    def found() -> Json | None:
        note = hooked.git("notes", "--ref=maw/review", "show", commit).stdout
        return next((line for line in map(json.loads, note.splitlines()) if line.get("late")), None)

    late: Json = wait_for(found, "the late review")
    return late


def back(pro: FakeRunner, *findings: Json, **more: object) -> None:
    pro.plays(*findings, preface=HERE, **more)
