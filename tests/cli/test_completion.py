"""What a Tab offers: keys, values, nodes, models, ids, revisions and files, known without asking a node."""

from __future__ import annotations

import os
import pty
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete

from maw import paths
from maw.attendant import pending
from maw.cli.completion import script
from maw.cli.main import maw as command
from maw.config import edit
from maw.memory.index import Index
from tests.fixtures.attendant import finding, kernel_repo, review_record
from tests.fixtures.git import Repository
from tests.fixtures.waiting import wait_for
from tests.memory.noted import note

GIT_COMPLETION = Path("/usr/share/bash-completion/completions/git")


def offered(*words: str) -> list[str]:
    """What is offered for the last word."""
    items = ShellComplete(command, {}, "maw", "_MAW_COMPLETE").get_completions(list(words[:-1]), words[-1])
    return [str(item.value) for item in items]


@pytest.fixture
def project(repo: Repository, monkeypatch: pytest.MonkeyPatch) -> Repository:
    commit = repo.commit("first", a__py="a = 1\n")
    repo.git("branch", "topic/one")
    repo.git("tag", "v1")
    repo.git("remote", "add", "upstream", str(repo.path))
    for key, host in (("nodes.pro.host", "pro.example"), ("nodes.prune.host", "prune.example")):
        edit.set_value(paths.config_file(), key, host)
    note(repo, commit, model="reviewer-7b", findings=[finding("a.py", id="aaaa0001")])
    with Index(kernel_repo(repo)) as index:
        index.refresh()
    waiting = review_record(repo, commit, findings=[finding("a.py", "warning", id="bbbb0002")])
    pending.write(kernel_repo(repo), waiting["tree"], commit, waiting)
    monkeypatch.chdir(repo.path)
    return repo


def test_settings(project: Repository) -> None:
    assert offered("config", "set", "review.on") == [
        "review.on_timeout",
        "review.on_unreachable",
        "review.on_incomplete",
    ]
    assert "nodes.pro.host" in offered("config", "get", "nodes.pro.")
    assert offered("config", "set", "--repo", "review.dead") == []  # not for a repository to say
    assert offered("config", "set", "review.block_at", "") == ["info", "warning", "error", "critical"]
    assert offered("config", "set", "notify", "t") == ["true"]
    assert offered("config", "set", "review.deadline", "") == []


def test_nodes_and_models(project: Repository) -> None:
    assert offered("config", "set", "node", "pr") == offered("review", "--node", "pr") == ["pro", "prune"]
    assert offered("node", "rm", "pru") == ["prune"]
    (Path(paths.model_dir())).mkdir(parents=True)
    (Path(paths.model_dir()) / "mine.json").write_text("{}")
    assert offered("model", "load", "m") == ["mine", "mistral-7b-instruct-v0.3"]
    assert offered("generate", "code", "--model", "review") == ["reviewer-7b"]
    assert "qwen2.5-coder-7b-instruct" in offered("model", "pull", "qwen")
    assert not os.path.exists(paths.runner_dir()) and not os.path.exists(paths.link_dir("pro"))


def test_what_is_in_the_repository(project: Repository) -> None:
    assert offered("show", "") == ["HEAD", "main", "topic/one", "v1"]
    assert offered("review", "main..to") == ["main..topic/one"]
    assert offered("history", "main...v") == ["main...v1"]
    assert offered("sync", "") == ["upstream"]
    assert offered("dismiss", "") == ["bbbb0002", "aaaa0001"]  # the newest first
    assert offered("fix", "bbbb0002", "") == ["aaaa0001"]


def test_what_a_stranger_wrote_is_no_command(project: Repository) -> None:
    ids = ("evil$(touch${IFS}oops)", "evil`id`", "evil;id", "evil\nplain", "evil\x1b[2J", "--evil", "cccc0003")
    found = [finding("a.py\nplain\nevil\x1b[2J", id=name) for name in ids]
    note(project, project.commit("second", b__py="b = 1\n"), model="evil$(id)", findings=found)
    project.git("branch", "evil$(id)")
    with Index(kernel_repo(project)) as index:
        index.refresh()
    items = ShellComplete(command, {}, "maw", "_MAW_COMPLETE").get_completions(["dismiss"], "")
    helped = {item.value: item.help for item in items}
    assert helped["cccc0003"] == "error a.py plain evil\N{REPLACEMENT CHARACTER}[2J"
    assert set(helped) == {"cccc0003", "bbbb0002", "aaaa0001"}
    assert offered("show", "evil") == offered("generate", "code", "--model", "evil") == []


def test_where_nothing_is_known_nothing_is_offered(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(home)
    assert offered("dismiss", "") == offered("show", "") == offered("sync", "") == []
    (home / "config.toml").write_text("[")
    assert offered("config", "get", "notif") == ["notify"]


class Terminal:
    """An interactive bash, typed into."""

    def __init__(self, cwd: Path, setup: str) -> None:
        self._master, slave = pty.openpty()
        self.said = b""
        programs = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        self.process = subprocess.Popen(
            ["bash", "--norc", "--noprofile", "-i"], stdin=slave, stdout=slave, stderr=slave, cwd=cwd,
            env={**os.environ, "PATH": programs, "PS1": "> ", "TERM": "dumb"}, start_new_session=True,
        )  # fmt: skip
        os.close(slave)
        os.set_blocking(self._master, False)
        self.type(setup)

    def type(self, keys: str) -> None:
        os.write(self._master, keys.encode())

    def shows(self, text: str) -> None:
        def seen() -> bool:
            try:
                self.said += os.read(self._master, 65536)
            except BlockingIOError:
                pass
            return text.encode() in self.said

        wait_for(seen, f"{text!r} in the terminal")

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._master)


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash")
def test_in_a_real_bash(project: Repository, home: Path) -> None:
    (home / "maw.bash").write_text(script(shell="bash"))
    project.write("shop/cart.py", "")
    terminal = Terminal(project.path, f"source {home}/maw.bash; echo read''y\n")
    try:
        terminal.shows("ready")
        # What came of the word is seen by what the shell makes of it: ^A goes to the start of the line.
        for typed, whole in (
            ("config get review.dead", "get,review.deadline,end"),
            ("review --node pru", "--node,prune,end"),
            ("generate docs sh", "docs,shop/,end"),
        ):
            terminal.type(f"maw {typed}\t end\x01printf '%s,' \n")
            terminal.shows(whole)
        if GIT_COMPLETION.exists():
            terminal.type(f"source {GIT_COMPLETION}; echo git''ready\n")
            terminal.shows("gitready")
            terminal.type("git -C . maw show top\tend\x01printf '%s,' \n")
            terminal.shows("maw,show,topic/one,end")
    finally:
        terminal.close()
