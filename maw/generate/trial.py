"""Try a proposal: the user's command in a scratch worktree, and how long another one takes before and after."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from maw.edits import scratch, verify
from maw.edits.diff import FileEdit
from maw.edits.verify import Outcome, never
from maw.errors import INCOMPLETE, FatalError
from maw.generate.failing import gist
from maw.generate.request import OUTPUT_MAX
from maw.generate.rounds import Verdict
from maw.git.repo import Repo
from maw.git.run import no_git_env

RUNS = 3  # of a benchmark before and after, in turns; the best of each counts
GAIN = 0.02  # of the time before: what is less is noise


class Bench(NamedTuple):
    """The best times, in seconds."""

    before: float
    after: float

    @property
    def faster(self) -> bool:
        return self.after < self.before * (1 - GAIN)

    def __str__(self) -> str:
        return f"{self.before:.3f} s before, {self.after:.3f} s after"


def check(
    repo: Repo, edits: Sequence[FileEdit], command: str, timeout: float, stopped: Callable[[], bool] = never
) -> Verdict:
    """Whether the command passes with the edits. Raises Stopped."""
    went = verify.verify(repo, edits, command, timeout=timeout, stopped=stopped)
    return verdict(command, went)


def verdict(command: str, went: Outcome) -> Verdict:
    output = "" if went.passed else went.text()
    said = f": {gist.headline(output)}" if output.strip() else ""
    why = f"`{command}` {how(went)}{said}"
    return Verdict(went.passed, why, gist.of(output, OUTPUT_MAX), command, went.code, went.seconds)


def how(went: Outcome) -> str:
    """An outcome in a few words."""
    if went.code is None:
        return f"did not end within {went.seconds:.0f} s"
    if went.code < 0:
        return f"was killed by signal {-went.code}"
    return f"passed in {went.seconds:.1f} s" if went.passed else f"failed with exit code {went.code}"


def bench(
    repo: Repo, edits: Sequence[FileEdit], command: str, timeout: float, stopped: Callable[[], bool] = never
) -> Bench | Verdict:
    """How long the command takes, or the verdict when it fails with the edits. Raises BenchFails when it fails
    without, and Stopped."""
    best = [float("inf"), float("inf")]
    env = {**no_git_env(), "MAW_WORKTREE": repo.root}
    with scratch.worktree(repo, ()) as old, scratch.worktree(repo, edits) as new:
        for _ in range(RUNS):
            for at, path in enumerate((old, new)):
                went = verify.run(command, path, timeout=timeout, env=env, stopped=stopped)
                if not went.passed and at == 0:
                    raise BenchFails(f"`{command}` {how(went)}, without any change")
                if not went.passed:
                    return verdict(command, went)
                best[at] = min(best[at], went.seconds)
    return Bench(*best)


class BenchFails(FatalError):
    """The benchmark itself does not run."""

    exit_code = INCOMPLETE
