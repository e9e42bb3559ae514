"""Exit codes, the log of a defect, and Ctrl-C: what every command has in common."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import click
import pytest

from maw import errors
from maw.cli.failure import printable, run
from maw.errors import ApiError, FatalError, NodeError
from tests.fixtures.cli import Maw


def command(act) -> click.Command:
    return click.command("thing")(act)


def raising(error: BaseException) -> click.Command:
    def act() -> None:
        raise error

    return command(act)


@pytest.mark.parametrize(
    ("made", "code"),
    [
        (command(lambda: None), 0),
        (command(lambda: errors.BLOCK), 1),
        (command(lambda: errors.INCOMPLETE), 3),
        (raising(FatalError("no")), 2),
        (raising(NodeError("refused", "no")), 4),
        (raising(ApiError(404, "not_found", "no")), 2),
        (raising(click.UsageError("no")), 2),
        (raising(KeyboardInterrupt()), 130),
        (raising(click.Abort()), 130),
        (raising(RuntimeError("oh")), 70),
    ],
)
def test_each_end_has_its_exit_code(made: click.Command, code: int) -> None:
    assert run(made, []) == code


def test_an_error_is_one_line_and_what_to_do_next(capsys: pytest.CaptureFixture[str]) -> None:
    run(raising(FatalError("it does not work", hint="do this")), [])
    captured = capsys.readouterr()
    assert captured.err == "maw: it does not work\n     do this\n"
    assert captured.out == ""


def test_a_defect_leaves_a_log_for_an_issue(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(raising(RuntimeError("boom \x1b[31m")), []) == 70
    log = home / "state" / "defect.log"
    text = log.read_text()
    assert "RuntimeError" in text
    assert "command: maw" in text
    assert "Python" in text
    assert stat.S_IMODE((home / "state").stat().st_mode) == 0o700
    said = capsys.readouterr().err
    assert str(log) in said
    assert "Traceback" not in said
    assert "\x1b" not in said


def test_a_defect_whose_log_cannot_be_written_is_still_told(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "state").write_text("in the way")
    assert run(raising(RuntimeError("boom")), []) == 70
    assert "RuntimeError" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("number", "code", "words"),
    [
        (signal.SIGINT, 130, b"maw: interrupted"),
        (signal.SIGTERM, 143, b"maw: ended by SIGTERM"),
        (signal.SIGHUP, 129, b"maw: ended by SIGHUP"),
    ],
)
def test_what_ends_a_command_has_its_exit_code_and_no_traceback(
    home: Path, number: signal.Signals, code: int, words: bytes
) -> None:
    program = (
        "import sys, time, click\n"
        "from maw.cli.failure import run\n"
        "@click.command()\n"
        "def wait():\n    print('ready', flush=True)\n    time.sleep(60)\n"
        "sys.exit(run(wait, []))\n"
    )
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    process.send_signal(number)
    _, said = process.communicate(timeout=20)
    assert process.returncode == code
    assert words in said
    assert b"Traceback" not in said


def test_nohup_is_minded(home: Path) -> None:
    program = (
        "import os, signal, sys, click\n"
        "from maw.cli.failure import run\n"
        "@click.command()\n"
        "def hang_up():\n    os.kill(os.getpid(), signal.SIGHUP)\n    return 7\n"
        "sys.exit(run(hang_up, []))\n"
    )
    command = ["sh", "-c", "trap '' HUP; exec \"$@\"", "sh", sys.executable, "-c", program]
    assert subprocess.run(command, check=False, timeout=20).returncode == 7


def test_a_closed_pipe_is_no_error(home: Path) -> None:
    done = subprocess.run(
        ["sh", "-c", '"$0" -m maw config | true; exit 0', sys.executable],
        capture_output=True,
        env=os.environ,
        check=False,
    )
    assert b"Traceback" not in done.stderr
    assert b"defect" not in done.stderr


def test_an_unknown_command_suggests_the_nearest(maw: Maw) -> None:
    done = maw("reveiw")
    assert done.code == 2
    assert "maw review" in done.err


def test_printable_keeps_text_and_drops_what_steers_a_terminal() -> None:
    assert printable("naïve\tτ\n") == "naïve\tτ\n"
    for bad in ("\x1b", "\x07", "\x9b", "\u202e", "\r", "\x00"):
        assert bad not in printable(f"a{bad}b")
