"""What a message is asked for with: the change, the profile, and what its like was called before.

Standard library only (hook path), but for SQLite, which it opens when examples are looked for.
"""

from __future__ import annotations

import binascii
import os
from collections.abc import Sequence

from maw.errors import FatalError
from maw.git.repo import Repo
from maw.git.run import try_line
from maw.light import Any, NamedTuple
from maw.messages import profile, subject
from maw.messages.profile import Profile
from maw.review.request import Change, section_path
from maw.secrets import texts
from maw.secrets.texts import Redact

DIFF_MAX = 4 * 1024 * 1024  # bytes of the change that are sent; a message is written from less
EXAMPLES = 4
EXAMPLE_MAX = 1000  # characters of an example
INDEX_TIMEOUT = 0.2  # seconds that a hook waits for another process to be done with the index

Json = dict[str, Any]


class Asked(NamedTuple):
    """Everything that a message is made from. `draft` is what its author wrote himself, `ticket` what his branch or
    draft names; `wanted` is how many different ones. `instruction`: what is to be minded this time; `model`: another
    than the node's Manager."""

    what: str
    diff: bytes
    profile: Profile
    examples: tuple[str, ...] = ()
    branch: str = ""
    ticket: str = ""
    draft: str = ""
    wanted: int = 1
    skipped: tuple[Json, ...] = ()
    redacted: bool = False
    instruction: str = ""
    model: str = ""


def branch_of(repo: Repo) -> str:
    """The branch that is checked out; empty for a detached HEAD."""
    return try_line("symbolic-ref", "--quiet", "--short", "HEAD", cwd=repo.root) or ""


def ticket_for(found: Profile, branch: str, draft: str) -> str:
    """The ticket that a message has to name, where the repository names them: of the draft, else of the branch."""
    keys = found.tickets.keys if found.tickets else ()
    own = [ticket for ticket in subject.tickets(draft) if subject.key_of(ticket) in keys]
    return own[0] if own else subject.from_branch(branch, keys)


def about(
    repo: Repo, change: Change, found: Profile, *, draft: str = "", wanted: int = 1, without: Sequence[str] = (),
    branch: str | None = None,
) -> Asked:  # fmt: skip
    """What is asked about a change. `without` are commits that are no examples for it."""
    branch = branch_of(repo) if branch is None else branch
    diff, left = fitted(change.diff)
    return Asked(
        what=change.what,
        diff=diff,
        profile=found,
        examples=tuple(_examples(repo, diff, without)),
        branch=branch,
        ticket=ticket_for(found, branch, draft),
        draft=draft,
        wanted=wanted,
        skipped=(*change.skipped, *left),
    )


def _examples(repo: Repo, diff: bytes, without: Sequence[str]) -> list[str]:
    """The messages of the most similar past changes; none where the index is not there (yet) or cannot be used."""
    if not os.path.exists(os.path.join(repo.maw_dir, "messages.db")):
        return []
    from maw.messages import features
    from maw.messages.index import MessageIndex  # SQLite: 10 ms

    patch = diff.decode("utf-8", "replace")
    names = features.names(features.changed_lines(patch))
    try:
        with MessageIndex(repo, timeout=INDEX_TIMEOUT) as index:
            found = index.similar(features.patch_paths(patch), names, most=EXAMPLES, without=without)
    except FatalError:
        return []
    return [example.message[:EXAMPLE_MAX] for example in found]


def fitted(diff: bytes) -> tuple[bytes, list[Json]]:
    """As many files of a change as DIFF_MAX has room for, and the others by name."""
    if len(diff) <= DIFF_MAX:
        return diff, []
    from maw.change import sections  # only for large changes

    kept: list[bytes] = []
    left: list[Json] = []
    room = DIFF_MAX
    for section in sections(diff):
        if len(section) <= room:
            kept.append(section)
            room -= len(section)
        else:
            left.append({"path": section_path(section), "reason": "the change is large"})
    return b"".join(kept), left


def redacted(asked: Asked, redact: Redact) -> Asked:
    """The same without the values of secrets, in any of its texts."""
    said = [asked.what, asked.branch, asked.draft, asked.instruction, *asked.examples]
    done, (what, branch, draft, instruction, *examples) = texts.redacted(redact, asked.diff, said)
    return asked._replace(
        what=what, diff=done.diff, branch=branch, draft=draft, instruction=instruction, examples=tuple(examples),
        redacted=done.hidden > 0,
    )  # fmt: skip


def payload(asked: Asked, repo_name: str) -> Json:
    """The payload of a message task (docs/protocol.md)."""
    return {
        "v": 1,
        "title": f"{repo_name}: message for {asked.what}",
        "diff": binascii.b2a_base64(asked.diff, newline=False).decode("ascii"),
        "profile": profile.to_json(asked.profile),
        "examples": list(asked.examples),
        "branch": asked.branch,
        "ticket": asked.ticket,
        "draft": asked.draft,
        "count": asked.wanted,
        "skipped": list(asked.skipped),
        "redacted": asked.redacted,
        **({"instruction": asked.instruction} if asked.instruction else {}),
        **({"model": asked.model} if asked.model else {}),
    }


def task(payload: Json, *, deadline: float | None = None, fresh: bool = False) -> Json:
    """The request that submits it. `deadline` in seconds from now."""
    request: Json = {"v": 1, "kind": "message", "payload": payload, "priority": "interactive"}
    if deadline is not None:
        request["deadline"] = round(deadline, 3)
    if fresh:
        request["fresh"] = True
    return request
