"""What can go wrong in ways a person can mend, and maw's exit codes.

Standard library only: the hook path imports this.
"""

from __future__ import annotations

# Exit codes of every maw command (docs/configuration.md lists them for users).
PASS = 0  # verdict pass or warn, or the command did what was asked
BLOCK = 1  # a finding at or above review.block_at, or a check that failed
USAGE = 2  # usage or configuration
INCOMPLETE = 3  # something could not be reviewed
UNREACHABLE = 4  # the node could not be reached
DEFECT = 70  # a defect in maw: the log named on stderr can be attached to an issue (EX_SOFTWARE)
INTERRUPTED = 130  # Ctrl-C (128 + SIGINT)


class FatalError(Exception):
    """The user can fix this. `message` is one line; `hint` says what to do next."""

    exit_code = USAGE

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    @property
    def whole(self) -> str:
        """Both, where there is one line for them."""
        return self.message + (f" ({self.hint})" if self.hint else "")


class NodeError(FatalError):
    """A node cannot be used. `code` is one of the preface's codes (docs/protocol.md).

    refused, timeout, unresolved, host_key_unknown, host_key_changed, auth_failed, version,
    no_runner (the node answers, its runner does not), lost (the connection broke).
    """

    exit_code = UNREACHABLE

    def __init__(self, code: str, message: str, *, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.code = code


class ApiError(FatalError):
    """The runner answered with an error. `status` is HTTP's, `code` the runner's own word for it; `retry_after`: in
    how many seconds the same may be tried again."""

    def __init__(
        self, status: int, code: str, message: str, *, hint: str | None = None, retry_after: int | None = None
    ) -> None:
        super().__init__(message, hint=hint)
        self.status = status
        self.code = code
        self.retry_after = retry_after
