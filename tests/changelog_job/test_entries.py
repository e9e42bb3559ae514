"""Change logs by an engine that plays its part: what is asked of it, and what is made of its answers."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maw.config.load import load
from maw.generate.history.sections import SECTIONS
from maw_remote.engine.interface import EngineError, Request
from maw_remote.jobs.changelog import ChangelogJob, prompting, shape
from maw_remote.jobs.interface import BadInput, Json
from tests.review_job.changes import Events
from tests.review_job.player import NAME, Player


def commit(identity: str, message: str, **more: Any) -> Json:
    return {"id": identity, "message": message, "paths": ["src/a.py"], "patch": "+one = 1\n-one = 0", **more}


def payload(*commits: Json, **more: Any) -> Json:
    return {"v": 1, "title": "a change log", "commits": list(commits), **more}


def write(engine: Player, asked: Json) -> tuple[Json, Events]:
    events = Events()
    job = ChangelogJob(load())
    job.check(asked)
    return asyncio.run(job.run(asked, model=NAME, profile="p", engine=engine, emit=events.emit)), events


def by_subject(answers: Mapping[str, Mapping[str, str]], **more: Mapping[str, str]) -> Player:
    """An engine that answers by the words of the last message."""

    def answer(request: Request) -> Mapping[str, str]:
        text = request.messages[-1].text
        return next((answers[key] for key in answers if key in text), {})

    return Player(answer, parallel=3)


def test_entries_by_sections() -> None:
    player = by_subject({
        "Repair": {"section": "Fixed", "entry": ' - "Sizes are right."'},
        "feat: sizes": {"entry": " Show sizes."},
        "Move": {"section": "none"},
    })  # fmt: skip
    result, events = write(player, payload(
        commit("1", "Repair it"), commit("2", "feat: sizes"), commit("3", "Move it"), commit("4", "chore: tidy"),
        commit("5", "feat(cli)!: a colour for each size"),
    ))  # fmt: skip
    assert result["entries"] == [
        {"section": "Added", "text": "Show sizes.", "commits": ["2"], "breaking": False},
        {"section": "Added", "text": "A colour for each size", "commits": ["5"], "breaking": True},
        {"section": "Fixed", "text": "Sizes are right.", "commits": ["1"], "breaking": False},
    ]
    assert result["left_out"] == [
        {"id": "3", "reason": "users notice nothing of it"}, {"id": "4", "reason": "its type says so"},
    ]  # fmt: skip
    assert 1 < player.most <= 3 and len(events.of("unit")) == 4  # nobody is asked about the tidying
    assert {request.messages[0] for request in player.asked} == {player.asked[0].messages[0]}  # evaluated once


def test_those_that_tell_the_same_become_one() -> None:
    player = by_subject({
        "An entry of the change log:\nShow sizes of files in the table": {"same": "1"},
        "First": {"entry": " Show sizes of files in a table."},
        "Second": {"entry": " Show sizes of files in the table of files."},
        "Third": {"entry": " Show sizes of files in a table."},
        "Other": {"entry": " Read dates."},
    })  # fmt: skip
    asked = [commit(name, f"feat: {name}") for name in ("First", "Second", "Other", "Third")]
    result, _ = write(player, payload(*asked))
    assert [(entry["text"], entry["commits"]) for entry in result["entries"]] == [
        ("Show sizes of files in a table.", ["First", "Second", "Third"]), ("Read dates.", ["Other"]),
    ]  # fmt: skip
    assert (
        sum("Which of them" in request.messages[-1].text for request in player.asked) == 1
    )  # the equal one is not asked


def test_what_is_asked_with() -> None:
    player = Player()
    more = {"style": ["Sizes in kB."], "instruction": "be short", "project": "British.", "redacted": True}
    write(player, payload(commit("1", "Sizes\n\nThey were missing.", notes=["asked for: sizes"]), **more))
    text = "".join(message.text for message in player.asked[0].messages)
    for part in ("Sizes in kB.", "be short", "British.", "Values of", "They were missing.", "asked for: sizes",
                 "src/a.py", "+one = 1"):  # fmt: skip
        assert part in text


def test_a_large_commit_is_cut() -> None:
    player = Player(context=1500)
    write(player, payload(commit("1", "Sizes", patch="\n".join(f"+word {number}" for number in range(4000)))))
    assert 10 < player.asked[0].messages[-1].text.count("+word") < 1500
    with pytest.raises(BadInput, match="no room"):
        write(Player(context=300), payload(commit("1", "Sizes")))


def test_an_answer_without_use_is_the_subject() -> None:
    result, _ = write(
        by_subject({"Show": {"section": "Added", "entry": " ```"}}), payload(commit("1", "cli: Show sizes"))
    )
    assert [entry["text"] for entry in result["entries"]] == ["Show sizes"]


def test_an_engines_error_ends_it() -> None:
    with pytest.raises(EngineError):
        write(
            Player(lambda _: EngineError("worker_lost", "gone", retry=True)),
            payload(commit("1", "x"), commit("2", "y")),
        )


@pytest.mark.parametrize(
    "more",
    [
        {"v": 2}, {"commits": []}, {"commits": [1]}, {"commits": [{"id": "1"}]},
        {"commits": [{"id": 1, "message": "x"}]}, {"commits": [{"id": "1", "message": "x", "paths": "a"}]},
        {"style": [1]}, {"project": 1}, {"instruction": []},
        {"commits": [{"id": "1", "message": "x"}] * 1001},
    ],
)  # fmt: skip
def test_bad_payloads(more: Json) -> None:
    with pytest.raises(BadInput):
        write(Player(), {**payload(commit("1", "x")), **more})


@given(st.integers(0, 2**31))
def test_whatever_a_model_says_entries_have_the_form(seed: int) -> None:
    asked = [
        commit(str(number), message) for number, message in enumerate(["Show", "fix: it", "Show sizes", "feat: it"])
    ]
    result, _ = write(Player(seed=seed), payload(*asked))
    told = [identity for entry in result["entries"] for identity in entry["commits"]]
    told += [left["id"] for left in result["left_out"]]
    assert sorted(told) == ["0", "1", "2", "3"]
    for entry in result["entries"]:
        assert entry["section"] in SECTIONS
        assert entry["text"] == " ".join(entry["text"].split()) != ""
        assert len(entry["text"]) <= shape.ENTRY_MAX and "\x1b" not in entry["text"]


def test_the_recipe_knows_the_prompts() -> None:
    assert ChangelogJob(load()).recipe() == ChangelogJob(load()).recipe()
    assert all(prompting.load(name).strip() for name in prompting.NAMES)
    assert ChangelogJob(load()).warm({"project": "x"})[0].role == "system"
