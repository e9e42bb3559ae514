"""`maw status`: what a node does right now."""

from __future__ import annotations

import click

from maw import answers, api, errors, reach
from maw.cli.options import named_node, node_option
from maw.cli.output import print_json
from maw.statuslines import lines

AT_REST = "not running; it starts with the first task, or with `maw-runner start`"


@click.command()
@node_option("The node to ask.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object (`maw docs protocol`, Status).")
def status(node: str | None, as_json: bool) -> int:
    """Tell what the node does right now: what runs, what waits, which model is loaded.

    \b
      maw status
      maw status --node pro --json
    """
    return show(node=named_node(node), as_json=as_json)


def show(*, node: str, as_json: bool) -> int:
    """Print the status of `node`. Looking starts no runner on this machine. Raises NodeError and ApiError."""
    if reach.is_at_rest(node):
        if as_json:
            print_json({"v": 1, "node": node, "reached": reached(node), "running": False})
        else:
            click.echo(f"node      {node}, {reached(node)}\nrunner    {AT_REST}")
        return errors.PASS
    answer = answers.ask(node, "GET", "/api/v1/status", api.Status)
    if as_json:
        print_json({**answer, "node": node, "reached": reached(node)})
    else:
        click.echo("\n".join([f"node      {node}, {reached(node)}", *lines(answer)]))
    return errors.PASS


def reached(node: str) -> str:
    """How we talk to a node, in words."""
    return "on this machine" if node == reach.LOCAL else "over SSH"
