"""The queue in lines: a row for each entry, a line for each node, and all there is to know of one entry."""

from __future__ import annotations

import time
from collections.abc import Sequence

from rich.cells import cell_len

from maw import reach
from maw.attendant import outbox
from maw.errors import FatalError
from maw.review.render import Line
from maw.text import count, flat, one_line, size
from maw.times import age, moment
from maw.watch.board import Away, Picture, Seen
from maw_tui.fold import cut, fit, folded
from maw_tui.screens.queue.entries import Entry

_REASON = 20  # columns, at least, of why a node is away

# A sign and a style for each state; the word is always there, too.
_SIGNS = {
    "running": ("▶", "good"), "queued": ("·", "plain"), "done": ("✓", "dim"), "failed": ("✗", "error"),
    "dead": ("✗", "error"), "cancelled": ("–", "dim"), "outbox": ("↑", "warning"), "stopping": ("▶", "warning"),
}  # fmt: skip


def row(entry: Entry, width: int, now: float, *, several: bool) -> Line:
    """One line: state, kind, node (where there are `several`), progress, speed, age, title."""
    state = _state(entry)
    sign, style = ("?", "dim") if entry.stale else _SIGNS.get(state, ("?", "plain"))
    kind, progress, speed, when, title = _cells(entry, now)
    where = fit(one_line(entry.node), 9) if several else ""
    parts = [
        (style, f"{sign} {state:<9} "),
        ("plain", fit(one_line(kind), 9)),
        ("dim", where),
        ("plain", f"{progress:>6} "),
        ("number", f"{speed:>6} "),
        ("dim", f"{when:>5}  "),
    ]
    room = width - sum(len(text) for _, text in parts)
    lively = entry.task and entry.task.live and not entry.stale
    return Line((*parts, ("plain" if lively else "dim", fit(flat(title), max(room, 0)))))


def heading(width: int, *, several: bool) -> Line:
    where = fit("node", 9) if several else ""
    text = f"  {'state':<9} {'kind':<9}{where}{'units':>6} {'tok/s':>6} {'age':>5}  task"
    return Line((("dim", fit(text, width)),))


def node_line(picture: Picture, now: float, width: int) -> Line:
    """A node and its link in so many columns; `now` is time.monotonic()."""
    name = one_line(picture.node)
    if picture.away is not None:
        return _away(picture, picture.away, now, width)
    if not picture.known:
        return Line((("warning", f"… {name} "), ("plain", "connecting")))
    running, waiting = picture.count("running"), picture.count("queued")
    speed = f", {picture.rate:.0f} tok/s" if picture.rate else ""
    how = "on this machine" if picture.node == reach.LOCAL else "connected"
    return Line((("good", f"● {name} "), ("plain", f"{how}, {running} running, {waiting} waiting{speed}")))


def _away(picture: Picture, away: Away, now: float, width: int) -> Line:
    """Why it cannot be had is cut where there is too little room, when it is tried again is not."""
    name = f"✗ {one_line(picture.node)} "
    again = f"; tried again in {max(round(away.again - now), 0)} s"
    kept = " (below: as it was)" if picture.tasks else ""
    room = width - cell_len(name + again + kept)
    if room < _REASON:
        kept, room = "", room + cell_len(kept)
    message = cut(one_line(away.error.message), max(room, _REASON))
    return Line((("error", name), ("plain", message + again), ("dim", kept)))


def empty(pictures: Sequence[Picture], wanted: str) -> str:
    """What the list says where it has no rows."""
    if wanted:
        return "nothing has all of these words"
    if any(picture.away is None and not picture.known for picture in pictures):
        return "connecting"
    known = not pictures or any(picture.known for picture in pictures)
    return "nothing runs and nothing waits" if known else "no node can be asked"


def nothing(pictures: Sequence[Picture], wanted: str, width: int) -> list[Line]:
    """What to do about an empty list."""
    if wanted:
        return folded("`/` and then escape takes the filter away.", width, "dim")
    return [line for picture in pictures for line in away_lines(picture, width)]


def away_lines(picture: Picture, width: int) -> list[Line]:
    """Why a node cannot be watched, and what helps."""
    if picture.away is None:
        return []
    return folded(one_line(f"{picture.node}: {picture.away.error.whole}"), width, "dim")


def detail(entry: Entry, width: int, height: int) -> list[Line]:
    """What the pane beside or below the list shows of an entry; the end of what its model says, as far as there is
    room."""
    if entry.waits is not None:
        return _held(entry.waits, entry.node, width)
    assert entry.task is not None
    head = task_head(entry.task, width, stale=entry.stale)
    room = max(height - len(head), 1)
    said = _end(entry.task.said, room * width)
    return head + (folded(said, width)[-room:] if said else [])


def _end(said: str, enough: int) -> str:
    """The end of a text that grows, at least `enough` of it. It begins at the same place for as long as it can, so that
    lines stay what they are while more comes."""
    start = max(len(said) // enough - 1, 0) * enough
    line = said.find("\n", start, len(said) - enough) + 1 if start else 0
    return said[line or start :]


def task_head(seen: Seen, width: int, *, stale: bool) -> list[Line]:
    task = seen.task
    lines = [Line((("head", f"{one_line(task.kind)} {one_line(task.id)}"), ("plain", f" on {one_line(seen.node)}")))]
    if task.title:
        lines += folded(one_line(task.title), width)
    lines += folded(", ".join(_facts(seen)), width, "dim")
    lines += folded("as it was when its node was lost", width, "warning") if stale else []
    if task.error is not None:
        hint = f" ({task.error.hint})" if task.error.hint else ""
        lines += folded(one_line(f"{task.error.message}{hint}"), width, "error")
    return lines


def _facts(seen: Seen) -> list[str]:
    task = seen.task
    facts = [f"{task.state}{', asked to stop' if task.cancelling else ''}", f"priority {task.priority}"]
    facts += [f"attempt {task.attempt}"] if task.attempt > 1 else []
    facts += [one_line(seen.model)] if seen.model else []
    facts += [f"{seen.done} of {count(seen.total, 'unit')}"] if seen.total else []
    facts += [count(seen.findings, "finding")] if seen.findings else []
    facts += [f"{seen.rate:.1f} tok/s"] if seen.rate else []
    facts += [f"not before {one_line(task.run_at)}"] if task.run_at and task.state == "queued" else []
    return facts


def _held(waits: outbox.Entry, node: str, width: int) -> list[Line]:
    what = f"commit {waits.commit[:10]}" if waits.commit else "a change that is not committed"
    where = one_line(waits.goes_to(node))
    told = f"{what}: {_why_held(waits, where)}, and then noted."
    return [
        Line((("head", "a review in the outbox"), ("dim", f"  {waits.id[:12]}, {size(waits.size)}"))),
        *folded(told, width),
    ]


def _why_held(waits: outbox.Entry, where: str) -> str:
    if waits.to_mend:
        return f"{one_line(waits.to_mend)}. It is sent to {where} once that is mended"
    why = "the review could not be had in time" if waits.data["mode"] == outbox.LATE else "nobody wanted to wait"
    return f"{why}. It is sent to {where} as soon as that can be reached"


def _state(entry: Entry) -> str:
    if entry.task is None:
        return "outbox"
    return "stopping" if entry.task.task.cancelling else entry.task.task.state


def _cells(entry: Entry, now: float) -> tuple[str, str, str, str, str]:
    """Kind, progress, speed, age and title."""
    if entry.waits is not None:
        commit = entry.waits.commit[:10] if entry.waits.commit else "not committed"
        return "review", "", "", age(now - int(entry.waits.id[:12], 16) / 1000, now_below=1), f"{commit}, waits"
    assert entry.task is not None
    seen, task = entry.task, entry.task.task
    progress = f"{seen.done}/{seen.total}" if seen.total else ""
    speed = f"{seen.rate:.0f}" if seen.rate else ""
    title = f"{task.title}  {task.error.message}" if task.error is not None else task.title
    return task.kind, progress, speed, _age(task.finished or task.started or task.created, now), title


def _age(when: str, now: float) -> str:
    try:
        return age(max(now - moment(when), 0), now_below=1)
    except FatalError:  # a node may tell anything
        return "?"


def nodes_lines(pictures: Sequence[Picture], width: int) -> list[Line]:
    now = time.monotonic()
    if not pictures:
        return [Line((("dim", "no node is known: `maw node add NAME HOST`"),))]
    return [node_line(picture, now, width) for picture in pictures]
