"""What strangers put where a terminal may see it, and how to tell that it did not get there."""

from __future__ import annotations

import re

from tests.fixtures.cli import Ran

CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
EVIL = "\x1b]0;owned\x07\x1b[2J\x9b31m\x08\u202e"
REF = "refs/notes/maw/review"


def clean(done: Ran) -> Ran:
    """No defect, and nothing that a terminal obeys."""
    assert "Traceback" not in done.err and "defect" not in done.err, done.err
    assert not CONTROL.search(done.out + done.err), repr(done.out + done.err)
    return done
