"""A record that was no note yet when git rewrote its commit is on what git made of it, too."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from maw import record
from maw.attendant import outbox, spool, whereabouts
from maw.attendant.whereabouts import Whereabouts
from maw.memory.linking import link
from maw.setup import gitconfig
from tests.fixtures.attendant import kernel_repo, review_record
from tests.fixtures.git import Repository
from tests.memory.spooling import drain_all, ids_on, put

EDIT = {"GIT_EDITOR": "true"}
TEN = "".join(f"{number}\n" for number in range(10))


@pytest.fixture
def topic(repo: Repository) -> Repository:
    """`topic` with two commits, and main, which went on."""
    gitconfig.apply(kernel_repo(repo))
    repo.commit("first", a__txt=TEN)
    repo.git("switch", "-q", "-c", "topic")
    repo.commit("one", a__txt=TEN.replace("9", "nine"))
    repo.commit("two", b__txt="b\n")
    repo.git("switch", "-q", "main")
    repo.commit("main goes on", c__txt="c\n")
    repo.git("switch", "-q", "topic")
    return repo


def _interactively(repo: Repository, edit: str, onto: str) -> None:
    repo.git("rebase", "-q", "-i", onto, env={"GIT_SEQUENCE_EDITOR": f"sed -i.old -e '{edit}'", **EDIT})


def _amended(repo: Repository) -> None:
    repo.write("b.txt", "more\n")
    repo.git("commit", "-q", "-a", "--amend", "--no-edit", "--reset-author")


def _pulled(repo: Repository) -> None:
    repo.git("pull", "-q", "--rebase", ".", "main")


def _conflict(repo: Repository) -> None:
    repo.git("switch", "-q", "main")
    repo.commit("in the way", b__txt="another\n")
    repo.git("switch", "-q", "topic")
    repo.git("rebase", "main", check=False)
    repo.write("b.txt", "both\n")
    repo.git("add", "b.txt")
    repo.git("rebase", "--continue", env=EDIT)


@pytest.mark.parametrize(
    "rewrite",
    [
        lambda repo: repo.git("rebase", "-q", "main"),
        lambda repo: repo.git("rebase", "-q", "--apply", "main"),
        _pulled,
        _amended,
        _conflict,
        lambda repo: _interactively(repo, "s/^pick/reword/", "main"),
        lambda repo: (_amended(repo), repo.git("rebase", "-q", "main")),
    ],
    ids=["rebase", "rebase --apply", "pull --rebase", "amend", "conflict", "reword", "amend, then rebase"],
)
def test_what_was_on_its_way_follows(topic: Repository, rewrite: Callable[[Repository], object]) -> None:
    old = topic.git("rev-parse", "HEAD")
    made = put(topic, old)
    rewrite(topic)
    assert topic.git("rev-parse", "HEAD") != old
    assert drain_all(topic) == 1
    assert ids_on(topic, old) == ids_on(topic, topic.git("rev-parse", "HEAD")) == [made]


def test_each_of_several_goes_to_its_own(topic: Repository) -> None:
    """All were made in the same second by the same author."""
    made = [put(topic, topic.git("rev-parse", name)) for name in ("HEAD~1", "HEAD")]
    topic.git("rebase", "-q", "main")
    drain_all(topic)
    assert [ids_on(topic, topic.git("rev-parse", name)) for name in ("HEAD~1", "HEAD")] == [[made[0]], [made[1]]]


def test_what_is_squashed_comes_together(topic: Repository) -> None:
    made = [put(topic, topic.git("rev-parse", name)) for name in ("HEAD~1", "HEAD")]
    _interactively(topic, "2s/^pick/squash/", "main")
    drain_all(topic)
    assert sorted(ids_on(topic, topic.git("rev-parse", "HEAD"))) == sorted(made)


def test_a_fixup_goes_to_what_it_mends(topic: Repository) -> None:
    topic.write("a.txt", TEN.replace("9", "neun"))
    topic.git("commit", "-q", "-a", "--fixup", "HEAD~1")
    made = put(topic, topic.git("rev-parse", "HEAD"))
    topic.git("rebase", "-q", "-i", "--autosquash", "main", env={"GIT_SEQUENCE_EDITOR": "true", **EDIT})
    drain_all(topic)
    assert ids_on(topic, topic.git("rev-parse", "HEAD~1")) == [made]


def test_what_was_dropped_goes_nowhere(topic: Repository) -> None:
    old = topic.git("rev-parse", "HEAD")
    made = put(topic, old)
    topic.git("reset", "-q", "--hard", "HEAD~1")
    drain_all(topic)
    assert (ids_on(topic, old), ids_on(topic, topic.git("rev-parse", "HEAD"))) == ([made], [])


@pytest.mark.parametrize("words", ["wip", ""])
def test_what_was_dropped_goes_to_no_namesake(topic: Repository, words: str) -> None:
    """Another commit has the same subject, and was rebased, too; one that was squashed has an empty line."""
    made = []
    for number in range(3):
        topic.write(f"{number}.txt", f"{number}\n")
        topic.git("add", "-A")
        when = {"GIT_AUTHOR_DATE": f"@170000000{number} +0000"}
        topic.git("commit", "-q", "--allow-empty-message", "-m", words if number != 2 else "other", env=when)
        made.append(topic.git("rev-parse", "HEAD"))
    dropped = put(topic, made[0])
    _interactively(topic, "2s/^pick/squash/; 3s/^pick/drop/", "main")
    assert drain_all(topic) == 1
    assert ids_on(topic, made[0]) == [dropped]
    assert [ids_on(topic, f) for f in topic.git("rev-list", "HEAD").split()] == [[], [], [], [], []]


def test_what_a_tag_or_an_old_branch_has_went_nowhere(topic: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(whereabouts, "RECENT", 1)
    where = Whereabouts(kernel_repo(topic))
    assert where.has(topic.git("rev-parse", "main~1"))
    released = topic.commit("nine", a__txt=TEN)
    topic.git("tag", "v1")
    topic.git("reset", "-q", "--hard", "HEAD~1")
    topic.commit("more", d__txt="d\n")
    topic.commit("nine", e__txt="e\n")
    _interactively(topic, "4s/^pick/squash/", "main")
    assert "nine" in topic.git("log", "-1", "--format=%B")
    assert Whereabouts(kernel_repo(topic)).rewritten(released) is None
    assert not where.has("0" * 40)


def test_a_note_that_git_carried_is_left_alone(topic: Repository) -> None:
    made = put(topic, topic.git("rev-parse", "HEAD"))
    assert spool.drain(kernel_repo(topic)) == 1
    topic.git("rebase", "-q", "main")
    assert drain_all(topic) == 0
    assert ids_on(topic, topic.git("rev-parse", "HEAD")) == [made]


def test_a_commit_of_a_linked_worktree_is_no_lost_one(topic: Repository) -> None:
    topic.git("worktree", "add", "-q", "--detach", "../linked", "topic")
    linked = Repository(topic.path.parent / "linked")
    made = put(topic, linked.commit("elsewhere", d__txt="d\n"))
    drain_all(topic)
    assert ids_on(topic, linked.git("rev-parse", "HEAD")) == [made]


def test_a_pick_waits_for_the_review_of_its_source(topic: Repository) -> None:
    """It was picked before the record was a note: it is looked at again."""
    kernel = kernel_repo(topic)
    source = topic.git("rev-parse", "HEAD")
    put(topic, source)
    topic.git("switch", "-q", "main")
    topic.git("cherry-pick", "topic")
    assert link(kernel) == 0
    drain_all(topic)
    assert link(kernel) == 1
    assert ids_on(topic, topic.git("rev-parse", "HEAD"))


def test_a_pick_waits_for_a_review_that_comes_late(topic: Repository) -> None:
    kernel = kernel_repo(topic)
    source = topic.git("rev-parse", "HEAD")
    missed = review_record(topic, source, status="unreviewed", reason="pro: away")
    spool.put(kernel, source, missed)
    data = {"node": "pro", "mode": "late", "block_at": "error", "head": None, "tree": missed["tree"]}
    entry = outbox.put(kernel, data | {"base": missed["base"]}, {"diff": ""}, max_bytes=1000)
    outbox.link(kernel, {"outbox": entry, "id": missed["id"]}, source)
    drain_all(topic)
    topic.git("switch", "-q", "main")
    topic.git("cherry-pick", "topic")
    assert (link(kernel), link(kernel)) == (0, 0)
    spool.put(kernel, source, review_record(topic, source, id=record.new_id(), supersedes=missed["id"]))
    outbox.remove(kernel, entry)
    drain_all(topic)
    assert link(kernel) == 1
