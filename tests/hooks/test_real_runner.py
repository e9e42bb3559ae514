"""From `git commit` to the note, with the real runner and the embedded model: nothing in between is scripted."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from maw import client, reach
from maw.errors import FatalError
from maw.git.repo import discover
from maw_hooks import install
from tests.fixtures.fake_runner import FakeRunner
from tests.fixtures.git import Repository
from tests.fixtures.model import EmbeddedModel
from tests.fixtures.runner import eventually
from tests.hooks.conftest import Hooked

pytestmark = [pytest.mark.model, pytest.mark.slow]

AVERAGE = (
    "def average(items):\n    total = 0\n    for item in items:\n        total += item\n    return total / len(items)\n"
)


@pytest.fixture
def project(repo: Repository, embedded_model: EmbeddedModel, home: Path) -> Iterator[Hooked]:
    """Hooks installed, no runner yet: the first commit starts it."""
    with open(home / "config.toml", "a", encoding="utf-8") as file:
        file.write('review.deadline = "100s"\nreview.on_incomplete = "block"\nreview.on_unreachable = "block"\n')
    repo.commit("first", readme__md="hello\n")
    install.install(discover(str(repo.path)))
    yield Hooked(repo, FakeRunner(home, home / "unused"))
    subprocess.run([sys.executable, "-m", "maw_remote", "stop"], check=False, capture_output=True)


def _status() -> dict[str, object]:
    try:
        status = client.request(reach.LOCAL, "GET", "/api/v1/status")
    except FatalError:
        return {}
    assert isinstance(status, dict)
    return status


def test_the_whole_way(project: Hooked) -> None:
    project.write("average.py", AVERAGE)
    project.ok("add", ".")
    project.git("commit", "-m", "add average", MAW_REVIEW_BLOCK_AT="critical")
    if project.head == project.out("rev-list", "--max-parents=0", "HEAD"):
        project.ok("commit", "-n", "-m", "add average")  # the tiny model may well say critical
    record = json.loads(eventually(lambda: project.git("notes", "--ref=maw/review", "show", "HEAD").stdout))
    assert record["status"] == "reviewed"
    assert record["units"] == {"total": 1, "done": 1, "failed": 0, "reused": 0}
    assert record["model"].startswith("smollm2")
    assert record["stats"]["prompt_tokens"] > 0
    for finding in record["findings"]:
        assert (finding["path"], finding["quote"] in AVERAGE.splitlines()) == ("average.py", True)


def test_a_message_from_the_editor_to_its_note(project: Hooked) -> None:
    """What the tiny model writes is of no worth; it is taken as it is, and that is recorded."""
    project.write("average.py", AVERAGE)
    project.ok("add", ".")
    project.ok("commit", "-n", GIT_EDITOR="true", MAW_MESSAGE_DEADLINE="100s")
    record = json.loads(eventually(lambda: project.git("notes", "--ref=maw/message", "show", "HEAD").stdout))
    assert (record["status"], record["edit_distance"], record["head"]) == ("taken", 0, project.head)
    assert record["suggestion"].split() == project.out("log", "-1", "--format=%B").split()
    assert record["model"].startswith("smollm2")


def test_a_runner_killed_in_the_middle_of_a_review(project: Hooked) -> None:
    """The hook starts another one, follows the same task and gets each finding once."""
    for number in range(4):
        project.write(f"average{number}.py", AVERAGE.replace("average", f"average{number}"))
    project.ok("add", ".")
    with subprocess.Popen(
        ["git", "commit", "-m", "four files"], cwd=project.path, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as process:
        status = eventually(_status, lambda found: bool(found.get("running")))
        os.kill(status["pid"], signal.SIGKILL)
        assert process.stderr is not None
        said = process.stderr.read().decode()
    assert "maw: " in said
    assert "cannot be reached" not in said
    assert "could not be reviewed" not in said
    (pending_or_record,) = project.pending or [eventually(project.record)]
    assert pending_or_record["status"] == "reviewed"
    assert pending_or_record["units"] == {"total": 4, "done": 4, "failed": 0, "reused": 0}
    assert _status()["pid"] != status["pid"]
    for item in pending_or_record["findings"]:
        assert said.count(item["path"]) >= 1
