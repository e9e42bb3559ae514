"""Outcomes of reviews by what was reviewed, so that none asks a node twice. Standard library only (hook path).

One file each, <common>/maw/known/<tree>-<base>-<terms>-<profile>.json: a review record. `terms` is a checksum of the
settings that determine what is asked. Dismissals and the gate are no part of it: they are applied at each use.
"""

from __future__ import annotations

import binascii
import contextlib
import json
import os
import re
import time
from collections.abc import Iterator

from maw import __version__, files, paths, profiles
from maw.config.load import Config
from maw.git.repo import Repo
from maw.light import Any, NamedTuple
from maw.record import OWN_MAX
from maw.review import current
from maw.review import outcome as outcomes
from maw.review.outcome import Outcome

KEPT = 200  # the newest
MAX_AGE = 14 * 86400.0  # seconds
_TERMS = (
    "review.rules", "review.exclude", "review.max_file_bytes", "review.verify", "secrets.allow", "roles.manager",
)  # fmt: skip
_KIND = "review"
_ANY_GATE = "error"  # a record has to name one; what is read here is the findings

Json = dict[str, Any]


class Known(NamedTuple):
    """`ts` is when the review ended."""

    outcome: Outcome
    ts: str


def directory(repo: Repo) -> str:
    return os.path.join(repo.maw_dir, "known")


def find(repo: Repo, tree: str | None, base: str | None, config: Config, wait: float) -> Known | None:
    """The outcome of this very change under these settings, by the profile that the node has now. None: ask it. The
    profile is asked for `wait` seconds at most; with 0 the one that another machine named last counts."""
    node: str = config.values["node"]
    last = profiles.last(node, _KIND)
    if last is None or tree is None or base is None:
        return None
    path = _path(repo, tree, base, terms(config), last)
    written = files.changed(path)
    if written is None:
        return None  # with another profile it is not known either, most often, and to be asked is what finds that out
    now = current.profile(node, _KIND, written, wait)
    data = _read(path) if now == last else None
    if data is None or (data.get("tree"), data.get("base"), data.get("node")) != (tree, base, node):
        return None
    try:
        outcome = outcomes.from_record(data)
    except ValueError:
        return None
    return Known(outcome, str(data["ts"])) if outcome.status == outcomes.REVIEWED else None


def terms(config: Config) -> str:
    """A checksum of the settings that determine what is asked: 8 hex digits."""
    settings = [__version__, config.values["node"], *(config.values[key] for key in _TERMS)]
    return f"{binascii.crc32(json.dumps(settings, default=list).encode()):08x}"


def keep(repo: Repo, tree: str | None, base: str | None, terms: str, outcome: Outcome) -> None:
    """Remember what a node found under these terms. Where that cannot be written, it is asked again."""
    if not profiles.usable(outcome.profile) or tree is None or base is None or not re.fullmatch("[0-9a-f]{8}", terms):
        return
    profiles.remember(outcome.node, {_KIND: outcome.profile})
    data = outcomes.to_record(outcome, tree=tree, base=base, block_at=_ANY_GATE)
    content = json.dumps(data, separators=(",", ":"), sort_keys=True).encode("ascii")
    if len(content) > OWN_MAX:
        return  # cut short it would pass for what it is not
    with contextlib.suppress(OSError):
        paths.make_private_dir(repo.maw_dir)
        paths.make_private_dir(directory(repo))
        files.write_atomic(_path(repo, tree, base, terms, outcome.profile), content)
        _trim(repo)


def records(repo: Repo) -> Iterator[Json]:
    """All that is known, as review records: what a person may give feedback on before there is a commit."""
    for name in _names(repo):
        data = _read(os.path.join(directory(repo), name))
        if data is not None:
            yield data


def _path(repo: Repo, tree: str, base: str, terms: str, profile: str) -> str:
    return os.path.join(directory(repo), f"{tree}-{base}-{terms}-{profile[:16]}.json")


def _trim(repo: Repo) -> None:
    found = []
    for name in _names(repo):
        path = os.path.join(directory(repo), name)
        with contextlib.suppress(FileNotFoundError):
            found.append((os.stat(path).st_mtime, path))
    oldest = time.time() - MAX_AGE
    for at, (written, path) in enumerate(sorted(found, reverse=True)):
        if at >= KEPT or written < oldest:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)


def _names(repo: Repo) -> list[str]:
    try:
        return [name for name in os.listdir(directory(repo)) if name.endswith(".json")]
    except (FileNotFoundError, NotADirectoryError):
        return []


def _read(path: str) -> Json | None:
    try:
        data = json.loads(files.read_bounded(path, limit=OWN_MAX) or b"null")
    except (ValueError, OSError, RecursionError):
        return None
    known = isinstance(data, dict) and all(isinstance(data.get(key), str) for key in ("id", "ts"))
    return data if known else None
