"""The compute turn: one worker at a time has it, interactive work comes first, and everybody gets it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, cast

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from maw_remote.engine.turns import SLICE, Turns


class Player:
    def __init__(self, name: str) -> None:
        self.name = name
        self.urgency: Literal[0, 1, 2] = 0
        self.on = False  # may compute
        self.pausing = False  # was told to stop and has not answered
        self.gone = False

    def send_turn(self, on: bool) -> None:
        assert not self.gone
        if on:
            assert not self.on
            self.on = True
        else:
            assert self.on and not self.pausing
            self.pausing = True


class TurnsMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.later: list[tuple[float, Callable[[], None]]] = []
        self.turns = Turns(lambda: self.now, lambda seconds, look: self.later.append((self.now + seconds, look)))
        self.players = [Player(name) for name in "abc"]

    @rule(at=st.integers(0, 2), urgency=st.sampled_from([0, 1, 2]))
    def work(self, at: int, urgency: int) -> None:
        player = self.players[at]
        player.urgency = cast(Literal[0, 1, 2], urgency)
        self.turns.changed(player)

    def pausing(self) -> list[Player]:
        return [player for player in self.players if player.pausing]

    @precondition(lambda self: self.pausing())
    @rule()
    def pauses(self) -> None:
        player = self.pausing()[0]
        player.on = player.pausing = False
        self.turns.paused(player)

    @rule(at=st.integers(0, 2))
    def dies(self, at: int) -> None:
        player, self.players[at] = self.players[at], Player("new")
        player.gone = True
        self.turns.gone(player)

    @rule(seconds=st.sampled_from([0.1, SLICE, 3.0]))
    def passes(self, seconds: float) -> None:
        self.now += seconds
        due = [look for when, look in self.later if when <= self.now]
        self.later = [entry for entry in self.later if entry[0] > self.now]
        for look in due:
            look()

    @rule()
    def everybody_gets_it(self) -> None:
        """Among the most urgent; each in turn."""
        most = max(player.urgency for player in self.players)
        owed = {player for player in self.players if player.urgency == most and most}
        for _ in range(20):
            owed -= {player for player in self.players if player.on and not player.pausing}
            if self.pausing():
                self.pauses()
            else:
                self.passes(SLICE)
        assert not owed

    @invariant()
    def one_at_a_time(self) -> None:
        assert sum(player.on for player in self.players) <= 1

    @invariant()
    def interactive_work_does_not_wait_for_background_work(self) -> None:
        if any(player.urgency == 2 for player in self.players):
            holder = next(player for player in self.players if player.on)
            assert holder.urgency == 2 or holder.pausing


TestTurns = TurnsMachine.TestCase
TestTurns.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
