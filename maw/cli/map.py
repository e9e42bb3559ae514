"""`maw map`: what a repository defines, the part that matters within a budget of tokens."""

from __future__ import annotations

import functools
import gc
import sys
import time
from collections.abc import Callable
from typing import Any

import click

from maw import errors
from maw.cli import completing
from maw.cli.output import print_json, say
from maw.cli.place import needed_repository
from maw.errors import FatalError
from maw.extras import how_to_add
from maw.git.files import in_repository
from maw.git.repo import Repo, resolve_commit
from maw.repomap import build, context, fit, graph
from maw.repomap.build import Snapshot
from maw.repomap.cache import Cache
from maw.repomap.languages import installed
from maw.repomap.tags import Definition, Tags
from maw.text import count, flat

TOKENS = 4000
TagsOf = Callable[[str], Tags]


@click.command(
    "map",
    epilog="""\b
Examples:
  maw map                              the definitions that most of the repository leans on
  maw map src/parser.py --tokens 2000  those of a file, and of what it uses
  maw map --symbol Parser.parse        what is around a symbol, what it uses, who uses it
  maw map --at HEAD~5 --json src/      the same of a commit, for a script
""",
)
@click.argument("paths", nargs=-1, type=click.Path())
@click.option("--tokens", type=click.IntRange(16, 1_000_000), default=TOKENS, show_default=True, help="The budget.")
@click.option("--symbol", metavar="NAME", help="Tell of a symbol (NAME or CLASS.NAME) instead, in PATHS only if given.")
@click.option(
    "--at", metavar="COMMIT", shell_complete=completing.revisions, help="Map a commit instead of the working tree."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object, with lines and ranks.")
def map_(paths: tuple[str, ...], tokens: int, symbol: str | None, at: str | None, as_json: bool) -> int:
    """Map what the repository defines, within a budget of tokens.

    With PATHS, what matters for these files and folders: what they define, what they use, and who uses them. Tokens
    are estimated. Only what is new since the last map is parsed.
    """
    gc.disable()  # nothing here is in a cycle, and looking for some among all names takes a tenth of the time
    repo = needed_repository()
    if not installed():
        say(f"maw: no parsers here, so outlines are by plain patterns\n{how_to_add('generate')}")
    with Cache(repo) as cache:
        snapshot = build.load(repo, cache, resolve_commit(repo, at) if at else None, _Progress())
        tags_of = functools.cache(lambda path: build.tags_of(cache, snapshot, path))
        focus = _focus(repo, snapshot, paths)
        if symbol is not None:
            return _print_symbols(snapshot, symbol, focus if paths else None, tags_of, as_json)
        ranks = graph.rank(snapshot.files, focus)
        chosen = fit.choose(snapshot.files, ranks, focus, tokens, tags_of)
        if as_json:
            print_json(_as_json(snapshot, chosen, ranks, tokens, tags_of))
        else:
            sys.stdout.write(fit.text(chosen, tags_of))
            _tell(snapshot, chosen)
    return errors.PASS


class _Progress:
    """Tells on stderr that a map is being made, once a second on a terminal; a map that was made is silent."""

    def __init__(self) -> None:
        self._told = time.monotonic()

    def __call__(self, done: int, whole: int) -> None:
        terminal = sys.stderr.isatty()
        if done == whole and terminal and whole > 200:
            sys.stderr.write("\r\x1b[K")
        elif terminal and time.monotonic() - self._told > 0.2:
            self._told = time.monotonic()
            sys.stderr.write(f"\rmaw: mapping {done:,} of {whole:,} files\x1b[K")
        elif not terminal and done == 1 and whole > 200:
            say(f"maw: mapping {whole:,} files, once")
        sys.stderr.flush()


def _focus(repo: Repo, snapshot: Snapshot, paths: tuple[str, ...]) -> list[str]:
    """The files of the map that PATHS name, folders included. Raises FatalError when one names none."""
    found: dict[str, None] = {}
    for given in paths:
        path = in_repository(repo, given)
        below = [known for known in snapshot.files if path in (".", known) or known.startswith(path + "/")]
        if not below:
            reason = snapshot.left_out.get(path, "no source file that git knows or would add")
            raise FatalError(
                f"{given}: not in the map: {reason}", hint="`maw map --json` lists what is left out, and why"
            )
        found.update(dict.fromkeys(below))
    return list(found)


def _tell(snapshot: Snapshot, chosen: fit.Chosen) -> None:
    if not chosen.files:
        say("maw: no definitions found, or none that fits; `--json` lists what was left out, and why")
    if snapshot.left_out:
        say(f"maw: {count(len(snapshot.left_out), 'file')} left out; `--json` says why")
    for path, trouble in list(snapshot.troubles.items())[:3]:
        say(f"maw: {flat(path)}: an outline by plain patterns: {trouble}")


def _as_json(
    snapshot: Snapshot, chosen: fit.Chosen, ranks: graph.Ranks, budget: int, tags_of: TagsOf
) -> dict[str, Any]:
    files = [
        {
            "path": path,
            "rank": round(ranks.files[path], 6),
            "definitions": [
                _definition(tags_of(path).definitions[place])
                | {"rank": round(ranks.definitions.get((path, tags_of(path).definitions[place].name), 0.0), 6)}
                for place in places
            ],
        }
        for path, places in chosen.files.items()
    ]
    return {
        "v": 1, "commit": snapshot.commit, "budget": budget, "tokens": chosen.tokens, "mapped": len(snapshot.files),
        "files": files, "left_out": snapshot.left_out, "troubles": snapshot.troubles,
    }  # fmt: skip


def _definition(definition: Definition) -> dict[str, Any]:
    shown = definition._asdict()
    del shown["parent"]
    return shown


def _print_symbols(snapshot: Snapshot, name: str, paths: list[str] | None, tags_of: TagsOf, as_json: bool) -> int:
    found = context.symbols(snapshot, name, tags_of, paths)
    if not found:
        raise FatalError(f"no definition of {name}", hint="`maw map PATH` lists what a file defines")
    if as_json:
        print_json({"v": 1, "commit": snapshot.commit, "symbols": [_symbol(symbol) for symbol in found]})
        return errors.PASS
    for symbol in found:
        lines = [f"{symbol.path}:{symbol.definition.line}", *(item.signature for item in symbol.around)]
        lines = [*("  " * depth + line for depth, line in enumerate(lines))]
        lines.append("  " * len(lines) + symbol.definition.signature)
        lines += ["uses:" if symbol.uses else "uses nothing that is defined here", *map(_place, symbol.uses)]
        lines += ["used by:" if symbol.used_by else "used by nobody here", *map(_place, symbol.used_by)]
        sys.stdout.write("".join(f"{flat(line)}\n" for line in lines))
    return errors.PASS


def _place(place: context.Place) -> str:
    signature = place.definition.signature if place.definition else "(the file itself)"
    return f"  {place.path}:{place.line}  {signature}"


def _symbol(symbol: context.Symbol) -> dict[str, Any]:
    return {
        "path": symbol.path,
        **_definition(symbol.definition),
        "around": [_definition(item) for item in symbol.around],
        "uses": [_place_json(place) for place in symbol.uses],
        "used_by": [_place_json(place) for place in symbol.used_by],
    }


def _place_json(place: context.Place) -> dict[str, Any]:
    own = _definition(place.definition) if place.definition else None
    return {"path": place.path, "line": place.line, "definition": own}
