"""A program as GBNF, for servers that take a `grammar` (llama-server), and the pieces such grammars are made of.

Kept to what llama.cpp surely takes: a rule a line, repetitions of one symbol and bounded, no left recursion. `unlike`
of a Pick has no form here: a parser (plain) holds it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

from maw_remote.engine.program import Pick, Program, Say, Score, Step, Write
from maw_remote.engine.shape import flow

BLOCK = 256  # most repetitions of a symbol at one place; llama.cpp refuses 2,000, and 1,000 of anything larger


class Rules:
    """Rules by name; the same body is written once. The grammar's text, at the end."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._bodies: dict[str, str] = {}

    def name(self, body: str) -> str:
        """The name of the rule with this body."""
        found = self._names.get(body)
        if found is None:
            found = self._names[body] = self.reserve()
            self._bodies[found] = body
        return found

    def reserve(self) -> str:
        """A name whose body comes later: rules that lead back to themselves."""
        found = f"r{len(self._bodies)}"
        self._bodies[found] = ""
        return found

    def define(self, name: str, body: str) -> None:
        self._bodies[name] = body

    def __len__(self) -> int:
        return len(self._bodies)

    def text(self, root: str) -> str:
        return "".join(f"{name} ::= {body}\n" for name, body in {"root": root, **self._bodies}.items())


def build(program: Program) -> str:
    """The grammar of a program's answers."""
    rules = Rules()
    return rules.text(_sequence(rules, program, ()) or '""')


def _sequence(rules: Rules, steps: Program, rest: Program) -> str:
    parts = [_step(rules, step, (*steps[at + 1 :], *rest)) for at, step in enumerate(steps)]
    return " ".join(part for part in parts if part)


def _step(rules: Rules, step: Step, rest: Program) -> str:
    match step:
        case Say() | Score():
            return literal(step.text) if step.text else ""
        case Pick():
            return rules.name(tree([(option.text, _then(rules, option.then, rest)) for option in step.options]))
        case Write(grammar=None):
            found = flow.ends(step, rest)
            following = flow.after(found, rest)
            close = literal(found.stops[0]) if found.stops and not found.left and rest else ""
            return f"{free(rules, found.stops, flow.limit(step), following)} {close}".strip()
        case _:
            return embed(rules, str(step.grammar))


def _then(rules: Rules, then: Program, rest: Program) -> str:
    body = _sequence(rules, then, rest)
    return rules.name(body) if body else ""


def tree(texts: Iterable[tuple[str, str]]) -> str:
    """Alternatives (text, what follows it), those with a first character in common gathered: llama.cpp's work at each
    token grows with the alternatives that are still open."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for text, then in texts:
        groups.setdefault(text[:1], []).append((text[1:], then))
    found = []
    for first, members in groups.items():
        if not first:
            found += [then or '""' for _, then in members]
        elif len(members) == 1:
            found.append(f"{literal(first + members[0][0])} {members[0][1]}".strip())
        else:
            found.append(f"{literal(first)} ({tree(members)})")
    return " | ".join(dict.fromkeys(found))


def literal(text: str) -> str:
    """A text as a GBNF literal."""
    return '"' + "".join(map(_escaped, text)) + '"'


def _escaped(char: str) -> str:
    if char in '"\\[]^-':
        # llama.cpp knows these few after a backslash; ^ and - only as numbers, which mean the same everywhere.
        return f"\\{char}" if char in '"\\[]' else f"\\x{ord(char):02X}"
    if char < " " or char == "\x7f":
        return f"\\x{ord(char):02X}"
    if 0xD800 <= ord(char) <= 0xDFFF:
        return "\N{REPLACEMENT CHARACTER}"
    return char


def repeat(rules: Rules, symbol: str, limit: int) -> str:
    """`symbol` (a rule's name or a class) from none to `limit` times."""
    name = rules.name(symbol)
    if limit <= BLOCK:
        return f"{name}{{0,{max(limit, 0)}}}"
    # In blocks, one within the other: a single repetition of thousands is refused.
    blocks, left = divmod(limit, BLOCK)
    some, block = rules.name(f"{name}{{0,{BLOCK - 1}}}"), rules.name(f"{name}{{{BLOCK}}}")
    more = f"{name}{{0,{left}}}"
    for _ in range(blocks):
        more = rules.name(f"{some} | {block} {more}")
    return more


def free(rules: Rules, stops: tuple[str, ...], limit: int, following: Sequence[str] = ()) -> str:
    """Any text of at most `limit` characters (a little more where stops overlap) that holds none of `stops`, also not
    together with what comes after it."""
    if all(len(stop) == 1 for stop in stops):
        return repeat(rules, _other(stops), limit)
    return _Avoiding(rules, stops, following).body(limit)


def _other(chars: Iterable[str]) -> str:
    """Any character but these."""
    # Not the dot: it takes no line end. A class that excludes nothing is no class, so NUL, which no text has.
    return f"[^{''.join(map(_escaped, sorted({*chars})))}]" if chars else r"[^\x00]"


class _Avoiding:
    """Texts without certain stops, by the automaton of Aho and Corasick: a state is how much of a stop is there.

    A unit leads from the state of nothing back to it, so that units can be counted.
    """

    def __init__(self, rules: Rules, stops: tuple[str, ...], following: Sequence[str]) -> None:
        self._rules = rules
        self._stops = stops
        self._following = following
        self._states = {stop[:size] for stop in stops for size in range(len(stop))}
        self._chars = sorted({char for stop in stops for char in stop})
        self._units: dict[str, str] = {}
        self._tails: dict[str, str] = {}

    def body(self, limit: int) -> str:
        text = repeat(self._rules, self._rule("", self._units, self._unit), limit)
        tail = self._tail("")
        return f"{text} ({tail})?" if tail else text

    def _next(self, state: str, char: str) -> str | None:
        """The state after one more character; None when a stop is complete."""
        text = state + char
        if any(text.endswith(stop) for stop in self._stops):
            return None
        return max((text[at:] for at in range(len(text) + 1) if text[at:] in self._states), key=len)

    def _rule(self, state: str, known: dict[str, str], make: Callable[[str], str]) -> str:
        if state not in known:
            known[state] = self._rules.reserve()
            self._rules.define(known[state], make(state))
        return known[state]

    def _unit(self, state: str) -> str:
        found = [_other(self._chars)]
        for char in self._chars:
            then = self._next(state, char)
            if then is not None:
                found.append(f"{literal(char)} {self._rule(then, self._units, self._unit) if then else ''}".strip())
        return " | ".join(found)

    def _tail(self, state: str) -> str:
        """What may be begun of a stop when the text ends."""
        steps = ((char, self._next(state, char)) for char in self._chars)
        found = [
            f"{literal(char)} {self._rule(then, self._tails, self._tail_rule)}"
            for char, then in steps
            if then and self._ends_within(then)
        ]  # fmt: skip
        return " | ".join(found)

    def _tail_rule(self, state: str) -> str:
        more = self._tail(state)
        if not self._may_end(state):
            return more
        return f"({more})?" if more else '""'

    def _ends_within(self, state: str, seen: frozenset[str] = frozenset()) -> bool:
        """Whether from this state on a text can end without having come back to the state of nothing."""
        if self._may_end(state):
            return True
        onward = {then for char in self._chars if (then := self._next(state, char))} - seen - {state}
        return any(self._ends_within(then, seen | {state}) for then in onward)

    def _may_end(self, state: str) -> bool:
        return all(flow.first_stop(state + text, self._stops)[0] >= len(state) for text in self._following)


def embed(rules: Rules, grammar: str) -> str:
    """Another grammar of ours as a part of this one: its rules under names of their own; its root's name."""
    lines = [line.partition(" ::= ") for line in grammar.splitlines() if line]
    names = {name: rules.reserve() for name, _, _ in lines}
    token = re.compile(r'"(?:[^"\\]|\\.)*"|\[(?:[^\]\\]|\\.)*\]|[A-Za-z][A-Za-z0-9-]*')
    for name, _, body in lines:
        rules.define(names[name], token.sub(lambda found: names.get(found[0], found[0]), body))
    return names["root"]
