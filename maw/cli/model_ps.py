"""`maw model ps`: the node's ledger, who holds how much of the memory for models, who waits, and who left why."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from maw import answers, api, errors, reach
from maw.cli.output import print_json, say
from maw.cli.status import AT_REST
from maw.text import count, flat, size
from maw.times import until

Json = dict[str, Any]
_EVICTED_SHOWN = 5


def show(*, node: str, as_json: bool) -> int:
    """Print the ledger of `node`. Looking starts no runner on this machine. Raises NodeError and ApiError."""
    if reach.is_at_rest(node):
        if as_json:
            print_json({"v": 1, "node": node, "running": False, "models": []})
        else:
            say(f"no model is loaded: the runner on this machine is {AT_REST}")
        return errors.PASS
    ledger = answers.ask(node, "GET", "/api/v1/ledger", api.Ledger)
    if as_json:
        print_json({**ledger, "node": node})
    else:
        click.echo("\n".join(lines(ledger)))
    return errors.PASS


def lines(ledger: Json) -> list[str]:
    """A ledger (api.Ledger as JSON) in words."""
    found = _table(ledger["models"]) if ledger["models"] else ["no model is loaded"]
    found += ["", _sum(ledger)]
    found += [f"{name} holds {size(held)} for a background job" for name, held in ledger.get("jobs", {}).items()]
    found += [f"{count(number, 'request')} for {name} waiting" for name, number in ledger.get("waiting", {}).items()]
    if prefixes := ledger.get("prefixes"):
        held = f"{size(prefixes['bytes'])} of {size(prefixes['limit'])}"
        found.append(f"{count(prefixes['files'], 'prefix', 'prefixes')} on the disk, {held}")
    evicted = ledger.get("evicted", [])[-_EVICTED_SHOWN:]
    found += [f"{entry['at']}  {entry['model']} left: {entry['why']}" for entry in evicted]
    return [flat(line) for line in found]


def _sum(ledger: Json) -> str:
    budget = ledger["budget"]
    told = f"{size(ledger['held'])} held, {size(ledger['free'])} free of {size(budget['total'])}"
    bounds = [f"{name} at most {size(budget[name])}" for name in ("models", "context") if budget.get(name)]
    bounds += [f"{size(budget['buffer'])} kept free"] if budget.get("buffer") else []
    return told + "".join(f", {bound}" for bound in bounds) + (f" ({budget['how']})" if budget.get("how") else "")


def _table(models: list[Json]) -> list[str]:
    rows = [("MODEL", "STATE", "HOLDS", "WEIGHTS", "KV", "OTHER", "CONTEXT", "LEAVES"), *map(_row, models)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _row(held: Json) -> Sequence[str]:
    parts = held["parts"]
    other = sum(parts.get(name, 0) for name in ("compute", "prefixes", "process"))
    state = held["state"]
    if held.get("busy") or held.get("waiting"):
        state = f"busy with {held.get('busy', 0)}" + (f", {held['waiting']} waiting" if held.get("waiting") else "")
    leaves = "pinned" if held.get("pinned") else ""
    if held.get("leaves_in") is not None:
        leaves = until(held["leaves_in"])
    cells = (held["model"], state, size(held["bytes"]), size(parts.get("weights")), size(parts.get("kv")), size(other),
             f"{held.get('context', 0)} {held.get('kv', '')}", leaves)  # fmt: skip
    return [flat(str(cell)) for cell in cells]
