"""Read the files that go along. What cannot be edited, or read, is refused by name before anything is asked."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

from maw import files
from maw.edits import lines, place, refusal
from maw.edits.refusal import Refusal, Refused
from maw.errors import FatalError
from maw.git.repo import Repo

WHOLE_MAX = 8 * 1024 * 1024  # bytes of all files that are sent
SOURCE_MAX = 1024 * 1024  # bytes of a text that goes along


def read(repo: Repo, paths: Sequence[str], *, editable: bool) -> dict[str, str | None]:
    """The texts of files, None for one that is not there. Raises Refused for what is no text, or may not be edited."""
    assert repo.worktree is not None, "edits need a worktree"
    found: dict[str, str | None] = {}
    refusals: list[Refusal] = []
    for path in paths:
        try:
            found[path] = _text(repo.worktree, path)
        except Refused as exc:
            refusals += exc.refusals
    if editable and not refusals and found:
        refusals += place.judged_by_git(repo, list(found))
    if not refusals and sum(len(text or "") for text in found.values()) > WHOLE_MAX:
        refusals.append(refusal.refusal(refusal.TOO_LARGE, f"the files have more than {WHOLE_MAX:,} bytes together"))
    if refusals:
        raise Refused(refusals)
    return found


def along(repo: Repo, paths: Sequence[str]) -> dict[str, str]:
    """The texts of files that are to be read and stay as they are. Raises FatalError for one that is not there, and
    Refused for what is no text."""
    found = {}
    for path, text in read(repo, paths, editable=False).items():
        if text is None:
            raise FatalError(f"{path}: there is no such file")
        found[path] = text
    return found


def source(name: str) -> str:
    """A text that goes along, wherever its file lies. Raises FatalError for what cannot be read."""
    try:
        data = files.read_bounded(name, follow=True, limit=SOURCE_MAX)
    except OSError as exc:
        raise FatalError(f"{name} cannot be read: {exc.strerror}") from exc
    if data is None:
        raise FatalError(f"{name}: there is no such file")
    return data.decode("utf-8", "replace")


def fit(repo: Repo, paths: Sequence[str]) -> dict[str, str | None]:
    """The texts of those of these files that are there and may be edited."""
    found: dict[str, str | None] = {}
    for path in paths:
        with contextlib.suppress(Refused):  # nobody named it: another file of the folder will do
            found |= {path: text for path, text in read(repo, [path], editable=False).items() if text is not None}
    bad = {judgement.path for judgement in place.judged_by_git(repo, list(found))} if found else set()
    return {path: text for path, text in found.items() if path not in bad}


def text_of(repo: Repo, path: str) -> str | None:
    """A file's text, to look something up in; None for what is not there, no plain file, or no text."""
    assert repo.worktree is not None
    try:
        found = place.read(repo.worktree, place.checked(path))
        return found.content.decode("utf-8") if found is not None else None
    except (Refused, UnicodeDecodeError):
        return None


def _text(root: str, path: str) -> str | None:
    there = place.read(root, place.checked(path))
    if there is None:
        return None
    try:
        lines.read(there.content)
        return there.content.decode("utf-8")
    except UnicodeDecodeError as exc:
        what = "a binary file" if exc.reason == "a NUL byte" else "not UTF-8"
        raise refusal.refuse(refusal.ENCODING, f"it is {what}, and is left alone", path) from None
