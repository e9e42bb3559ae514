"""What the environment alone decides, before anything else is imported."""

from __future__ import annotations

import os


def skipped() -> bool:
    """MAW_SKIP=1 (anything but nothing and 0; the stub reads it the same way)."""
    return os.environ.get("MAW_SKIP", "") not in ("", "0")


def in_ci() -> bool:
    """Where CI runs hooks there is no node to reach."""
    return os.environ.get("CI", "").lower() in ("true", "1")
