"""`maw generate changelog`: what users notice of the commits since a tag, put into the change log."""

from __future__ import annotations

import sys
import time
from typing import NamedTuple

import click

from maw import errors
from maw.asking import Answered, NoAnswer
from maw.cli import completing
from maw.cli.generate import offering, remembering, sending
from maw.cli.generate.offering import Taken
from maw.cli.generate.options import CodeOptions, checked
from maw.cli.generate.sending import TextOptions
from maw.cli.output import print_json, say
from maw.cli.place import needed_repository
from maw.config.load import Config, load
from maw.edits import propose
from maw.edits.place import Allowed
from maw.edits.propose import Proposal
from maw.generate import files, generation
from maw.generate.history import changelog as logs
from maw.generate.history import changes
from maw.generate.history.changes import Changes, Entry
from maw.generate.memory.remember import Generation
from maw.git.files import in_repository
from maw.git.repo import Repo
from maw.review.request import repo_name
from maw.text import count


class Target(NamedTuple):
    """The change log that entries are meant for: its path in the repository, its content (None: there is none yet)
    and the heading they come under."""

    path: str
    content: str | None
    title: str


class Written(NamedTuple):
    """What came of it: `entries` are those that were not in the change log yet, `known` how many were; without any
    there is no proposal."""

    asked: Changes
    answered: Answered
    entries: list[Entry]
    known: int
    proposal: Proposal | None
    seconds: float


@click.command()
@click.option(
    "--since",
    metavar="REV",
    shell_complete=completing.revisions,
    help="Tell of what came after it; the default is the newest tag.",
)
@click.option("--release", default="", metavar="VERSION", help="Head it as this release, made today.")
@click.option(
    "--file",
    "name",
    metavar="PATH",
    shell_complete=completing.paths,
    help="The change log; the default is CHANGELOG.md or its like.",
)
@click.option("--apply", is_flag=True, help="Put the entries into the change log without asking.")
@click.option("--patch", is_flag=True, help="Print that as a diff, for `git apply`; change nothing.")
@click.option("--interactive", "-i", is_flag=True, help="Choose hunk by hunk what is put in.")
@sending.common
def changelog(
    *,
    since: str | None,
    release: str,
    name: str | None,
    apply: bool,
    patch: bool,
    interactive: bool,
    options: TextOptions,
) -> int:
    """Write what users notice of the commits since a tag, in the sections of Keep a Changelog.

    An entry for each commit that users notice; several about the same become one. What was reverted counts for nothing,
    and what stands in the change log already is not told again. At a terminal you are asked whether to put the entries
    in; without one they are printed.

    \b
    Examples:
      maw generate changelog                       since the last tag, as unreleased
      maw generate changelog --since v1.2 --apply  into CHANGELOG.md
      maw generate changelog --release 1.3.0 --patch | git apply
      maw generate changelog --json

    Exit codes: 0 done, 2 usage, 3 nothing came of it that can be taken, 4 node unreachable.
    """
    ways = checked(CodeOptions(apply=apply, patch=patch, interactive=interactive, as_json=options.as_json))
    repo = needed_repository()
    config = load(worktree=repo.worktree, flags={"node": options.node})
    config.at_work()
    target = _target(repo, name, release)
    with sending.memory(repo) as index:
        asked = changes.gather(repo, index, since)
    try:
        written = _written(repo, config, asked, target, options)
    except NoAnswer as exc:
        say(f"maw: no entries: {exc.whole}")
        return errors.INCOMPLETE
    return errors.PASS if written is None else _offer(repo, config, target, written, ways)


def _target(repo: Repo, name: str | None, release: str) -> Target:
    """Raises Refused for a change log that cannot be edited, before anything is asked."""
    title = logs.heading(release, time.strftime("%Y-%m-%d"))
    named = [in_repository(repo, name)] if name is not None else list(logs.NAMES)
    for path in named:
        content = files.read(repo, [path], editable=True)[path]
        if content is not None:
            return Target(path, content, title)
    return Target(named[0], None, title)


def _written(repo: Repo, config: Config, asked: Changes, target: Target, options: TextOptions) -> Written | None:
    """None after a dry run. Raises NoAnswer, NodeError, ApiError and FatalError."""
    began = time.monotonic()
    lines = (target.content or "").split("\n")
    project = config.values["generate.instructions"]
    asked = asked._replace(style=tuple(logs.style(lines)), instruction=options.instruction, project=project)
    payload = changes.payload(
        changes.redacted(asked, generation.redactor(config)), repo_name(repo), model=options.model
    )
    answered = sending.send(config, "changelog", payload, options)
    if answered is None:
        return None
    entries = changes.read(answered.result)
    new = logs.new(logs.known(lines, target.title), entries)
    proposal = _proposal(repo, target, new) if new else None
    return Written(asked, answered, new, len(entries) - len(new), proposal, time.monotonic() - began)


def _proposal(repo: Repo, target: Target, entries: list[Entry]) -> Proposal:
    block = logs.block(target.path, target.content, entries, target.title)
    return propose.propose(repo, [block], Allowed(files=frozenset({target.path})))


def _offer(repo: Repo, config: Config, target: Target, written: Written, ways: CodeOptions) -> int:
    """Print the entries, or put them into the change log as far as it is wanted; the exit code."""
    if not ways.as_json:
        _tell(written, target)
    if written.proposal is None:
        taken = None
    elif ways.apply or ways.patch or ways.interactive or ways.as_json or sys.stdin.isatty():
        taken = offering.offer(repo, written.proposal, ways, None)
        remembering.put(repo, config, _about(config, written), written.proposal, taken)
    else:
        taken = None
        click.echo(logs.text(written.entries, target.title), nl=False)
    if ways.as_json:
        _print_json(written, target, taken)
    return errors.PASS


def _tell(written: Written, target: Target) -> None:
    """What there is to say about it, to a person."""
    asked = written.asked
    since = f"since {asked.since}" if asked.since else "from the beginning"
    told = [f"{count(len(asked.commits), 'commit')} {since}", count(len(written.entries), "new entry", "new entries")]
    told += [f"{written.known} in {target.path} already"] if written.known else []
    told += [f"{len(asked.reverted)} that cancel each other"] if asked.reverted else []
    say(f"maw: {', '.join(told)}")


def _about(config: Config, written: Written) -> Generation:
    return Generation(
        command="changelog",
        instruction=written.asked.instruction,
        model=str(written.answered.result.get("model", "")),
        profile=written.answered.profile,
        node=config.values["node"],
        task=written.answered.task,
        elapsed=written.seconds,
    )


def _print_json(written: Written, target: Target, taken: Taken | None) -> None:
    result = written.answered.result
    print_json({
        "v": 1,
        "since": written.asked.since or None,
        "file": target.path,
        "heading": target.title,
        "entries": [entry._asdict() for entry in written.entries],
        "known": written.known,
        "left_out": result.get("left_out", []),
        "reverted": [commit.id for commit in written.asked.reverted],
        "text": logs.text(written.entries, target.title) if written.entries else "",
        "diff": written.proposal.diff.decode("utf-8", "replace") if written.proposal is not None else "",
        "applied": taken is not None and taken.applied is not None,
        "model": result.get("model"),
        "profile": written.answered.profile,
        "task": written.answered.task,
        "stats": result.get("stats"),
    })  # fmt: skip
