"""What the pool decides in the cases it was made for. Any order of events: test_pool_machine.py."""

from __future__ import annotations

from maw_remote.engine.estimate import Parts, Plan
from maw_remote.engine.ledger import Budget
from maw_remote.engine.pool import CallOff, End, Grant, Load, Pool, Refuse, Rules, Rung, Want

RULES = Rules(keep_alive=100, max_wait=10, linger=1)


def rungs(*sizes: int) -> list[Rung]:
    return [Rung(Plan(size, size, 4), Parts(weights=size)) for size in sizes]


class Case:
    """A pool whose loads and ends succeed at once, unless a test does it by hand."""

    def __init__(self, total: int = 100, rules: Rules = RULES) -> None:
        self.pool = Pool(Budget(total), rules)
        self.now = 0.0
        self.story: list[str] = []
        self.whys: list[str] = []
        self.number = 0

    def want(self, model: str, *sizes: int, background: bool = False, cost: float = 1.0) -> int:
        self.number += 1
        self.pool.want(Want(self.number, model, rungs(*sizes), background, cost), self.now)
        self.look()
        return self.number

    def done(self, number: int) -> None:
        self.pool.leave(number, self.now)
        self.look()

    def later(self, seconds: float) -> None:
        self.now += seconds
        self.look()

    def look(self) -> None:
        while actions := self.pool.decide(self.now):
            for action in actions:
                self.take(action)

    def take(self, action: object) -> None:
        match action:
            case Load(model, rung):
                self.story.append(f"load {model} {rung.plan.context}")
                self.pool.loaded(model, self.now)
            case End(model, why):
                self.story.append(f"end {model}")
                self.whys.append(why)
                self.pool.ended(model)
            case Grant(number):
                self.story.append(f"go {number}")
            case Refuse(number, why):
                self.story.append(f"no {number}")
                self.whys.append(why)
            case CallOff(number):
                self.story.append(f"stop {number}")

    def told(self) -> list[str]:
        story, self.story = self.story, []
        return story


def test_a_b_a_b_loads_two_models() -> None:
    case = Case()
    first = [case.want(model, 60) for model in "ABAB"]
    assert case.told() == ["load A 60", "go 1", "go 3"]
    case.done(first[0])
    case.done(first[2])
    assert case.told() == []  # A's asker may have another question at once
    case.later(1)
    assert case.told() == ["end A", "load B 60", "go 2", "go 4"]
    assert case.whys == ["B needs the memory"]


def test_whoever_waits_longer_than_max_wait_is_served_before_new_requests() -> None:
    case = Case()
    running = case.want("A", 60)
    waiting = case.want("B", 60)
    case.later(9)
    more = case.want("A", 60)
    assert case.told() == ["load A 60", "go 1", f"go {more}"]
    case.later(2)
    late = case.want("A", 60)
    assert case.told() == []
    case.done(running)
    case.done(more)
    case.later(1)
    assert case.told() == ["end A", "load B 60", f"go {waiting}"]
    case.done(waiting)
    case.later(1)
    assert case.told() == ["end B", "load A 60", f"go {late}"]


def test_room_is_made_by_a_smaller_context_before_anybody_leaves() -> None:
    case = Case()
    case.done(case.want("A", 50))
    case.later(5)
    case.want("B", 70, 60, 50)
    assert case.told() == ["load A 50", "go 1", "load B 50", "go 2"]
    case.later(5)
    case.want("C", 70, 60)
    assert case.told() == []  # B is busy: too little would be free
    case.done(2)
    case.later(5)
    assert case.told() == ["end A", "end B", "load C 70", "go 3"]


def test_the_least_recently_used_and_cheapest_leaves_and_no_more_than_needed() -> None:
    case = Case()
    case.done(case.want("cheap", 30, cost=1))
    case.done(case.want("dear", 30, cost=50))
    case.done(case.want("old", 30, cost=1))
    case.later(20)
    case.done(case.want("cheap", 30, cost=1))
    case.done(case.want("dear", 30, cost=50))
    case.later(5)
    case.told()
    case.want("new", 40)
    assert case.told() == ["end old", "load new 40", "go 6"]
    case.want("next", 30)
    assert case.told() == ["end cheap", "load next 30", "go 7"]


def test_pinned_models_stay_and_the_refusal_says_so() -> None:
    case = Case()
    case.pool.pinned.add("A")
    case.done(case.want("A", 60))
    case.later(1000)
    assert case.told() == ["load A 60", "go 1"]
    case.want("B", 60, 50)
    assert case.told() == ["no 2"]
    assert "needs 50 B" in case.whys[-1] and "A 60 B (pinned)" in case.whys[-1]
    assert case.want("C", 40) and case.told() == ["load C 40", "go 3"]


def test_a_model_larger_than_everything_is_refused_at_once_and_nothing_leaves_for_it() -> None:
    case = Case()
    case.done(case.want("A", 60))
    case.later(5)
    case.want("B", 101)
    assert case.told() == ["load A 60", "go 1", "no 2"]


def test_an_interactive_request_calls_background_work_off() -> None:
    case = Case()
    background = case.want("A", 60, background=True)
    case.want("B", 60)
    assert case.told() == ["load A 60", "go 1", "stop 1"]
    again = case.want("A", 60, background=True)
    assert case.told() == []  # it would keep A from leaving
    case.done(background)
    case.later(1)
    assert case.told() == ["end A", "load B 60", "go 2"]
    case.later(1000)
    assert case.told() == []
    case.done(2)
    case.later(1)
    assert case.told() == ["end B", "load A 60", f"go {again}"]


def test_a_request_that_nobody_waits_for_any_more_is_called_off_like_background_work() -> None:
    case = Case()
    left = case.want("A", 60)
    case.want("B", 60)
    assert case.told() == ["load A 60", f"go {left}"]
    case.pool.urge(left, background=True)
    case.look()
    assert case.told() == [f"stop {left}"]


def test_background_requests_wait_for_everybody() -> None:
    case = Case()
    case.want("A", 60)
    case.want("B", 60, background=True)
    case.later(1000)
    case.want("A", 60)
    assert case.told() == ["load A 60", "go 1", "go 3"]


def test_an_idle_model_leaves_when_its_time_is_over_and_a_request_may_say_when() -> None:
    case = Case()
    number = case.want("A", 60)
    case.pool.keep("A", 7)
    case.done(number)
    assert case.pool.next_look(case.now) == 7
    case.later(6.9)
    assert case.told() == ["load A 60", "go 1"]
    case.later(0.2)
    assert case.told() == ["end A"]


def test_what_holds_more_than_was_reckoned_leaves_once_it_idles() -> None:
    case = Case()
    case.done(case.want("A", 50))
    number = case.want("B", 50)
    case.told()
    case.pool.correct("B", Parts(weights=70))
    case.later(1)
    assert case.told() == ["end A"]
    case.done(number)
    case.later(1)
    assert case.told() == []


def test_a_job_that_reserves_memory_leaves_less_for_models() -> None:
    case = Case()
    case.pool.reserve("learn", 50)
    case.want("A", 60, 50)
    assert case.told() == ["load A 50", "go 1"]
    case.pool.reserve("learn", 0)
    case.want("B", 50)
    assert case.told() == ["load B 50", "go 2"]
