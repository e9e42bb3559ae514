"""`python -m maw.attendant [--idle SECONDS] [COMMON_DIR]`: started by client.spawn, not by people."""

from __future__ import annotations

import sys

from maw.attendant.process import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
