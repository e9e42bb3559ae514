"""`python -m maw_remote` is `maw-runner`."""

from __future__ import annotations

from maw_remote.main import main

main()
