"""Which transport a node's link took, left as a word for `maw doctor`. Standard library only."""

from __future__ import annotations

import json
import os
from typing import NamedTuple

from maw import files, paths


class Choice(NamedTuple):
    """`transport` is 'paramiko' or 'openssh', `why` the reason in a few words, `note` what else a person should know
    of the connection, or ''."""

    transport: str
    why: str
    note: str = ""


def record(node: str, choice: Choice) -> None:
    """Leave a word for `maw doctor` on which transport the node's link took."""
    path = os.path.join(paths.make_private_dir(paths.link_dir(node)), "transport.json")
    files.write_atomic(path, json.dumps({"v": 1, **choice._asdict()}).encode() + b"\n")


def recorded(node: str) -> Choice | None:
    """What the node's link took last, None when it never came to that."""
    try:
        found = json.loads(files.read_optional(os.path.join(paths.link_dir(node), "transport.json")) or b"null")
        return Choice(str(found["transport"]), str(found["why"]), str(found["note"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
