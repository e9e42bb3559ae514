"""Watching a real runner: through its restarts, and over a link that breaks."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from maw import client, paths, reach, tasks, wire
from maw.config.load import load
from maw.errors import FatalError, NodeError
from maw.link import control
from maw.watch import gauges, names
from maw.watch.board import Picture, Seen
from maw.watch.node import Watcher
from maw.watch.task import Follower
from tests.fixtures.runner import RunnerProcess
from tests.fixtures.ssh import Air, Pro
from tests.fixtures.waiting import eventually

Watch = Callable[[str], Watcher]


@pytest.fixture
def watch() -> Iterator[Watch]:
    """Watchers that are gone afterwards, with their threads."""
    started: list[Watcher] = []

    def start(node: str) -> Watcher:
        started.append(Watcher(node, lambda: None))
        started[-1].start()
        return started[-1]

    yield start
    for watcher in started:
        watcher.stop()
    eventually(lambda: not [thread for thread in threading.enumerate() if thread.name.startswith("maw-watch")])


def sees(watcher: Watcher, accept: Callable[[Picture], object]) -> Picture:
    return eventually(watcher.board.look, accept)


def states(picture: Picture) -> dict[str, str]:
    return {seen.task.id: seen.task.state for seen in picture.tasks}


def has(task: str, state: str) -> Callable[[Picture], bool]:
    return lambda picture: states(picture).get(task) == state


def seen(picture: Picture, task: str) -> Seen:
    return next(found for found in picture.tasks if found.task.id == task)


def test_what_was_there_and_what_comes(runner: RunnerProcess, watch: Watch) -> None:
    old = runner.submit(echo="old", title="the old one")["id"]
    runner.wait(old)
    watcher = watch(reach.LOCAL)
    picture = sees(watcher, has(old, "done"))
    assert picture.known and picture.away is None and seen(picture, old).task.title == "the old one"
    new = runner.submit(texts=200, text_pause=0.005, events=2, wait_for="go", title="the new one")["id"]
    picture = sees(watcher, lambda now: has(new, "running")(now) and seen(now, new).done == 2)
    assert seen(picture, new).said == "".join(f"{number} " for number in range(200))
    assert seen(picture, new).total == 9 and picture.rate > 10
    runner.release("go")
    sees(watcher, has(new, "done"))


def test_a_runner_that_is_killed_and_comes_back(runner: RunnerProcess, watch: Watch) -> None:
    watcher = watch(reach.LOCAL)
    task = runner.submit(texts=3, wait_for="go")["id"]
    sees(watcher, lambda now: has(task, "running")(now) and seen(now, task).said)
    runner.kill()
    picture = sees(watcher, lambda now: now.away is not None)
    assert has(task, "running")(picture)  # what is known stays to be seen
    picture = sees(watcher, lambda now: now.away is not None and "no runner runs" in now.away.error.message)
    time.sleep(1)
    assert not reach.is_up(reach.LOCAL)  # it looks on, and starts nothing
    runner.start()
    watcher.hurry()
    picture = sees(watcher, lambda now: now.away is None and seen(now, task).said == "0 1 2 ")
    assert seen(picture, task).task.attempt == 2  # the first attempt's words are void
    runner.release("go")
    sees(watcher, has(task, "done"))


def test_what_was_said_before_the_first_look_tells_no_speed(runner: RunnerProcess, watch: Watch) -> None:
    task = runner.submit("review", texts=900, events=1, wait_for="go")["id"]
    next(event for event in client.events(reach.LOCAL, task) if event.type == "unit")  # after its texts
    watcher = watch(reach.LOCAL)
    picture = sees(watcher, lambda now: any("899" in one.said for one in now.tasks))
    assert seen(picture, task).rate == 0


def test_a_stop_is_told_and_what_happened_meanwhile_is_known_after(runner: RunnerProcess, watch: Watch) -> None:
    watcher = watch(reach.LOCAL)
    task = runner.submit(wait_for="go")["id"]
    sees(watcher, has(task, "running"))
    runner.stop()
    sees(watcher, lambda now: now.away is not None)
    runner.release("go")
    runner.start()
    sees(watcher, lambda now: now.away is None and has(task, "done")(now))


@pytest.mark.slow
def test_another_runner_is_not_taken_for_the_one_before(runner: RunnerProcess, watch: Watch) -> None:
    watcher = watch(reach.LOCAL)
    for number in range(3):
        task = runner.submit(echo=number)["id"]
        sees(watcher, has(task, "done"))
    runner.kill()
    shutil.rmtree(paths.runner_dir())
    runner.start()
    watcher.hurry()
    new = runner.submit(echo="new")["id"]
    assert set(states(sees(watcher, has(new, "done")))) == {new}


def test_a_flood_is_followed_and_cancel_retry_and_priority_show(runner: RunnerProcess, watch: Watch) -> None:
    watcher = watch(reach.LOCAL)
    first = runner.submit(wait_for="go")["id"]
    many = [runner.submit(echo=number)["id"] for number in range(60)]
    picture = sees(watcher, lambda now: now.count("queued") == 60)
    assert [found.task.id for found in picture.tasks] == [first, *many]
    assert tasks.prioritise(reach.LOCAL, many[-1])["priority"] == tasks.BUMPED
    assert tasks.cancel(reach.LOCAL, many[0])["state"] == "cancelled"
    sees(watcher, has(many[0], "cancelled"))
    again = tasks.retry(reach.LOCAL, many[0])["id"]
    sees(watcher, has(again, "queued"))
    runner.release("go")
    picture = sees(watcher, lambda now: not now.count("queued") and not now.count("running"))
    assert picture.count("done") == 61


def test_a_task_is_followed_from_its_first_word_across_a_restart(runner: RunnerProcess) -> None:
    task = runner.submit(texts=2, wait_for="go")["id"]
    runner.wait(task, "running")
    told: list[wire.Event] = []
    said: list[FatalError] = []
    follower = Follower(reach.LOCAL, task, told.append, said.append)
    follower.start()
    eventually(lambda: [event.type for event in told][:2] == ["queued", "started"])
    runner.kill()
    eventually(lambda: said)
    runner.release("go")
    runner.start()
    follower.hurry()
    eventually(lambda: told[-1].type == "done")
    assert [event.id for event in told] == sorted({event.id for event in told})
    assert "restarted" in [event.type for event in told]
    follower.stop()


def test_a_task_that_is_forgotten_is_said_once(runner: RunnerProcess) -> None:
    said: list[FatalError] = []
    follower = Follower(reach.LOCAL, "f" * 12, lambda _: None, said.append)
    follower.start()
    eventually(lambda: said)
    follower.stop()
    assert len(said) == 1 and "no task" in said[0].message


def test_a_watcher_ends_at_once_although_nothing_comes(runner: RunnerProcess, watch: Watch) -> None:
    watcher = watch(reach.LOCAL)
    sees(watcher, lambda now: now.known)
    watcher.stop()
    assert not watcher._thread.is_alive()


def test_gauges_start_no_runner_and_read_one_that_runs(runner_process: RunnerProcess) -> None:
    with pytest.raises(NodeError, match="no runner runs"):
        gauges.read(reach.LOCAL)
    runner_process.start()
    found = gauges.read(reach.LOCAL)
    assert found.status.pid == runner_process.pid and found.ledger is None  # this runner has no engine


def test_which_nodes_there_are(home: Path) -> None:
    (home / "config.toml").write_text('node = "pro"\n[nodes.gpu]\nhost = "g"\n[nodes.pro]\nhost = "p"\n')
    assert names.watched(load()) == ["pro", "gpu"]
    paths.make_private_dir(paths.runner_dir())
    assert names.watched(load()) == ["pro", "gpu", "local"]


def test_a_link_that_is_cut_comes_back(pro_runner: Pro, watch: Watch) -> None:
    watcher = watch("pro")
    sees(watcher, lambda now: now.known)
    task = client.submit("pro", {"kind": "echo", "payload": {"wait_for": "go"}})["id"]
    sees(watcher, has(task, "running"))
    control.stop("pro")
    picture = sees(watcher, lambda now: now.away is not None)
    assert has(task, "running")(picture)
    (pro_runner.state / "go").touch()
    sees(watcher, lambda now: now.away is None and has(task, "done")(now))


def test_a_node_that_cannot_be_reached_says_why(air: Air, watch: Watch) -> None:
    air.write_config(port=1)
    picture = sees(watch("pro"), lambda now: now.away is not None)
    assert not picture.known and picture.away is not None and isinstance(picture.away.error, NodeError)
    assert picture.away.error.code == "refused"
