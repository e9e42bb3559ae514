"""From blocks to a proposal: the edits that an answer makes of the working tree, and their diff. Writes nothing there.

All or nothing: one block that cannot be taken refuses the answer, with every reason that was found.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from maw.edits import answer, diff, hunks, lines, match, place, refusal, splice, syntax
from maw.edits.answer import Block, Replace, Whole
from maw.edits.diff import FileEdit
from maw.edits.place import Allowed, Found
from maw.edits.refusal import Refusal, Refused, refuse
from maw.git.repo import Repo

# What no editor shows, or what shows other text than it is: control characters, and those that reverse the order.
_HIDDEN = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]|\r(?!\n)")


class Loose(NamedTuple):
    """A block that did not match exactly: how it did, and its difference to the file."""

    path: str
    how: str
    difference: str


class Proposal(NamedTuple):
    """`diff` is exactly what applying the edits changes. `loose`: what a person should look at twice."""

    edits: tuple[FileEdit, ...]
    diff: bytes
    loose: tuple[Loose, ...] = ()


def propose(
    repo: Repo,
    blocks: Sequence[Block],
    allowed: Allowed,
    checkers: Mapping[str, syntax.Checker] = syntax.CHECKERS,
) -> Proposal:
    """Raises Refused."""
    assert repo.worktree is not None, "edits need a worktree"
    by_path: dict[str, list[Block]] = {}
    for block in blocks:
        by_path.setdefault(block.path, []).append(block)
    _refuse_all(_judged_names(by_path, allowed))
    found = _read(repo.worktree, list(by_path))
    _refuse_all(place.judged_by_git(repo, list(by_path)))
    edits: list[FileEdit] = []
    loose: list[Loose] = []
    refusals: list[Refusal] = []
    for path, own in by_path.items():
        try:
            edit = _edited(path, found[path], own, loose)
            _judge_text(edit, checkers)
        except Refused as exc:
            refusals += exc.refusals
        else:
            edits += [edit] if edit.new != edit.old else []
    _refuse_all(refusals)
    if not edits:
        raise refuse(refusal.NO_CHANGE, "the answer changes nothing")
    edits.sort(key=lambda edit: edit.path)
    return Proposal(tuple(edits), diff.make(edits), tuple(loose))


def from_answer(repo: Repo, text: bytes, allowed: Allowed, mark: int = answer.MARK) -> Proposal:
    """The proposal of an answer as it came from a model. Raises Refused."""
    return propose(repo, answer.parse(text, mark), allowed)


def accepted(proposal: Proposal, ids: Sequence[str]) -> Proposal | None:
    """The proposal with some of its hunks only (hunks.choices), None when nothing is left. Raises ValueError.

    Its syntax is not looked at again: a person chose."""
    edits = hunks.chosen(proposal.edits, proposal.diff, ids)
    if not edits:
        return None
    kept = {edit.path for edit in edits}
    return Proposal(tuple(edits), diff.make(edits), tuple(each for each in proposal.loose if each.path in kept))


def _refuse_all(refusals: Sequence[Refusal]) -> None:
    if refusals:
        raise Refused(refusals)


def _judged_names(paths: Mapping[str, list[Block]], allowed: Allowed) -> list[Refusal]:
    refusals: list[Refusal] = []
    for path in paths:
        try:
            if not allowed.covers(place.checked(path)):
                refusals.append(refusal.refusal(refusal.NOT_ALLOWED, "it is not among the files to edit", path))
        except Refused as exc:
            refusals += exc.refusals
    folders = {path[:at] for path in paths for at, char in enumerate(path) if char == "/"}
    return refusals + [
        refusal.refusal(refusal.UNFIT, "the answer takes it for a file and for a folder", path)
        for path in sorted(folders & set(paths))
    ]


def _read(root: str, paths: Sequence[str]) -> dict[str, Found | None]:
    found: dict[str, Found | None] = {}
    refusals: list[Refusal] = []
    for path in paths:
        try:
            found[path] = place.read(root, path)
        except Refused as exc:
            refusals += exc.refusals
    _refuse_all(refusals)
    return found


def _edited(path: str, found: Found | None, blocks: list[Block], loose: list[Loose]) -> FileEdit:
    wholes = [block for block in blocks if isinstance(block, Whole)]
    if not wholes:
        return _replaced(path, found, [block for block in blocks if isinstance(block, Replace)], loose)
    if len(blocks) > 1:
        raise refuse(refusal.OVERLAP, "a whole file comes with other blocks for it", path)
    if found is not None and found.content:
        raise refuse(refusal.EXISTS, "the file is there already: only search blocks change it", path)
    if not any(line.strip() for line in wholes[0].lines):
        raise refuse(refusal.DELETES, "a new file without content", path)
    old, mode = (found.content, found.mode) if found is not None else (None, 0o644)
    return FileEdit(path, old, lines.new_file(wholes[0].lines), mode)


def _replaced(path: str, found: Found | None, blocks: list[Replace], loose: list[Loose]) -> FileEdit:
    if found is None:
        raise refuse(refusal.NO_FILE, "there is no such file to search in", path)
    text = _text(path, found.content)
    refusals: list[Refusal] = []
    edits = []
    for block in blocks:
        try:
            matched = match.find(block.search, text.lines, path)
        except Refused as exc:
            refusals += exc.refusals
            continue
        edits.append((matched, block.search, block.replace))
        if matched.how != match.EXACT:
            loose.append(Loose(path, matched.how, matched.difference))
    _refuse_all(refusals)
    _refuse_overlap(path, sorted((matched.start, matched.end) for matched, _, _ in edits))
    new = splice.splice(text, edits).encode()
    if found.content.strip() and not new.strip():
        raise refuse(refusal.DELETES, "the answer deletes all that is in the file", path)
    return FileEdit(path, found.content, new, found.mode)


def _text(path: str, content: bytes) -> lines.Text:
    try:
        return lines.read(content)
    except UnicodeDecodeError as exc:
        what = "a binary file" if exc.reason == "a NUL byte" else "not UTF-8"
        raise refuse(refusal.ENCODING, f"it is {what}, and is left alone", path) from None


def _refuse_overlap(path: str, spans: list[tuple[int, int]]) -> None:
    for (_, end), (start, _) in itertools.pairwise(spans):
        if start < end:
            raise refuse(refusal.OVERLAP, f"two search blocks are about the same line ({start + 1})", path)


def _judge_text(edit: FileEdit, checkers: Mapping[str, syntax.Checker]) -> None:
    """Raises Refused for what the new text must not hold, or is not."""
    old, new = (edit.old or b"").decode("utf-8"), (edit.new or b"").decode("utf-8")
    hidden = set(_HIDDEN.findall(new)) - set(_HIDDEN.findall(old))
    if hidden:
        named = ", ".join(sorted(f"U+{ord(char):04X}" for char in hidden)[:5])
        raise refuse(refusal.CONTROL, f"the answer puts control characters into the file: {named}", edit.path)
    problem = syntax.broken(edit.path, old if edit.old else None, new, checkers)
    if problem is not None:
        at = f"line {problem.line}: " if problem.line else ""
        real = "\n".join(_around(new, problem.line)) if problem.line else ""
        raise refuse(refusal.SYNTAX, f"it would no longer be valid: {at}{problem.message}", edit.path, real)


def _around(text: str, line: int, reach: int = 5) -> Iterator[str]:
    yield from text.split("\n")[max(0, line - 1 - reach) : line + reach]
