"""What is counted, and how often: from real notes in a real repository, through the index."""

from __future__ import annotations

import random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from maw.git.notes import Notes
from maw.memory.index import Index
from maw.memory.query import Filters
from maw.record import encode, new_id
from maw.stats.figures import PERCENTILES, Times, week, weeks_between
from maw.stats.gather import Statistics, gather
from tests.fixtures.attendant import finding, kernel_repo, review_record
from tests.fixtures.git import Repository

STATS = {"prompt_tokens": 100, "cached_tokens": 40, "completion_tokens": 10, "first_token_ms": 200, "elapsed_ms": 1000}
MONDAY, SUNDAY, NEXT = "2026-01-05T00:00:00.000Z", "2026-01-11T23:59:59.999Z", "2026-01-12T00:00:00.000Z"


def note(repository: Repository, commit: str, **more: Any) -> None:
    data = review_record(repository, commit, **{"task": new_id(), **more}) if "kind" not in more else more
    Notes(kernel_repo(repository)).append(data["kind"], commit, [encode(data)])


def say(repository: Repository, commit: str, about: dict[str, Any], status: str, ts: str = NEXT) -> None:
    note(repository, commit, v=1, id=new_id(), ts=ts, kind="feedback", status=status, finding=about, by="A Tester")


def count(repository: Repository, **filters: Any) -> Statistics:
    with Index(kernel_repo(repository)) as index:
        index.refresh()
        return gather(index, Filters(**filters))


def test_reviews_by_status_verdict_and_week(repo: Repository) -> None:
    commits = [repo.commit(str(number)) for number in range(4)]
    note(repo, commits[0], ts=MONDAY, verdict="block", bypassed=True, stats=STATS)
    note(repo, commits[1], ts=SUNDAY, verdict="incomplete", status="incomplete", reason="1 of 2", stats=STATS)
    note(repo, commits[2], ts=NEXT, verdict="incomplete", status="unreviewed", reason="away")
    note(repo, commits[3], ts="2026-01-27T12:00:00.000Z", model="other")
    found = count(repo)
    total = found.total
    assert (total.reviewed, total.bypassed) == (3, 1)
    assert total.reviews == {"reviewed": 2, "incomplete": 1, "unreviewed": 1}
    assert total.verdicts == {"block": 1, "incomplete": 1, "pass": 1}  # what was not reviewed has no verdict of its own
    assert (total.prompt_tokens, total.cached_tokens, total.completion_tokens) == (200, 80, 20)
    assert (total.milliseconds, total.latency.values, total.first_token.values) == (2000, [1000, 1000], [200, 200])
    assert [(name, figures.reviewed) for name, figures in found.weeks.items()] == [
        ("2026-01-05", 2), ("2026-01-12", 0), ("2026-01-19", 0), ("2026-01-26", 1),
    ]  # fmt: skip
    assert [(name, figures.reviewed) for name, figures in found.models.items()] == [("tiny", 2), ("other", 1)]


def test_a_finding_counts_once_with_what_was_said_of_it_last(repo: Repository) -> None:
    first, second = repo.commit("one", a__py="1\n"), repo.commit("two", a__py="2\n")
    bug = finding("src/a.py", id="aaaa0001")
    style = finding("b.py", "info", id="aaaa0002", category="style")
    note(repo, first, ts=MONDAY, findings=[bug, style])
    note(repo, second, ts=NEXT, findings=[bug], rejected=[finding("c.py", id="aaaa0003")])
    say(repo, first, bug, "dismissed", "2026-02-01T00:00:00.000Z")
    say(repo, second, bug, "accepted", "2026-02-02T00:00:00.000Z")
    say(repo, second, style, "dismissed")
    say(repo, second, finding("b.py", "critical", id="aaaa0004"), "fixed")  # of a change that was blocked, and mended
    found = count(repo)
    assert found.total.found.severities == {"error": 1, "info": 1, "critical": 1}
    assert found.total.found.answers == {"accepted": 1, "dismissed": 1, "fixed": 1}
    assert found.total.found.acceptance == 2 / 3
    assert {name: tally.total for name, tally in found.categories.items()} == {"bug": 2, "style": 1}
    assert found.categories["style"].acceptance == 0 and found.severities["warning"].acceptance is None
    assert {name: place.found.total for name, place in found.paths.items()} == {"b.py": 2, "src/": 1, "a.py": 0}
    assert next(figures.found.total for figures in found.weeks.values()) == 2
    assert found.models["tiny"].found.total == 2  # nobody knows who told the fourth


def test_what_git_carried_and_what_was_copied_counts_once(repo: Repository) -> None:
    repo.git("config", "notes.rewriteRef", "refs/notes/maw/*")
    commit = repo.commit("one", a__py="1\n")
    data = review_record(repo, commit, findings=[finding("a.py")], stats=STATS, task="1")
    Notes(kernel_repo(repo)).append("review", commit, [encode(data)])
    repo.git("commit", "-q", "--amend", "-m", "better")
    assert repo.git("rev-parse", "HEAD") != commit
    picked = repo.commit("picked", b__py="1\n")
    linked = {"commit": commit, "record": data["id"], "how": "patch"}
    Notes(kernel_repo(repo)).append("review", picked, [encode({**data, "id": new_id(), "linked": linked})])
    again = review_record(repo, picked, stats=STATS, task="1")  # the outcome was known: no second run
    Notes(kernel_repo(repo)).append("review", picked, [encode(again)])
    total = count(repo).total
    assert (total.reviewed, total.found.total, total.prompt_tokens, total.latency.values) == (2, 1, 100, [1000])


def test_filters_and_folders(repo: Repository) -> None:
    repo.commit("one", **{"src/deep/a__py": "1\n", "src/b__py": "1\n", "c__py": "1\n"})
    first = repo.git("rev-parse", "HEAD")
    repo.git("commit", "-q", "--allow-empty", "-m", "two", "--author", "Zoë <zoe@example.invalid>")
    second = repo.git("rev-parse", "HEAD")
    names = ("src/deep/a.py", "src/b.py", "c.py")
    note(repo, first, ts=MONDAY, findings=[finding(name, id=f"bbbb000{at}") for at, name in enumerate(names)])
    note(repo, second, ts=NEXT, model="Big-Model")
    assert {name: (place.commits, place.found.total) for name, place in count(repo).paths.items()} == {
        "src/": (1, 2), "c.py": (1, 1),
    }  # fmt: skip
    below = count(repo, path="src/")
    assert list(below.paths) == ["src/b.py", "src/deep/"] and below.total.found.total == 2
    assert list(count(repo, path="c.py").paths) == ["c.py"]
    assert list(count(repo, path="*/a.py").paths) == ["src/"]
    assert [count(repo, **one).total.reviewed for one in (
        {"author": "ZOË"}, {"model": "big"}, {"since": 1768176000.0}, {"until": 1767900000.0}, {"commits": [first]},
        {"commits": []}, {"author": "nobody"},
    )] == [1, 1, 1, 1, 1, 0, 0]  # fmt: skip
    assert list(count(repo, author="zoë").authors) == ["Zoë <zoe@example.invalid>"]


def test_a_generation_whose_files_are_in_several_commits_is_one(repo: Repository) -> None:
    more = {"v": 1, "kind": "generate", "status": "accepted", "node": "n", "stats": STATS, "model": "m"}
    for name, generation, task in (
        ("one", "g1", "t1"), ("two", "g1", "t1"),
        ("three", "g2", "t1"),  # another one, whose answer was known: it cost nothing
        ("four", "g3", None), ("five", "g3", None),
    ):  # fmt: skip
        note(repo, repo.commit(name), id=new_id(), ts=MONDAY, generation=generation, task=task, **more)
    found = count(repo).total
    assert (found.outcomes["generate"], found.prompt_tokens, found.milliseconds) == ({"accepted": 3}, 200, 2000)


def test_messages_and_generations_by_what_became_of_them(repo: Repository) -> None:
    commit = repo.commit("one")
    for status in ("taken", "taken", "dropped"):
        more = {"model": "m", "stats": STATS, "node": "n", "task": new_id()}
        note(repo, commit, v=1, id=new_id(), ts=MONDAY, kind="message", status=status, **more)
    found = count(repo)
    assert found.to_json()["total"]["messages"] == {"dropped": 1, "taken": 2}
    assert (found.total.prompt_tokens, found.total.milliseconds, found.total.latency.values) == (300, 3000, [])
    assert found.total.reviewed == 0


def test_a_strangers_note_may_claim_anything(repo: Repository) -> None:
    commit = repo.commit("one")
    nonsense = {"prompt_tokens": 1e308, "cached_tokens": -1, "completion_tokens": True, "elapsed_ms": "long"}
    note(repo, commit, ts="9999-12-31T23:59:59-14:00", stats=nonsense, model="\x1b[31mred" * 100)
    note(repo, commit, ts="0001-01-01T00:00:00+14:00", stats=[], verdict="splendid")
    strange = [finding("a", "awful", id="cccc0001"), finding("\ud800", id="cccc0002", category="c\x07\n" * 100), "text"]
    note(repo, commit, ts="yesterday", findings=strange, task=7, node=None)
    found = count(repo)
    assert (found.total.reviewed, found.total.found.total) == (3, 1)
    assert (found.total.prompt_tokens, found.total.latency.values) == (0, [])
    assert len(found.weeks) == 3  # and not half a million
    named = [*found.models, *found.categories, *found.paths]
    assert all(name.isprintable() and len(name) <= 120 for name in named)


def test_statistics_say_what_the_notes_say_in_any_order(repo: Repository) -> None:
    chance = random.Random(7)
    commits = [repo.commit(str(number), a__py=f"{number}\n") for number in range(6)]
    for commit in commits:
        note(repo, commit, stats=STATS, findings=[finding("a.py", id=f"dddd{chance.randrange(9):04d}")])
    before = count(repo)
    with Index(kernel_repo(repo)) as index:
        index.remove()
    assert count(repo) == before
    parts = [count(repo, commits=[commit]).total for commit in commits]
    assert sum(part.reviewed for part in parts) == before.total.reviewed == 6
    assert sum(part.prompt_tokens for part in parts) == before.total.prompt_tokens


@given(st.lists(st.integers(0, 10**12), min_size=1), st.sampled_from(PERCENTILES))
def test_a_percentile_is_a_value_that_so_many_do_not_exceed(values: list[int], share: int) -> None:
    found = Times(list(values)).percentile(share)
    assert found in values
    assert sum(value <= found for value in values) * 100 >= share * len(values)
    assert sum(value < found for value in values) * 100 < share * len(values)


def test_weeks() -> None:
    assert (week(0), week(-1), week(20458), week(20457)) == (
        "1969-12-29", "1969-12-29", "2026-01-05", "2025-12-29",
    )  # fmt: skip
    assert list(weeks_between("2026-01-05", "2026-01-19", 3)) == ["2026-01-05", "2026-01-12", "2026-01-19"]
    assert weeks_between("2026-01-05", "2026-01-19", 2) == ()
