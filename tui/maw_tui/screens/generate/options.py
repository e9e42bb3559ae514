"""What a task takes besides its instruction, files and commands: the options of its command, typed in a line each, and
checked as that does. No widgets here."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from typing import NamedTuple

from maw.config.load import Config
from maw.errors import FatalError
from maw.generate import files
from maw.generate.request import FIX, TEST
from maw.generate.testing import frameworks
from maw.generate.testing.frameworks import FRAMEWORKS
from maw.git.files import in_repository, of_worktree
from maw.git.repo import Repo
from maw.memory import recent

CONTEXT, FROM, FRAMEWORK, INTO, MODEL = "context", "from", "framework", "into", "model"
PATHS = frozenset({CONTEXT, FROM, INTO})
SEVERAL = frozenset({CONTEXT})  # of which there may be more than one, with blanks between them


class Option(NamedTuple):
    """`name` as the command line has it, `hint` what one writes."""

    name: str
    hint: str


_CONTEXT = Option(CONTEXT, "files to be read along, which stay as they are")
_FROM = Option(FROM, "the file of a text to go along, such as an issue")
_OUTPUT = Option(FROM, "the file of an output that says what is to be mended")
_FRAMEWORK = Option(FRAMEWORK, "another framework than the one that is found")
_INTO = Option(INTO, "another file for the tests than the one that is found")
_MODEL = Option(MODEL, "another model of the node than its Generator")


def of_task(task: str) -> tuple[Option, ...]:
    """Those that a task takes."""
    source = _OUTPUT if task == FIX else _FROM
    return (_CONTEXT, source, *((_FRAMEWORK, _INTO) if task == TEST else ()), _MODEL)


def taken(task: str, given: Mapping[str, str]) -> dict[str, str]:
    """What was given of those that a task takes."""
    return {option.name: given[option.name] for option in of_task(task) if given.get(option.name)}


def checked(repo: Repo, name: str, text: str) -> str:
    """What was typed for an option, as it is said from then on; empty for nothing. Paths are those of the repository,
    wherever the terminal is; `from` may lie anywhere. Raises FatalError for what it cannot be."""
    text = text.strip()
    if not text:
        return ""
    if name == CONTEXT:
        paths = [in_repository(repo, path, start=repo.root) for path in words(text)]
        files.along(repo, paths)
        return shlex.join(paths)
    if name == FROM:
        files.source(placed(repo, text))
    if name == FRAMEWORK:
        return frameworks.named(text).name
    return in_repository(repo, text, start=repo.root) if name == INTO else text


def words(text: str) -> list[str]:
    """Several in a line, as a shell parts them. Raises FatalError for a quote that is open."""
    try:
        return shlex.split(text)
    except ValueError as exc:
        raise FatalError(f"{text}: {str(exc).lower()}") from exc


def placed(repo: Repo, name: str) -> str:
    """Where the file of a text lies."""
    return os.path.join(repo.root, os.path.expanduser(name))


def known(repo: Repo, config: Config, name: str) -> list[str]:
    """What may be meant by an option, as far as that is known here. Raises GitError."""
    if name == FRAMEWORK:
        return [one.name for one in FRAMEWORKS]
    if name == MODEL:
        return [*recent.known_models(repo), *(str(config[f"roles.{role}"]) for role in ("manager", "generator"))]
    return of_worktree(repo)
