"""The pool against any order of events: the ledger never exceeds the budget, no busy or pinned model is evicted, each
request is answered once, and nobody waits for ever."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from maw_remote.engine.estimate import Parts, Plan
from maw_remote.engine.ledger import Budget
from maw_remote.engine.pool import Action, CallOff, End, Grant, Load, Pool, Refuse, Rules, Rung, Want

TOTAL, BUFFER = 120, 20
SIZES = {"a": 60, "b": 50, "c": 30, "d": 90, "whale": 101}  # at least, with the smallest context
CONTEXTS = (20, 10, 0)


def ladder(name: str) -> list[Rung]:
    return [Rung(Plan(context, context, 4), Parts(weights=SIZES[name], kv=context)) for context in CONTEXTS]


class PoolMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.pool = Pool(Budget(TOTAL, buffer=BUFFER), Rules(keep_alive=100, max_wait=10, linger=1))
        self.now = 0.0
        self.number = 0
        self.asked: dict[int, Want] = {}  # neither granted nor refused nor left
        self.running: dict[int, Want] = {}
        self.called_off: set[int] = set()
        self.loading: set[str] = set()
        self.loaded: set[str] = set()
        self.ending: set[str] = set()

    def act(self) -> None:
        actions = self.pool.decide(self.now)
        for action in actions:
            self.apply(action)
        assert not [again for again in self.pool.decide(self.now) if not isinstance(again, Grant)] or self.ending

    def apply(self, action: Action) -> None:
        match action:
            case Load(model, rung):
                assert model not in self.loading | self.loaded | self.ending  # single-flight
                assert rung in ladder(model)
                self.loading.add(model)
            case End(model, why):
                assert why
                assert model in self.loaded and model not in self.pool.pinned
                assert not [want for want in self.running.values() if want.model == model]
                self.loaded.remove(model)
                self.ending.add(model)
            case Grant(number):
                want = self.asked.pop(number)
                assert want.model in self.loaded
                self.running[number] = want
            case Refuse(number, why):
                want = self.asked.pop(number)
                pinned = sum(self.pool.ledger.holdings[name].total for name in self.pool.pinned & set(self.pool.models))
                assert SIZES[want.model] > TOTAL - BUFFER - pinned
                assert "needs" in why
            case CallOff(number, why):
                assert self.running[number].background and number not in self.called_off
                self.called_off.add(number)

    @rule(model=st.sampled_from(sorted(SIZES)), background=st.booleans(), cost=st.floats(0.1, 60))
    def want(self, model: str, background: bool, cost: float) -> None:
        self.number += 1
        self.asked[self.number] = Want(self.number, model, ladder(model), background, cost)
        self.pool.want(self.asked[self.number], self.now)
        self.act()

    @precondition(lambda self: self.running)
    @rule(data=st.data())
    def answered(self, data: st.DataObject) -> None:
        self.finish(data.draw(st.sampled_from(sorted(self.running))))

    @precondition(lambda self: self.called_off)
    @rule(data=st.data())
    def stopped(self, data: st.DataObject) -> None:
        self.finish(data.draw(st.sampled_from(sorted(self.called_off))))

    def finish(self, number: int) -> None:
        del self.running[number]
        self.called_off.discard(number)
        self.pool.leave(number, self.now)
        self.act()

    @precondition(lambda self: self.asked)
    @rule(data=st.data())
    def gave_up(self, data: st.DataObject) -> None:
        number = data.draw(st.sampled_from(sorted(self.asked)))
        del self.asked[number]
        self.pool.leave(number, self.now)
        self.act()

    @precondition(lambda self: self.loading)
    @rule(data=st.data(), good=st.booleans())
    def load_ends(self, data: st.DataObject, good: bool) -> None:
        model = data.draw(st.sampled_from(sorted(self.loading)))
        self.loading.remove(model)
        if good:
            self.loaded.add(model)
            self.pool.loaded(model, self.now)
        else:
            self.fail(model)
        self.act()

    @precondition(lambda self: self.loaded)
    @rule(data=st.data())
    def dies(self, data: st.DataObject) -> None:
        model = data.draw(st.sampled_from(sorted(self.loaded)))
        self.loaded.remove(model)
        self.fail(model)
        self.act()

    def fail(self, model: str) -> None:
        """As the runner does: those who use or await it get an error, each once."""
        self.pool.ended(model)
        for held in (self.asked, self.running):
            for number in [number for number, want in held.items() if want.model == model]:
                del held[number]
                self.called_off.discard(number)
                self.pool.leave(number, self.now)

    @precondition(lambda self: self.ending)
    @rule(data=st.data())
    def gone(self, data: st.DataObject) -> None:
        model = data.draw(st.sampled_from(sorted(self.ending)))
        self.ending.remove(model)
        self.pool.ended(model)
        self.act()

    @rule(model=st.sampled_from("abc"), pinned=st.booleans())
    def pin(self, model: str, pinned: bool) -> None:
        (self.pool.pinned.add if pinned else self.pool.pinned.discard)(model)
        self.act()

    @rule(seconds=st.sampled_from([0.5, 1.0, 3.0, 11.0, 101.0]))
    def pass_time(self, seconds: float) -> None:
        self.now += seconds
        self.act()

    @rule()
    def everybody_is_served(self) -> None:
        """Let all that runs end, again and again: then nobody is left waiting."""
        self.pool.pinned.clear()
        self.act()
        for _ in range(60):
            for number in list(self.running):
                self.finish(number)
            for model in list(self.ending):
                self.ending.remove(model)
                self.pool.ended(model)
            for model in list(self.loading):
                self.loading.remove(model)
                self.loaded.add(model)
                self.pool.loaded(model, self.now)
            when = self.pool.next_look(self.now)
            self.now = self.now + 0.1 if when is None else max(when, self.now + 0.1)
            self.act()
        assert not self.asked

    @invariant()
    def it_adds_up(self) -> None:
        assert self.pool.ledger.held <= TOTAL - BUFFER
        assert set(self.pool.ledger.holdings) == self.loading | self.loaded | self.ending

    @invariant()
    def the_pool_knows_what_is(self) -> None:
        assert set(self.pool.waiting) == set(self.asked)
        for name, model in self.pool.models.items():
            assert set(model.requests) == {number for number, want in self.running.items() if want.model == name}


TestPoolMachine = PoolMachine.TestCase
TestPoolMachine.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
