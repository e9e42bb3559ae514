"""Why an answer is not taken: a code for programs, one line for people, and real lines for one more round."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from maw.errors import INCOMPLETE, FatalError
from maw.text import one_line, printable

_MESSAGE_MAX = 300  # characters; a path that a model made up has no end otherwise

# Of an answer as a whole.
EMPTY, PROSE, HALF, TOO_LARGE, REPEATS, NOT_TEXT = "empty", "prose", "half", "too_large", "repeats", "not_text"
NO_CHANGE = "no_change"
# Of a path.
BAD_PATH, NOT_ALLOWED, INSIDE_GIT, LINK, IGNORED, SUBMODULE = (
    "bad_path", "not_allowed", "inside_git", "link", "ignored", "submodule",
)  # fmt: skip
UNMERGED, NOT_CHECKED_OUT, NO_FILE, EXISTS, ENCODING, UNFIT = (
    "unmerged", "not_checked_out", "no_file", "exists", "encoding", "unfit",
)  # fmt: skip
# Of an edit.
NO_MATCH, AMBIGUOUS, OVERLAP, EMPTY_SEARCH, DELETES, CONTROL, SYNTAX = (
    "no_match", "ambiguous", "overlap", "empty_search", "deletes", "control", "syntax",
)  # fmt: skip


class Refusal(NamedTuple):
    """`message` is one printable line. `real`: lines of the file as they are, for a model that is asked once more."""

    code: str
    message: str
    path: str | None = None
    real: str = ""


def refusal(code: str, message: str, path: str | None = None, real: str = "") -> Refusal:
    said = one_line(f"{path}: {message}" if path is not None else message)
    return Refusal(code, said if len(said) <= _MESSAGE_MAX else said[: _MESSAGE_MAX - 1] + "…", path, printable(real))


class Refused(FatalError):
    """An answer that is not taken, with each reason. Nothing was changed."""

    exit_code = INCOMPLETE

    def __init__(self, refusals: Iterable[Refusal], *, hint: str | None = None) -> None:
        self.refusals = tuple(refusals)
        first = self.refusals[0].message
        more = f" (and {len(self.refusals) - 1} more)" if len(self.refusals) > 1 else ""
        super().__init__(first + more, hint=hint)


def refuse(code: str, message: str, path: str | None = None, real: str = "") -> Refused:
    return Refused([refusal(code, message, path, real)])
