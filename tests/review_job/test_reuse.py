"""An unchanged unit is never judged twice."""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from maw import paths
from maw_remote.engine.interface import EngineError, Request
from maw_remote.jobs.interface import Json
from tests.review_job.changes import patch
from tests.review_job.player import Player
from tests.review_job.test_review import FOUND, finds_in, path_of, run

PATHS = ["a.py", "b.py", "c.py"]


@pytest.fixture(autouse=True)
def runner_dir(home: Path) -> None:
    """A runner makes it when it starts."""
    paths.make_private_dir(paths.runner_dir())


def change(**lines: list[bytes]) -> bytes:
    return b"".join(patch(path, lines.get(path[0], [b"x = 1"])) for path in PATHS)


def asked(diff: bytes, player: Player | None = None, **more: Any) -> tuple[list[str], Json]:
    """For which files the model was asked, and the result."""
    player = player or Player(finds_in(*PATHS))
    result, _ = run(diff, player, **more)
    return list(dict.fromkeys(path_of(request) for request in player.asked)), result


def test_only_what_changed_is_asked_about() -> None:
    first = run(change(), Player(finds_in("a.py", "c.py")))[0]
    player = Player(finds_in("b.py"))
    again, events = run(change(b=[b"x = 2"]), player)
    assert {path_of(request) for request in player.asked} == {"b.py"}
    assert again["units"] == {"total": 3, "done": 3, "failed": 0, "reused": 2}
    kept = [finding for finding in first["findings"] if finding["path"] != "b.py"]
    assert [finding for finding in again["findings"] if finding["path"] != "b.py"] == kept
    assert again["judged"][0] == first["judged"][0]
    assert events.of("plan")[0]["reused"] == 2
    done = [(unit["path"], unit.get("reused", False)) for unit in events.of("unit") if unit["state"] == "done"]
    assert done == [("a.py", True), ("c.py", True), ("b.py", False)]
    assert len(events.of("finding")) == 3


def test_where_all_is_known_nobody_is_asked() -> None:
    asked(change())
    player = Player()
    result, _ = run(change(), player)
    assert player.asked == []
    assert len(result["findings"]) == 3
    assert (result["stats"]["completion_tokens"], result["stats"]["tokens_per_s"]) == (0, 0.0)


def test_code_that_only_moved_is_known_where_it_stands_now() -> None:
    asked(patch("a.py", [b"x = 1", b"y = 2"]), Player(finds_in("a.py", **{"1.line": "2"})))
    moved = patch("a.py", [b"x = 1", b"y = 2"]).replace(b"+1,2 @@", b"+41,2 @@")
    player = Player()
    result, _ = run(moved, player)
    assert player.asked == []
    (finding,) = result["findings"]
    assert (finding["line"], finding["end_line"], finding["quote"]) == (42, 42, "y = 2")
    assert finding["unit"] == result["judged"][0]["unit"]


@pytest.mark.parametrize("text", [" As line 1 says.", " See 1: it fails."])
def test_a_text_that_speaks_of_a_lines_number_fits_no_other_place(text: str) -> None:
    diff = patch("a.py", [b"x = 1"])
    asked(diff, Player(finds_in("a.py", **{"1.scenario": text})))
    assert asked(diff, Player())[1]["units"]["reused"] == 1
    assert asked(diff.replace(b"+1,1 @@", b"+41,1 @@"), Player())[1]["units"]["reused"] == 0


@pytest.mark.parametrize(
    "more", [{"rules": [{"glob": "a.py", "text": "x"}]}, {"since": "now"}, {"profile": "another"}, {"path": "moved"}]
)
def test_what_determines_the_answer_is_heeded(more: Json, monkeypatch: pytest.MonkeyPatch) -> None:
    asked(change())
    expected = PATHS
    diff = change()
    if "profile" in more:
        monkeypatch.setattr("tests.review_job.test_review.PROFILE", more.pop("profile"))
    elif "path" in more:
        more.pop("path")
        diff, expected = diff.replace(b"c.py", b"d.py"), ["d.py"]
    elif "since" in more:
        more["since"] = time.time()
    else:
        expected = ["a.py"]
    assert asked(diff, **more)[0] == expected


def test_a_unit_without_redacted_values_is_known_whatever_was_redacted_elsewhere() -> None:
    diff = change(b=[b'key = "[redacted]"'])
    asked(diff)
    player = Player(finds_in("b.py"))
    assert asked(diff, player, redacted=True)[0] == ["b.py"]  # what is said about it now is another thing
    notes = ["Values of secrets were replaced by [redacted]" in request.messages[-1].text for request in player.asked]
    assert notes == [True, True]  # the second look is told, too
    assert all(request.messages[-1].text.rstrip().endswith(("?", "else.")) for request in player.asked)


def test_a_rejected_finding_is_not_asked_about_again() -> None:
    asked(change(), Player(finds_in("a.py", holds="no")))
    player = Player()
    result, _ = run(change(), player)
    assert player.asked == []
    assert [finding["verified"] for finding in result["rejected"]] == [False]


def test_a_unit_that_failed_is_asked_about_again() -> None:
    def script(request: Request) -> Any:
        return EngineError("too_long", "too long") if path_of(request) == "a.py" else FOUND

    assert asked(change(), Player(script))[1]["units"]["failed"] == 1
    assert asked(change())[0] == ["a.py"]


def test_what_was_done_before_a_worker_died_is_not_done_again() -> None:
    def script(request: Request) -> Any:
        return EngineError("worker_lost", "gone", retry=True) if path_of(request) == "c.py" else FOUND

    with pytest.raises(EngineError):
        run(change(), Player(script))
    assert asked(change())[0] == ["c.py"]


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"numbers": null, "findings": [{"line": 99}], "rejected": []}'])
def test_what_was_damaged_is_asked_about_again(body: bytes) -> None:
    asked(change())
    with closing(sqlite3.connect(os.path.join(paths.runner_dir(), "units.db"))) as db, db:
        db.execute("UPDATE unit SET body = ?", (body,))
    assert asked(change())[0] == PATHS
