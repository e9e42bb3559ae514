"""`maw uninstall`: take back what `maw init` did."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence

import click

from maw import errors, files, paths
from maw.attendant import spool
from maw.cli.output import printable
from maw.cli.place import repository
from maw.cli.records import deliver
from maw.config.edit import initial_text
from maw.config.load import load
from maw.errors import FatalError
from maw.git import refs
from maw.git.repo import Repo
from maw.git.run import git
from maw.setup import framework, gitconfig, hooks, journal, repofile
from maw.setup.stop import stop_everything


@click.command()
@click.option("--yes", is_flag=True, help="Ask nothing.")
@click.option("--notes", is_flag=True, help="Delete the notes in this repository too: what maw remembers of it.")
@click.option("--state", is_flag=True, help="Also end and delete what is yours everywhere: queue, models, keys, links.")
def uninstall(yes: bool, notes: bool, state: bool) -> int:
    """Take back what `maw init` did.

    In this repository: hooks (the ones from before come back), git settings, files that nobody changed since, and
    maw's folder in the git directory. Notes stay unless --notes is given, since they are your project's memory.

    \b
    Examples:
      maw uninstall
      maw uninstall --yes --notes
      maw uninstall --state          everywhere; then `pip uninstall git-maw`
    """
    return take_back(yes=yes, notes=notes, state=state)


def take_back(*, yes: bool, notes: bool, state: bool) -> int:
    """Do it. Raises FatalError when there is nothing to do here."""
    repo = repository()
    if repo is None and not state:
        raise FatalError("this is not a git repository", hint="`maw uninstall --state` removes what is outside of them")
    stays = [*(_notes_that_stay(repo, notes) if repo else []), *(_keys_that_stay() if state else [])]
    if not yes:
        _ask(repo, notes=notes, state=state, stays=stays)
    if repo is not None:
        _repository(repo)
        if notes:
            _notes(repo)
    if state:
        _state()
    if stays:
        _tell(stays)
    return errors.PASS


def _notes_that_stay(repo: Repo, removed: bool) -> list[str]:
    """The project's memory, where it is after this."""
    if not removed:
        here = refs.tips(repo, refs.NOTES)
        return ["notes stay in this repository, as its memory; `maw uninstall --notes` removes them"] if here else []
    remotes = sorted({name.rpartition("/")[0] for name in refs.tips(repo, refs.TRACKING)})
    return [f"notes stay at {name}; `git push {name} --delete {refs.NOTES}review` removes those" for name in remotes]


def _keys_that_stay() -> list[str]:
    """What this machine cannot take back by deleting its own files."""
    from maw.link.keygen import public_line  # cryptography: 30 ms that only this needs

    said = []
    for name, node in load(strict=False).nodes.items():
        key = public_line(paths.node_key_file(name))
        if key is not None:
            tag = key.rsplit(maxsplit=1)[-1]
            how = f"`maw-runner keys rm {tag}` there" if node.endpoint else f"the line there that ends in {tag}"
            said.append(f"{node.host} still lets in maw's key: `maw node rm {name}`, before this, or {how} ends that")
    return said


def _ask(repo: Repo | None, *, notes: bool, state: bool, stays: Sequence[str]) -> None:
    if not sys.stdin.isatty():
        raise FatalError("there is no terminal to ask on", hint="use `maw uninstall --yes`")
    what = [f"maw's hooks and settings in {repo.root}"] if repo else []
    what += ["all its notes in this repository, for good"] if notes and repo else []
    what += [f"{paths.state_dir()} with models and keys"] if state else []
    for line in stays:
        click.echo(printable(line), err=True)
    click.confirm(printable(f"Remove {', '.join(what)}?"), abort=True, err=True)


def _repository(repo: Repo) -> None:
    # What waits to be written is written first. Where it is not, but may be later, it is kept.
    delivered = not spool.waiting(repo) or deliver(repo)
    done = hooks.take_back(repo)
    for entry in reversed(journal.entries(repo)):
        line_of_it = _undo(repo, entry)
        journal.forget(repo, entry)
        done += [line_of_it] if line_of_it else []
    done += _folder(repo, delivered)
    _tell(done or ["nothing of maw's was set up in this repository"])


def _folder(repo: Repo, delivered: bool) -> list[str]:
    """Remove maw's folder, but for records that can still become notes."""
    if not os.path.isdir(repo.maw_dir):
        return []
    if delivered:
        shutil.rmtree(repo.maw_dir)
        return [f"{repo.maw_dir} removed"]
    for entry in os.scandir(repo.maw_dir):
        if entry.is_dir(follow_symlinks=False) and entry.path != spool.directory(repo):
            shutil.rmtree(entry.path)
        elif entry.path != spool.directory(repo):
            os.unlink(entry.path)
    return [f"{spool.directory(repo)} stays: delete it when you do not need these records"]


def _undo(repo: Repo, entry: journal.Entry) -> str | None:
    match entry["what"]:
        case "git-config":
            return gitconfig.take_back(repo, entry)
        case "file":
            return repofile.take_back(entry)
        case "directory":
            return hooks.take_back_directory(entry)
        case "pre-commit-config":
            return framework.take_back_config(entry)
        case "pre-commit-type":
            return framework.take_back_type(repo, entry)
    return f"a newer maw changed something here that this one does not know: {entry['what']}"


def _notes(repo: Repo) -> None:
    found = [prefix + name for prefix in (refs.NOTES, refs.TRACKING) for name in refs.tips(repo, prefix)]
    for ref in found:
        git("update-ref", "-d", ref, cwd=repo.root)
    _tell([f"{ref} deleted" for ref in found] or ["there were no notes"])


def _state() -> None:
    done = stop_everything()
    directory = paths.state_dir()
    if os.path.isdir(directory):
        shutil.rmtree(directory)
        done.append(f"{directory} removed")
    path = paths.config_file()
    if files.read_optional(path) == initial_text().encode():
        os.unlink(path)
        done.append(f"{path} removed")
    elif os.path.exists(path):
        done.append(f"{path} has settings of yours, so it stays")
    _tell(done or ["there was nothing outside of repositories"])


def _tell(lines: list[str]) -> None:
    click.echo(printable("\n".join(lines)))
