"""The habits of a repository, read from its messages."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maw.messages import language, profile, subject
from maw.messages.profile import AREA, CONVENTIONAL, PLAIN, Profile, Tickets
from tests.messages import repositories


def test_conventional_commits() -> None:
    found = profile.make(repositories.CONVENTIONAL)
    assert (found.form, found.mood, found.capital, found.period) == (CONVENTIONAL, "imperative", False, False)
    assert found.types[:2] == ("feat", "fix")
    assert set(found.types) == {"feat", "fix", "docs", "refactor", "test", "chore", "perf", "ci"}
    assert set(found.scopes) == {"api", "cli", "core"}
    assert 0.7 < found.scoped < 0.8
    assert found.tickets is None
    assert found.body < 0.2
    assert found.language == language.ENGLISH


def test_tickets() -> None:
    found = profile.make(repositories.TICKETS)
    assert (found.form, found.mood, found.capital, found.period) == (PLAIN, "imperative", True, False)
    assert found.tickets == Tickets("start", "{}: ", ("SHOP", "PAY"), 1.0)
    assert found.body == 0.4
    assert found.trailers == ("Signed-off-by",)


def test_plain_sentences() -> None:
    found = profile.make(repositories.PLAIN)
    assert (found.form, found.mood, found.capital, found.period) == (PLAIN, "past", True, True)
    assert found.verbs[:2] == ("added", "fixed")
    assert found.tickets is None


def test_areas_as_in_a_kernel() -> None:
    lines = ["mm: fix a leak", "net/ipv4: drop old packets", "mm, slab: use one cache", "docs: say how", "test: wait"]
    found = profile.make(lines * 3)
    assert (found.form, found.area_form) == (AREA, "{}: ")
    assert set(found.areas) == {"mm", "net/ipv4", "mm, slab", "docs", "test"}


def test_brackets() -> None:
    found = profile.make(["[core] Fix a leak", "[ui] Show dates", "[core] Add a test"] * 4)
    assert (found.form, found.area_form, found.areas) == (AREA, "[{}] ", ("core", "ui"))


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        (["Behebt den Fehler beim Lesen der Datei", "Die Liste wird nicht mehr sortiert und ist leer"], "German"),
        (["Ajoute une page pour les options", "Corrige le calcul des prix dans la vue"], "French"),
        (["Исправить ошибку", "Добавить тесты"], "Russian"),
        (["修正", "测试修复问题"], "Chinese"),
        (["fix", "wip"], "English"),
        ([], "English"),
    ],
)
def test_languages(texts: list[str], said: str) -> None:
    assert language.of(texts) == said


@pytest.mark.parametrize(("text", "author"), repositories.NOISE)
def test_what_nobody_wrote_does_not_count(text: str, author: str) -> None:
    assert not profile.counts(text, author)
    assert profile.counts("feat(api): add a client", "Ada <ada@example.com>")
    assert not profile.counts("Add a client", "Ada <ada@example.com>", parents=2)


@pytest.mark.parametrize(
    ("line", "place", "form"),
    [
        ("ABC-1: fix it", "start", "{}: "),
        ("[ABC-1] fix it", "start", "[{}] "),
        ("ABC-1 fix it", "start", "{} "),
        ("ABC-1 - fix it", "start", "{} - "),
        ("#12 fix it", "start", "{} "),
        ("feat: ABC-1 fix it", "text", "{} "),
        ("feat(ABC-1): fix it", "scope", "{}"),
        ("core: ABC-1: fix it", "text", "{}: "),
        ("fix it (ABC-1)", "end", " ({})"),
        ("fix it ABC-1", "end", " {}"),
    ],
)
def test_where_tickets_stand(line: str, place: str, form: str) -> None:
    found = subject.read(line)
    assert found.ticket is not None
    assert (found.ticket.place, found.ticket.form, found.text) == (place, form, "fix it")


def test_a_pull_requests_number_is_no_ticket() -> None:
    """A forge adds it when it merges: no author can know it."""
    assert subject.read("feat: add a client (#123)") == subject.read("feat: add a client")


def test_tickets_in_trailers() -> None:
    found = profile.make([f"Fix it\n\nWhy.\n\nRefs: ABC-{number}" for number in range(9)])
    assert found.tickets == Tickets("trailer", "Refs: {}", ("ABC",), 1.0)


@pytest.mark.parametrize(
    ("branch", "keys", "ticket"),
    [
        ("feature/SHOP-12-basket", ("SHOP",), "SHOP-12"),
        ("shop-12-basket", ("SHOP",), "SHOP-12"),
        ("feature/12-basket", ("#",), "#12"),
        ("issue-12", ("#",), "#12"),
        ("release-2.0", ("#",), ""),
        ("python3-port", ("#",), ""),
        ("WORKSHOP-12", ("SHOP",), ""),
        ("main", ("SHOP", "#"), ""),
    ],
)
def test_tickets_of_branches(branch: str, keys: tuple[str, ...], ticket: str) -> None:
    assert subject.from_branch(branch, keys) == ticket


def test_parts_of_a_message() -> None:
    found = profile.split("Fix it\n\nBecause: of this.\nAnd that.\n\nSigned-off-by: Ada <a@x>\nRefs: ABC-1\n")
    assert found == ("Fix it", "Because: of this.\nAnd that.", ("Signed-off-by: Ada <a@x>", "Refs: ABC-1"))
    assert profile.split("Note: this is all") == ("Note: this is all", "", ())


@given(st.lists(st.text(max_size=200), max_size=12))
def test_whatever_is_read_a_profile_travels(texts: list[str]) -> None:
    import json

    found = profile.make(texts)
    assert profile.from_json(json.loads(json.dumps(profile.to_json(found)))) == found


@pytest.mark.parametrize(
    "data", [None, [], {"types": "feat"}, {"types": [1]}, {"mood": 1}, {"body": "x"}, {"tickets": {"form": "x"}}]
)
def test_what_is_no_profile(data: object) -> None:
    with pytest.raises(ValueError):
        profile.from_json(data)


def test_few_messages_are_no_habit() -> None:
    assert not profile.make(["feat: add it"] * (profile.ENOUGH - 1)).known
    assert not Profile().known
