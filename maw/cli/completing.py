"""How words of the command line may end, where that is known here: a Tab starts no runner and no link.

Each function is what click calls as `shell_complete`: it is told the beginning and gives what begins so.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import click

from maw.errors import FatalError
from maw.text import one_line

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from maw.config.load import Config
    from maw.git.repo import Repo

Known = dict[str, str]  # words, and what is told of each; empty where there is nothing to tell
# Ids and names of models come from others' notes, refs from their remotes, and bash takes what is offered as it is: a
# word that it would run, or that would pass for an option, is not offered.
_HARMLESS = re.compile(r"(?!-)[\w./:@+~^=-]+")
Completer = Callable[[click.Context, click.Parameter, str], "list[CompletionItem]"]


def _completer(find: Callable[[click.Context, str], Known]) -> Completer:
    @functools.wraps(find)
    def complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem  # only when somebody presses Tab

        try:
            known = find(ctx, incomplete)
        except (FatalError, OSError):  # outside of a repository, say: nothing is known then, and nothing printed
            return []
        given = _given(ctx, param)
        return [
            CompletionItem(word, help=one_line(told) or None)  # a line break would be the next word to zsh
            for word, told in known.items()
            if word.startswith(incomplete) and word not in given and _HARMLESS.fullmatch(word)
        ]

    return complete


def _given(ctx: click.Context, param: click.Parameter) -> Iterable[str]:
    """What stands there already, where several may."""
    value = ctx.params.get(param.name or "")
    return value if param.nargs == -1 and isinstance(value, tuple) else ()


def paths(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Files, which the shell knows. (click.Path would also judge what was typed.)"""
    from click.shell_completion import CompletionItem

    return [CompletionItem(incomplete, type="file")]


@_completer
def nodes(_ctx: click.Context, _incomplete: str) -> Known:
    """Names of nodes."""
    return _nodes(_settings())


@_completer
def keys(ctx: click.Context, _incomplete: str) -> Known:
    """Keys of settings, with --repo those that a repository may set."""
    from maw.config.schema import NAMED, SETTINGS

    repo = bool(ctx.params.get("repo"))
    found = {setting.key: setting.help for setting in SETTINGS if setting.repo or not repo}
    config = _settings()
    for kind, names in () if repo else (("nodes", config.nodes), ("backends", config.backends)):
        found |= {f"{kind}.{name}.{key}": one.help for name in names for key, one in NAMED[kind].items()}
    return found


@_completer
def values(ctx: click.Context, _incomplete: str) -> Known:
    """Values of the setting that is named before, where they are counted."""
    from maw.config.edit import setting_of
    from maw.config.schema import words_of

    key = str(ctx.params.get("key"))
    if key == "node":
        return _nodes(_settings())
    return _models() if key.startswith("roles.") else dict.fromkeys(words_of(setting_of(key)), "")


@_completer
def models(_ctx: click.Context, _incomplete: str) -> Known:
    """Models that are here, play a role, or reviewed something in this repository."""
    return _models()


@_completer
def pages(_ctx: click.Context, _incomplete: str) -> Known:
    """Pages of the documentation."""
    from maw.cli import docs

    return docs.pages()


@_completer
def catalogued(_ctx: click.Context, _incomplete: str) -> Known:
    """Models that can be pulled by their names."""
    return _catalogue() | _models()


@_completer
def revisions(_ctx: click.Context, incomplete: str) -> Known:
    """Branches and tags, also as the end of a range."""
    start, dots, _ = incomplete.rpartition("..")
    if start.endswith("."):  # A...B
        start, dots = start[:-1], "..."
    return {f"{start}{dots}{name}": "" for name in _refs(_repository())}


@_completer
def remotes(_ctx: click.Context, _incomplete: str) -> Known:
    """Names of remotes."""
    from maw.git import remote

    return dict.fromkeys(remote.names(_repository()), "")


@_completer
def findings(_ctx: click.Context, _incomplete: str) -> Known:
    """Ids of the newest findings."""
    from maw.memory import recent

    return recent.findings(_repository())


@_completer
def waiting(_ctx: click.Context, _incomplete: str) -> Known:
    """Ids of reviews in the outbox."""
    from maw.attendant import outbox

    return dict.fromkeys(outbox.ids(_repository()), "")


def _settings() -> Config:
    from maw.cli.place import worktree
    from maw.config.load import load

    return load(worktree=worktree(), strict=False)


def _repository() -> Repo:
    from maw.cli.place import needed_repository

    return needed_repository()


def _nodes(config: Config) -> Known:
    return {"local": "a runner on this machine"} | {name: node.host for name, node in config.nodes.items()}


def _refs(repo: Repo) -> list[str]:
    from maw.git.run import git

    heads = ("refs/heads", "refs/tags", "refs/remotes")
    told = git("for-each-ref", "--format=%(refname:short)", *heads, cwd=repo.root)
    return ["HEAD", *told.decode("utf-8", "replace").split()]


def _models() -> Known:
    from maw.cli.place import repository
    from maw.memory import recent

    values = _settings().values
    known = dict.fromkeys(recent.known_models(repository()), "")
    return known | {str(values[f"roles.{role}"]): role.capitalize() for role in ("manager", "generator")}


def _catalogue() -> Known:
    """Names of the catalogue. It lies in the package of the runner, which is not imported for that."""
    import tomllib
    from importlib.util import find_spec
    from pathlib import Path

    spec = find_spec("maw_remote")
    found: Known = {}
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        text = Path(folder, "engine", "catalogue.toml").read_text(encoding="utf-8")
        found = {name: about.get("note", "") for name, about in tomllib.loads(text)["models"].items()}
    return found
