"""Nodes and models in lines, and the gauges of one node."""

from __future__ import annotations

import time
from collections.abc import Sequence

import msgspec

from maw import api
from maw.errors import FatalError
from maw.review.render import Line
from maw.statuslines import settings_lines
from maw.text import count, flat, one_line, size
from maw.times import age, moment, until
from maw_tui.bars import bar, spark
from maw_tui.fold import fit, folded
from maw_tui.live import Sample
from maw_tui.screens.nodes.items import Item
from maw_tui.screens.queue.words import away_lines, node_line

_NAME = 26  # columns of a model's name
_LABEL, _FIGURES = 9, 22  # columns of a gauge's name, and of what is told behind it
_EVICTED_SHOWN = 3
_STATES = {"loaded": "good", "loading": "warning", "broken": "error"}


def row(item: Item, width: int) -> Line:
    return _model_row(item, item.model, width) if item.model is not None else _node_row(item, width)


def _node_row(item: Item, width: int) -> Line:
    line = node_line(item.picture, time.monotonic(), width)
    ledger = item.gauges.ledger if item.gauges else None
    memory = f", {size(ledger.held)} of {size(ledger.budget.total)}" if ledger else ""
    room = max(width - len(line.text), 0)
    return Line((*line.parts, ("plain", fit(memory, room))))


def heading(width: int) -> Line:
    text = f"    {fit('model', _NAME)} {'state':<9} {'file':>8} {'memory':>8}  what it does"
    return Line((("dim", fit(text, width)),))


def _model_row(item: Item, model: api.Model, width: int) -> Line:
    held = item.held
    parts = (
        ("plain", f"    {fit(flat(model.name), _NAME)} "),
        (_STATES.get(model.state, "dim"), f"{model.state:<9} "),
        ("dim", f"{size(model.bytes) if model.bytes else '':>8} "),
        ("number", f"{size(held.bytes) if held else size(model.memory) if model.memory else '':>8}  "),
    )
    room = width - sum(len(text) for _, text in parts)
    return Line((*parts, ("plain", fit(flat(", ".join(_told(item, model))), max(room, 0)))))


def _told(item: Item, model: api.Model) -> list[str]:
    held = item.held
    told = [_progress(item)] if model.state == "loading" else []
    told += ["waits for memory"] if item.waits else []
    told += ["pinned"] if model.pinned else []
    if held is not None:
        told += [f"busy with {held.busy}"] if held.busy and model.state != "loading" else []
        told += [f"{held.waiting} waiting"] if held.waiting else []
        told += [f"leaves {until(held.leaves_in)}"] if held.leaves_in is not None else []
    told += [f"{size(model.partial)} have come"] if model.partial else []
    return told + list(model.roles) + ([model.error] if model.error else [])


def _progress(item: Item) -> str:
    """How far a model is loaded, as far as its node tells, and for how long that has taken."""
    held = item.held
    share = f"{min(held.memory / held.bytes, 1.0):.0%} " if held and held.memory and held.bytes else ""
    return f"{share}after {age(item.seconds, now_below=1)}" if item.seconds >= 1 else f"{share}begun"


def panel(item: Item | None, series: Sequence[Sample], width: int) -> list[Line]:
    """The gauges of a node, and what there is to know of the model under the cursor."""
    if item is None:
        return []
    room = max(width - _LABEL - _FIGURES, 4)
    model = _model(item.model, item.held, width) if item.model is not None else []
    lines = [*model, *_loading(item.held, room), Line((("head", one_line(item.node)),))]
    lines += away_lines(item.picture, width)
    known = item.gauges
    lines += _memory(known.ledger, room) if known and known.ledger else []
    lines += _plots(series, room)
    lines += _status(known.status, width) if known else []
    return lines + (_ledger(known.ledger, width) if known and known.ledger else [])


def _loading(held: api.Held | None, room: int) -> list[Line]:
    if held is None or held.state != "loading" or not held.memory:
        return []
    return [_gauge("loading", bar(held.memory, held.bytes, room), f"{size(held.memory)} of {size(held.bytes)}")]


def _plots(series: Sequence[Sample], room: int) -> list[Line]:
    """The last seconds, a column each."""
    rates, waiting = [one.rate for one in series], [one.waiting for one in series]
    return [
        _gauge("tokens/s", spark(rates, room), f"{rates[-1] if rates else 0:.0f} (top {max(rates, default=0):.0f})"),
        _gauge("waiting", spark(waiting, room), f"{waiting[-1] if waiting else 0} (top {max(waiting, default=0)})"),
    ]


def _memory(ledger: api.Ledger, room: int) -> list[Line]:
    budget = ledger.budget
    lines = [_gauge("memory", bar(ledger.held, budget.total, room), f"{size(ledger.held)} of {size(budget.total)}")]
    weights = sum(held.parts.weights for held in ledger.models)
    context = sum(held.parts.kv for held in ledger.models)
    for name, held, most in (("models", weights, budget.models), ("context", context, budget.context)):
        if most:
            lines.append(_gauge(name, bar(held, most, room), f"{size(held)} of {size(most)}"))
    return lines


def _gauge(name: str, drawn: str, told: str) -> Line:
    return Line((("dim", f"{name:<{_LABEL}}"), ("good", drawn), ("plain", f"  {told}")))


def _status(status: api.Status, width: int) -> list[Line]:
    about = f"maw {one_line(status.hello.version)}, up {_up(status.started)}, {size(status.memory)} itself"
    lines = [Line((("plain", about),))]
    problems = settings_lines({"settings": msgspec.to_builtins(status.settings)})
    return lines + [line for text in problems for line in folded(text, width, "warning")]


def _ledger(ledger: api.Ledger, width: int) -> list[Line]:
    told = [f"{name} holds {size(held)} for a background job" for name, held in ledger.jobs.items()]
    told += [f"{count(number, 'request')} for {name} waiting" for name, number in ledger.waiting.items()]
    told += [f"{entry.model} left: {entry.why}" for entry in reversed(ledger.evicted[-_EVICTED_SHOWN:])]
    return [line for text in told for line in folded(one_line(text), width, "dim")]


def _model(model: api.Model, held: api.Held | None, width: int) -> list[Line]:
    facts = [f"licence {model.license}"] if model.license else []
    facts += [f"for {model.tier} GB"] if model.tier else []
    facts += [model.attention] if model.attention else []
    facts += [model.source] if model.source else []
    lines = [Line((("head", one_line(model.name)), ("dim", f"  {model.state}")))]
    if held is not None:
        parts = held.parts
        other = parts.compute + parts.prefixes + parts.process
        lines += folded(
            f"{size(held.bytes)}: weights {size(parts.weights)}, KV {size(parts.kv)}, other {size(other)}; "
            f"context {held.context} {held.kv}",
            width,
        )
    lines += folded(one_line(", ".join(facts)), width, "dim") if facts else []
    return lines + (folded(one_line(model.error), width, "error") if model.error else [])


def _up(started: str) -> str:
    try:
        up = time.time() - moment(started)
        return age(up) if up >= 60 else "less than a minute"
    except FatalError:  # a node may tell anything
        return "?"
