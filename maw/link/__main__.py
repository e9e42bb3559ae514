"""`python -m maw.link NODE`: the link process, started by maw.reach."""

from __future__ import annotations

import argparse
import logging
import os
import sys

from maw.config import load
from maw.errors import FatalError
from maw.link.lane import Habits
from maw.link.process import begin_log, serve
from maw.link.target import from_config


def main(arguments: list[str]) -> int:
    """Parse and serve. The options shorten times, for tests and for looking at a link in the foreground."""
    parser = argparse.ArgumentParser(prog="python -m maw.link")
    parser.add_argument("node")
    parser.add_argument("--idle-exit", type=float, default=Habits().idle_exit, metavar="SECONDS")
    parser.add_argument("--ping", type=float, default=Habits().ping, metavar="SECONDS")
    parser.add_argument("--black-hole", type=float, default=Habits().black_hole, metavar="SECONDS")
    help_since = "the time.monotonic() since which somebody waits: dial at once, and let that count"
    parser.add_argument("--since", type=float, metavar="SECONDS", help=help_since)
    given = parser.parse_args(arguments)
    begin_log()
    try:
        target = from_config(load.load(strict=False), given.node)
    except FatalError as exc:
        logging.getLogger("maw.link").error("%s (%s)", exc.message, exc.hint)
        return exc.exit_code
    habits = Habits(idle_exit=given.idle_exit, ping=given.ping, black_hole=given.black_hole, since=given.since)
    return serve(target, habits)


if __name__ == "__main__":
    code = main(sys.argv[1:])
    logging.shutdown()
    # A thread that hangs in a name look-up must not keep a link alive that has left already.
    os._exit(code)
