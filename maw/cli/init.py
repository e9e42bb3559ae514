"""`maw init`: set maw up in this repository and for its user. What it changes is written down (maw/setup/)."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import NamedTuple

import click

from maw import errors, paths, reach
from maw.checks.check import Check
from maw.checks.machine import runner_extra
from maw.checks.node import checks as node_checks
from maw.cli import completing
from maw.cli.output import print_json, printable, say
from maw.cli.place import needed_repository
from maw.config import edit
from maw.config.load import REPO_FILE, Config, load
from maw.errors import FatalError
from maw.git import remote as remotes
from maw.git.repo import Repo
from maw.setup import framework, gitconfig, hooks, repofile, stubs
from maw.text import count

_FRAMEWORKS = click.Choice(["pre-commit"])
_KEEP = f"Keep them at commits, by `{framework.STAGES}`"


@click.command()
@click.option("--yes", is_flag=True, help="Ask nothing.")
@click.option(
    "--node",
    "node_name",
    metavar="NAME",
    shell_complete=completing.nodes,
    help="The node that reviews: 'local', or one of `maw node list`.",
)
@click.option("--framework", "framework_name", type=_FRAMEWORKS, help="Add maw's hooks to the project's pre-commit.")
@click.option(
    "--fetch-notes",
    "remote",
    metavar="REMOTE",
    shell_complete=completing.remotes,
    help="Let `git fetch REMOTE` bring maw's notes along.",
)
@click.option("--json", "as_json", is_flag=True, help="Print what was done as one JSON object.")
def init(yes: bool, node_name: str | None, framework_name: str | None, remote: str | None, as_json: bool) -> int:
    """Set maw up in this repository and for you.

    Writes your settings file and the repository's .maw.toml where they are missing, installs the git hooks (what was
    there is kept and still runs), lets git carry notes through amend and rebase, and tries the node. Running it again
    changes only what is missing; `maw uninstall` takes it back.

    \b
    Examples:
      maw init
      maw init --yes --node pro
      maw init --framework pre-commit
      maw init --fetch-notes origin     others' reviews come with `git fetch`; `maw sync` sends yours
      maw init --yes --json | jq .changed
    """
    report = _Report(as_json)
    code = set_up(report, yes=yes, node=node_name, framework_name=framework_name, remote=remote)
    report.end()
    return code


def set_up(
    report: _Report, *, yes: bool, node: str | None, framework_name: str | None, remote: str | None = None
) -> int:
    """Do it. Raises FatalError when something needed is missing; nothing was changed then."""
    repo = needed_repository()
    if repo.worktree is None:
        raise FatalError("this repository has no work tree", hint="run `maw init` where you commit")
    if not yes and not sys.stdin.isatty():
        raise FatalError("there is no terminal to ask on", hint="use `maw init --yes`")
    if remote is not None:
        remote = remotes.checked(repo, remote)
    config = load(worktree=repo.worktree, making=True)
    chosen = _choose_node(config, node, ask=not yes)
    asks = not yes and not _is_set_up(repo, repo.worktree, chosen, framework_name)
    if asks and not click.confirm(_plan(framework_name), default=True, err=True):
        say("maw: nothing was changed")
        return errors.BLOCK
    if asks and remote is None:
        remote = _offer_notes(repo)
    stages = asks and framework_name is not None and _offer_stages(repo.worktree)
    into = _Into(framework_name, stages)
    _apply(report, repo, repo.worktree, chosen=chosen, into=into, remote=remote)
    return _try_out(report, repo, config.values["node"] if chosen is None else chosen)


def _is_set_up(repo: Repo, worktree: str, chosen: str | None, framework_name: str | None) -> bool:
    """Whether there is nothing left to ask for; where a framework runs the hooks, its file may lack something."""
    files = (paths.config_file(), os.path.join(worktree, REPO_FILE))
    return (
        chosen is None
        and framework_name is None
        and all(os.path.exists(path) for path in files)
        and all(state.state == "installed" for state in stubs.status(repo))
        and gitconfig.carries_notes(repo)
    )


def _plan(framework_name: str | None) -> str:
    how = "into .pre-commit-config.yaml" if framework_name else "into git's hooks directory"
    return (
        f"maw puts its hooks {how}, makes .maw.toml and {paths.config_file()} where they are missing,\n"
        "and lets git carry its notes along. `maw uninstall` takes it back. Go on?"
    )


def _choose_node(config: Config, wanted: str | None, *, ask: bool) -> str | None:
    """The node to write into the user's file; None to leave it as it is. Raises FatalError for an unknown one."""
    if wanted is not None:
        if wanted != reach.LOCAL:
            config.node(wanted)
        return wanted if wanted != config.values["node"] else None
    names = [reach.LOCAL, *sorted(config.nodes)]
    if config.origins["node"] != "default" or len(names) == 1:
        return None
    guess = names[1] if runner_extra() else names[0]
    if ask:
        guess = click.prompt("Which node reviews?", type=click.Choice(names), default=guess, err=True)
    return guess if guess != config.values["node"] else None


def _offer_notes(repo: Repo) -> str | None:
    """The remote whose notes shall come with `git fetch`, when the user says yes."""
    if "origin" not in remotes.names(repo) or gitconfig.fetches_notes(repo, "origin"):
        return None
    asked = "Shall `git fetch origin` bring the notes that others pushed (`maw sync` pushes yours)?"
    return "origin" if click.confirm(asked, default=False, err=True) else None


def _offer_stages(worktree: str) -> bool:
    """Whether the project's own hooks shall be kept at commits, where the user says so."""
    asked = f"Hooks without `stages` would run at each of {count(len(framework.HOOK_TYPES), 'hook type')}. {_KEEP}?"
    return framework.lacks_stages(worktree) and click.confirm(asked, default=True, err=True)


class _Into(NamedTuple):
    """Where hooks go: into git's directory, or a framework's configuration, with its default stages or without."""

    framework: str | None
    stages: bool


def _apply(report: _Report, repo: Repo, worktree: str, *, chosen: str | None, into: _Into, remote: str | None) -> None:
    steps: list[Callable[[], list[str]]] = [
        lambda: framework.apply(repo, worktree, stages=into.stages) if into.framework else hooks.apply(repo),
        _user_file,
        lambda: _node(chosen),
        lambda: repofile.apply(repo, worktree),
        lambda: gitconfig.apply(repo),
        lambda: gitconfig.fetch_notes(repo, remote) if remote is not None else [],
    ]
    # One after the other, each told as soon as it is done: should a later one fail, nobody has to guess.
    for step in steps:
        for line in step():
            report.changed(line)
    if not report.changes:
        report.say("ok", "everything was set up already")
    for warning in _warnings(repo, worktree, into.framework):
        report.warned(warning)


def _user_file() -> list[str]:
    path = paths.config_file()
    return (
        [f"{path}: made, with every setting explained"]
        if edit.write_new(path, edit.initial_text(), private=True)
        else []
    )


def _node(chosen: str | None) -> list[str]:
    if chosen is None:
        return []
    edit.set_value(paths.config_file(), "node", chosen)
    return [f"node = {chosen} in {paths.config_file()}"]


def _warnings(repo: Repo, worktree: str, framework_name: str | None) -> list[str]:
    found = [] if framework_name else hooks.warnings(repo)
    if framework_name and framework.lacks_stages(worktree):
        found.append(
            f"hooks in {framework.CONFIG} that name no `stages` run at every hook type by now; "
            f"the line `{framework.STAGES}` in it keeps them at commits"
        )
    losing = gitconfig.losing_mode(repo)
    if losing:
        found.append(
            f"notes.rewriteMode is {losing}: lines of notes get lost when commits are squashed; "
            f"`git config notes.rewriteMode {gitconfig.MODE}` keeps them"
        )
    return found


def _try_out(report: _Report, repo: Repo, node: str) -> int:
    for result in node_checks(load(worktree=repo.worktree), node):
        report.checked(result)
    if report.ok:
        report.say("ok", "the next `git commit` here is reviewed")
    else:
        report.say(
            "note",
            "until that is mended, commits pass and their reviews wait (`maw outbox`); `maw doctor` looks again",
        )
    return errors.PASS


class _Report:
    """What init did, told line by line as it happens, or as one JSON object when all is done."""

    def __init__(self, as_json: bool) -> None:
        self.changes: list[str] = []
        self._warnings: list[str] = []
        self._checks: list[Check] = []
        self._as_json = as_json

    @property
    def ok(self) -> bool:
        return not any(check.state == "fail" for check in self._checks)

    def say(self, word: str, line: str) -> None:
        """A line for people only."""
        if not self._as_json:
            click.echo(printable(f"{word:<8} {line}"))

    def changed(self, line: str) -> None:
        self.changes.append(line)
        self.say("changed", line)

    def warned(self, line: str) -> None:
        self._warnings.append(line)
        self.say("note", line)

    def checked(self, check: Check) -> None:
        self._checks.append(check)
        self.say(check.state, f"{check.what}: {check.found}")
        if check.mend:
            self.say("", f"→ {check.mend}")

    def end(self) -> None:
        if self._as_json:
            checks = [check._asdict() for check in self._checks]
            print_json({"v": 1, "ok": self.ok, "changed": self.changes, "warnings": self._warnings, "checks": checks})
