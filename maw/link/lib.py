"""paramiko, without invoke.

paramiko imports invoke for `Match exec` of its own configuration parser, which maw does not use (`ssh -G` resolves
hosts); leaving it out saves a third of the import: 0.28-0.40 s of CPU instead of 0.47-0.55.
"""

from __future__ import annotations

import logging
import sys

_ABSENT = "invoke" not in sys.modules
if _ABSENT:
    sys.modules["invoke"] = None  # type: ignore[assignment]  # an import of it raises ImportError, which paramiko expects
try:
    import paramiko
finally:
    if _ABSENT:
        del sys.modules["invoke"]

logging.getLogger("paramiko").setLevel(logging.CRITICAL)  # its tracebacks; all of it comes as an exception, too

__all__ = ["paramiko"]
