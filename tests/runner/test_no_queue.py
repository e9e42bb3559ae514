"""A queue that cannot be kept is told in one line."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from maw import paths


def test_a_directory_in_the_queues_place(home: Path) -> None:
    Path(paths.runner_dir(), "queue.db").mkdir(parents=True)
    done = subprocess.run(
        [sys.executable, "-m", "maw_remote", "start"], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 2, done.stderr
    assert "queue.db: Is a directory" in done.stderr and "defect" not in done.stderr
