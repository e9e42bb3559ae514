"""The gate (`maw-runner connect`) as it is, but that the runner it starts is tests/faults/program.py."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from maw import reach
from maw.errors import NodeError
from maw_remote import gate

ROOT = Path(__file__).resolve().parents[2]


def start_runner(deadline: float) -> None:
    read_end, write_end = os.pipe()
    subprocess.Popen(
        [sys.executable, "-m", "tests.faults.program", f"--ready-fd={write_end}"], cwd=ROOT, pass_fds=(write_end,),
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    ).returncode = 0  # fmt: skip
    os.close(write_end)
    with open(read_end, "rb") as pipe:
        if pipe.read() != b"ready\n":
            raise NodeError("no_runner", "the runner was killed while it started")


if __name__ == "__main__":
    reach.start_runner = start_runner
    sys.exit(gate.main())
