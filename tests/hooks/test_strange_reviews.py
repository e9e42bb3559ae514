"""What a commit makes of reviews that end badly, break off, or make no sense."""

from __future__ import annotations

import pytest

from tests.fixtures.fake_runner import PLAN, done_with, finding, result, script
from tests.hooks.conftest import Hooked


@pytest.mark.parametrize("setting", ["allow", "block"])
def test_incomplete(changed: Hooked, setting: str) -> None:
    changed.runner.plays(done=1, failed=1, steps=[*PLAN, done_with(result(done=1, failed=1))])
    if setting == "block":
        said = changed.blocked(MAW_REVIEW_ON_INCOMPLETE="block")
        assert "commit blocked: 1 of 2 units could not be reviewed, and review.on_incomplete is block" in said
    else:
        said = changed.commit()
        assert said == "maw: 1 of 2 units could not be reviewed; the commit goes reviewed in part\n"
        record = changed.record()
        assert record is not None
        assert (record["status"], record["verdict"]) == ("incomplete", "incomplete")


@pytest.mark.parametrize(
    "ending",
    [
        {"event": "failed", "data": {"error": {"code": "model_missing", "message": "no model \x1b[2J here"}}},
        {"event": "dead", "data": {"error": {"code": "worker_lost", "message": "the worker died 3 times"}}},
        {"event": "cancelled", "data": {"reason": "client"}},
        {"event": "done", "data": {"result": "fine, believe me"}},
        {"event": "done", "data": {}},
        {"event": "done", "data": {"result": {"findings": []}}},
        {"event": "done", "data": {"result": {"findings": [], "units": {"total": 2, "done": 1, "failed": 0}}}},
        {"event": "done", "data": {"result": {"findings": [], "units": {"total": -1, "done": True, "failed": 0}}}},
    ],
    ids=["failed", "dead", "cancelled", "text", "nothing", "no-units", "unit-missing", "bad-units"],
)
def test_an_ending_that_is_no_review_is_never_clean(changed: Hooked, ending: dict[str, object]) -> None:
    changed.runner.plays(steps=[*PLAN, ending])
    said = changed.blocked(MAW_REVIEW_ON_INCOMPLETE="block")
    assert "\x1b" not in said
    changed.commit()
    record = changed.record()
    assert record is not None
    assert record["status"] in ("unreviewed", "incomplete")
    assert record["verdict"] == "incomplete"


@pytest.mark.parametrize(
    "bad", ["text", {"severity": "horrible"}, {**finding(), "line": "4"}, {**finding(), "path": 3}]
)
@pytest.mark.parametrize("where", ["event", "result"])
def test_a_finding_that_cannot_be_read_makes_its_unit_fail(changed: Hooked, bad: object, where: str) -> None:
    events = [{"event": "finding", "data": {"finding": bad}}] if where == "event" else []
    found = result() | ({"findings": [bad]} if where == "result" else {})
    changed.runner.plays(steps=[*PLAN, *events, done_with(found)])
    said = changed.commit()
    assert "1 of 1 units could not be reviewed" in said
    record = changed.record()
    assert record is not None
    assert record["status"] == "incomplete"
    assert record["units"] == {"total": 1, "done": 0, "failed": 1, "reused": 0}


def test_nonsense_between_events_is_passed_over(changed: Hooked) -> None:
    changed.runner.plays(
        steps=[
            {"raw": ": keep-alive\n\n"},
            {"raw": "id: x\nevent: done\ndata: {}\n\n"},
            {"raw": "event: done\ndata: [1,\n\n"},
            {"event": "unheard-of", "data": {"anything": 1}},
            {"event": "plan", "data": {"units": "many", "skipped": 3}},
            {"event": "unit", "data": {"state": ["done"]}},
            {"event": "restarted", "data": {}},
            *script(),
        ]
    )
    assert changed.commit().endswith("maw: nothing found in 1 unit\n")


def test_a_stream_that_is_cut_is_taken_up_again_without_doubles(changed: Hooked) -> None:
    first, second = finding(line=1, severity="warning"), finding(line=2, severity="warning", title="second")
    steps = script(first, second)
    steps.insert(3, {"cut": True})
    changed.runner.plays(steps=steps)
    said = changed.commit()
    assert said.count("divides by zero") == 1
    assert said.count("second") == 1
    streams = [request for request in changed.runner.requests if request["path"].endswith("/events")]
    assert [request["headers"].get("last-event-id") for request in streams] == [None, "3"]
    record = changed.record()
    assert record is not None
    assert len(record["findings"]) == 2


def test_a_restart_voids_what_was_found(changed: Hooked) -> None:
    void, kept = finding(line=1, severity="critical", title="void"), finding(line=2, severity="warning", title="kept")
    again = [{"event": "restarted", "data": {"attempt": 2}}, *script(kept)]
    changed.runner.plays(
        steps=[
            *PLAN,
            *({"event": "finding", "data": {"finding": item}} for item in (void, kept)),
            *again,
        ]
    )
    said = changed.commit()
    assert "the runner started the review over" in said
    assert said.count("kept") == 1
    assert "1 finding above does not count" in said
    record = changed.record()
    assert record is not None
    assert [item["title"] for item in record["findings"]] == ["kept"]
    assert record["verdict"] == "warn"


@pytest.mark.parametrize("status", [400, 413, 500, 503])
def test_a_runner_that_refuses(changed: Hooked, status: int) -> None:
    error = {"v": 1, "error": {"code": "busy", "message": "not now", "hint": None}}
    changed.runner.plays(submit_error=[status, error])
    assert changed.commit() == "maw: local refused the review: not now; the commit goes unreviewed\n"


def test_a_runner_that_talks_no_json(changed: Hooked) -> None:
    changed.runner.plays(submit_error=[200, "hello"])
    assert "cannot be reached" in changed.commit()


def test_escapes_and_controls_never_reach_the_terminal(changed: Hooked) -> None:
    evil = "\x1b]0;owned\x07 \x1b[31mred\x9b2J \r\n\u202e reversed\ttab"
    changed.runner.plays(
        finding(
            severity="warning", path=f"a{evil}.py", title=evil, scenario=evil, suggestion=evil,
            quote=evil, replacement=evil, category=evil,
        )
    )  # fmt: skip
    said = changed.commit()
    assert "owned" in said
    assert not [char for char in said if not char.isprintable() and char != "\n"]
