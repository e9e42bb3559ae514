"""Who is loaded, who leaves and who waits: decisions over events, without effects.

The pool is told what happened (somebody wants a model, a model is loaded, an answer is complete …) and `decide` tells
what to do about it. Who carries that out (workers.py) tells the outcome in turn. Times are seconds of any clock.

- A request for a loaded model goes ahead. One for another model waits until that is loaded: in order, interactive ones
  first, and nobody overtakes the first one in line by loading a third model.
- Room is made in this order: a smaller context, a quantised KV cache, then models that idle are ended, the least
  recently used and cheapest to bring back first. Busy and pinned ones stay. What could never fit is refused.
- Models that have to leave are drained first: as long as the first in line has not waited for `max_wait`, they take
  new requests, so that A B A B loads two models and not four. After that, or when who waits is interactive and what
  comes is not, they take none. Background requests that keep an interactive one waiting are called off.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from maw_remote.engine.estimate import Parts, Plan
from maw_remote.engine.ledger import Budget, Ledger

LINGER = 1.0  # seconds after its last answer in which a model counts as busy: a task's next question is on its way


class Rung(NamedTuple):
    """A way to load a model, and what it takes."""

    plan: Plan
    parts: Parts


class Want(NamedTuple):
    """A request that needs a model. `ladder`: the ways to load it, the best one first; `cost`: seconds that loading
    takes."""

    number: int
    model: str
    ladder: Sequence[Rung]
    background: bool = False
    cost: float = 1.0


class Rules(NamedTuple):
    keep_alive: float = 1800.0
    max_wait: float = 60.0
    linger: float = LINGER


class Grant(NamedTuple):
    number: int


class Load(NamedTuple):
    model: str
    rung: Rung


class End(NamedTuple):
    model: str
    why: str


class Refuse(NamedTuple):
    number: int
    why: str


class CallOff(NamedTuple):
    """A background request has to stop and be asked again later."""

    number: int
    why: str


Action = Grant | Load | End | Refuse | CallOff


@dataclass
class Loaded:
    """A model that has memory: it is being loaded, is loaded, or is being ended."""

    name: str
    rung: Rung
    cost: float
    state: Literal["loading", "loaded", "ending"] = "loading"
    used: float = 0.0  # when it was last busy
    requests: dict[int, bool] = field(default_factory=dict)  # number: whether it is a background one
    keep_alive: float | None = None  # of its last request; None: the pool's
    promised: set[int] = field(default_factory=set)  # those who waited for it when it was loaded

    @property
    def background_only(self) -> bool:
        return all(self.requests.values())


class Pool:
    def __init__(self, budget: Budget, rules: Rules) -> None:
        self.ledger = Ledger(budget)
        self.rules = rules
        self.models: dict[str, Loaded] = {}
        self.pinned: set[str] = set()
        self.waiting: dict[int, tuple[Want, float]] = {}  # and since when
        self._called_off: set[int] = set()

    # What happened.

    def want(self, want: Want, now: float) -> None:
        self.waiting[want.number] = (want, now)

    def urge(self, number: int, background: bool) -> None:
        """A request that waits or runs is for the background now, or no longer."""
        if number in self.waiting:
            want, since = self.waiting[number]
            self.waiting[number] = (want._replace(background=background), since)
        for model in self.models.values():
            if number in model.requests:
                model.requests[number] = background

    def leave(self, number: int, now: float) -> None:
        """A request is over, or its asker has gone."""
        self.waiting.pop(number, None)
        self._called_off.discard(number)
        for model in self.models.values():
            if model.requests.pop(number, None) is not None:
                model.used = now

    def loaded(self, name: str, now: float) -> None:
        model = self.models[name]
        model.state, model.used = "loaded", now
        model.promised = {want.number for want, _ in self.waiting.values() if want.model == name}

    def correct(self, name: str, parts: Parts) -> None:
        """What a model was measured to hold."""
        if name in self.models:
            self.ledger.holdings[name] = parts

    def ended(self, name: str) -> None:
        """The process of a model is gone: it was ended, could not be loaded, or died. Who waits for it, waits on."""
        self.models.pop(name, None)
        self.ledger.holdings.pop(name, None)

    def ending(self, name: str) -> None:
        """Somebody ends a model, whatever it does."""
        if name in self.models:
            self.models[name].state = "ending"

    def keep(self, name: str, seconds: float | None) -> None:
        """How long a model stays after its last request, as that one asked for."""
        if name in self.models:
            self.models[name].keep_alive = seconds

    def reserve(self, job: str, count: int) -> None:
        """Memory that a background job takes; 0: no more."""
        if count:
            self.ledger.jobs[job] = count
        else:
            self.ledger.jobs.pop(job, None)

    # What to do.

    def decide(self, now: float) -> list[Action]:
        """All that is to be done now. It counts as begun: nothing is told twice."""
        actions: list[Action] = [*self._expire(now)]
        first = True
        for want, since in self._line():
            if want.number not in self.waiting:
                continue
            model = self.models.get(want.model)
            if model is not None and model.state == "loaded":
                continue  # goes ahead below, once it is known which models take no more
            if model is None and first:
                made = self._make_room(want, since, now)
                actions += made
                first = any(isinstance(action, Load | Refuse) for action in made)
        return actions + self._relieve(now) + self._grant(now)

    def next_look(self, now: float) -> float | None:
        """When `decide` may have something to tell although nothing happens; None: never."""
        times = [since + self.rules.max_wait for _, since in self.waiting.values()]
        for model in self.models.values():
            if model.state == "loaded" and not model.requests:
                times += [model.used + self.rules.linger] if self.waiting else []
                times += [model.used + self.keep_alive(model)] if model.name not in self.pinned else []
        return min((time for time in times if time > now), default=None)

    def keep_alive(self, model: Loaded) -> float:
        """Seconds that a model stays once it idles."""
        return self.rules.keep_alive if model.keep_alive is None else model.keep_alive

    def _line(self) -> list[tuple[Want, float]]:
        """Who waits, in order: interactive before background, then first come, first served."""
        return sorted(self.waiting.values(), key=lambda entry: (entry[0].background, entry[1], entry[0].number))

    def _expire(self, now: float) -> list[Action]:
        wanted = {want.model for want, _ in self.waiting.values()}
        over = [
            model for model in self.models.values()
            if model.state == "loaded" and not model.requests and model.name not in self.pinned | wanted
            and now - model.used >= self.keep_alive(model)
        ]  # fmt: skip
        return [self._end(model, "it idled for as long as it is kept") for model in over]

    def _relieve(self, now: float) -> list[Action]:
        """Loaded models may turn out to hold more than was reckoned: then those that idle leave until it adds up."""
        actions: list[Action] = []
        idle = sorted((model for model in self.models.values() if self._evictable(model, now)),
                      key=lambda model: self._worth(model, now))  # fmt: skip
        for model in idle:
            leaving = sum(
                self.ledger.holdings[name].total for name, one in self.models.items() if one.state == "ending"
            )
            if self.ledger.room + leaving < 0:
                actions.append(self._end(model, "more memory is held than there is for models"))
        return actions

    def _end(self, model: Loaded, why: str) -> End:
        model.state = "ending"
        return End(model.name, why)

    def _make_room(self, want: Want, since: float, now: float) -> list[Action]:
        """What the first in line needs: its model loaded, others ended or called off, or to be refused."""
        for rung in want.ladder:
            if self.ledger.fits(rung.parts):
                return [self._load(want, rung)]
        leaving = [name for name, model in self.models.items() if model.state == "ending"]
        if any(self.ledger.fits(rung.parts, leaving) for rung in want.ladder):
            return []  # room is being made
        idle = [model for model in self.models.values() if self._evictable(model, now)]
        chosen = self._choose(want, idle, leaving, now)
        if chosen is not None:
            return [self._end(model, f"{want.model} needs the memory") for model in chosen]
        return self._wait_for_busy(want, leaving, now)

    def _load(self, want: Want, rung: Rung) -> Load:
        self.models[want.model] = Loaded(want.model, rung, want.cost)
        self.ledger.holdings[want.model] = rung.parts
        return Load(want.model, rung)

    def _evictable(self, model: Loaded, now: float) -> bool:
        idle = model.state == "loaded" and not model.requests and now - model.used >= self.rules.linger
        if not idle or model.name in self.pinned:
            return False
        asked = [want for want, _ in self.waiting.values() if want.model == model.name]
        return not any(self._open(model, want, now) for want in asked)

    def _choose(self, want: Want, candidates: list[Loaded], leaving: list[str], now: float) -> list[Loaded] | None:
        """The models to end so that the best possible rung fits; None when all of them are too few."""
        ordered = sorted(candidates, key=lambda model: (len(model.requests), *self._worth(model, now)))
        for rung in want.ladder:
            taken: list[Loaded] = []
            for model in ordered:
                if self.ledger.fits(rung.parts, [*leaving, *(one.name for one in taken)]):
                    break
                taken.append(model)
            if self.ledger.fits(rung.parts, [*leaving, *(one.name for one in taken)]):
                return self._needed(rung, taken, leaving)
        return None

    def _needed(self, rung: Rung, taken: list[Loaded], leaving: list[str]) -> list[Loaded]:
        """Of the models taken, without those that others taken after them made superfluous."""
        for model in list(taken):
            rest = [one for one in taken if one is not model]
            if self.ledger.fits(rung.parts, [*leaving, *(one.name for one in rest)]):
                taken = rest
        return taken

    @staticmethod
    def _worth(model: Loaded, now: float) -> tuple[float, float]:
        """What ending a model loses: seconds to bring it back, by how likely that is. Then the older one."""
        return model.cost / (1.0 + max(now - model.used, 0.0)), model.used

    def _wait_for_busy(self, want: Want, leaving: list[str], now: float) -> list[Action]:
        """Nothing that idles makes enough room. Background work is called off for an interactive request; others are
        waited for; and where not even that helps, the answer is no."""
        loose = [model for model in self.models.values() if model.name not in self.pinned and model.state != "ending"]
        victims = self._choose(want, loose, leaving, now)
        if victims is None:
            return [self._refuse(want)]
        if want.background:
            return []
        return [
            self._call_off(number, want.model)
            for model in victims if model.requests and model.background_only
            for number in model.requests if number not in self._called_off
        ]  # fmt: skip

    def _call_off(self, number: int, model: str) -> CallOff:
        self._called_off.add(number)
        return CallOff(number, f"{model} is needed at once")

    def _refuse(self, want: Want) -> Refuse:
        del self.waiting[want.number]
        smallest = min((rung.parts for rung in want.ladder), key=lambda parts: parts.total)
        staying = {name: "pinned" for name in self.models if name in self.pinned}
        return Refuse(want.number, self.ledger.figures(smallest, staying))

    def _grant(self, now: float) -> list[Action]:
        granted: list[Action] = []
        for want, _ in self._line():
            model = self.models.get(want.model)
            if model is not None and model.state == "loaded" and self._open(model, want, now):
                del self.waiting[want.number]
                model.requests[want.number], model.used = want.background, now
                granted.append(Grant(want.number))
        return granted

    def _open(self, model: Loaded, want: Want, now: float) -> bool:
        """Whether a loaded model takes this request, or is being drained for the first in line. Who waited while it
        was loaded is served before it leaves again: otherwise two models could take turns and answer nobody."""
        head = self._head()
        if head is None or model.name in self.pinned:
            return True
        first, since = head
        yields = want.background and not first.background
        late = now - since >= self.rules.max_wait and want.background >= first.background
        drained = yields or (late and want.number not in model.promised)
        return not drained or not self._in_the_way(model, first, now)

    def _head(self) -> tuple[Want, float] | None:
        """The first in line whose model is not there."""
        return next((entry for entry in self._line() if entry[0].model not in self.models), None)

    def _in_the_way(self, model: Loaded, want: Want, now: float) -> bool:
        leaving = [name for name, one in self.models.items() if one.state == "ending"]
        if any(self.ledger.fits(rung.parts, leaving) for rung in want.ladder):
            return False
        loose = [one for one in self.models.values() if one.name not in self.pinned and one.state != "ending"]
        return model in (self._choose(want, loose, leaving, now) or [])
