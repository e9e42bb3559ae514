"""Which nodes there are to watch."""

from __future__ import annotations

import os

from maw import paths, reach
from maw.config.load import Config


def watched(config: Config) -> list[str]:
    """The node that does the work, then the others of the configuration; and this machine's own runner, where one has
    ever run."""
    names = [str(config["node"]), *config.nodes]
    if os.path.isdir(paths.runner_dir()):
        names.append(reach.LOCAL)
    return list(dict.fromkeys(names))
