"""Logs tell what went wrong by type and place. Messages may quote what was worked on."""

from __future__ import annotations

import subprocess
import sys

import pytest

WORK = """
import asyncio, gc, logging, sys, threading
{start}
SECRET = "zqsecret7"
def fail():
    raise KeyError(SECRET)
async def forgotten():
    task = asyncio.create_task(asyncio.to_thread(fail))
    await asyncio.sleep(0.1)
    del task
    gc.collect()
try:
    try:
        fail()
    except KeyError as exc:
        raise ValueError(SECRET) from exc
except ValueError:
    logging.getLogger("x").exception("caught")
thread = threading.Thread(target=fail)
thread.start()
thread.join()
asyncio.run(forgotten())
fail()
"""
STARTS = {
    "attendant and link": "from maw import logform; logform.start('%(name)s: %(message)s')",
    "runner": "from maw_remote import logs; logs.set_up(sys.argv[1], to_stderr=True)",
    "worker": "from maw import logform; logform.hook_up(); logging.disable()",
}


@pytest.mark.parametrize("process", STARTS)
def test_what_goes_wrong_is_told_without_its_message(process: str, home: object) -> None:
    code = WORK.format(start=STARTS[process])
    done = subprocess.run(
        [sys.executable, "-c", code, f"{home}/log"], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 1
    assert done.stderr.count("KeyError") >= (2 if process == "worker" else 3), done.stderr
    assert "fail" in done.stderr and "zqsecret7" not in done.stderr
