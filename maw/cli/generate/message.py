"""`maw generate message`: the commit message of a change, as the repository writes its own."""

from __future__ import annotations

import time
from typing import Any, NamedTuple

import click

from maw import errors
from maw.asking import NoAnswer
from maw.cli.output import print_json, say
from maw.cli.place import needed_repository
from maw.config.load import Config, load
from maw.config.schema import seconds
from maw.errors import FatalError
from maw.git.repo import Repo, staged
from maw.git.run import git
from maw.messages import amend, ask, learned, request
from maw.messages.ask import Suggestions
from maw.messages.profile import Profile, to_json
from maw.messages.request import Asked
from maw.review.request import Change, committed_change, repo_name, staged_change
from maw.review.terminal import ProgressLine
from maw.text import one_line

COUNT_MAX = 8


class Options(NamedTuple):
    """What the command line asked for. `what`: a commit or a range; None: what is staged."""

    what: str | None
    wanted: int = 1
    amend: bool = False
    force: bool = False
    as_json: bool = False
    fresh: bool = False
    deadline: float | None = None  # seconds


def _duration(_ctx: click.Context, _param: click.Parameter, value: str | None) -> float | None:
    try:
        return None if value is None else seconds(value)
    except ValueError as exc:
        raise click.BadParameter(str(exc)) from exc


@click.command()
@click.argument("what", required=False, metavar="[COMMIT | A..B]")
@click.option("--staged", "is_staged", is_flag=True, help="What `git commit` would record now (the default).")
@click.option("--count", type=click.IntRange(1, COUNT_MAX), default=1, help="How many different ones.")
@click.option("--amend", "is_amend", is_flag=True, help="Give the last commit this message; nothing else changes.")
@click.option("--force", is_flag=True, help="With --amend: also when a remote has the commit already.")
@click.option("--fresh", is_flag=True, help="Write again, even where the answer is known.")
@click.option("--node", metavar="NAME", help="The node that does it.")
@click.option("--deadline", callback=_duration, metavar="TIME", help="Give up after this long; the default is to wait.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object (docs/messages.md tells its keys).")
def message(
    *,
    what: str | None,
    is_staged: bool,
    count: int,
    is_amend: bool,
    force: bool,
    fresh: bool,
    node: str | None,
    deadline: float | None,
    as_json: bool,
) -> int:
    """Write the commit message of a change, in the form that this repository's messages have.

    \b
    Examples:
      maw generate message                 what is staged
      maw generate message HEAD~2          a commit
      maw generate message main..topic     a branch, as one change
      maw generate message --count 3       three to choose from
      maw generate message --amend         a better one for the last commit
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
    config = load(worktree=repo.worktree, flags={"node": node})
    return run(repo, config, Options(what, count, is_amend, force, as_json, fresh, deadline))


def run(repo: Repo, config: Config, options: Options) -> int:
    """Write and print; the exit code. Raises FatalError, and KeyboardInterrupt once the task is cancelled."""
    head = amend.check(repo, force=options.force) if options.amend else ""
    change = _change(repo, config, head or options.what)
    if not change.diff and not change.skipped:
        raise FatalError("there is no change to write a message for", hint="`git add` something, or name a commit")
    habits = _learned(repo)
    draft = amend.message_of(repo, head) if head else ""
    asked = request.about(
        repo, change, habits, draft=draft, wanted=options.wanted, without=_no_examples(repo, options, change)
    )
    try:
        found = _written(repo, config, options, asked)
    except NoAnswer as exc:
        say(f"maw: no message: {exc.message}" + (f" ({exc.hint})" if exc.hint else ""))
        return errors.INCOMPLETE
    text = found.messages[0]
    if head:
        text = amend.with_trailers_of(draft, text)
        amend.rewrite(repo, head, text)
    _print(found if not head else found._replace(messages=(text,)), habits, options)
    return errors.PASS


def _change(repo: Repo, config: Config, what: str | None) -> Change:
    limit: int = config.values["review.max_file_bytes"]
    return staged_change(repo, staged(repo), limit) if what is None else committed_change(repo, what, limit)


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


def _written(repo: Repo, config: Config, options: Options, asked: Asked) -> Suggestions:
    from maw.secrets.redact import redact  # with detect-secrets: 150 ms

    allow = config.values["secrets.allow"]
    payload = request.payload(request.redacted(asked, lambda data: redact(data, allow)), repo_name(repo))
    deadline = None if options.deadline is None else time.monotonic() + options.deadline
    task = request.task(payload, deadline=options.deadline, fresh=options.fresh)
    line = ProgressLine()
    try:
        return ask.ask(config.values["node"], task, deadline=deadline, told=lambda *event: line.show(_said(*event)))
    finally:
        line.clear()


def _no_examples(repo: Repo, options: Options, change: Change) -> list[str]:
    """The commits that are part of the change: their messages would be answers, not examples."""
    if change.head is None:
        return []
    if options.what and ".." in options.what:
        return git("rev-list", "--max-count=1000", options.what, "--", cwd=repo.root).decode("ascii").split()
    return [change.head]


def _said(kind: str, data: dict[str, Any]) -> str:
    """An event as a progress line."""
    if kind == "text":
        return "writing"
    if kind == "unit":
        return f"file {data.get('done')} of {data.get('total')}: {one_line(str(data.get('path', '')))}"
    return {"waiting": "waiting for the node", "loading": "loading the model"}.get(kind, "reading the change")


def _print(found: Suggestions, habits: Profile, options: Options) -> None:
    if options.as_json:
        print_json({
            "v": 1,
            "messages": list(found.messages),
            "amended": options.amend,
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
