"""Have a message written for what is staged, and tell afterwards what became of it."""

from __future__ import annotations

import time

from maw import record
from maw.asking import NoAnswer
from maw.attendant.redact import NotRedacted, redact
from maw.config.load import Config
from maw.git.repo import LastCommit, Repo, Staged
from maw.git.run import git
from maw.light import Any
from maw.messages import ask, distance, learned, request
from maw.messages.ask import Suggestions
from maw.review.request import repo_name, staged_change
from maw.secrets.texts import Redacted

_KEPT = ("tree", "base", "node", "task", "model", "profile", "stats")  # of a suggestion's record, as it was made


def ask_for(repo: Repo, config: Config, now: Staged, deadline: float, draft: str = "") -> Suggestions:
    """Raises FatalError: NoAnswer where there is none (in time), also for a change that adds a secret."""
    change = staged_change(repo, now, config.values["review.max_file_bytes"], deadline=deadline)
    asked = request.about(repo, change, learned.of(repo), draft=draft)

    def without_secrets(data: bytes) -> Redacted:
        done = redact(data, config.values["secrets.allow"], repo.common_dir, deadline=deadline)
        if any(finding.path for finding in done.findings):
            raise NotRedacted("the change adds a secret, so nothing is sent")
        return done

    payload = request.payload(request.redacted(asked, without_secrets), repo_name(repo))
    left = deadline - time.monotonic()
    if left <= 0:
        raise NoAnswer("the deadline passed", late=True)
    return ask.ask(config.values["node"], request.task(payload, deadline=left), deadline=deadline)


def to_record(found: Suggestions, config: Config, now: Staged) -> dict[str, Any]:
    """What post-commit makes a note of, once it knows what became of the suggestion."""
    return {
        "v": record.VERSION,
        "message": found.messages[0],
        "tree": now.tree,
        "base": now.base,
        "node": config.values["node"],
        "task": found.task,
        "model": found.model,
        "profile": found.profile,
        "stats": found.data.get("stats"),
    }


def outcome(repo: Repo, last: LastCommit, kept: dict[str, Any]) -> dict[str, Any]:
    """The record of what became of the suggestion `kept` in the commit that was made."""
    options = ("-1", "--no-show-signature", "--no-notes", "--encoding=UTF-8", "--format=%B")
    said = git("log", *options, last.commit, cwd=repo.root).decode("utf-8", "replace")
    status, far = distance.status(kept["message"], said)
    made: dict[str, Any] = {
        "v": record.VERSION,
        "id": record.new_id(),
        "ts": record.now(),
        "kind": "message",
        "status": status,
        "edit_distance": far,
        "suggestion": kept["message"],
        "head": last.commit,
    }
    return made | {key: kept[key] for key in _KEPT if key in kept}
