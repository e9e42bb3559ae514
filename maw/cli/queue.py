"""`maw queue`: watch and steer a node's tasks."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlencode

import click

from maw import answers, api, client, errors, reach, tasks, wire
from maw.cli.options import named_node, node_option
from maw.cli.output import print_json, say
from maw.cli.status import AT_REST
from maw.errors import FatalError
from maw.text import flat
from maw.times import ago, moment
from maw.watch import words

_ID = 12  # characters of a whole task id
_LOOK_EVERY = 0.2  # seconds between two looks whether there is a runner
_STATES = ["queued", "running", "done", "failed", "cancelled", "dead"]
_node = node_option("The node to ask.")
_json = click.option("--json", "as_json", is_flag=True, help="Print JSON (`maw docs protocol`, Task).")


@click.group(invoke_without_command=True)
@_node
@_json
@click.pass_context
def queue(ctx: click.Context, node: str | None, as_json: bool) -> int:
    """Watch and steer the node's tasks; without a command, list those that run or wait.

    \b
      maw queue                    what runs and what waits
      maw queue list --all         what ended, too
      maw queue watch              follow every task as things happen
      maw queue cancel 3f9c        the start of an id is enough
    """
    if ctx.invoked_subcommand is not None:
        if node is not None or as_json:
            raise click.UsageError("give --node and --json after the command: maw queue list --json", ctx)
        return errors.PASS
    return show_tasks(node=named_node(node), as_json=as_json)


@queue.command(name="list")
@_node
@_json
@click.option("--all", "everything", is_flag=True, help="Ended tasks, too.")
@click.option("--state", type=click.Choice(_STATES), help="Only tasks in this state.")
@click.option("--kind", metavar="KIND", help="Only tasks of this kind, e.g. review.")
@click.option("-n", "--limit", type=click.IntRange(1, 1000), default=50, show_default=True, help="At most so many.")
def list_command(node: str | None, **options: Any) -> int:
    """List tasks, newest first.

    \b
      maw queue list --state failed
    """
    return show_tasks(node=named_node(node), **options)


@queue.command()
@click.argument("task", required=False)
@_node
@_json
def watch(task: str | None, node: str | None, as_json: bool) -> int:
    """Follow a task to its end, or all tasks until ^C. With --json: one event a line.

    A runner of this machine that is at rest is left so: its first task is waited for.

    \b
      maw queue watch
      maw queue watch 3f9c --json
    """
    name = named_node(node)
    for event in _all_events(name, as_json) if task is None else _events_of(name, task):
        if as_json:
            print_json({**event.data, **({"id": event.id} if event.id else {}), "event": event.type})
        elif (line := words.told(event, whose=True)) is not None:
            click.echo(flat(line))
    return errors.PASS


@queue.command()
@click.argument("starts", nargs=-1, required=True, metavar="TASK…")
@click.option("--force", is_flag=True, help="Even when somebody else waits for it.")
@_node
@_json
def cancel(starts: tuple[str, ...], force: bool, node: str | None, as_json: bool) -> int:
    """Cancel tasks of yours. One that another machine or account waits for goes on unless --force is given.

    \b
      maw queue cancel 3f9c
    """
    name = named_node(node)
    for start in starts:
        _tell(tasks.cancel(name, _resolve(name, start), force=force), as_json, words.cancelled)
    return errors.PASS


@queue.command()
@click.argument("task")
@_node
@_json
def retry(task: str, node: str | None, as_json: bool) -> int:
    """Do an ended task's work again, as a new task.

    \b
      maw queue retry 3f9c
    """
    name = named_node(node)
    _tell(tasks.retry(name, _resolve(name, task)), as_json, lambda new: f"task {new['id']} does it again")
    return errors.PASS


@queue.command()
@click.argument("task")
@click.option(
    "--priority", type=click.IntRange(0, 1000), default=tasks.BUMPED, show_default=True, help="Larger is sooner."
)
@_node
@_json
def bump(task: str, priority: int, node: str | None, as_json: bool) -> int:
    """Let a waiting task overtake (reviews of commits have priority 100).

    \b
      maw queue bump 3f9c
    """
    name = named_node(node)
    answer = tasks.prioritise(name, _resolve(name, task), priority)
    _tell(answer, as_json, lambda patched: f"task {patched['id']} has priority {patched['priority']}")
    return errors.PASS


def _events_of(node: str, start: str) -> Iterator[wire.Event]:
    """Who watches a task waits for it, so a runner that is stopped meanwhile is started again."""
    if reach.is_at_rest(node):
        raise FatalError("the runner on this machine is not running, so no task is", hint="`maw-runner start` goes on")
    return client.events(node, _resolve(node, start))


def _all_events(node: str, as_json: bool) -> Iterator[wire.Event]:
    """Where nothing goes on, that is said: silence would look like a hang."""

    def until_it_runs() -> None:
        """A runner of this machine that is at rest, or is stopped meanwhile, is left so."""
        if reach.is_at_rest(node) and not as_json:
            say(f"the runner on this machine is {AT_REST}")
        while reach.is_at_rest(node):
            time.sleep(_LOOK_EVERY)

    with reach.only_looking():
        until_it_runs()
        lists = [_listed(node, limit=1, state=state) for state in ("running", "queued")]
        if not as_json and not any(found["tasks"] for found in lists):
            say("nothing runs and nothing waits; what comes is told here, until ^C")
        yield from client.all_events(node, after=lists[0].get("last_event"), ready=until_it_runs)


def show_tasks(
    *,
    node: str,
    as_json: bool = False,
    everything: bool = False,
    state: str | None = None,
    kind: str | None = None,
    limit: int = 50,
) -> int:
    """Print a node's tasks. Looking starts no runner on this machine. Raises NodeError and ApiError."""
    if reach.is_at_rest(node):
        if as_json:
            print_json({"v": 1, "node": node, "running": False, "tasks": []})
        else:
            say(f"the runner on this machine is {AT_REST}")
        return errors.PASS
    states = [state] if state is not None else [None] if everything else ["running", "queued"]
    found: list[dict[str, Any]] = []
    for wanted in states:
        found += _listed(node, limit=limit, state=wanted, kind=kind)["tasks"]
    if as_json:
        print_json({"v": 1, "node": node, "tasks": found[:limit]})
    elif not found:
        say(
            "no tasks"
            if everything or state
            else "nothing runs and nothing waits (`maw queue list --all` has the rest)"
        )
    for task in [] if as_json else found[:limit]:
        click.echo(flat(_row(task)))
    return errors.PASS


def _listed(node: str, **query: str | int | None) -> dict[str, Any]:
    chosen = urlencode({name: value for name, value in query.items() if value is not None})
    return answers.ask(node, "GET", f"/api/v1/tasks?{chosen}", api.TaskList)


def _row(task: dict[str, Any]) -> str:
    error = f"  {task['error']['message']}" if task.get("error") else ""
    return (
        f"{task['id']}  {task['state']:<9} {task['kind']:<8} {task['priority']:>4}  "
        f"{_ago(task['created']):>7}  {task.get('title', '')}{error}"
    ).rstrip()


def _ago(when: str) -> str:
    """How long ago a time of the API was, to the second: tasks live for seconds."""
    return ago(time.time() - moment(when), now_below=1)


def _tell(answer: dict[str, Any], as_json: bool, said: Callable[[dict[str, Any]], str]) -> None:
    if as_json:
        print_json(answer)
    else:
        say(said(answer))


def _resolve(node: str, start: str) -> str:
    """The whole id of the one task whose id begins with `start`. Raises FatalError."""
    if len(start) == _ID:
        return start
    listed = _listed(node, limit=1000)["tasks"]
    found = [str(task["id"]) for task in listed if task["id"].startswith(start)]
    if len(found) != 1:
        why = "no task's id begins" if not found else f"{len(found)} tasks' ids begin"
        raise FatalError(f"{why} with {start!r}", hint="`maw queue list --all` shows the ids")
    return found[0]
