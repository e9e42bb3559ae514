"""The runner as a service of the user's own service manager: systemd's user manager, or launchd.

A service and a start on demand are one and the same runner: a lock makes it the only one, and whoever needs a runner
that is not there asks the service manager for it first (start, below).
"""

from __future__ import annotations

import sys

from maw_remote.service import launchd, systemd
from maw_remote.service.manager import Manager

MANAGERS: dict[str, Manager] = {"linux": systemd, "darwin": launchd}


def here() -> Manager | None:
    """The service manager of this platform, None where maw knows none."""
    return MANAGERS.get(sys.platform)


def start() -> bool:
    """Have the service manager start the runner; False when it cannot, or when no service is installed."""
    manager = here()
    return manager is not None and manager.installed() and manager.start()
