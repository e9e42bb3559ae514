"""Exchange notes with a remote: fetch theirs, join them with ours as sets of lines, push the union, never by force.

What comes is fetched into refs/notes/maw-remote/<remote>/ and stays there: outside refs/notes/maw/, so that git does
not carry it along when commits are rewritten. A remote that somebody else pushed to meanwhile is fetched again.
"""

from __future__ import annotations

import json
import os
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from maw import files, paths
from maw.errors import FatalError
from maw.git import partial, refs
from maw.git import remote as remotes
from maw.git.repo import Repo
from maw.record import KINDS

if TYPE_CHECKING:
    from maw.git.notes import Taken

ATTEMPTS = 10
AT_ONCE = 1000  # objects that are asked for on one command line
_MARKER_MAX = 64 * 1024  # bytes


class Kind(NamedTuple):
    """What was done for one kind: notes here that have more lines now, notes there that were too large to be taken
    in, whether ours were pushed, and why not where the remote refused them."""

    kind: str
    taken: int = 0
    too_large: int = 0
    pushed: bool = False
    refused: str = ""


def sync(
    repo: Repo,
    remote: str,
    *,
    timeout: float,
    ask: bool,
    push: bool = True,
    told: Callable[[str], None] = lambda _: None,
) -> list[Kind]:
    """Fetch, join, push. `ask`: a person is there, whom git and ssh may ask for a password. `told` hears what is done
    now.

    Raises GitError (GitTimeout after `timeout` seconds) and FatalError; what was fetched and joined by then stays.
    """
    give_up = time.monotonic() + timeout
    done = {kind: Kind(kind) for kind in KINDS}
    with _turn(repo, timeout):
        for attempt in range(ATTEMPTS):
            told(f"fetching the notes of {remote}" + (", where others pushed meanwhile" if attempt else ""))
            remotes.fetch(repo, remote, [refs.refspec(remote)], give_up=give_up, ask=ask)
            _fetch_rest(repo, remote, give_up, ask=ask)
            theirs = _join(repo, remote, done)
            waiting = _news(repo, theirs) if push else []
            if waiting:
                told(f"pushing {', '.join(waiting)} notes to {remote}")
            if not waiting or not _push(repo, remote, waiting, done, give_up, ask=ask):
                return [found for found in done.values() if found != Kind(found.kind)]
            time.sleep(min(random.uniform(0.05, 0.1) * 2**attempt, 2.0))
    raise FatalError(
        f"{remote} was pushed to by others {ATTEMPTS} times in a row", hint="what they pushed is here; try again"
    )


def join_fetched(repo: Repo) -> int:
    """Join what a `git fetch` brought (where `maw init` set its refspec up, say); how many notes have more lines now.

    Cheap when nothing came. Raises FatalError.
    """
    tips = refs.commits(repo, refs.TRACKING)
    marker = os.path.join(repo.maw_dir, "sync.json")
    seen = files.read_bounded(marker, limit=_MARKER_MAX) or b"{}"
    told = json.dumps(tips, sort_keys=True).encode("ascii", "replace")
    if not tips or seen == told:
        return 0
    whole = tips
    if partial.is_partial(repo):
        whole = {ref: tip for ref, tip in tips.items() if not partial.lacking(repo, [tip])}
    taken = sum(found.notes for _, found in _take_in(repo, whole))
    if len(whole) < len(tips):
        raise FatalError(
            "this is a partial clone, and notes that were fetched are not here as a whole",
            hint="`maw sync` fetches the rest",
        )
    paths.make_private_dir(repo.maw_dir)
    files.write_atomic(marker, told)
    return taken


def _fetch_rest(repo: Repo, remote: str, give_up: float, *, ask: bool) -> None:
    """What a `git fetch` in a partial clone left there of the remote's notes."""
    tips = refs.commits(repo, f"{refs.TRACKING}{remote}/").values()
    rest = partial.lacking(repo, tips)
    for at in range(0, len(rest), AT_ONCE):
        remotes.fetch(repo, remote, rest[at : at + AT_ONCE], give_up=give_up, ask=ask)


def _join(repo: Repo, remote: str, done: dict[str, Kind]) -> dict[str, str]:
    """Join what was fetched from one remote; its tips by kind."""
    tips = refs.commits(repo, f"{refs.TRACKING}{remote}/")
    for kind, taken in _take_in(repo, tips):
        before = done[kind]
        done[kind] = before._replace(taken=before.taken + taken.notes, too_large=len(taken.refused))
    return tips


def _take_in(repo: Repo, tips: dict[str, str]) -> Iterator[tuple[str, Taken]]:
    from maw.git.notes import Notes  # pygit2: every maw command looks whether something came, and most find nothing

    notes = Notes(repo)
    for ref, tip in tips.items():
        kind = ref.rpartition("/")[2]
        if kind in KINDS:  # a later version of maw may have more
            yield kind, notes.take_in(kind, tip)


def _news(repo: Repo, theirs: dict[str, str]) -> list[str]:
    """The kinds whose notes the remote has not as we have them."""
    ours = refs.commits(repo, refs.NOTES)
    return [kind for kind in KINDS if kind in ours and ours[kind] != theirs.get(kind)]


def _push(repo: Repo, remote: str, kinds: list[str], done: dict[str, Kind], give_up: float, *, ask: bool) -> bool:
    """Push the notes of these kinds; whether looking again may help."""
    ours = [refs.NOTES + kind for kind in kinds]
    refused = {found.ref: found for found in remotes.push(repo, remote, ours, give_up=give_up, ask=ask)}
    for kind in kinds:
        no = refused.get(refs.NOTES + kind)
        done[kind] = done[kind]._replace(pushed=no is None, refused=no.reason if no is not None else "")
    return any(found.raced for found in refused.values())


@contextmanager
def _turn(repo: Repo, timeout: float) -> Iterator[None]:
    path = os.path.join(paths.make_private_dir(repo.maw_dir), "sync.lock")
    try:
        with files.lock(path, timeout):
            yield
    except TimeoutError as exc:
        raise FatalError("another `maw sync` is at work in this repository", hint="wait for it") from exc
