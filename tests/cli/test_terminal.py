"""What a node or a stranger wrote reaches the terminal without its control characters, and forges no line."""

from __future__ import annotations

import json
import os
import pty
import socketserver
import subprocess
import sys
import threading
from pathlib import Path

import click
import pytest

from maw import errors, paths, statuslines
from maw.cli import failure, queue
from maw.cli.config import get, list_settings
from maw.errors import FatalError
from maw.git.notes import Notes
from maw.record import encode, parse_line
from tests.cli.test_failure import raising
from tests.fixtures.attendant import finding, kernel_repo, review_record
from tests.fixtures.cli import Maw
from tests.fixtures.git import Repository

EVIL = "a\x1b]0;owned\x07\nmaw: nothing found"


def on_a_terminal(*arguments: str, cwd: Path) -> bytes:
    """What `maw` prints where stdout is a terminal."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "maw", *arguments]
    process = subprocess.Popen(command, cwd=cwd, stdin=subprocess.DEVNULL, stdout=theirs, stderr=subprocess.DEVNULL)
    os.close(theirs)
    said = b""
    try:
        while part := os.read(ours, 65536):
            said += part
    except OSError:
        pass  # how Linux tells the end of a terminal
    os.close(ours)
    assert process.wait(20) == 0
    return said


def test_a_raw_note_does_not_steer_a_terminal(repo: Repository, maw: Maw) -> None:
    commit = repo.commit()
    Notes(kernel_repo(repo)).append("review", commit, [parse_line(b"by \x1b[31mhand\xff")])
    said = on_a_terminal("show", "--raw", cwd=repo.path)
    assert b"hand" in said and b"\x1b" not in said
    done = subprocess.run(
        [sys.executable, "-m", "maw", "show", "--raw"], cwd=repo.path, capture_output=True, check=True
    )
    assert done.stdout == b"by \x1b[31mhand\xff\n"


def test_show_prints_no_line_of_a_record_as_its_own(repo: Repository, maw: Maw) -> None:
    commit = repo.commit()
    skipped = [{"path": EVIL, "reason": EVIL}]
    data = review_record(
        repo, commit, model=EVIL, reason=EVIL, verdict=EVIL, skipped=skipped, findings=[finding("a", quote=EVIL)]
    )
    Notes(kernel_repo(repo)).append("review", commit, [encode(data)])
    ran = maw("show", cwd=repo.path)
    assert ran.out.count("nothing found") == 6 and "\x1b" not in ran.out
    assert not [line for line in ran.out.splitlines() if line.startswith("maw:")]


def test_settings_are_printable(home: Path, repo: Repository, capfd: pytest.CaptureFixture[str]) -> None:
    (repo.path / ".maw.toml").write_text('[review]\nexclude = ["a\\u009b2J\\u001b[31m"]\n')
    os.chdir(repo.path)
    try:
        get(key="review.exclude", as_json=False)
        list_settings(as_json=False)
    finally:
        os.chdir("/")
    out = capfd.readouterr().out
    assert out.count("2J") == 2 and not [char for char in out if not char.isprintable() and char != "\n"]


class HostileNode(socketserver.StreamRequestHandler):
    """Answers any request with a model whose texts are not only text."""

    def handle(self) -> None:
        while self.rfile.readline().strip():
            pass
        names = ("file", "license", "source", "error")
        model = {"name": "m", "state": "installed", **dict.fromkeys(names, EVIL)}
        body = json.dumps({"v": 1, "models": [model]}).encode()
        self.wfile.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n")
        self.wfile.write(b"content-length: %d\r\n\r\n%s" % (len(body), body))


def test_what_a_node_says_of_its_models_is_printable(home: Path, maw: Maw) -> None:
    paths.make_private_dir(paths.runner_dir())
    with socketserver.ThreadingUnixStreamServer(paths.runner_socket(), HostileNode) as server:
        threading.Thread(target=server.serve_forever).start()
        try:
            where, listed = maw("model", "path", "m"), maw("model", "list")
        finally:
            server.shutdown()
    assert where.code == 0 and where.out.count("\n") == 1
    assert listed.code == 0 and listed.out.count("\n") == 2
    assert "\x1b" not in where.out + listed.out + listed.err
    assert not [line for line in listed.err.splitlines() if line.startswith("maw:")]


def test_a_task_is_one_line() -> None:
    row = {"id": "t", "state": "failed", "kind": "review", "priority": 100, "title": EVIL, "error": {"message": EVIL}}
    assert "\n" in queue._row(row | {"created": "2026-01-01T00:00:00.000Z"})  # what printing it takes out
    status = {
        "hello": {"version": EVIL}, "pid": 1, "started": EVIL, "memory": 1, "tasks": {}, "running": [row],
        "models": [{"name": EVIL, "state": "loaded", "error": EVIL}],
    }  # fmt: skip
    assert all(line.isprintable() for line in statuslines.lines(status))


def test_what_a_model_holds_is_what_the_ledger_says() -> None:
    model = {"name": "m", "state": "loaded", "memory": 404_500_000}
    status = {"hello": {"version": "1"}, "pid": 1, "started": "", "memory": 1, "tasks": {}, "running": []}
    (told,) = (
        line for line in statuslines.lines({**status, "models": [model | {"held": 638_500_000}]}) if "m:" in line
    )
    assert told == "model     m: loaded, holds 638.5 MB"
    assert "holds 404.5 MB" in "\n".join(statuslines.lines({**status, "models": [model]}))  # an older runner


def test_an_error_of_many_lines_has_one_that_looks_like_ours(capsys: pytest.CaptureFixture[str]) -> None:
    failure.run(raising(FatalError(f"no: {EVIL}", hint=EVIL)), [])
    lines = capsys.readouterr().err.splitlines()
    assert [line.startswith("maw:") for line in lines] == [True, False, False, False]
    assert json.dumps(lines).count("owned") == 2 and not any("\x1b" in line for line in lines)


def test_a_file_in_the_way_is_no_defect(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "file").touch()

    def act() -> None:
        os.listdir(home / "file")

    assert failure.run(click.command("x")(act), []) == errors.USAGE
    assert capsys.readouterr().err == f"maw: {home}/file: Not a directory\n"
    assert failure.run(raising(OSError("no file")), []) == errors.DEFECT
