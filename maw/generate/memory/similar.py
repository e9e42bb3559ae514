"""What was generated here before, was accepted, and is like what is asked for now: examples for the model.

They are found in the notes by the words of the instruction, of the paths and of what the commit says, and read from the
commits; nothing is kept beside these.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence, Set
from typing import NamedTuple

from maw import change
from maw.generate.memory import remember
from maw.git.repo import Repo, start_of_diff_offline
from maw.git.run import GitError, no_git_env, of, try_line
from maw.memory.index import Index
from maw.messages import features
from maw.record import Json
from maw.review.request import section_path

LOOKED = 1000  # generations that are compared, the newest
MOST = 3
DIFF_MAX = 4000  # characters of an example
_READ_MAX = 256 * 1024  # bytes of a commit's diff that are read for one
_TIMEOUT = 5.0  # seconds
_BIG_FILE = 256 * 1024  # bytes
_SHARED_MIN = 2  # words that both must have
_SAME_COMMAND = 1.5  # how much more one of the same subcommand counts


class Accepted(NamedTuple):
    """A generation that was accepted. `diff` is what its commit did to its files, without the rest of that commit."""

    command: str
    instruction: str
    paths: tuple[str, ...]
    diff: str


def similar(
    repo: Repo, index: Index, command: str, instruction: str, paths: Iterable[str], *, most: int = MOST
) -> list[Accepted]:
    """The likest first; none where there is nothing alike. The index is asked as it is. Raises FatalError where it
    cannot be used."""
    records = index.generations(remember.TAKEN, LOOKED)
    examples: list[Accepted] = []
    for commit, data in ranked(records, command, _words(instruction, paths)):
        if len(examples) == most:
            break
        diff = _diff(repo, commit, data)
        if diff:
            examples.append(Accepted(data["command"], data["instruction"], tuple(_paths(data)), diff))
    return examples


def ranked(records: Sequence[tuple[str, Json]], command: str, wanted: Set[str]) -> list[tuple[str, Json]]:
    """Those that share words with `wanted`, by how rare and how many these are; each generation once. Pure."""
    known: dict[str, tuple[str, Json, Set[str]]] = {}
    for commit, data in records:
        if all(isinstance(data.get(key), str) for key in ("command", "instruction")):
            key = str(data.get("generation") or data.get("id"))
            known.setdefault(key, (commit, data, _words(data["instruction"], _paths(data))))
    often = Counter(word for _, _, words in known.values() for word in words)
    scored = []
    for at, (commit, data, words) in enumerate(known.values()):
        shared = words & wanted
        score = sum(math.log(1 + len(known) / often[word]) for word in shared) / math.sqrt(1 + len(words))
        if len(shared) >= _SHARED_MIN:
            scored.append((-score * (_SAME_COMMAND if data["command"] == command else 1.0), at, commit, data))
    return [(commit, data) for _, _, commit, data in sorted(scored, key=lambda item: item[:2])]


def _words(instruction: str, paths: Iterable[str]) -> Set[str]:
    return {*features.name_words(features.names([instruction])), *features.path_words(paths)}


def _paths(data: Json) -> list[str]:
    paths = data.get("paths")
    return [path for path in paths if isinstance(path, str)] if isinstance(paths, list) else []


def _diff(repo: Repo, commit: str, data: Json) -> str:
    """Empty where the commit, or what it changed, is not here."""
    wanted = set(_paths(data))
    parent = try_line(
        *of(repo.common_dir), "rev-parse", "--verify", "--quiet", f"{commit}^{{commit}}^1", cwd=repo.common_dir,
        env=no_git_env(),
    )  # fmt: skip
    if parent is None:
        return ""
    try:
        diff, whole = start_of_diff_offline(
            repo.common_dir, parent, commit, limit=_READ_MAX, timeout=_TIMEOUT, big_file_threshold=_BIG_FILE
        )
    except GitError:
        return ""
    parts = list(change.sections(diff))
    kept = [part for part in (parts if whole else parts[:-1]) if section_path(part) in wanted]
    return b"".join(kept).decode("utf-8", "replace")[:DIFF_MAX]
