"""The user's command in a scratch worktree: the exact state, and no harm by what it does."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from maw.edits import scratch, verify
from maw.edits.diff import FileEdit
from maw.edits.propose import Proposal
from maw.git.repo import Repo
from maw.git.run import GitError
from tests.edits.conftest import tree_of, whole
from tests.edits.test_propose import FIX
from tests.fixtures.git import Repository
from tests.fixtures.home import processes_of

Offer = Callable[..., Proposal]


def run(home: Path, command: str, timeout: float = 30.0) -> verify.Outcome:
    return verify.run(command, str(home), timeout=timeout, env=dict(os.environ))


def test_it_runs_on_the_state_with_the_edits(project: Repository, place_of: Repo, offer: Offer) -> None:
    made = offer(FIX + whole("src/new.py", "x = 1\n"))
    project.write("notes.txt", "not staged\n")
    project.write("untracked.txt", "u\n")
    project.write("debug.log", "ignored\n")
    project.write("staged.txt", "s\n")
    project.git("add", "staged.txt")
    before, index = tree_of(project), (project.path / ".git/index").read_bytes()
    refs = project.git("for-each-ref"), project.git("worktree", "list")
    command = (
        "cat src/app.py src/new.py notes.txt untracked.txt staged.txt; ls debug.log; git log --oneline | wc -l; "
        "git status --porcelain; basename $PWD; ls $MAW_WORKTREE/debug.log; echo made > by-the-command; exit 3"
    )
    went = verify.verify(place_of, made.edits, command, timeout=60)
    assert (went.code, went.passed, went.dropped) == (3, False, 0)
    said = went.text()
    for part in ("return a + b", "x = 1", "not staged", "u\ns\n", "\n2\n", "M src/app.py\n?? src/new.py\nrepo\n"):
        assert part in said
    assert "cannot access 'debug.log'" in said
    assert f"{project.path}/debug.log" in said
    assert tree_of(project) == before
    assert (project.path / ".git/index").read_bytes() == index
    assert (project.git("for-each-ref"), project.git("worktree", "list")) == refs
    assert os.listdir(project.path / ".git/maw/scratch") == []


def test_before_the_first_commit_and_in_the_middle_of_a_merge(
    project: Repository, repo: Repository, home: Path
) -> None:
    from maw.git.repo import discover
    from tests.fixtures.git import make_repository

    fresh = make_repository(home / "fresh")
    fresh.write("a.txt", "a\n")
    assert verify.verify(discover(str(fresh.path)), [], "cat a.txt", timeout=60).head == b"a\n"
    project.git("checkout", "-q", "-b", "side")
    project.commit("theirs", notes__txt="1\n")
    project.git("checkout", "-q", "main")
    project.commit("ours", notes__txt="I\n")
    project.git("merge", "side", check=False)
    assert "=======" in verify.verify(discover(str(project.path)), [], "cat notes.txt", timeout=60).text()
    assert "UU notes.txt" in project.git("status", "--porcelain")


def test_bytes_are_the_users_whatever_git_would_check_out(project: Repository, place_of: Repo) -> None:
    project.git("config", "core.autocrlf", "true")
    project.git("config", "core.safecrlf", "true")  # with which git adds nothing that it would not give back the same
    edits = [FileEdit("notes.txt", (project.path / "notes.txt").read_bytes(), b"unix\n")]
    assert verify.verify(place_of, edits, "od -c notes.txt", timeout=60).head.split()[1:6] == [
        b"u",
        b"n",
        b"i",
        b"x",
        b"\\n",
    ]


def test_no_hook_runs(project: Repository, place_of: Repo) -> None:
    hook = project.write(".git/hooks/post-checkout", "#!/bin/sh\ntouch $HOME/ran\n")
    hook.chmod(0o755)
    verify.verify(place_of, [], "true", timeout=60)
    assert not (project.path.parent / "ran").exists()


def test_a_worktree_that_is_away_stays_known(project: Repository, place_of: Repo, home: Path) -> None:
    """On a disk that is not mounted now: with git's knowledge of it, what is staged there would be gone."""
    project.git("worktree", "add", "-q", "--detach", str(home / "linked"))
    linked = Repository(home / "linked")
    linked.write("src/app.py", "x = 1\n")
    linked.git("add", "-A")
    (home / "linked").rename(home / "away")
    assert verify.verify(place_of, [], "rm -rf .git", timeout=60).passed
    (home / "away").rename(home / "linked")
    assert linked.git("status", "--short") == "M  src/app.py"
    assert project.git("worktree", "list").count("\n") == 1


def test_what_a_killed_one_left_is_removed_by_the_next(project: Repository, place_of: Repo) -> None:
    pid = os.fork()
    if pid == 0:
        with scratch.worktree(place_of, []) as path:
            os.chmod(path, 0o500)
            os._exit(9)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 9
    (lease,) = (project.path / ".git/maw/scratch").iterdir()
    left = Path(lease.read_text())
    assert left.is_dir()
    with scratch.worktree(place_of, []) as path:
        assert not left.exists()
        assert Path(path).is_dir()
    assert not Path(path).exists()
    assert project.git("worktree", "list").count("\n") == 0


def test_a_change_of_the_same_second_and_size(project: Repository, place_of: Repo) -> None:
    """By the file's size and time, git takes it for what is in an index that is younger than it."""
    index, app = project.path / ".git/index", project.path / "src/app.py"
    second = int(time.time()) - 60
    os.utime(app, (second, second))
    project.git("update-index", "--refresh")
    os.utime(index, (second, second))
    with app.open("r+") as file:
        file.write("def add(a, c")
    os.utime(app, (second, second))
    assert "def add(a, c" in verify.verify(place_of, [], "cat src/app.py", timeout=60).text()


def test_what_git_cannot_add_is_left_out(project: Repository, place_of: Repo) -> None:
    project.git("init", "-q", "nested")
    project.write("untracked.txt", "u\n")
    assert verify.verify(place_of, [], "ls; cat untracked.txt", timeout=60).passed


def test_a_state_that_cannot_be_taken_leaves_nothing(project: Repository, place_of: Repo) -> None:
    (project.path / ".git/index").write_bytes(b"no index")
    with pytest.raises(GitError), scratch.worktree(place_of, []):
        pass
    assert os.listdir(project.path / ".git/maw/scratch") == []


def test_one_that_hangs_is_killed(home: Path) -> None:
    went = run(home, "echo started; sleep 60", timeout=0.5)
    assert (went.code, went.head) == (None, b"started\n")
    assert processes_of(home) == {}


def test_one_that_ignores_signals_and_forks_is_killed(home: Path) -> None:
    command = "trap '' TERM INT HUP; for n in 1 2 3; do (trap '' TERM; sleep 60) & done; (setsid sleep 60 &); sleep 60"
    assert run(home, command, timeout=0.5).code is None
    assert processes_of(home) == {}


@pytest.mark.parametrize("before", ["", "exec >/dev/null 2>&1; "], ids=["prints", "is silent"])
def test_one_that_somebody_stops_is_killed(home: Path, before: str) -> None:
    command = f"{before}touch begun; (setsid sleep 60 &); sleep 60"
    with pytest.raises(verify.Stopped):
        verify.run(command, str(home), timeout=60, env=dict(os.environ), stopped=(home / "begun").exists)
    assert processes_of(home) == {}


def test_what_it_leaves_running_is_killed_and_not_waited_for(home: Path) -> None:
    started = time.monotonic()
    went = run(home, "sleep 60 & (setsid sleep 60 &); echo done")
    assert (went.code, went.head) == (0, b"done\n")
    assert time.monotonic() - started < 50
    assert processes_of(home) == {}


def test_no_terminal_and_no_input(home: Path) -> None:
    went = run(home, "cat; tty; (: < /dev/tty) 2>/dev/null || echo no terminal")
    assert went.text() == "not a tty\nno terminal\n"


def test_of_endless_output_a_head_and_a_tail_are_kept(home: Path) -> None:
    went = run(home, "yes | head -c 300000000; echo the end")
    assert went.code == 0
    assert went.head == b"y\n" * (verify.HEAD // 2)
    assert len(went.tail) == verify.TAIL
    assert went.tail.endswith(b"y\nthe end\n")
    assert went.dropped == 300_000_000 + 8 - verify.HEAD - verify.TAIL
    assert "[… 299.9 MB left out …]" in went.text()


def test_short_output_is_whole(home: Path) -> None:
    for length in (verify.HEAD - 1, verify.HEAD, verify.HEAD + 1, verify.HEAD + verify.TAIL):
        went = run(home, f"yes | head -c {length}")
        assert (len(went.head + went.tail), went.dropped) == (length, 0)
    assert run(home, "printf '\\033[2J\\377'").text() == "\N{REPLACEMENT CHARACTER}[2J\N{REPLACEMENT CHARACTER}"


def test_a_command_that_closes_its_output_goes_on(home: Path) -> None:
    went = run(home, "exec >&- 2>&-; sleep 0.3; exit 4")
    assert went.code == 4


def test_a_command_that_is_none(home: Path) -> None:
    went = run(home, "no-such-command-anywhere")
    assert went.code == 127
    assert run(home, "kill -9 $$").code == -9
