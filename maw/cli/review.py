"""`maw review`: staged changes, a commit, a range or a patch, reviewed now."""

from __future__ import annotations

import json
import sys
import time
from contextlib import closing
from typing import Any, NamedTuple

import click

from maw import errors
from maw.change import BadPatch
from maw.cli import completing
from maw.cli.failure import hush, unread
from maw.cli.options import duration
from maw.cli.output import console, print_json, printable, say
from maw.cli.place import repository
from maw.cli.reviewed import AsJson, AsText, Output
from maw.config.load import Config, load
from maw.errors import FatalError
from maw.finding import SEVERITIES
from maw.git.repo import Repo, staged
from maw.review import known, request
from maw.review import outcome as outcomes
from maw.review.follow import Ended, Found, follow
from maw.review.outcome import Outcome
from maw.review.sifting import Sifter
from maw.text import count, one_line

PATCH = "-"


class Options(NamedTuple):
    """What the command line asked for. `what` is None (staged changes), '-' (a patch), a commit or a range."""

    what: str | None
    as_json: bool = False
    stream: bool = False
    fresh: bool = False
    deadline: float | None = None  # seconds
    record: bool = True
    show_payload: bool = False
    show_dismissed: bool = False


@click.command()
@click.argument("what", required=False, metavar="[COMMIT | A..B | -]", shell_complete=completing.revisions)
@click.option("--staged", "is_staged", is_flag=True, help="What `git commit` would record now (the default).")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object (`maw docs hooks` tells its keys).")
@click.option("--stream", is_flag=True, help="With --json: JSON Lines as things happen, that object last.")
@click.option("--fresh", is_flag=True, help="Review again, even where the answer is known.")
@click.option("--show-dismissed", is_flag=True, help="Print the findings that were dismissed, too, and why.")
@click.option("--node", metavar="NAME", shell_complete=completing.nodes, help="The node that does it.")
@click.option("--block-at", type=click.Choice(SEVERITIES), help="Lowest severity that makes the verdict 'block'.")
@click.option(
    "--deadline",
    callback=duration,
    metavar="TIME",
    help="Give up after this long, such as 30s; the default is to wait.",
)
@click.option("--no-record", is_flag=True, help="Write no note on the commit.")
@click.option("--show-payload", is_flag=True, help="Print what would be sent; send nothing.")
def review(
    *,
    what: str | None,
    is_staged: bool,
    as_json: bool,
    stream: bool,
    fresh: bool,
    show_dismissed: bool,
    node: str | None,
    block_at: str | None,
    deadline: float | None,
    no_record: bool,
    show_payload: bool,
) -> int:
    """Review staged changes, a commit, a range or a patch.

    Findings are printed as they come, but for those that were dismissed. The review of one COMMIT is recorded as a
    note on it, as the hook does. A change whose review is known is not sent again.

    \b
    Examples:
      maw review                       what is staged
      maw review HEAD                  the last commit
      maw review main..topic           all of a branch, as one change
      git diff | maw review -          a patch on standard input
      maw review HEAD --json           for scripts
      maw review --show-payload        what would be sent, without the values of secrets

    Exit codes: 0 pass or warn, 1 block, 3 incomplete, 4 node unreachable.
    """
    if is_staged and what is not None:
        raise click.UsageError("--staged and a commit, range or patch exclude each other.")
    if stream and not as_json:
        raise click.UsageError("--stream goes with --json.")
    repo = repository()
    worktree = repo.worktree if repo else None
    config = load(worktree=worktree, flags={"node": node, "review.block_at": block_at})
    try:
        record = not no_record
        return run(repo, config, Options(what, as_json, stream, fresh, deadline, record, show_payload, show_dismissed))
    except (BrokenPipeError, SystemExit) as exc:
        if not unread(exc):
            raise
        hush()
        return errors.INCOMPLETE  # whoever read it left in the middle: that is no verdict


def run(repo: Repo | None, config: Config, options: Options) -> int:
    """Review and print; the exit code. Raises FatalError, and KeyboardInterrupt once the task is cancelled."""
    from maw.secrets.redact import redact  # with detect-secrets: 150 ms, which --help does without

    node = config.at_work()
    deadline = None if options.deadline is None else time.monotonic() + options.deadline
    change = _change(repo, config, options.what, deadline)
    if deadline is not None:
        options = options._replace(deadline=max(deadline - time.monotonic(), 0.001))
    name = request.repo_name(repo) if repo else "patch"
    allow = config.values["secrets.allow"]
    payload, redacted = request.payload(change, config, name, lambda data: redact(data, allow))
    change = change._replace(diff=redacted.diff)
    if options.show_payload:
        return _show(payload, change, redacted.hidden, options)
    sifter = Sifter(repo, change.tree, change.diff)
    output = AsJson(sifter, options.stream) if options.as_json else AsText(sifter, node)
    before = None
    if repo is not None and not options.fresh:
        before = known.find(repo, change.tree, change.base, config, config.values["connect_timeout"])
    if not change.diff.strip():
        outcome = outcomes.nothing(node, change.skipped)
    elif before is not None:
        outcome = _told_again(before, output)
    else:
        outcome = _review(config, options, payload, output)
        if repo is not None and not redacted.findings:
            known.keep(repo, change.tree, change.base, known.terms(config), outcome)
    outcome = sifter.sift(outcome)
    if sifter.trouble:
        say(f"maw: {sifter.trouble}")
    if redacted.findings:
        status = outcomes.INCOMPLETE if outcome.status == outcomes.UNREVIEWED else outcome.status
        outcome = outcome._replace(status=status, findings=(*redacted.findings, *outcome.findings))
    block_at: str = config.values["review.block_at"]
    output.ended(change, outcome, block_at, before.ts if before is not None else None)
    if options.show_dismissed and not options.as_json:
        _show_dismissed(outcome, sifter)
    if options.record and repo is not None and change.head is not None and ".." not in change.what:
        _record(repo, change, outcome, block_at, known=before is not None)
    return exit_code(outcome, block_at)


def exit_code(outcome: Outcome, block_at: str) -> int:
    verdict = outcome.verdict(block_at)
    if verdict == "block":
        return errors.BLOCK
    if outcome.cause == outcomes.UNREACHABLE:
        return errors.UNREACHABLE
    return errors.INCOMPLETE if verdict == "incomplete" else errors.PASS


def _change(repo: Repo | None, config: Config, what: str | None, deadline: float | None) -> request.Change:
    limit: int = config.values["review.max_file_bytes"]
    if what == PATCH:
        try:
            return request.patch_change(sys.stdin.buffer.read(), limit)
        except BadPatch as exc:
            raise FatalError(f"standard input is not a patch: {exc}", hint="try `git diff | maw review -`") from exc
    if repo is None:
        raise FatalError(
            "this is not a git repository", hint="change to your project first, or review a patch with `maw review -`"
        )
    if what is None:
        return request.staged_change(repo, staged(repo), limit, deadline=deadline)
    return request.committed_change(repo, what, limit, deadline=deadline)


def _show(payload: dict[str, Any], change: request.Change, hidden: int, options: Options) -> int:
    """What would be sent: as it is, or for people with its patch as text."""
    if options.as_json:
        print_json(request.task(payload, deadline=options.deadline, fresh=options.fresh))
        return errors.PASS
    sys.stdout.write(json.dumps({**payload, "diff": f"{len(change.diff)} bytes, below"}, indent=2) + "\n\n")
    sys.stdout.flush()
    if sys.stdout.isatty():  # nothing of a stranger's patch steers the terminal
        sys.stdout.write(printable(change.diff.decode("utf-8", "replace")))
    else:
        sys.stdout.buffer.write(change.diff)
    sys.stdout.flush()
    say(f"maw: nothing was sent; {count(hidden, 'value')} of secrets redacted")
    return errors.PASS


def _review(config: Config, options: Options, payload: dict[str, Any], output: Output) -> Outcome:
    task = request.task(payload, deadline=options.deadline, fresh=options.fresh)
    deadline = None if options.deadline is None else time.monotonic() + options.deadline
    with output.waiting(), closing(follow(config.values["node"], task, deadline=deadline)) as steps:
        for step in steps:
            if isinstance(step, Ended):
                return step.outcome
            output.take(step)
    raise AssertionError("a review without an end")


def _told_again(before: known.Known, output: Output) -> Outcome:
    for finding in before.outcome.findings:
        output.take(Found(finding, {"task": before.outcome.task, "ts": before.ts}))
    return before.outcome


def _show_dismissed(outcome: Outcome, sifter: Sifter) -> None:
    from maw.cli.painting import print_findings

    print_findings(console(), outcome.dismissed)
    for finding in outcome.dismissed:
        why = sifter.why[finding.id]
        by, reason = (f" by {why.by}" if why.by else "", f": {why.reason}" if why.reason else "")
        say(f"maw: {one_line(f'{finding.id} was dismissed{by}{reason}')}")


def _record(repo: Repo, change: request.Change, outcome: Outcome, block_at: str, *, known: bool) -> None:
    """Put the review into the commit's note. What cannot be written now stays in the spool for the next command."""
    if outcome.status == outcomes.UNREVIEWED or change.head is None:
        return
    from maw.memory.noting import note  # pygit2: most reviews are of what is staged

    data = outcomes.to_record(outcome, tree=change.tree, base=change.base, block_at=block_at)
    try:
        for line in note(repo, change.head, data, known=known):
            say(f"maw: {line}")
    except OSError as exc:
        say(f"maw: the note could not be written: {exc.strerror or exc}")
    except FatalError as exc:
        say(f"maw: the note is not written: {exc.message}")
