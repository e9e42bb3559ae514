"""The Queue screen over real runners: what it shows, what its keys do, and what it makes of faults."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

pytest.importorskip("textual", reason="the tui extra")
pytest.importorskip("uvicorn", reason="a runner needs the runner extra")

from textual.events import MouseScrollDown, MouseScrollUp

from maw import client, paths, reach, record
from maw.attendant import outbox, spool
from maw.git.repo import discover
from maw.link import control
from maw_tui.screens.queue.follow import FollowScreen
from maw_tui.widgets.rows import Rows
from tests.fixtures.attendant import review_record
from tests.fixtures.git import Repository
from tests.fixtures.runner import RunnerProcess
from tests.fixtures.ssh import Pro
from tests.tui.conftest import WIDE, Run, Ui


def row(ui: Ui, text: str) -> str:
    """The list's row with this text; empty while there is none."""
    return next((line for line in ui.lines if text in line and line[:1] in "▶·✓✗–↑"), "")


async def under_cursor(ui: Ui, text: str) -> None:
    """Put the cursor on the row with this text."""
    await ui.until(lambda: row(ui, text), text)
    await ui.press("home")
    while text not in ui.lines[ui.app.screen.query_one("#rows").region.y + ui.app.screen.query_one("#rows").cursor]:
        await ui.press("j")


def test_tasks_come_run_speak_and_end(tui: Run, repo: Repository, runner: RunnerProcess) -> None:
    async def scenario(ui: Ui) -> None:
        await ui.until_has("local on this machine, 0 running, 0 waiting")
        runner.submit("review", texts=60, text_pause=0.01, events=3, wait_for="go", title="shop abc1234 \x1b[31m[b]")
        await ui.until_has("57 58 59")
        await ui.until(lambda: "3/9" in row(ui, "abc1234"))
        assert "\x1b" not in ui.text and "[31m[b]" in row(ui, "abc1234")  # neither the terminal's nor Textual's markup
        runner.submit("review", number=2, title="shop def5678")
        await ui.until_has("1 running, 1 waiting")
        assert row(ui, "def5678").startswith("· queued")
        runner.release("go")
        await ui.until_has("0 running, 0 waiting")
        assert row(ui, "abc1234").startswith("✓ done")

    tui(scenario, repo=repo, screen="queue")


def test_cancel_retry_and_sooner(tui: Run, repo: Repository, runner: RunnerProcess) -> None:
    runner.submit(wait_for="go", title="the first")
    first, second = (runner.submit(number=number, title=f"number {number}")["id"] for number in (1, 2))

    async def scenario(ui: Ui) -> None:
        await under_cursor(ui, "number 2")
        await ui.press("p")
        await ui.until_has(f"task {second} has priority 500")
        await ui.until(lambda: ui.text.index("number 2") < ui.text.index("number 1"), "the one to overtake the other")
        await ui.press("p")
        await ui.until_has(f"task {second} has priority 600")
        await under_cursor(ui, "number 1")
        await ui.press("c")
        await ui.until_has(f"task {first} is cancelled")
        await ui.until(lambda: row(ui, "number 1").startswith("– cancelled"))
        await under_cursor(ui, "number 1")
        await ui.press("t")
        await ui.until_has("does it again")
        await ui.until(lambda: sum("number 1" in line for line in ui.lines if line[:1] in "·–") == 2)
        await ui.until_has("t Try again")
        await under_cursor(ui, "the first")
        await ui.until(lambda: "c Cancel" in ui.lines[-1] and "t Try again" not in ui.lines[-1])  # it is at work
        runner.release("go")

    tui(scenario, repo=repo, screen="queue")


def test_the_cursor_is_on_the_first_row_until_it_is_moved_and_then_keeps_to_its_task(
    tui: Run, repo: Repository, runner: RunnerProcess, waiting: str
) -> None:
    def cursor(ui: Ui) -> str:
        rows = ui.app.screen.query_one(Rows)
        return ui.lines[rows.region.y + rows.cursor]

    async def scenario(ui: Ui) -> None:
        await ui.until(lambda: waiting in cursor(ui))  # the outbox is read before a node answers, or there is no other
        runner.submit(wait_for="go", title="the first")
        await ui.until(lambda: "the first" in cursor(ui))
        runner.submit(number=2, title="the second")
        await ui.until(lambda: row(ui, "the second"))
        assert "the first" in cursor(ui)
        await ui.press("j")
        assert "the second" in cursor(ui)
        runner.submit(number=3, title="the third")
        await ui.until(lambda: row(ui, "the third"))
        await under_cursor(ui, "the third")
        await ui.press("p")
        await ui.until(lambda: ui.text.index("the third") < ui.text.index("the second"))
        assert "the third" in cursor(ui)
        runner.release("go")
        await ui.until(lambda: row(ui, "the third").startswith("✓ done"))
        assert "the third" in cursor(ui)

    tui(scenario, repo=repo, screen="queue")


@pytest.mark.slow
def test_what_others_wait_for_is_cancelled_only_when_that_is_meant(
    tui: Run, repo: Repository, runner: RunnerProcess
) -> None:
    task = runner.submit(wait_for="never", title="ours and theirs")["id"]
    Path(paths.client_id_file()).write_text("theirs0000000000\n")
    runner.submit(wait_for="never", title="ours and theirs")

    async def scenario(ui: Ui) -> None:
        await under_cursor(ui, "ours and theirs")
        await ui.press("c")
        await ui.until_has("others wait for it (C cancels it all the same)")
        await ui.press("C")
        await ui.until_has("although somebody else")
        await ui.press("n")
        assert runner.task(task)["state"] == "running"
        await ui.press("C")
        await ui.until_has("although somebody else")
        await ui.press("y")
        await ui.until(lambda: row(ui, "ours and theirs").startswith("– cancelled"))

    tui(scenario, repo=repo, screen="queue")


def test_a_filter_is_typed_kept_and_remembered(tui: Run, repo: Repository, runner: RunnerProcess) -> None:
    runner.wait(runner.submit("review", title="one shop")["id"])
    runner.wait(runner.submit("review", **{"raise": "bad"}, title="two shop")["id"], "failed")

    async def scenario(ui: Ui) -> None:
        await ui.until_has("one shop", "two shop")
        await ui.press("slash")
        await ui.type("failed shop")
        await ui.until(lambda: not ui.has("one shop") and row(ui, "two shop"))
        await ui.press("enter")
        await ui.press("2", "3")
        await ui.until_has("two shop")
        assert not ui.has("one shop")

    async def again(ui: Ui) -> None:
        await ui.until_has("failed shop", "two shop")
        assert not ui.has("one shop")
        await ui.press("slash", "escape")
        await ui.until_has("one shop")

    tui(scenario, repo=repo, screen="queue")
    tui(again, repo=repo, screen="queue")


@pytest.mark.slow
def test_a_task_is_followed_from_its_first_word_through_a_restart(
    tui: Run, repo: Repository, runner: RunnerProcess
) -> None:
    task = runner.submit("review", texts=30, wait_for="go", title="shop abc1234")["id"]
    runner.wait(task, "running")

    async def scenario(ui: Ui) -> None:
        await under_cursor(ui, "abc1234")
        await ui.press("enter")
        await ui.until_has(f"review {task} on local: following", "started", "0 1 2 3 4")
        runner.kill()
        await ui.until_has("interrupted")
        runner.start()
        await ui.until_has("restarted", ": following")
        runner.release("go")
        await ui.until_has(": done")
        await ui.press("escape")
        await ui.until(lambda: not isinstance(ui.app.screen, FollowScreen))
        await ui.until(lambda: row(ui, "abc1234").startswith("✓ done"))

    tui(scenario, repo=repo, screen="queue")


def test_the_mouse_does_what_the_keys_do(tui: Run, repo: Repository, runner: RunnerProcess) -> None:
    runner.submit(wait_for="go", title="the first")
    for number in range(30):
        runner.submit(number=number, title=f"number {number}.")

    async def scenario(ui: Ui) -> None:
        await ui.until_has("30 waiting")
        rows = ui.app.screen.query_one(Rows)
        await ui.pilot.click(Rows, offset=(5, 2))
        assert rows.cursor == 2 and ui.has("number 1.\n")
        await ui.pilot.click("KeysBar", offset=(ui.lines[-1].index("c Cancel"), 0))
        await ui.until(lambda: row(ui, "number 1.").startswith("– cancelled"))
        await ui.press("home")
        await ui.until_has("the first")
        rows.post_message(MouseScrollDown(rows, 1, 1, 0, 3, 0, False, False, False))
        await ui.until(lambda: rows.scroll_offset.y)
        assert rows.cursor == 0  # it scrolls, and the cursor stays
        rows.post_message(MouseScrollUp(rows, 1, 1, 0, -3, 0, False, False, False))
        await ui.until(lambda: not rows.scroll_offset.y)
        await ui.pilot.click(Rows, offset=(5, 0), times=2)
        await ui.until(lambda: isinstance(ui.app.screen, FollowScreen))
        runner.release("go")
        await ui.until_has(": done")

    tui(scenario, repo=repo, screen="queue")


def test_a_scroll_bar_hides_nothing(tui: Run, repo: Repository, runner: RunnerProcess) -> None:
    runner.submit("review", texts=400, wait_for="go", title="long " * 40)
    for number in range(30):
        runner.submit(number=number, title="long " * 40)

    async def scenario(ui: Ui) -> None:
        await ui.until_has("30 waiting", "398 399")
        await ui.until(lambda: len(ui.lines[4]) >= 79 and ui.lines[4][78] == "…", "the mark of what is cut off")
        await ui.press("enter")
        await ui.resize(20, 24)
        await ui.until_has("399")
        said = [line[:19] for line in ui.lines[2:] if line[:1].isdigit() and ":" not in line]
        numbers = [int(number) for number in " ".join(said).split()]
        assert numbers == list(range(numbers[0], 400))  # none is cut

    tui(scenario, repo=repo, screen="queue")


def test_what_came_of_a_task_is_opened(
    tui: Run, sample: tuple[Repository, dict[str, str]], runner: RunnerProcess
) -> None:
    repo, commits = sample
    noted, blocked = (runner.submit("review", number=number, title=f"shop {number}")["id"] for number in (1, 2))
    runner.wait(noted)
    runner.wait(blocked)
    spool.put(discover(str(repo.path)), commits["docs"], review_record(repo, commits["docs"], task=noted))

    async def scenario(ui: Ui) -> None:
        await under_cursor(ui, "shop 2")
        await ui.press("enter")
        await ui.until_has(f"review {blocked} on local: done", "no commit of this repository has it")
        await ui.press("escape")
        await under_cursor(ui, "shop 1")
        await ui.press("enter")
        await ui.until_has(f"commit {commits['docs']}", "Run `cli.py`.")
        assert ui.app.current_mode == "history"
        await ui.idle()  # the list is read meanwhile
        assert ui.has(f"commit {commits['docs']}")
        await ui.press("3", "f")
        await ui.until_has(f"review {noted} on local: done")

    tui(scenario, repo=repo, screen="queue")


def test_a_runner_that_is_gone_is_told_and_comes_back_by_itself(
    tui: Run, repo: Repository, runner: RunnerProcess
) -> None:
    runner.submit(wait_for="go", title="shop abc1234")

    async def scenario(ui: Ui) -> None:
        await ui.until(lambda: row(ui, "abc1234").startswith("▶ running"))
        runner.kill()
        await ui.until_has("✗ local", "tried again in", "(below: as it was)", "abc1234")
        await ui.until_has("no runner runs on this machine")
        assert not reach.is_up(reach.LOCAL)  # who looks on starts nothing
        runner.start()
        await ui.until_has("● local on this machine, 1 running")
        runner.release("go")
        await ui.until(lambda: row(ui, "abc1234").startswith("✓ done"))

    tui(scenario, repo=repo, screen="queue")


@pytest.mark.slow
def test_a_link_that_is_cut_is_told_and_comes_back_by_itself(tui: Run, repo: Repository, pro_runner: Pro) -> None:
    async def scenario(ui: Ui) -> None:
        await ui.until_has("● pro connected")
        client.submit("pro", {"kind": "echo", "payload": {"wait_for": "go", "title": "shop abc1234"}})
        await ui.until(lambda: "pro" in row(ui, "abc1234"))
        control.stop("pro")
        await ui.until_has("✗ pro", "tried again in")
        (pro_runner.state / "go").touch()
        await ui.until_has("● pro connected, 0 running")
        assert row(ui, "abc1234").startswith("✓ done")

    tui(scenario, repo=repo, screen="queue")


@pytest.fixture
def waiting(repo: Repository) -> str:
    """A review that waits in the outbox; its commit."""
    found = discover(str(repo.path))
    data = {"node": "pro", "mode": "late", "tree": "1" * 40, "base": "2" * 40, "head": None, "block_at": "error"}
    entry = outbox.put(found, data, {"diff": ""}, max_bytes=10**6)
    outbox.link(found, {"outbox": entry, "id": record.new_id()}, "abcdef0123" * 4)
    return "abcdef0123"


def test_the_outbox_is_seen_and_given_up(tui: Run, repo: Repository, waiting: str) -> None:
    async def scenario(ui: Ui) -> None:
        await under_cursor(ui, waiting)
        assert row(ui, waiting).startswith("↑ outbox")
        await ui.until_has("It is sent to local (it", "was for pro)")  # there is no node pro (any more)
        await ui.press("c")
        await ui.until_has("Give this review up?")
        await ui.press("escape")
        await ui.until(lambda: row(ui, waiting))
        await ui.press("c")
        await ui.until_has("Give this review up?")
        await ui.press("y")
        await ui.until(lambda: not row(ui, waiting))
        assert outbox.ids(discover(str(repo.path))) == []

    tui(scenario, repo=repo, screen="queue")


def test_the_commit_of_a_review_in_the_outbox_is_opened(tui: Run, repo: Repository, waiting: str) -> None:
    (file,) = Path(outbox.directory(discover(str(repo.path)))).glob("*.json")
    file.write_text(json.dumps(json.loads(file.read_text()) | {"cause": "unready", "why": "pro lacks \x1b[2J"}))

    async def scenario(ui: Ui) -> None:
        await under_cursor(ui, waiting)
        await ui.until_has("pro lacks", "mended")
        await ui.press("enter")
        await ui.until_has(f"commit {waiting}")
        assert ui.app.current_mode == "history"

    tui(scenario, repo=repo, screen="queue")


def test_a_repository_that_is_removed_ends_nothing(
    tui: Run, repo: Repository, runner: RunnerProcess, waiting: str
) -> None:
    async def scenario(ui: Ui) -> None:
        await ui.until(lambda: row(ui, waiting))
        await under_cursor(ui, waiting)
        await ui.press("c")
        await ui.until_has("Give this review up?")
        shutil.rmtree(repo.path)
        await ui.press("y")
        await ui.until(lambda: not row(ui, waiting))
        runner.submit(title="shop abc1234")
        await ui.until(lambda: row(ui, "abc1234").startswith("✓ done"))

    tui(scenario, repo=repo, screen="queue")


def test_wide_has_the_detail_beside_and_tiny_the_list_alone(tui: Run, repo: Repository, runner: RunnerProcess) -> None:
    runner.submit(texts=5, wait_for="go", title="shop abc1234")

    async def scenario(ui: Ui) -> None:
        await ui.until_has("0 1 2 3 4")
        line = next(line for line in ui.lines if "abc1234" in line)
        assert "▶ running" in line and "│ " in line
        await ui.resize(20, 5)
        await ui.until(lambda: len(ui.lines) == 5 and any(line.startswith("▶ running") for line in ui.lines))
        await ui.press("j", "k", "c")
        await ui.resize(80, 24)
        await ui.until_has("abc1234")

    tui(scenario, repo=repo, screen="queue", size=WIDE)
