"""`maw init`: set maw up in this repository and for its user. What it changes is written down (maw/setup/)."""

from __future__ import annotations

import sys
from collections.abc import Callable

import click

from maw import errors, paths, reach
from maw.checks.check import Check
from maw.checks.machine import runner_extra
from maw.checks.node import checks as node_checks
from maw.cli.output import printable
from maw.config import edit
from maw.config.load import Config, load
from maw.errors import FatalError
from maw.git.repo import Repo, discover
from maw.setup import framework, gitconfig, hooks, repofile

_FRAMEWORKS = click.Choice(["pre-commit"])


@click.command()
@click.option("--yes", is_flag=True, help="Ask nothing.")
@click.option("--node", "node_name", metavar="NAME", help="The node that reviews: 'local', or one of `maw node list`.")
@click.option("--framework", "framework_name", type=_FRAMEWORKS, help="Add maw's hooks to the project's pre-commit.")
def init(yes: bool, node_name: str | None, framework_name: str | None) -> int:
    """Set maw up in this repository and for you.

    Writes your settings file and the repository's .maw.toml where they are missing, installs the git hooks (what was
    there is kept and still runs), lets git carry notes through amend and rebase, and tries the node. Running it again
    changes only what is missing; `maw uninstall` takes it back.

    \b
    Examples:
      maw init
      maw init --yes --node pro
      maw init --framework pre-commit
    """
    return set_up(yes=yes, node=node_name, framework_name=framework_name)


def set_up(*, yes: bool, node: str | None, framework_name: str | None) -> int:
    """Do it. Raises FatalError when something needed is missing; nothing was changed then."""
    repo = discover()
    if repo.worktree is None:
        raise FatalError("this repository has no work tree", hint="run `maw init` where you commit")
    if not yes and not sys.stdin.isatty():
        raise FatalError("there is no terminal to ask on", hint="use `maw init --yes`")
    _need_notes(repo)
    config = load(worktree=repo.worktree)
    chosen = _choose_node(config, node, ask=not yes)
    if not yes and not click.confirm(_plan(framework_name), default=True, err=True):
        return errors.BLOCK
    _apply(repo, repo.worktree, chosen, framework_name)
    return _try_out(repo, config.values["node"] if chosen is None else chosen)


def _need_notes(repo: Repo) -> None:
    """Raises FatalError, which names the reason, where no review could be recorded."""
    from maw.git.libgit import open_repository  # pygit2: `maw init --help` does without

    open_repository(repo)


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


def _apply(repo: Repo, worktree: str, chosen: str | None, framework_name: str | None) -> None:
    steps: list[Callable[[], list[str]]] = [
        lambda: framework.apply(repo, worktree) if framework_name else hooks.apply(repo),
        _user_file,
        lambda: _node(chosen),
        lambda: repofile.apply(repo, worktree),
        lambda: gitconfig.apply(repo),
    ]
    # One after the other, each told as soon as it is done: should a later one fail, nobody has to guess.
    changed = [_tell("changed", line) for step in steps for line in step()]
    if not changed:
        _tell("ok", "everything was set up already")
    for warning in _warnings(repo, framework_name):
        _tell("note", warning)


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


def _warnings(repo: Repo, framework_name: str | None) -> list[str]:
    found = [] if framework_name else hooks.warnings(repo)
    losing = gitconfig.losing_mode(repo)
    if losing:
        found.append(
            f"notes.rewriteMode is {losing}: lines of notes get lost when commits are squashed; "
            f"`git config notes.rewriteMode {gitconfig.MODE}` keeps them"
        )
    return found


def _try_out(repo: Repo, node: str) -> int:
    results = list(node_checks(load(worktree=repo.worktree), node))
    for result in results:
        _tell_check(result)
    if any(result.state == "fail" for result in results):
        _tell("note", "until that is mended, commits pass unreviewed (review.on_unreachable); `maw doctor` looks again")
    else:
        _tell("ok", "the next `git commit` here is reviewed")
    return errors.PASS


def _tell_check(check: Check) -> None:
    _tell(check.state, f"{check.what}: {check.found}")
    if check.mend:
        _tell("", f"→ {check.mend}")


def _tell(word: str, line: str) -> str:
    click.echo(printable(f"{word:<8} {line}"))
    return line
