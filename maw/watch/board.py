"""What is known of a node's tasks: a list as the runner told it, and what its events said since. Pure but for a lock:
one thread writes (node.py), others look."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from maw import api, client, wire
from maw.errors import FatalError
from maw.watch.rates import Meter

ENDED_KEPT = 200  # tasks that have ended
SAID_KEPT = 16_384  # characters of what a model writes, at least; twice as many before the older ones go
RATE_EVERY = 1.0  # seconds that a speed is told as it was: numbers that change all the time are not read

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Seen:
    """A task. `spoken` has the end of what its model has written, by the unit that it is about, `rate` tokens a second:
    now, or of the whole when it has ended."""

    node: str
    task: api.Task
    model: str = ""
    done: int = 0
    total: int = 0
    path: str = ""
    findings: int = 0
    spoken: tuple[tuple[str, str], ...] = ()
    rate: float = 0.0

    @property
    def said(self) -> str:
        """What was written, each unit's together; those that go on are last."""
        return "\n".join(text for _, text in self.spoken)

    @property
    def live(self) -> bool:
        return self.task.state not in client.TERMINAL


@dataclass(frozen=True, slots=True)
class Away:
    """The node cannot be watched: why, and when it is tried again (time.monotonic())."""

    error: FatalError
    again: float


@dataclass(frozen=True, slots=True)
class Picture:
    """A board at one moment. `known`: the node was reached once, so that `tasks` tells something. Tasks that run come
    first, then those that wait, as they will start, then those that ended, the latest first."""

    node: str
    known: bool
    away: Away | None
    tasks: tuple[Seen, ...]
    rate: float

    def count(self, state: str) -> int:
        return sum(seen.task.state == state for seen in self.tasks)


class Board:
    """`changed` is called, from the thread that writes, when there is something new to look at: once, and again only
    after somebody looked."""

    def __init__(self, node: str, changed: Callable[[], None], clock: Callable[[], float] = time.monotonic) -> None:
        self.node = node
        self._changed = changed
        self._clock = clock
        self._lock = threading.Lock()
        self._told = False
        self._known = False
        self._away: Away | None = None
        self._seen: dict[str, Seen] = {}
        self._meters: dict[str, Meter] = {}
        self._rates: dict[str, tuple[float, float]] = {}  # when it was told, and what

    def look(self) -> Picture:
        with self._lock:
            self._told = False
            now = self._clock()
            tasks = [replace(seen, rate=self._rate(seen, now)) for seen in self._seen.values()]
            return Picture(
                self.node,
                self._known,
                self._away,
                tuple(sorted(tasks, key=_order)),
                sum(seen.rate for seen in tasks if seen.live),
            )

    @property
    def away(self) -> Away | None:
        with self._lock:
            return self._away

    def one(self, task: str) -> Seen | None:
        """A task by its id."""
        with self._lock:
            return self._seen.get(task)

    def listed(self, tasks: Iterable[api.Task], *, whole: bool) -> None:
        """What the runner told. `whole`: of all that it knows; live ones that are not in it are gone."""
        with self._lock:
            self._known, self._away = True, None
            found = {task.id: task for task in tasks}
            if whole:
                gone = [key for key, seen in self._seen.items() if key not in found and seen.live]
                for key in gone:
                    del self._seen[key]
            for task in found.values():
                self._put(task)
            self._shorten()
        self._tell()

    def forget(self) -> None:
        """The node is another one than before."""
        with self._lock:
            self._seen.clear()
            self._meters.clear()
            self._rates.clear()

    def lost(self, error: FatalError, again: float) -> None:
        with self._lock:
            self._away = Away(error, again)
        self._tell()

    def happened(self, event: wire.Event, *, past: bool = False) -> bool:
        """Take in an event; False when its task is not known. What is `past` comes faster than it happened: it tells no
        speed."""
        key = str(event.data.get("task", ""))
        with self._lock:
            before = self._seen.get(key)
            if before is None:
                return False
            if event.type == "text" and not past:
                self._meters.setdefault(key, Meter()).add(self._clock(), _pieces(event.data))
            self._seen[key] = _after(before, event)
            if event.type in client.TERMINAL:
                self._forget_speed(key)
                self._shorten()
        self._tell()
        return True

    def _put(self, task: api.Task) -> None:
        before = self._seen.get(task.id)
        if before is not None and not before.live and task.state not in client.TERMINAL:
            return  # it was told before the task's end, and came after that: an end is final
        if before is None or before.task.attempt != task.attempt:  # another attempt voids what was known
            self._seen[task.id] = Seen(self.node, task)
        else:
            self._seen[task.id] = replace(before, task=task)

    def _rate(self, seen: Seen, now: float) -> float:
        if not seen.live:
            return seen.rate
        meter = self._meters.get(seen.task.id)
        if meter is None or seen.task.state != "running":
            return 0.0
        told, rate = self._rates.get(seen.task.id, (now - RATE_EVERY, 0.0))
        if now - told >= RATE_EVERY:
            told, rate = now, meter.rate(now)
            self._rates[seen.task.id] = told, rate
        return rate

    def _forget_speed(self, key: str) -> None:
        self._meters.pop(key, None)
        self._rates.pop(key, None)

    def _shorten(self) -> None:
        ended = sorted((seen.task.finished or "", key) for key, seen in self._seen.items() if not seen.live)
        for _, key in ended[: max(len(ended) - ENDED_KEPT, 0)]:
            del self._seen[key]

    def _tell(self) -> None:
        with self._lock:
            told, self._told = self._told, True
        if not told:
            self._changed()


def _order(seen: Seen) -> tuple[int, int, int]:
    task = seen.task
    if task.state == "queued":
        return (1, -task.priority, _moment(task.created))
    if seen.live:
        return (0, 0, _moment(task.started or task.created))
    return (2, 0, -_moment(task.finished or task.created))


def _moment(when: str) -> int:
    """A number to sort one of the API's times by: all of them have one form."""
    digits = "".join(char for char in when if char.isascii() and char.isdigit())
    return int(digits[:17] or 0)


def _pieces(data: Json) -> int:
    """About how many tokens a text was made of; an older runner does not tell."""
    pieces = data.get("pieces")
    return pieces if isinstance(pieces, int) and 0 < pieces < 10_000 else max(len(_text(data, "text")) // 4, 1)


def _after(seen: Seen, event: wire.Event) -> Seen:
    """The task when this has happened to it. What a node tells may be anything: only what fits is taken."""
    data = event.data
    match event.type:
        case "started" if seen.live:
            task = _with(seen.task, state="running", started=_text(data, "ts"), attempt=_number(data, "attempt"))
            return replace(seen, task=task)
        case "restarted" if seen.live:
            return Seen(seen.node, _with(seen.task, state="queued", started=None, attempt=_number(data, "attempt")))
        case "restarted":
            return Seen(seen.node, seen.task)
        case "loading":
            return replace(seen, model=_text(data, "model"))
        case "plan":
            return replace(seen, total=_number(data, "units"))
        case "unit":
            done, total = _number(data, "done"), _number(data, "total")
            spoken = _fell_silent(seen, _text(data, "unit")) if data.get("state") != "started" else seen.spoken
            return replace(
                seen, done=max(done, seen.done), total=total or seen.total, path=_text(data, "path"), spoken=spoken
            )
        case "finding":
            return replace(seen, findings=seen.findings + 1)
        case "text":
            return _spoke(seen, _text(data, "unit"), _text(data, "text"))
        case "done":
            result = _object(data, "result")
            found, speed = result.get("findings"), _object(result, "stats").get("tokens_per_s")
            return replace(
                seen,
                task=_ended(seen.task, event),
                findings=len(found) if isinstance(found, list) else seen.findings,
                rate=float(speed) if isinstance(speed, int | float) and 0 <= speed < 10**6 else 0.0,
            )
        case "failed" | "dead" | "cancelled":
            return replace(seen, task=_ended(seen.task, event))
    return seen


def _spoke(seen: Seen, unit: str, text: str) -> Seen:
    """Units speak at the same time, each where it was: else there would be a word of one after a word of another."""
    before = dict(seen.spoken)
    said = before.get(unit, "") + text
    before[unit] = said if len(said) <= 2 * SAID_KEPT else said[-SAID_KEPT:]
    return replace(seen, spoken=_bounded(before))


def _bounded(spoken: dict[str, str]) -> tuple[tuple[str, str], ...]:
    """Without those that stand first, where all of it is too much."""
    while len(spoken) > 1 and sum(map(len, spoken.values())) > 2 * SAID_KEPT:
        del spoken[next(iter(spoken))]
    return tuple(spoken.items())


def _fell_silent(seen: Seen, unit: str) -> tuple[tuple[str, str], ...]:
    """What was written, with that of a unit that has ended before that of those which go on."""
    return tuple(sorted(seen.spoken, key=lambda one: one[0] != unit))


def _ended(task: api.Task, event: wire.Event) -> api.Task:
    error = None
    try:
        error = msgspec.convert(event.data.get("error"), api.TaskError | None)
    except msgspec.ValidationError:
        error = api.TaskError(code="", message=event.type)
    return _with(task, state=event.type, finished=_text(event.data, "ts"), error=error, cancelling=False)


def _with(task: api.Task, **changes: Any) -> api.Task:
    return msgspec.structs.replace(task, **changes)


def _object(data: Json, key: str) -> Json:
    value = data.get(key)
    return value if isinstance(value, dict) else {}


def _text(data: Json, key: str) -> str:
    value = data.get(key)
    return value if isinstance(value, str) else ""


def _number(data: Json, key: str) -> int:
    value = data.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**9 else 0
