"""`maw tui`, which notes when Textual was imported: `python -m benchmarks.tui_program FILE SCREEN`.

What comes after that is maw's own: its modules, the settings, the index, the first picture.
"""

from __future__ import annotations

import sys
import time
from importlib import import_module
from pathlib import Path


def main(file: str, screen: str) -> int:
    import_module("textual.app")  # what maw's modules need of it beyond that counts as ours

    Path(file).write_text(repr(time.monotonic()))
    from maw.cli.place import repository
    from maw_tui.main import run

    return run(repository(), screen=screen)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
