"""What commands say: words, colours, hints."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from maw.config.load import load
from maw.errors import FatalError
from maw.finding import finding_from_json
from maw.review.render import finding_lines, tally
from tests.fixtures.cli import Maw
from tests.fixtures.fake_runner import FakeRunner, finding, result
from tests.fixtures.git import Repository


def test_a_tally_counts_in_plural_what_has_one() -> None:
    found = [finding_from_json(finding(line, word)) for line, word in enumerate(["error"] * 3 + ["warning", "info"], 1)]
    found += [finding_from_json(finding(9, "critical")), finding_from_json(finding(8, "info"))]
    assert tally(found) == "7 findings: 1 critical, 3 errors, 1 warning, 2 info"


def test_a_replacement_that_is_the_quoted_line_is_not_shown() -> None:
    def shown(replacement: str) -> list[str]:
        return [line.text for line in finding_lines(finding_from_json(finding(replacement=replacement)))]

    quote = finding()["quote"]
    assert not any(line.startswith("    > ") for line in shown(quote + "\n"))
    assert any(line.startswith("    > ") for line in shown("    " + quote))  # other blanks are another line


def test_a_change_of_which_all_was_skipped_is_not_found_clean(
    repo: Repository, maw: Maw, fake_runner: FakeRunner
) -> None:
    skipped = [{"path": "a.lock", "reason": "a lock file"}]
    steps = [{"event": "done", "data": {"result": {**result(done=0), "skipped": skipped}}}]
    fake_runner.plays(steps=steps)
    repo.commit("one", a__lock="1\n")
    said = maw("review", "HEAD", cwd=repo.path).err
    assert "nothing was reviewed" in said and "nothing found" not in said


def test_a_cancelled_review_says_so_once(repo: Repository, maw: Maw, fake_runner: FakeRunner) -> None:
    fake_runner.plays(steps=[{"event": "cancelled", "data": {"reason": "cancelled"}}])
    repo.commit("one", a__py="1\n")
    said = maw("review", "HEAD", cwd=repo.path).err
    assert "the review was cancelled" in said and "cancelled: cancelled" not in said


def test_a_value_may_begin_with_a_dash(maw: Maw) -> None:
    assert maw("config", "set", "runner.gpu_layers", "-1").code == 0
    assert maw("config", "get", "runner.gpu_layers").out == "-1\n"


@pytest.mark.parametrize(("no_color", "escapes"), [("1", False), ("", True)])
@pytest.mark.parametrize("arguments", [["review", "HEAD"], ["doctor", "--offline"]])
def test_no_color_leaves_no_escape_at_all(
    repo: Repository, fake_runner: FakeRunner, arguments: list[str], no_color: str, escapes: bool
) -> None:
    fake_runner.plays(finding())
    repo.commit("one", a__py="1\n")
    environment = os.environ | {"TERM": "xterm", "NO_COLOR": no_color}
    assert (b"\x1b[" in _on_a_terminal([*arguments], repo.path, environment)) is escapes


def _on_a_terminal(arguments: list[str], directory: Path, environment: dict[str, str]) -> bytes:
    """What a command writes to a terminal that is its standard output."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "maw", *arguments], cwd=directory, env=environment, stdout=theirs,
        stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    os.close(theirs)
    written = b""
    try:
        while part := os.read(ours, 65536):
            written += part
    except OSError:  # the last one has closed it
        pass
    os.close(ours)
    process.wait(30)
    return written


def test_a_mistake_in_the_repositorys_file_hints_at_that_file(repo: Repository, home: Path) -> None:
    repo.write(".maw.toml", "review.block_at = 3\n")
    with pytest.raises(FatalError) as caught:
        load(worktree=str(repo.path))
    assert "maw config edit --repo" in str(caught.value.hint)
    repo.write(".maw.toml", "")
    (home / "config.toml").write_text("review.block_at = 3\n")
    with pytest.raises(FatalError) as caught:
        load(worktree=str(repo.path))
    assert "--repo" not in str(caught.value.hint)
