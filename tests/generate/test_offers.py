"""What a person or a script does with a proposal, and what never leaves or happens without them."""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.fixtures.cli import Maw
from tests.fixtures.git import Repository
from tests.fixtures.scripted import Says
from tests.fixtures.waiting import eventually
from tests.generate.conftest import APP, BAD, GOOD, replacing, whole

FIXED = APP.replace("a - b", "a + b", 1)
TWO = "def add(a, b):\n    return a - b\n" + "\n" * 12 + "def sub(a, b):\n    return a + b\n"
BOTH = (
    replacing("src/two.py", "    return a - b\n", "    return a + b\n")
    + replacing("src/two.py", "    return a + b\n", "    return a - b\n")
    + whole("src/new.py", "x = 1\n")
)
KEY = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"


@pytest.mark.slow
def test_hunk_by_hunk(project: Repository, maw: Maw, generator: Says) -> None:
    project.write("src/two.py", TWO)
    generator(BOTH)
    words = ("generate", "code", "swap", "src/two.py", "src/new.py", "--interactive")
    ran = maw(*words, cwd=project.path, stdin="n\n?\nn\ny\n")
    assert (ran.code, (project.path / "src/two.py").read_text()) == (0, TWO.replace("a + b", "a - b")), ran.err
    assert not (project.path / "src/new.py").exists()
    assert "(3/3) Take this hunk of src/two.py?" in ran.err
    project.write("src/two.py", TWO)
    ran = maw(*words, cwd=project.path, stdin="y\n")  # the answers end too early
    assert (ran.code, (project.path / "src/two.py").read_text()) == (130, TWO)
    assert "nothing was applied" in ran.err
    ran = maw(*words, cwd=project.path, stdin="q\n")
    assert (ran.code, (project.path / "src/two.py").read_text()) == (0, TWO)


@pytest.mark.slow
def test_a_part_is_tried_again(project: Repository, maw: Maw, generator: Says) -> None:
    """What passes as a whole may not pass in part."""
    generator(GOOD[:-5] + whole("src/flag", "on\n"))
    verify = ("--verify", "python check.py && test -e src/flag")
    ran = maw("generate", "code", "x", "src/app.py", "src/flag", "-i", *verify, cwd=project.path, stdin="y\nn\n")
    assert (ran.code, project.git("status", "--porcelain")) == (3, "")
    assert "the chosen part does not pass" in ran.err


def typed(project: Path, keys: str, *arguments: str) -> tuple[int, str]:
    """Run maw at a terminal, and type when it asks."""
    pid, fd = pty.fork()
    if pid == 0:
        os.chdir(project)
        os.environ["TERM"] = "xterm"
        os.execv(sys.executable, [sys.executable, "-P", "-m", "maw", *arguments])
    said, until = b"", time.monotonic() + 60
    while time.monotonic() < until:
        if select.select([fd], [], [], 0.2)[0]:
            try:
                part = os.read(fd, 65536)
            except OSError:
                break
            if not part:
                break
            said += part
        if keys and b"hunk by hunk" in said:
            os.write(fd, keys.encode())
            keys = ""
    os.close(fd)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), said.decode("utf-8", "replace")


def test_at_a_terminal_it_asks(project: Repository, generator: Says) -> None:
    generator(GOOD)
    for keys, result in (("n\n", APP), ("h\ny\n", FIXED), ("y\n", FIXED)):
        project.write("src/app.py", APP)
        code, said = typed(project.path, keys, "generate", "code", "add", "src/app.py")
        assert (code, (project.path / "src/app.py").read_text()) == (0, result), said
        assert "\x1b[32m+    return a + b" in said


def test_a_patch_is_nothing_but_the_patch(project: Repository, maw: Maw, generator: Says) -> None:
    generator(GOOD)
    ran = maw("generate", "code", "add", "src/app.py", "--patch", cwd=project.path)
    assert ran.out.startswith("diff --git a/src/app.py b/src/app.py\n")
    project.git("apply", stdin=ran.out.encode())
    assert (project.path / "src/app.py").read_text() == FIXED


def test_a_dry_run_shows_what_would_be_sent_without_secrets(project: Repository, maw: Maw, generator: Says) -> None:
    server = generator(GOOD)
    project.write("src/app.py", APP + f'TOKEN = "{KEY}"\n')
    project.write(".maw.toml", '[generate]\ninstructions = """\nUse type hints.\n"""\n')
    words = ("generate", "code", "--instruction", f"put {KEY} away", "src/app.py", "--context", "check.py", "--dry-run")
    ran = maw(*words, cwd=project.path)
    assert ran.code == 0, ran.err
    payload = ran.json["payload"]
    assert ran.json["sent"] is False
    assert KEY not in ran.out
    assert payload["redacted"] is True
    assert 'TOKEN = "[redacted]"' in payload["files"][0]["text"]
    assert payload["project"].strip() == "Use type hints."
    assert [file["path"] for file in payload["files"]] == ["src/app.py", "check.py"]
    assert server.asked() == []


def test_a_value_that_was_taken_out_is_never_overwritten(project: Repository, maw: Maw, generator: Says) -> None:
    line = 'TOKEN = "[redacted]"\n'
    text = APP + f'TOKEN = "{KEY}"\n'
    project.write("src/app.py", text)
    server = generator(
        replacing("src/app.py", line, 'TOKEN = str("[redacted]")\n'),
        replacing("src/app.py", "    return a - b\n" + line, "    return 0\n" + line),
    )
    ran = maw("generate", "code", "x", "src/app.py", "--apply", cwd=project.path)
    assert (ran.code, (project.path / "src/app.py").read_text()) == (0, text.replace(
        "def sub(a, b):\n    return a - b", "def sub(a, b):\n    return 0")), ran.err  # fmt: skip
    assert "round 1 not taken: src/app.py: a value was taken out there" in ran.err
    assert all(KEY not in json.dumps(asked) for asked in server.asked())


def test_a_repository_cannot_say_what_is_run(project: Repository, maw: Maw, generator: Says, home: Path) -> None:
    generator(GOOD)
    project.write(".maw.toml", '[generate]\nverify = "touch /tmp/owned"\n')
    ran = maw("generate", "code", "add", "src/app.py", "--apply", cwd=project.path)
    assert (ran.code, (project.path / "src/app.py").read_text()) == (2, APP)
    assert "may not be set by a repository" in ran.err
    (project.path / ".maw.toml").unlink()
    config = (home / "config.toml").read_text()
    (home / "config.toml").write_text(f'generate.verify = "python check.py"\n{config}')
    ran = maw("generate", "code", "add", "src/app.py", "--apply", "--json", cwd=project.path)
    assert ran.json["verify"] == {"command": "python check.py", "passed": True, "why": ran.json["verify"]["why"]}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_who_is_ended_cancels_the_task_and_leaves_nothing(
    project: Repository, maw: Maw, generator: Says, number: signal.Signals
) -> None:
    server = generator("\0endless\0word\n")
    before = sorted(path for path in project.path.rglob("*"))
    with subprocess.Popen(
        [sys.executable, "-P", "-m", "maw", "generate", "code", "add", "src/app.py"], cwd=project.path,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        until = time.monotonic() + 60
        while not server.asked() and time.monotonic() < until:
            time.sleep(0.05)
        process.send_signal(number)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 128 + number, said
    assert (project.path / "src/app.py").read_text() == APP
    assert [path for path in sorted(project.path.rglob("*")) if "/.git/" not in str(path)] == [
        path for path in before if "/.git/" not in str(path)
    ]

    def state() -> str:
        (task,) = maw("queue", "list", "--all", "--json", cwd=project.path).json["tasks"]
        return str(task["state"])

    assert eventually(state, lambda found: found == "cancelled") == "cancelled"


def test_refactor_insists_on_green_before(project: Repository, maw: Maw, generator: Says) -> None:
    server = generator(BAD)
    ran = maw("generate", "refactor", "src/app.py", "--verify", "python check.py", cwd=project.path)
    assert (ran.code, server.asked()) == (3, [])
    assert "failed with exit code 1: " in ran.err
    assert ", without any change\n" in ran.err
    ran = maw("generate", "optimize", "src/app.py", cwd=project.path)
    told = [line.partition(":")[2].partition(":")[0].strip() for line in ran.err.splitlines()]
    assert told[:3] == ["whether it is faster is not measured", "whether it does the same is not tried", "asking local"]


@pytest.mark.slow
def test_optimize_keeps_only_what_is_faster(project: Repository, maw: Maw, generator: Says) -> None:
    project.write("src/app.py", "import time\n\n\ndef work():\n    time.sleep(0.3)\n")
    slower = replacing("src/app.py", "    time.sleep(0.3)\n", "    time.sleep(0.6)\n")
    faster = replacing("src/app.py", "    time.sleep(0.3)\n", "    time.sleep(0.0)\n")
    server = generator(slower, faster)
    bench = ("--bench", "python -c 'import sys; sys.path.insert(0, \"src\"); import app; app.work()'")
    ran = maw("generate", "optimize", "src/app.py", *bench, "--apply", "--json", cwd=project.path)
    assert ran.code == 0, ran.err
    assert [one["how"] for one in ran.json["rounds"]] == ["failed", "passed"]
    assert "which is not faster" in ran.json["rounds"][0]["why"][0]
    assert "which is not faster" in server.prompt()
    assert "sleep(0.0)" in (project.path / "src/app.py").read_text()


def test_what_cannot_go_together(project: Repository, maw: Maw) -> None:
    for words, said in {
        ("code", "x", "src/app.py", "--apply", "--patch"): "--apply and --patch exclude each other",
        ("code",): "Say what is to be done",
        ("code", "--instruction", "-", "--from", "-"): "Standard input can be read once",
        ("code", "--instruction", "-", "src/app.py"): "standard input is empty",
        ("code", "x", "/etc/passwd"): "is outside of the repository",
        ("code", "x", "src/app.py", "--from", "gone.txt"): "there is no such file",
        ("--undo", "code", "x"): "--undo stands alone",
        ("--undo",): "there is no application to take back",
    }.items():
        ran = maw("generate", *words, cwd=project.path)
        assert ran.code in (1, 2), (words, ran)
        assert said in ran.err, (words, ran)
