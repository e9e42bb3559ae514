"""Take what was dismissed out of what was found, before it is shown or judged. Standard library only (hook path)."""

from __future__ import annotations

import os

from maw.errors import FatalError
from maw.finding import Finding
from maw.git.repo import Repo
from maw.git.run import GitError, git
from maw.memory import dismissed
from maw.memory.dismissals import Around, Dismissal, Dismissals, around
from maw.review.outcome import Outcome

READ_TIMEOUT = 5.0  # seconds for git to print a file


class Sifter:
    """Of one change, whose lines stand in `tree`, or in `patch` when that comes from elsewhere.

    Nothing is read before there is a finding. When the dismissals cannot be read, none holds, and `trouble` says why.
    """

    def __init__(self, repo: Repo | None, tree: str | None, patch: bytes = b"") -> None:
        self.why: dict[str, Dismissal] = {}  # by the id of a finding that was dropped
        self.trouble = ""
        self._repo = repo
        self._tree = tree
        self._patch = patch
        self._dismissals: Dismissals | None = None

    def drops(self, finding: Finding) -> bool:
        found = self._all().find(finding, lambda: self._around(finding))
        if found is not None:
            self.why[finding.id] = found
        return found is not None

    def sift(self, outcome: Outcome) -> Outcome:
        """The outcome with what is dismissed told apart; what was so before counts as found."""
        findings = (*outcome.findings, *outcome.dismissed)
        dropped = tuple(finding for finding in findings if self.drops(finding))
        return outcome._replace(findings=tuple(item for item in findings if item not in dropped), dismissed=dropped)

    def _all(self) -> Dismissals:
        if self._dismissals is None:
            self._dismissals = Dismissals()
            try:
                if self._repo is not None:
                    self._dismissals = dismissed.current(self._repo)
            except (FatalError, OSError) as exc:
                self.trouble = f"what was dismissed cannot be read: {getattr(exc, 'message', exc)}"
        return self._dismissals

    def _around(self, finding: Finding) -> Around:
        if self._tree is None or self._repo is None:
            return _in_patch(self._patch, finding)
        return in_tree(self._repo, self._tree, finding)


def in_tree(repo: Repo, tree: str, finding: Finding) -> Around:
    """What stands around a finding's line in a tree; nothing where there is no such file."""
    content = file_in(repo, tree, finding.path)
    return Around() if content is None else around(content.split(b"\n"), finding.line)


def file_in(repo: Repo, tree: str, path: str) -> bytes | None:
    """A file's content in a tree, by a finding's path; None when it is not there."""
    from maw.change import raw_path  # with re and typing: only where a dismissed line may be seen again

    try:
        name = os.fsdecode(raw_path(path))
        return git("cat-file", "blob", f"{tree}:{name}", cwd=repo.root, timeout=READ_TIMEOUT)
    except (ValueError, GitError):
        return None


def _in_patch(patch: bytes, finding: Finding) -> Around:
    from maw.change import parse_each

    for file, _ in parse_each(patch):
        for hunk in file.hunks if file.path == finding.path else ():
            new = [line for line in hunk.lines if line.new is not None]
            at = next((at for at, line in enumerate(new) if line.new == finding.line), None)
            if at is not None:
                return around([line.text for line in new], at + 1)
    return Around()
