"""`maw generate message`: the commit message of a change, as the repository writes its own."""

from __future__ import annotations

from typing import NamedTuple

import click

from maw import errors
from maw.asking import NoAnswer
from maw.cli import completing
from maw.cli.generate import sending
from maw.cli.generate.sending import TextOptions
from maw.cli.options import duration
from maw.cli.output import print_json, say
from maw.cli.place import needed_repository
from maw.config.load import Config, load
from maw.errors import FatalError
from maw.generate import generation
from maw.git.repo import Repo, staged
from maw.git.run import git
from maw.messages import amend, ask, learned, request
from maw.messages.ask import Suggestions
from maw.messages.profile import Profile, to_json
from maw.review.request import Change, committed_change, repo_name, staged_change
from maw.review.terminal import ProgressLine

COUNT_MAX = 8


class Wanted(NamedTuple):
    """Which messages, of what. `what`: a commit or a range; None: what is staged."""

    what: str | None
    number: int = 1
    amend: bool = False
    force: bool = False
    deadline: float | None = None  # seconds


@click.command()
@click.argument("what", required=False, metavar="[COMMIT | A..B]", shell_complete=completing.revisions)
@click.option("--staged", "is_staged", is_flag=True, help="What `git commit` would record now (the default).")
@click.option("--count", type=click.IntRange(1, COUNT_MAX), default=1, help="How many different ones.")
@click.option("--amend", "is_amend", is_flag=True, help="Give the last commit this message; nothing else changes.")
@click.option("--force", is_flag=True, help="With --amend: also when a remote has the commit already.")
@click.option("--deadline", callback=duration, metavar="TIME", help="Give up after this long; the default is to wait.")
@sending.common
def message(
    *,
    what: str | None,
    is_staged: bool,
    count: int,
    is_amend: bool,
    force: bool,
    deadline: float | None,
    options: TextOptions,
) -> int:
    """Write the commit message of a change, in the form that this repository's messages have.

    \b
    Examples:
      maw generate message                 what is staged
      maw generate message HEAD~2          a commit
      maw generate message main..topic     a branch, as one change
      maw generate message --count 3       three to choose from
      maw generate message --amend         a better one for the last commit
      maw generate message --instruction "name the user's bug report"
      git commit -F <(maw generate message)

    Exit codes: 0 done, 2 usage, 3 no message came of it, 4 node unreachable.
    """
    if is_staged and (what is not None or is_amend):
        raise click.UsageError("--staged, --amend and a commit or range exclude each other.")
    if is_amend and (what is not None or count > 1):
        raise click.UsageError("--amend is about the last commit, and takes one message.")
    if force and not is_amend:
        raise click.UsageError("--force goes with --amend.")
    repo = needed_repository()
    config = load(worktree=repo.worktree, flags={"node": options.node})
    config.at_work()
    return run(repo, config, Wanted(what, count, is_amend, force, deadline), options)


def run(repo: Repo, config: Config, wanted: Wanted, options: TextOptions) -> int:
    """Write and print; the exit code. Raises FatalError, and KeyboardInterrupt once the task is cancelled."""
    head = amend.check(repo, force=wanted.force) if wanted.amend else ""
    draft = amend.message_of(repo, head) if head else ""
    change = _change(repo, config, head or wanted.what)
    habits = _learned(repo)
    without = _no_examples(repo, wanted, change)
    asked = request.about(repo, change, habits, draft=draft, wanted=wanted.number, without=without)
    asked = asked._replace(instruction=options.instruction, model=options.model)
    payload = request.payload(request.redacted(asked, generation.redactor(config)), repo_name(repo))
    try:
        answered = sending.send(config, "message", payload, options, deadline=wanted.deadline)
        if answered is None:
            return errors.PASS
        found = ask.suggestions(answered)
    except NoAnswer as exc:
        say(f"maw: no message: {exc.whole}")
        return errors.INCOMPLETE
    if head:
        text = amend.with_trailers_of(draft, found.messages[0])
        amend.rewrite(repo, head, text)
        found = found._replace(messages=(text,))
    _print(found, habits, amended=wanted.amend, as_json=options.as_json)
    return errors.PASS


def _change(repo: Repo, config: Config, what: str | None) -> Change:
    """Raises FatalError where there is none."""
    limit: int = config.values["review.max_file_bytes"]
    change = staged_change(repo, staged(repo), limit) if what is None else committed_change(repo, what, limit)
    if not change.diff and not change.skipped:
        if what is None:
            raise FatalError("there is no change to write a message for", hint="`git add` something, or name a commit")
        raise FatalError(f"{what} changes nothing that a message could tell")
    return change


def _learned(repo: Repo) -> Profile:
    """The repository's habits, brought up to date; where no index can be kept, those of its last messages."""
    from maw.messages.index import MessageIndex

    line = ProgressLine()
    try:
        with MessageIndex(repo) as index:
            return index.refresh(told=lambda count: line.show(f"learning from past messages: {count:,}"))
    except (FatalError, OSError) as exc:
        say(f"maw: no examples of past messages: {getattr(exc, 'message', exc)}")
        return learned.at_a_glance(repo)
    finally:
        line.clear()


def _no_examples(repo: Repo, wanted: Wanted, change: Change) -> list[str]:
    """The commits that are part of the change: their messages would be answers, not examples."""
    if change.head is None:
        return []
    if wanted.what and ".." in wanted.what:
        return git("rev-list", "--max-count=1000", wanted.what, "--", cwd=repo.root).decode("ascii").split()
    return [change.head]


def _print(found: Suggestions, habits: Profile, *, amended: bool, as_json: bool) -> None:
    if as_json:
        print_json({
            "v": 1,
            "messages": list(found.messages),
            "amended": amended,
            "summarised": found.data.get("summarised", 0),
            "learned": to_json(habits),
            "model": found.model,
            "profile": found.profile,
            "task": found.task,
            "stats": found.data.get("stats"),
        })  # fmt: skip
        return
    for number, text in enumerate(found.messages, 1):
        if len(found.messages) > 1:
            click.echo(f"--- {number} ---")
        click.echo(text.rstrip("\n"))
