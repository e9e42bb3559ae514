"""What goes along with a task: the files it is about, the lines in them that matter, and the signatures around them."""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from maw.edits import place
from maw.edits.place import Allowed
from maw.errors import FatalError
from maw.generate import files
from maw.generate.request import File, Span
from maw.git.repo import Repo
from maw.repomap import build, fit, graph
from maw.repomap.build import Progress, Snapshot
from maw.repomap.cache import Cache
from maw.repomap.context import Place, Symbol, TagsOf, symbols
from maw.repomap.tags import Definition

MAP_TOKENS = 1500  # of the map that goes along; the node cuts it to what its model has room for
FOLDER_FILES = 20  # files of a folder that go along, those of the highest rank
GUESSED = 4  # files that an instruction without paths may mean
SMALL = 6_000  # characters; the definitions of such files are seen in them, and need no place in the map
USERS = 20  # of a symbol, that are told
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]{2,}")
_PATH = re.compile(r"[\w./-]*\w")


class Wanted(NamedTuple):
    """What somebody named. Paths are relative to the repository; a folder, or a file that is not there yet, may be one
    of `edit`. `focus`: lines of files that matter, where somebody knows them already."""

    edit: tuple[str, ...] = ()
    read: tuple[str, ...] = ()
    symbol: str | None = None
    words: str = ""
    focus: Mapping[str, tuple[Span, ...]] = {}


class Context(NamedTuple):
    """`allowed` is what an answer may touch: exactly the files and folders that were named (or meant)."""

    files: tuple[File, ...]
    create: tuple[str, ...]
    allowed: Allowed
    map: str

    @property
    def edited(self) -> tuple[str, ...]:
        return tuple(file.path for file in self.files if file.editable)


def gather(repo: Repo, wanted: Wanted, progress: Progress = lambda _done, _all: None) -> Context:
    """Raises FatalError for what is not there, Refused for what may not be edited."""
    if repo.worktree is None:
        raise FatalError("a bare repository has no working tree to change")
    with Cache(repo) as cache:
        snapshot = build.load(repo, cache, None, progress)
        return _Gathering(
            repo, snapshot, functools.cache(lambda path: build.tags_of(cache, snapshot, path)), wanted
        ).done()


class _Gathering:
    def __init__(self, repo: Repo, snapshot: Snapshot, tags_of: TagsOf, wanted: Wanted) -> None:
        self._repo, self._snapshot, self._tags_of, self._wanted = repo, snapshot, tags_of, wanted
        named = ["" if path == "." else path.rstrip("/") for path in wanted.edit]
        self._folders = [place.checked(path) if path else path for path in named if self._is_folder(path)]
        self._named = [path for path in named if path not in self._folders]
        self._symbols = self._found_symbols()

    def done(self) -> Context:
        named = dict.fromkeys(self._named) or dict.fromkeys(self._meant())
        texts = files.read(self._repo, list(named), editable=True)
        below = [path for path in self._below if path not in texts]
        texts |= files.fit(self._repo, below)
        if not texts and not self._folders:
            raise FatalError("no file to work on", hint="name files or folders, or a definition in them")
        edited = [File(path, text, True, self._focus(path)) for path, text in texts.items() if text is not None]
        new = [path for path, text in texts.items() if text is None]
        others = [path for path in self._wanted.read if path not in texts]
        shown = (*edited, *self._read_only(others))
        create = (*new, *(f"{path}/" if path else "" for path in self._folders))
        return Context(
            files=shown,
            create=tuple(path for path in create if path),
            allowed=Allowed(frozenset(texts), frozenset(self._folders)),
            map=self._map(shown),
        )

    def _is_folder(self, path: str) -> bool:
        return not path or os.path.isdir(os.path.join(self._repo.root, path))

    @functools.cached_property
    def _below(self) -> list[str]:
        """Files of the folders that were named, the most important first."""
        tops = tuple(f"{folder}/" if folder else "" for folder in self._folders)
        below = [path for path in self._snapshot.files if tops and path.startswith(tops)]
        if not below:
            return []
        ranks = graph.rank(self._snapshot.files, below).files
        return sorted(below, key=lambda path: (-ranks.get(path, 0.0), path))[:FOLDER_FILES]

    def _read_only(self, paths: Sequence[str]) -> Iterator[File]:
        for path, text in files.along(self._repo, paths).items():
            yield File(path, text, False, self._wanted.focus.get(path, ()))

    def _meant(self) -> list[str]:
        """Where no file was named: those that define the symbol, or that the words speak of."""
        if self._folders:
            return []
        if self._symbols:
            return list(dict.fromkeys(symbol.path for symbol in self._symbols))
        if self._wanted.focus:
            return [path for path in self._wanted.focus if path in self._snapshot.files][:GUESSED]
        return self._spoken_of()

    def _spoken_of(self) -> list[str]:
        known = self._snapshot.files
        words = set(_PATH.findall(self._wanted.words))
        found = [path for path in known if path in words]
        found = found or [path for path in known if path.rpartition("/")[2] in words]
        if not found:
            names = _names(self._wanted.words)
            found = [path for path, own in known.items() if not names.isdisjoint(own.defined)]
        return found if len(found) <= GUESSED else []

    def _found_symbols(self) -> list[Symbol]:
        name = self._wanted.symbol
        if name is None:
            return []
        known = [path for path in self._named if path in self._snapshot.files]
        known += [path for path in self._below if path not in known]
        found = symbols(self._snapshot, name, self._tags_of, known if known or self._named else None)
        if not found:
            raise FatalError(f"no definition of {name}", hint="`maw map PATH` lists what a file defines")
        return found

    def _focus(self, path: str) -> tuple[Span, ...]:
        """The lines of a file that matter: those that are known, of the symbol, or of what the words speak of."""
        if given := self._wanted.focus.get(path):
            return given
        own = [symbol for symbol in self._symbols if symbol.path == path]
        if own or self._symbols:
            return tuple(dict.fromkeys(span for symbol in own for span in _spans(symbol)))
        if path not in self._snapshot.files:
            return ()
        words = set(_WORD.findall(self._wanted.words))
        return tuple(_span(one) for one in self._tags_of(path).definitions if one.name in words)

    def _map(self, shown: Sequence[File]) -> str:
        """Around what may be edited; where all of that is new, around what goes along."""
        known = [file for file in shown if file.path in self._snapshot.files]
        focus = [file.path for file in known if file.editable] or self._below or [file.path for file in known]
        ranks = graph.rank(self._snapshot.files, focus)
        chosen = fit.choose(self._snapshot.files, ranks, focus, MAP_TOKENS, self._tags_of)
        seen = {file.path for file in shown if len(file.text) <= SMALL}
        rest = {path: places for path, places in chosen.files.items() if path not in seen}
        told = "".join(map(_told, self._symbols))
        return told + fit.text(chosen._replace(files=rest), self._tags_of)


def _names(text: str) -> set[str]:
    """The words that look as if they were names of code: not all in small letters, with a line below, or marked so."""
    marked = {word for part in re.findall(r"`([^`]*)`|(\w+)\(", text) for word in _WORD.findall(" ".join(part))}
    return marked | {word for word in _WORD.findall(text) if "_" in word or word != word.lower()}


def _spans(symbol: Symbol) -> Iterable[Span]:
    yield _span(symbol.definition)
    yield from ((one.line, one.line) for one in symbol.around)


def _span(definition: Definition) -> Span:
    return definition.line, definition.end


def _told(symbol: Symbol) -> str:
    """Who uses a symbol, and what it uses."""
    lines = [f"{symbol.definition.name} uses:", *(_place(one) for one in symbol.uses[:USERS])] if symbol.uses else []
    if symbol.used_by:
        lines += [f"{symbol.definition.name} is used by:", *(_place(one) for one in symbol.used_by[:USERS])]
    return "".join(f"{line}\n" for line in lines)


def _place(one: Place) -> str:
    return f"  {one.path}:{one.line} {one.definition.signature if one.definition else ''}".rstrip()
