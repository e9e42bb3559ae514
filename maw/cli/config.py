"""`maw config`: read and change settings, and tell which layer each one comes from."""

from __future__ import annotations

import os
import subprocess
from typing import Any

import click

from maw import errors, paths
from maw.cli import completing, consequences
from maw.cli.mended import send_what_waits
from maw.cli.output import print_json, printable, say
from maw.cli.place import needed_worktree, worktree
from maw.config import edit as edits
from maw.config.load import REPO_FILE, Config, load
from maw.config.schema import BY_KEY, NAMED, SETTINGS, env_name
from maw.config.text import literal, shown
from maw.errors import FatalError
from maw.git.run import line
from maw.reach import LOCAL

_REPO = click.option("--repo", is_flag=True, help=f"The repository's {REPO_FILE} instead of your own file.")
_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group(invoke_without_command=True)
@_JSON
@click.pass_context
def config(ctx: click.Context, as_json: bool) -> int:
    """Read and change settings.

    Layers, each over the one before: defaults, your own file, the repository's .maw.toml (review rules, globs and
    gate only), MAW_… variables, flags.

    \b
    Examples:
      maw config                              all settings and where each comes from
      maw config get review.deadline
      maw config set review.block_at critical
      maw config set --repo review.exclude 'vendor/**,*.min.js'
      maw config edit
    """
    if ctx.invoked_subcommand is not None:
        if as_json:
            raise click.UsageError("give --json after the command: maw config list --json", ctx)
        return errors.PASS
    return list_settings(as_json=as_json)


@config.command("list")
@_JSON
def list_command(as_json: bool) -> int:
    """Print every setting, its value and the layer it comes from.

    \b
    Example:
      maw config list --json
    """
    return list_settings(as_json=as_json)


@config.command("get")
@click.argument("key", shell_complete=completing.keys)
@_JSON
def get_command(key: str, as_json: bool) -> int:
    """Print the value of one setting.

    \b
    Examples:
      maw config get review.deadline
      maw config get nodes.pro.host
    """
    return get(key=key, as_json=as_json)


@config.command("set", context_settings={"ignore_unknown_options": True})  # a value may be -1
@click.argument("key", shell_complete=completing.keys)
@click.argument("value", shell_complete=completing.values)
@_REPO
def set_command(key: str, value: str, repo: bool) -> int:
    """Write one setting; comments and order of the file stay.

    \b
    Examples:
      maw config set node pro
      maw config set review.deadline 45s
      maw config set --repo review.block_at critical
    """
    return set_key(key=key, value=value, repo=repo)


@config.command("unset")
@click.argument("key", shell_complete=completing.keys)
@_REPO
def unset_command(key: str, repo: bool) -> int:
    """Remove one setting from the file, so that the layer below counts.

    \b
    Example:
      maw config unset review.deadline
    """
    return unset(key=key, repo=repo)


@config.command("edit")
@_REPO
def edit_command(repo: bool) -> int:
    """Open the file in $VISUAL or $EDITOR (else git's editor), and check it afterwards.

    \b
    Example:
      EDITOR=nano maw config edit
    """
    return edit(repo=repo)


@config.command("path")
@_REPO
def path_command(repo: bool) -> int:
    """Print where the file is; it need not exist yet.

    \b
    Example:
      cp "$(maw config path)" backup.toml
    """
    click.echo(_file(repo))
    return errors.PASS


def list_settings(*, as_json: bool) -> int:
    """Print all settings; 2 when a layer has something that cannot be used, which is told on stderr."""
    found = load(worktree=worktree(), strict=False)
    if as_json:
        print_json(_as_json(found))
    else:
        click.echo("\n".join(_lines(found)))
    return _tell(found.problems)


def get(*, key: str, as_json: bool) -> int:
    """Print one value. Raises FatalError for a key that does not exist."""
    setting = edits.setting_of(key)
    found = load(worktree=worktree())
    if key in BY_KEY:
        value, origin = found.values[key], found.origins[key]
    else:
        kind, table, name = key.split(".")
        value, origin = getattr(found.backend(table) if kind == "backends" else found.node(table), name), "user"
    if as_json:
        print_json({"v": 1, "key": key, "value": value, "origin": origin})
    elif isinstance(value := shown(setting, value), str):
        click.echo(printable(value))
    else:
        click.echo("" if value is None else printable(literal(value)))
    return errors.PASS


def set_key(*, key: str, value: str, repo: bool) -> int:
    """Write one key, and say what follows: who goes by it from when on, and when another layer still wins."""
    if key == "review.rules":
        raise FatalError(
            "rules are tables, which a command line cannot give",
            hint="`maw config edit --repo` opens the file; `maw docs configuration` has an example",
        )
    path = _file(repo)
    consequences.refuse(key, value)
    before = consequences.look()
    edits.set_value(path, key, value, repository=repo)
    say(f"{key} is set in {path}")
    _follows(key, before, repo)
    origin = load(worktree=worktree(), strict=False).origins.get(key)
    if origin in ("repository", "environment") and origin != ("repository" if repo else "user"):
        where = env_name(key) if origin == "environment" else REPO_FILE
        say(f"but {where} sets it too, and wins here")
    return errors.PASS


def unset(*, key: str, repo: bool) -> int:
    """Remove one key; 1 when it was not there."""
    path = _file(repo)
    before = consequences.look()
    if edits.remove(path, key):
        say(f"{key} is no longer set in {path}")
        _follows(key, before, repo)
        return errors.PASS
    say(f"{key} is not set in {path}")
    return errors.BLOCK


def edit(*, repo: bool) -> int:
    """Open the file, made when missing; 2 when what was saved has a mistake."""
    path = _file(repo)
    edits.write_new(path, edits.initial_repository_text() if repo else edits.initial_text(), private=not repo)
    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR") or line("var", "GIT_EDITOR")
    # As git does it: the setting is a piece of shell, the path an argument.
    done = subprocess.run(["sh", "-c", f'{editor} "$@"', editor, path], check=False)
    if done.returncode != 0:
        raise FatalError(f"the editor ended with exit code {done.returncode}: {editor}", hint="set $EDITOR")
    return _tell(load(worktree=worktree(), strict=False).problems)


def _follows(key: str, before: consequences.Before, repo: bool) -> None:
    if repo:
        return
    for told in consequences.lines(key, before):
        say(told)
    if key == "node" or consequences.is_runners(key):
        send_what_waits()


def _file(repo: bool) -> str:
    return os.path.join(needed_worktree(), REPO_FILE) if repo else paths.config_file()


def _tell(problems: tuple[str, ...]) -> int:
    for problem in problems:
        say(f"maw: {problem}")
    return errors.USAGE if problems else errors.PASS


def _lines(found: Config) -> list[str]:
    pairs = [(s.key, shown(s, found.values[s.key]), _origin(s.key, found)) for s in SETTINGS]
    for kind, tables in (("nodes", found.nodes), ("backends", found.backends)):
        for name, table in tables.items():
            for key, setting in NAMED[kind].items():
                value = getattr(table, key)
                if value != setting.default:
                    pairs.append((f"{kind}.{name}.{key}", shown(setting, value), "user"))
    texts = [(f"{key} = {printable(literal(value))}", origin) for key, value, origin in pairs]
    return [f"{text:<52}  # {origin}" for text, origin in texts]


def _origin(key: str, found: Config) -> str:
    """The layer, and whether it is another machine's own that counts."""
    origin, node = found.origins[key], found["node"]
    return f"{origin}; {node} has its own" if node != LOCAL and consequences.is_runners(key) else origin


def _as_json(found: Config) -> dict[str, Any]:
    settings = {key: {"value": value, "origin": found.origins[key]} for key, value in found.values.items()}
    nodes = {name: node._asdict() for name, node in found.nodes.items()}
    backends = {name: backend._asdict() for name, backend in found.backends.items()}
    return {"v": 1, "settings": settings, "nodes": nodes, "backends": backends, "problems": list(found.problems)}
