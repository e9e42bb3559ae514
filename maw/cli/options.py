"""What options of several commands mean."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from maw.cli import completing
from maw.config.load import load
from maw.config.schema import seconds


def duration(ctx: click.Context, param: click.Parameter, value: str | None) -> float | None:
    """The callback of an option that takes a time such as 30s: in seconds."""
    try:
        return None if value is None else seconds(value)
    except ValueError as exc:
        raise click.BadParameter(str(exc), ctx, param) from exc


def node_option(what: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """--node of a command; `named_node` has what it means."""
    told = f"{what} [default: the setting `node`]"
    return click.option("--node", metavar="NAME", shell_complete=completing.nodes, help=told)


def named_node(node: str | None) -> str:
    """The node that --node names, else the setting `node`. Raises FatalError for one that nobody has added."""
    return load(flags={"node": node}).at_work()
