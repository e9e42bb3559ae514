"""`maw generate pr`: the description of a branch, for those who review it."""

from __future__ import annotations

import click

from maw import errors
from maw.asking import Answered, NoAnswer
from maw.cli import completing
from maw.cli.generate import sending
from maw.cli.generate.sending import TextOptions
from maw.cli.output import print_json, say
from maw.cli.place import needed_repository
from maw.config.load import load
from maw.generate import generation
from maw.generate.history import branch
from maw.generate.history.branch import Branch
from maw.review.request import repo_name


@click.command()
@click.argument("what", required=False, metavar="[A..B | BASE]", shell_complete=completing.revisions)
@sending.common
def pr(*, what: str | None, options: TextOptions) -> int:
    """Describe a branch for its reviewers: title, summary, risk, how to test it.

    Without a range, HEAD against the branch that the remote calls its own. The first line is the title, the rest is
    Markdown. What is certain (sizes, tests that change, dependencies, what reviews found) comes from maw, not from the
    model.

    \b
    Examples:
      maw generate pr                      HEAD against the remote's main branch
      maw generate pr main..topic          a branch
      maw generate pr v1.2 --json          HEAD against a tag, for a script
      maw generate pr --instruction "for people who run it themselves"

    Exit codes: 0 done, 2 usage, 3 no description came of it, 4 node unreachable.
    """
    repo = needed_repository()
    config = load(worktree=repo.worktree, flags={"node": options.node})
    config.at_work()
    base, head = branch.range_of(repo, what)
    with sending.memory(repo) as index:
        asked = branch.gather(repo, index, base, head, config.values["review.max_file_bytes"])
    asked = asked._replace(instruction=options.instruction, project=config.values["generate.instructions"])
    payload = branch.payload(branch.redacted(asked, generation.redactor(config)), repo_name(repo), model=options.model)
    try:
        answered = sending.send(config, "pr", payload, options)
    except NoAnswer as exc:
        say(f"maw: no description: {exc.whole}")
        return errors.INCOMPLETE
    if answered is not None:
        _print(asked, answered, options)
    return errors.PASS


def _print(asked: Branch, answered: Answered, options: TextOptions) -> None:
    found = branch.read(answered.result, asked)
    if not options.as_json:
        click.echo(branch.markdown(found, asked), nl=False)
        return
    print_json({
        "v": 1,
        "title": found.title,
        "summary": list(found.summary),
        "risk": {"level": found.level or None, "text": found.risk},
        "facts": list(asked.facts.lines),
        "tests": list(found.tests),
        "tests_changed": list(asked.facts.tests),
        "body": branch.body(found, asked),
        "range": asked.what,
        "commits": [commit.id for commit in asked.commits],
        "summarised": answered.result.get("summarised", 0),
        "model": answered.result.get("model"),
        "profile": answered.profile,
        "task": answered.task,
        "stats": answered.result.get("stats"),
    })  # fmt: skip
