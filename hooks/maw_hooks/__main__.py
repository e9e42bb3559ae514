"""`python -m maw_hooks`: what the console script `maw-hook` runs."""

from __future__ import annotations

import sys

from maw_hooks.main import main

if __name__ == "__main__":
    sys.exit(main())
