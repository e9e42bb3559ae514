"""`maw model recommend` and `maw model import`: what a node should run, and what it has already."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import click

from maw import answers, api, errors, reach
from maw.cli.output import print_json, say
from maw.errors import FatalError
from maw.models import recommended
from maw.text import flat, size

Json = dict[str, Any]
SCAN_TIMEOUT = 120.0  # seconds; a slow disk full of models


def recommend(*, node: str, memory: float | None, as_json: bool) -> int:
    """Print which models `node` should run. Raises NodeError and ApiError."""
    answer = recommended(node, memory)
    if as_json:
        print_json({**answer, "node": node})
        return errors.PASS if answer["choices"] else errors.BLOCK
    for line in _advice(answer, node):
        click.echo(flat(line))
    return errors.PASS if answer["choices"] else errors.BLOCK


def _advice(answer: Json, node: str) -> list[str]:
    has = answer["memory"]
    lines = [f"memory     {size(has['budget'])} for models: {has['how']}"]
    if has["warning"]:
        lines.append(f"           {has['warning']}")
    if not answer["choices"]:
        lines += ["", "No model of the catalogue fits.", *_passed_over(answer)]
        return lines
    for choice in answer["choices"]:
        about = "about " if choice["approximate"] else ""
        file = (
            f"file {about}{size(choice['bytes'])}, {choice['license']}, trained for {choice['context'] or 0:,} tokens"
        )
        lines.append(f"{choice['role']:<10} {choice['model']}: needs about {size(choice['needs'])} ({file})")
        lines.append(f"           {choice['why']}")
    lines += ["", *_passed_over(answer), "", "To have it so" + _where(node), *_indented(answer["commands"], node)]
    return lines


def _passed_over(answer: Json) -> list[str]:
    return ["Passed over:", *(f"  {entry['model']}: {entry['why']}" for entry in answer["passed_over"])]


def _where(node: str) -> str:
    return ":" if node == reach.LOCAL else f" (`maw config` on {node} itself: roles are the node's):"


def _indented(commands: list[str], node: str) -> list[str]:
    there = "" if node == reach.LOCAL else f" --node {node}"
    return [f"  {command}{there if command.startswith('maw model') else ''}" for command in commands]


def adopt(
    *, node: str, path: str | None, name: str | None, dry_run: bool, as_json: bool, pull: Callable[[str, str], Json]
) -> int:
    """Take in what is at `path` on the node (None: in the stores it knows). `pull(name, source)` does one.

    Raises NodeError, ApiError and FatalError; with several models, one that fails does not keep the others away.
    """
    query = "" if path is None else "?path=" + quote(_absolute(path, node), safe="")
    answer = answers.ask(node, "GET", f"/api/v1/models/found{query}", api.FoundList, timeout=SCAN_TIMEOUT)
    models: list[Json] = answer["models"]
    if name is not None:
        if len(models) != 1:
            raise FatalError(f"{len(models)} models are there, and one name was given", hint="name the file itself")
        models[0]["name"] = name
    if not dry_run:
        _take(models, pull)
    if as_json:
        print_json({**answer, "node": node})
    elif models:
        for model in models:
            click.echo(flat(_line(model)))
    else:
        places = ", ".join(place["path"] for place in answer["places"]) or "none of the places where those keep models"
        say(f"no models of Ollama, LM Studio or a hub's cache; looked in: {places}")
    return errors.BLOCK if any(model["error"] for model in models) and not _usable(models) else errors.PASS


def _take(models: list[Json], pull: Callable[[str, str], Json]) -> None:
    for model in models:
        if model["error"] or model["known_as"]:
            continue
        try:
            pull(model["name"], f"path:{model['path']}")
        except errors.ApiError as exc:
            model["error"] = exc.message
        except errors.NodeError:
            raise
        except FatalError as exc:
            model["error"] = exc.message
        else:
            model["known_as"] = model["name"]


def _usable(models: list[Json]) -> bool:
    return any(not model["error"] for model in models)


def _line(model: Json) -> str:
    if model["error"]:
        return f"{model['name']}: not usable: {model['error']} ({model['path']})"
    state = f"known as {model['known_as']}" if model["known_as"] else "found"
    return (
        f"{model['name']}: {state}, {size(model['bytes'])}, {model['architecture']}, {model['origin']}, {model['path']}"
    )


def _absolute(path: str, node: str) -> str:
    """A relative path means this machine's, where that is the node."""
    return os.path.abspath(os.path.expanduser(path)) if node == reach.LOCAL else path
