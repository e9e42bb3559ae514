"""What was generated and what became of it, on its way to a note of kind `generate` (docs/records.md).

What was taken waits for the commit that contains it (waiting.py, landing.py). What was not is noted at once, on the
commit that it was made on. Standard library only.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Collection
from typing import NamedTuple

from maw import change, record
from maw.attendant import client, spool
from maw.generate.memory import commits, traces, waiting
from maw.generate.memory.traces import Trace
from maw.generate.memory.waiting import Json, Waiting
from maw.git import patchid
from maw.git.repo import Repo, head_commit, tree_of
from maw.secrets.texts import Redact, redacted

ACCEPTED, PARTLY, REJECTED, FAILED, OFFERED = "accepted", "partly", "rejected", "failed", "offered"
STATUSES = (ACCEPTED, PARTLY, REJECTED, FAILED)
TAKEN = (ACCEPTED, PARTLY)
INSTRUCTION_MAX = 4000  # characters that are recorded
REASON_MAX = 500
PATHS_MAX = 500


class Verified(NamedTuple):
    """How the user's command went with what was offered last. `code` is None when its time was over."""

    command: str
    code: int | None
    seconds: float


class Generation(NamedTuple):
    """What was asked for, and how it came about.

    `command` is the subcommand (code, test, fix …), `rounds` how often the model was asked, `elapsed` the seconds it
    all took, `stats` what its answers cost the node, `reason` why nothing came of it, for people. `model`, `profile`,
    `node` and `task` (the runner's id) tell who wrote it.
    """

    command: str
    instruction: str
    model: str = ""
    profile: str = ""
    node: str = ""
    task: str = ""
    rounds: int = 1
    elapsed: float = 0.0
    verify: Verified | None = None
    reason: str = ""
    stats: Json | None = None


def remember(repo: Repo, about: Generation, *, offered: bytes, accepted: bytes | None, redact: Redact) -> Json:
    """Keep one generation; its record. `offered` is the diff that was shown, empty when none could be made (`failed`);
    `accepted` the part of it that was applied, empty when a person said no, None when it was only printed: should it
    be in a commit later, it was accepted all the same.

    What the user typed is redacted here: it may hold secrets, and notes travel. Raises OSError, ValueError for what is
    no diff, and GitError.
    """
    status = _status(offered, accepted)
    kept = offered if accepted is None else accepted or offered
    data = _record(repo, about, status, kept, redact)
    data["hunks"] = {"offered": _hunks(offered), "accepted": _hunks(accepted or b"")}
    if status in (REJECTED, FAILED):
        _noted(repo, data)
    else:
        _wait(repo, data, traces.of_diff(kept))
    return data


def taken_back(repo: Repo, paths: Collection[str]) -> Json | None:
    """The last application in this working tree was undone, which changed these paths back (but for those that somebody
    had changed back by hand): what was taken is rejected now; its record. None when it is in a commit, or nothing is
    known of it. Raises OSError and GitError."""
    for entry in reversed(waiting.entries(repo)):
        here = entry.worktree == os.path.realpath(repo.root) and entry.record["status"] in TAKEN
        if here and not set(paths).isdisjoint(entry.record.get("paths", ())):
            data = {**entry.record, "status": REJECTED, "reason": "taken back"}
            if _noted(repo, data):
                waiting.remove(repo, entry)
            return data
    return None


def _status(offered: bytes, accepted: bytes | None) -> str:
    if not offered:
        return FAILED
    if accepted is None:
        return OFFERED
    if not accepted:
        return REJECTED
    return ACCEPTED if accepted == offered else PARTLY


def _record(repo: Repo, about: Generation, status: str, diff: bytes, redact: Redact) -> Json:
    command = about.verify.command if about.verify is not None else ""
    _, (instruction, command, reason) = redacted(redact, b"", [about.instruction, command, about.reason])
    files = change.parse(diff)
    data: Json = {
        "v": record.VERSION,
        "id": record.new_id(),
        "ts": record.now(),
        "kind": "generate",
        "status": status,
        "command": about.command,
        "instruction": instruction[:INSTRUCTION_MAX],
        "paths": [file.path for file in files][:PATHS_MAX],
        "patch_id": patchid.of_patch(repo.common_dir, diff),
        "has_binary": any(file.binary for file in files),
        "rounds": about.rounds,
        "elapsed_ms": round(about.elapsed * 1000),
        "model": about.model,
        "profile": about.profile,
        "node": about.node,
        "task": about.task or None,
    }
    if about.stats:
        data["stats"] = about.stats
    if about.verify is not None:
        seconds = round(about.verify.seconds, 3)
        data["verify"] = {"command": command, "code": about.verify.code, "seconds": seconds}
    if reason:
        data["reason"] = reason[:REASON_MAX]
    return data


def _hunks(diff: bytes) -> int:
    return sum(max(len(file.hunks), 1) for file in change.parse(diff))


def _noted(repo: Repo, data: Json) -> bool:
    """Whether it is on its way to the commit that it was made on; where there is none yet, it waits for the first."""
    head = head_commit(repo)
    if head is None:
        _wait(repo, data, {})
        return False
    spool.put(repo, head, {**data, "head": head, "tree": tree_of(repo, head)})
    client.poke(repo.common_dir)
    return True


def _wait(repo: Repo, data: Json, left: dict[str, Trace]) -> None:
    with contextlib.suppress(OSError):
        waiting.expire(repo)
    seen = tuple(made.commit for made in commits.recent(repo))
    waiting.put(repo, Waiting(data, os.path.realpath(repo.root), left, sum(map(len, left.values())), seen))
