"""Submit a review and tell what happens until there is an outcome. Standard library only (hook path)."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator

from maw import client, wire
from maw.errors import ApiError, FatalError, NodeError
from maw.finding import Finding, finding_from_json
from maw.light import Any, NamedTuple
from maw.review.outcome import (
    DEADLINE,
    FAILED,
    NO_UNITS,
    UNREACHABLE,
    UNREADY,
    Outcome,
    from_result,
    missed,
    read_skipped,
)

Json = dict[str, Any]
CANCEL_TIMEOUT = 1.0  # seconds: the runner also cancels by itself when nobody watches
LATE_CANCEL_TIMEOUT = 0.05  # … past the deadline, which the runner knows as well
_SUBMIT_TIMEOUT = 60.0  # seconds, where no deadline is set; a model is not loaded for the acknowledgement
# Errors of a task (docs/protocol.md) that are the node's, whatever the change is.
_UNREADY = (
    "model_missing", "model_broken", "bad_catalogue", "no_memory",
    "no_key", "public_server", "server_unreachable", "server_busy",
)  # fmt: skip


class Told(NamedTuple):
    """Something happened. `type` is an event's name (docs/protocol.md), `data` its fields."""

    type: str
    data: Json


class Found(NamedTuple):
    """`data` has the event's other fields: which task, and when."""

    finding: Finding
    data: Json


class Voided(NamedTuple):
    """The runner started over: what was found before does not count."""

    attempt: int
    data: Json


class Ended(NamedTuple):
    """The last step."""

    outcome: Outcome


Step = Told | Found | Voided | Ended


def follow(node: str, request: Json, *, deadline: float | None = None, goes_on: bool = False) -> Generator[Step]:
    """Submit `request` to `node` and follow it; the last step is Ended, whatever happens.

    `deadline` is a time.monotonic() value; past it the task is cancelled, unless it `goes_on`. KeyboardInterrupt
    cancels it too and goes on to the caller, and so does closing the iterator early (contextlib.closing does it in
    time).
    """
    try:
        task = client.submit(node, request, timeout=_left(deadline))
    except (FatalError, OSError) as exc:
        yield Ended(_not_submitted(exc, node, deadline))
        return
    watch = _Watch(node, task)
    if task.get("state") in client.TERMINAL:
        yield from watch.finished(task)
        return
    ended = False
    try:
        for step in watch.steps(deadline):
            ended = isinstance(step, Ended)
            yield step
    finally:
        if not ended or (watch.abandoned and not goes_on):
            _cancel(node, watch.task_id, deadline)


def finished(node: str, task: Json) -> Outcome:
    """The outcome of a task (api.Task) that has ended."""
    *_, last = _Watch(node, task).finished(task)
    assert isinstance(last, Ended)
    return last.outcome


class _Watch:
    """One task on its way."""

    def __init__(self, node: str, task: Json) -> None:
        self.node = node
        self.task_id = str(task.get("id", ""))
        self.profile = str(task.get("profile", ""))
        self.abandoned = False  # it did not end, and we no longer wait for it
        self._forget()

    def _forget(self) -> None:
        self._found: dict[tuple[str, int, str], Finding] = {}
        self._bad: set[str] = set()  # units with a finding that could not be read
        self._units: Json = dict(NO_UNITS)
        self._skipped: tuple[Json, ...] = ()

    def finished(self, task: Json) -> Iterator[Step]:
        """The steps of a task whose answer was known already."""
        outcome = self._ending(str(task["state"]), {"result": task.get("result"), "error": task.get("error")})
        told = {"task": self.task_id, "ts": task.get("finished")}
        yield from (Found(finding, told) for finding in outcome.findings)
        yield Ended(outcome)

    def steps(self, deadline: float | None) -> Iterator[Step]:
        try:
            for event in client.events(self.node, self.task_id, deadline=deadline):
                yield from self._take(event)
                if event.type in client.TERMINAL:
                    yield Ended(self._ending(event.type, event.data))
                    return
            yield Ended(self._missed(FAILED, "the event stream ended without an answer"))
        except TimeoutError:
            self.abandoned = True
            yield Ended(self._missed(DEADLINE, "the deadline passed"))
        except NodeError as exc:
            self.abandoned = True
            yield Ended(self._missed(UNREACHABLE, exc.message))
        except (ApiError, OSError) as exc:
            yield Ended(self._missed(FAILED, getattr(exc, "message", str(exc))))

    def _take(self, event: wire.Event) -> Iterator[Step]:
        data = event.data
        if event.type == "finding":
            yield from self._finding(data)
        elif event.type == "restarted":
            self._forget()
            yield Voided(_number(data.get("attempt")), data)
        else:
            if event.type == "plan":
                self._units["total"] = _number(data.get("units"))
                self._skipped = read_skipped(data.get("skipped"))
            elif event.type == "unit" and data.get("state") in ("done", "failed"):
                self._units[data["state"]] += 1
                self._units["reused"] += data.get("reused") is True
            yield Told(event.type, data)

    def _finding(self, data: Json) -> Iterator[Step]:
        item = data.get("finding")
        try:
            finding = finding_from_json(item)
        except ValueError:
            # Its unit is not clean, whatever the rest says; nor is it known which one, when that is unreadable too.
            unit = item.get("unit") if isinstance(item, dict) else None
            self._bad.add(unit if isinstance(unit, str) else "?")
            return
        key = (finding.id, finding.line, finding.unit)
        if key not in self._found:
            self._found[key] = finding
            yield Found(finding, data)

    def _ending(self, state: str, data: Json) -> Outcome:
        if state == "done":
            return self._done(data.get("result"))
        error = data.get("error")
        error = error if isinstance(error, dict) else {}
        reason = data.get("reason") or error.get("code")
        if state == "cancelled":
            if reason == "deadline":
                return self._missed(DEADLINE, "the deadline passed")
            return self._missed(
                FAILED, "the review was cancelled" + (f": {reason}" if reason and reason != state else "")
            )
        hint = f" ({error['hint']})" if error.get("hint") else ""
        said = f"{error.get('message') or reason or state}{hint}"
        if error.get("code") in _UNREADY:
            return self._missed(UNREADY, f"{self.node} cannot review: {said}")
        return self._missed(FAILED, f"the review failed on {self.node}: {said}")

    def _done(self, result: object) -> Outcome:
        outcome = from_result(result, node=self.node, task=self.task_id, profile=self.profile)
        lost = len(self._bad) if outcome.status == "reviewed" else 0
        if lost:
            # An event was unreadable though the result is not: trust neither.
            units = dict(outcome.units, failed=lost, done=max(outcome.units["done"] - lost, 0))
            reason = f"{lost} of {max(units['total'], lost)} units could not be reviewed"
            outcome = outcome._replace(status="incomplete", cause=FAILED, reason=reason, units=units)
        return outcome

    def _missed(self, cause: str, reason: str) -> Outcome:
        return missed(
            cause,
            reason,
            node=self.node,
            task=self.task_id,
            findings=tuple(self._found.values()),
            skipped=self._skipped,
            units=self._units,
        )


def _not_submitted(exc: FatalError | OSError, node: str, deadline: float | None) -> Outcome:
    late = deadline is not None and time.monotonic() >= deadline
    if isinstance(exc, TimeoutError) or (late and isinstance(exc, NodeError) and exc.code == "timeout"):
        return missed(DEADLINE, "the deadline passed", node=node)
    if isinstance(exc, OSError):
        return missed(UNREACHABLE, str(exc), node=node)
    if isinstance(exc, ApiError):
        return missed(FAILED, f"{node} refused the review: {exc.whole}", node=node)
    return missed(UNREACHABLE, exc.whole, node=node)


def _cancel(node: str, task_id: str, deadline: float | None) -> None:
    """Where the network swallows everything, this must not wait beyond the deadline either."""
    left = CANCEL_TIMEOUT if deadline is None else deadline - time.monotonic()
    try:
        client.cancel(node, task_id, timeout=min(CANCEL_TIMEOUT, max(left, LATE_CANCEL_TIMEOUT)))
    except FatalError:
        pass  # a node that cannot be told cancels by itself once nobody watches


def _left(deadline: float | None) -> float:
    if deadline is None:
        return _SUBMIT_TIMEOUT
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _number(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else 0
