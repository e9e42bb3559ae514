"""The index of past messages follows HEAD, whatever happens to its history."""

from __future__ import annotations

from pathlib import Path

from maw.errors import FatalError
from maw.git.repo import discover
from maw.messages import learned, store
from maw.messages.index import MessageIndex
from tests.fixtures.git import Repository
from tests.messages import repositories


def _messages(repo: Repository) -> set[str]:
    with MessageIndex(discover(str(repo.path))) as index:
        index.refresh()
        return {example.message for example in index.similar(["queue.py"], ["readLine"], most=50)}


def test_it_follows_rewritten_history(repo: Repository) -> None:
    for number, message in enumerate(repositories.CONVENTIONAL):
        repo.commit(message, queue__py=f"def readLine{number}(): pass\n")
    assert _messages(repo) == {message.strip() for message in repositories.CONVENTIONAL}
    repo.git("reset", "-q", "--hard", "HEAD~2")
    repo.commit("fix(core): say it otherwise", queue__py="def readLine(): return 1\n")
    expected = {*(message.strip() for message in repositories.CONVENTIONAL[:-2]), "fix(core): say it otherwise"}
    assert _messages(repo) == expected
    found = store.load(discover(str(repo.path)))
    assert found is not None
    assert found.commits == len(expected)


def test_it_follows_each_worktree(repo: Repository, home: Path) -> None:
    """They share it: who looks from one of them takes nothing from the others."""
    repo.commit("feat: read lines", queue__py="def readLine(): pass\n")
    linked = home / "linked"
    repo.git("worktree", "add", "-q", "-b", "side", str(linked))
    side = Repository(linked)
    side.commit("feat: read lines twice", queue__py="def readLine(): return 2\n")
    repo.commit("feat: read lines backwards", queue__py="def readLine(): return -1\n")
    everything = {"feat: read lines", "feat: read lines twice", "feat: read lines backwards"}
    assert _messages(side) == _messages(repo) == everything
    assert learned.at_a_glance(discover(str(linked))).commits == 2
    repo.git("worktree", "remove", str(linked))
    assert _messages(repo) == everything - {"feat: read lines twice"}


def test_a_damaged_one_is_made_anew(repo: Repository) -> None:
    repo.commit("feat: add a queue", queue__py="def readLine(): pass\n")
    assert _messages(repo) == {"feat: add a queue"}
    repo.write(".git/maw/messages.db", b"no database " * 100)
    repo.commit("feat: add more", queue__py="def readLine(): return 2\n")
    place = discover(str(repo.path))
    with MessageIndex(place) as index:
        try:
            index.refresh()
        except FatalError as exc:
            assert "made anew" in str(exc)
    assert _messages(repo) == {"feat: add a queue", "feat: add more"}
