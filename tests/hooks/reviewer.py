"""A real runner that reviews at once: `python -m tests.hooks.reviewer`, as tests/runner/program.py.

A change that adds `boom` has an error. Each payload it reviews is a line of the file `reviews` in the state directory.
"""

from __future__ import annotations

import base64
import json
import os
import sys
from typing import Any

from maw_remote.jobs.interface import Emit, Json
from tests.fixtures.fake_runner import finding, result
from tests.hooks.place import reviews_file
from tests.runner import program
from tests.runner.program import Echo


class Reviewer(Echo):
    def fingerprint(self, payload: Json) -> bytes:
        return os.urandom(16)  # two repositories of a test may have the same change

    async def run(
        self, payload: Json, *, model: str, profile: str, engine: Any, emit: Emit, since: float = 0.0
    ) -> Json:
        with open(reviews_file(), "a", encoding="ascii") as file:
            file.write(json.dumps(payload) + "\n")
        found = [finding()] if b"+boom" in base64.b64decode(payload["diff"]) else []
        return result(*found, model=model, profile=profile)


if __name__ == "__main__":
    sys.exit(program.main(sys.argv[1:], {"review": Reviewer()}))
