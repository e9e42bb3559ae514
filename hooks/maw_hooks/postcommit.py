"""`maw-hook post-commit`: hand the outcome that pre-commit left to the attendant, which writes it as a note.

Never fails and never waits: a commit that is made cannot be unmade by its record.
"""

from __future__ import annotations

from maw.attendant import client, outbox, pending, spool
from maw.config.load import Config
from maw.generate.memory import waiting as generated
from maw.git.repo import LastCommit, Repo, discover, empty_tree, last_commit, tree_of
from maw.git.run import git
from maw.light import Any
from maw.memory import waiting as feedback
from maw.messages import store
from maw.review import outcome as outcomes
from maw_hooks import enabled, environment
from maw_hooks.gitstate import in_progress, replayed
from maw_hooks.talk import Talk

SKIPPED = "MAW_SKIP was set"
NOT_RUN = "the pre-commit hook did not run (--no-verify, or left out by a hook framework)"


def run() -> int:
    """Always 0. Raises GitError and OSError."""
    repo = discover()
    if in_progress(repo.git_dir):
        return 0
    last = last_commit(repo)
    if replayed(last.action, len(last.parents)):
        return 0
    before: list[str | None] = [last.previous, *last.parents]
    landed = feedback.land(repo, last.commit, last.tree, before if last.parents else [*before, None])
    waiting = pending.match(repo, last.tree, before if last.parents else [*before, None])
    record = pending.to_record(waiting, last.commit) if waiting is not None else _unreviewed(repo, last)
    told = _of_message(repo, last, before)
    if record is not None:
        _hand_over(repo, last.commit, record, waiting)
    if record is not None or landed or told or generated.any_waiting(repo):
        client.poke(repo.common_dir)
    return 0


def _of_message(repo: Repo, last: LastCommit, before: list[str | None]) -> bool:
    """Hand over what became of the message that was suggested; whether one was."""
    heads = dict.fromkeys(before if last.parents else [*before, None])
    kept = next(filter(None, (store.get(repo, last.tree, head) for head in heads)), None)
    if kept is None:
        return False
    from maw_hooks import suggested  # with what asks for messages: not for every commit

    spool.put(repo, last.commit, suggested.outcome(repo, last, kept))
    for head in heads:
        store.forget(repo, last.tree, head)
    return True


def _hand_over(repo: Repo, commit: str, record: dict[str, Any], waiting: dict[str, Any] | None) -> None:
    """From pending to the spool. Where no notes can be written at all, neither may grow without end."""
    spool.put(repo, commit, record)
    if waiting is not None:
        outbox.link(repo, waiting, commit)
        pending.consume(repo, waiting)
    told = spool.trim(repo)
    if told:
        Talk().say(told)


def _unreviewed(repo: Repo, last: LastCommit) -> dict[str, Any] | None:
    """The record of a commit that no review saw; None when there was nothing to review or maw is not set up."""
    if environment.in_ci():
        return None
    base = _base(repo, last)
    config = enabled.configuration(repo.worktree)
    if config is None or base == last.tree or _reverts(repo, last):
        return None
    record = unreviewed(config, tree=last.tree, base=base, reason=SKIPPED if environment.skipped() else NOT_RUN)
    return {**record, "head": last.commit}


def _reverts(repo: Repo, last: LastCommit) -> bool:
    """A revert that ended a conflict: git has removed REVERT_HEAD by now and its reflog says "commit"."""
    return b"\nThis reverts commit " in git(
        "log", "-1", "--no-show-signature", "--no-notes", "--format=%B", last.commit, cwd=repo.root
    )


def unreviewed(config: Config, *, tree: str, base: str, reason: str) -> dict[str, Any]:
    outcome = outcomes.missed(outcomes.FAILED, reason, node=config.values["node"])
    return outcomes.to_record(outcome, tree=tree, base=base, block_at=config.values["review.block_at"])


def _base(repo: Repo, last: LastCommit) -> str:
    """The tree that pre-commit would have compared with: of HEAD before the commit."""
    if last.action == "commit (initial)":  # the first one, also of an orphan branch: HEAD was on another one before
        return empty_tree(repo)
    if last.previous_tree is not None and last.action.startswith("commit"):
        return last.previous_tree
    return tree_of(repo, last.parents[0]) if last.parents else empty_tree(repo)
