"""The index of past messages follows HEAD, whatever happens to its history."""

from __future__ import annotations

from maw.errors import FatalError
from maw.git.repo import discover
from maw.messages import store
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
