"""`maw-hook pre-push`: insist that what leaves was reviewed, as far as push.require says. It asks no network."""

from __future__ import annotations

import os
import sys

from maw import paths
from maw.config.load import Config
from maw.git.repo import Repo, discover
from maw.light import NamedTuple
from maw.reach import spawn_detached
from maw.text import count, one_line
from maw_hooks import enabled, pushed, recorded
from maw_hooks.pushed import Outgoing
from maw_hooks.talk import Talk

SHOWN = 10  # commits that are named
LOG_MAX = 1_000_000  # bytes of what syncs said; then it starts anew
HOW = "`maw review COMMIT` reviews one and records it; `git push --no-verify` pushes as it is"


class Lacking(NamedTuple):
    """Commits that may not leave yet: id and subject of each, why, and what to do about it."""

    commits: list[tuple[str, str]]
    why: str
    how: str


def run(talk: Talk, arguments: list[str]) -> int:
    """Exit code: 0 lets the push go on, 1 stops it. `arguments` are the remote's name and its URL. Raises GitError."""
    # All of it, or git may meet a closed pipe.
    lines = sys.stdin.buffer.read() if sys.stdin is not None and not sys.stdin.isatty() else b""
    repo = discover()
    config = enabled.configuration(repo.worktree)
    if config is None:
        talk.say(enabled.NOT_SET_UP)
        return 0
    for problem in enabled.problems(config):
        talk.say(problem)
    remote = arguments[0] if arguments else os.environ.get("PRE_COMMIT_REMOTE_NAME", "")
    if config.values["push.require"] != "off" and not _may_go(talk, repo, config, lines, remote):
        return 1
    if config.values["sync.on_push"] and remote:
        _sync(repo, remote)
    return 0


def _may_go(talk: Talk, repo: Repo, config: Config, lines: bytes, remote: str) -> bool:
    require: str = config.values["push.require"]
    outgoing = pushed.outgoing(repo, pushed.tips(lines), remote)
    if outgoing.more:
        talk.say(f"more than {pushed.MOST} commits are pushed; push.require looks at the newest {pushed.MOST}")
    lacking = [part for part in _lacking(repo, config, outgoing) if part.commits]
    for part in lacking:
        verb = "was" if len(part.commits) == 1 else "were"
        talk.say(f"push stopped: {count(len(part.commits), 'commit')} {verb} {part.why} (push.require is {require})")
        for oid, subject in part.commits[:SHOWN]:
            talk.more(f"{oid[:10]}  {one_line(subject)}")
        if len(part.commits) > SHOWN:
            talk.more(f"and {len(part.commits) - SHOWN} more")
        talk.more(part.how)
    return not lacking


def _lacking(repo: Repo, config: Config, outgoing: Outgoing) -> list[Lacking]:
    states = recorded.states(repo, list(outgoing.commits), config.values["review.block_at"])

    def of(state: str) -> list[tuple[str, str]]:
        return [(oid, subject) for oid, subject in outgoing.commits.items() if states[oid] == state]

    found = [
        Lacking(of(recorded.UNREVIEWED), "not reviewed", HOW),
        Lacking(of(recorded.PENDING), "not reviewed yet", "`maw outbox flush` asks the node now"),
    ]
    if config.values["push.require"] == "passed":
        how = "`maw show COMMIT` tells why; `git push --no-verify` pushes as it is"
        found.append(Lacking(of(recorded.BLOCKED), "blocked by the review", how))
    return found


def _sync(repo: Repo, remote: str) -> None:
    """Bring the notes to the remote, and those there to us, without the push waiting for it."""
    log = os.path.join(paths.make_private_dir(paths.state_dir()), "sync.log")
    if os.path.exists(log) and os.path.getsize(log) > LOG_MAX:
        os.unlink(log)
    spawn_detached(["-m", "maw", "sync", "--quiet", remote], log, cwd=repo.root)
