"""`maw outbox`: reviews that wait for their node."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import click

from maw import errors
from maw.attendant import client, delivery, outbox, spool
from maw.attendant.outbox import Entry
from maw.cli import completing
from maw.cli.output import console, print_json, say
from maw.cli.place import needed_repository
from maw.config.load import load
from maw.errors import FatalError
from maw.git.repo import Repo
from maw.text import count, one_line, size
from maw.times import ago

PATIENCE = 30.0  # seconds that `flush` waits for the attendant, which may be at it
_json = click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")


@click.group(name="outbox", invoke_without_command=True)
@_json
@click.pass_context
def outbox_group(ctx: click.Context, as_json: bool) -> int:
    """List, send and drop reviews that wait for their node.

    It was away at the commit, or too slow, or had no model to review with, or review.mode is background. They are sent
    when it is back; once it has its model, with the next commit or maw command. `flush` tries now and says what came of
    it; `drop` gives some up.

    \b
    Examples:
      maw outbox                 what waits, oldest first
      maw outbox flush           try now
      maw outbox drop 019c2f     give one up; the start of its id is enough
    """
    if ctx.invoked_subcommand is not None:
        if as_json:
            raise click.UsageError("give --json after the command: maw outbox list --json", ctx)
        return errors.PASS
    return show(needed_repository(), as_json=as_json)


@outbox_group.command(name="list")
@_json
def list_command(as_json: bool) -> int:
    """List what waits, oldest first.

    \b
      maw outbox list --json
    """
    return show(needed_repository(), as_json=as_json)


@outbox_group.command()
@_json
def flush(as_json: bool) -> int:
    """Send what waits, now, and wait for the answers. Exits 4 when a node cannot be reached, 3 when something could not
    be sent for another reason.

    \b
      maw outbox flush
    """
    repo = needed_repository()
    spool.drain(repo)  # what a killed hook left; it tells which commits were made
    waiting = len(outbox.ids(repo))
    tried: list[delivery.Attempt] = []
    for attempt in _attempts(repo, as_json):
        tried.append(attempt)
        if as_json:
            print_json({**_told(attempt.entry), "state": attempt.state, "text": one_line(attempt.text)})
        else:
            say(f"maw: {attempt.state}: {attempt.text}")
    spool.drain(repo)
    if not tried and not as_json:
        say("maw: nothing waits" if not waiting else "maw: nothing can be sent: the commits are not made")
    states = {attempt.state for attempt in tried}
    if delivery.LATER in states:
        return errors.UNREACHABLE
    return errors.INCOMPLETE if delivery.FAILED in states else errors.PASS


@outbox_group.command()
@click.argument("entries", nargs=-1, metavar="ID…", shell_complete=completing.waiting)
@click.option("--all", "everything", is_flag=True, help="All that waits.")
@_json
def drop(entries: tuple[str, ...], everything: bool, as_json: bool) -> int:
    """Give up reviews that wait; their commits stay recorded as unreviewed.

    \b
      maw outbox drop --all
    """
    if bool(entries) == everything:
        raise click.UsageError("name what to drop by the start of its id, or give --all.")
    repo = needed_repository()
    known = outbox.ids(repo)
    for entry in known if everything else [_resolved(known, start) for start in entries]:
        outbox.remove(repo, entry)
        if as_json:
            print_json({"v": 1, "id": entry, "dropped": True})
        else:
            say(f"maw: dropped {entry[:12]}")
    return errors.PASS


def show(repo: Repo, *, as_json: bool) -> int:
    """What waits. Somebody looks at it, so it is a good time to try again."""
    found = outbox.entries(repo)
    if found:
        client.poke(repo.common_dir)
    config = load(strict=False)
    for entry in found:
        node = delivery.goes_to(entry, config)
        if as_json:
            print_json({**_told(entry), "goes_to": node})
        else:
            console().print(_row(entry, node), soft_wrap=True)
    if not found and not as_json:
        say("maw: nothing waits")
    elif not as_json:
        say(f"maw: {count(len(found), 'review')}, {size(sum(entry.size for entry in found))}")
    return errors.PASS


def _row(entry: Entry, node: str) -> str:
    commit = entry.commit[:10] if entry.commit else "(not committed)"
    age = ago(time.time() - int(entry.id[:12], 16) / 1000)
    why = f": {entry.to_mend}" if entry.to_mend else ""
    return one_line(f"{entry.id[:12]}  {commit}  {entry.data['mode']}  for {entry.goes_to(node)}, {age}{why}")


def _told(entry: Entry) -> dict[str, Any]:
    keys = ("id", "ts", "node", "mode", "tree", "base")
    told = {key: entry.data[key] for key in keys} | {"why": entry.data.get("why")}  # which an older maw did not keep
    return {"v": 1, **told, "commit": entry.commit, "bytes": entry.size}


def _attempts(repo: Repo, as_json: bool) -> Iterator[delivery.Attempt]:
    """One of each entry, as soon as the attendant lets go; it tries by itself whenever it can."""

    def tell(entry: Entry, node: str) -> None:
        if not as_json and entry.commit is not None:
            say(f"maw: {entry.goes_to(node)} is asked about {entry.commit[:10]}")

    give_up = time.monotonic() + PATIENCE
    while True:
        try:
            yield from delivery.attempts(repo, threading.Event(), told=tell)
            return
        except delivery.AtIt:
            if time.monotonic() > give_up:
                raise
            time.sleep(0.1)


def _resolved(known: list[str], start: str) -> str:
    found = [entry for entry in known if entry.startswith(start)]
    if len(found) == 1:
        return found[0]
    said = "there is none" if not found else "there are several"
    raise FatalError(f"which review is {start!r}? {said} that starts so", hint="`maw outbox` lists them")
