"""`maw status`: what a node does right now."""

from __future__ import annotations

from typing import Any

import click

from maw import client, errors, reach
from maw.cli.output import print_json, printable
from maw.config.load import load


@click.command()
@click.option("--node", metavar="NAME", help="The node to ask. [default: the setting `node`]")
@click.option("--json", "as_json", is_flag=True, help="One JSON object (docs/protocol.md, Status).")
def status(node: str | None, as_json: bool) -> int:
    """Tell what the node does right now: what runs, what waits, which model is loaded.

    \b
      maw status
      maw status --node pro --json
    """
    return show(node=str(load(flags={"node": node})["node"]), as_json=as_json)


def show(*, node: str, as_json: bool) -> int:
    """Print the status of `node`. Raises NodeError and ApiError."""
    answer = client.request(node, "GET", "/api/v1/status")
    if as_json:
        print_json({**answer, "node": node, "reached": reached(node)})
    else:
        click.echo("\n".join(printable(line) for line in [f"node      {node}, {reached(node)}", *lines(answer)]))
    return errors.PASS


def reached(node: str) -> str:
    """How we talk to a node, in words."""
    return "on this machine" if node == reach.LOCAL else "over SSH"


def lines(status: dict[str, Any]) -> list[str]:
    """A status (api.Status as JSON) in words, a line a thing."""
    hello, tasks = status["hello"], status["tasks"]
    ended = ", ".join(
        f"{tasks[state]} {state}" for state in ("done", "failed", "cancelled", "dead") if tasks.get(state)
    )
    return [
        f"runner    maw {hello['version']}, pid {status['pid']}, since {status['started']}, {size(status['memory'])}",
        f"tasks     {tasks.get('running', 0)} running, {tasks.get('queued', 0)} waiting"
        + (f" ({ended})" if ended else ""),
        *(f"  running {task['id']}  {task['kind']}  {task.get('title', '')}".rstrip() for task in status["running"]),
        *[_model(model) for model in status["models"] if model["state"] not in ("available", "installed")],
        *([] if _any_loaded(status) else ["models    none loaded"]),
    ]


def size(count: int | None) -> str:
    """Bytes for a person: 1.5 GB."""
    value = float(count or 0)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit in ("B", "kB") else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} TB"


def _model(model: dict[str, Any]) -> str:
    parts = [f"model     {model['name']}: {model['state']}"]
    if model.get("memory"):
        parts.append(f"holds {size(model['memory'])}")
    if model.get("context"):
        parts.append(f"context {model['context']}")
    if model.get("busy"):
        parts.append(f"busy with {model['busy']}")
    if model.get("error"):
        parts.append(str(model["error"]))
    return ", ".join(parts)


def _any_loaded(status: dict[str, Any]) -> bool:
    return any(model["state"] in ("loading", "loaded") for model in status["models"])
