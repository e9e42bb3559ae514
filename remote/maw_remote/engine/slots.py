"""The sequences that one model works on together: they join and leave between steps, and share what is evaluated.

A request's shared messages are evaluated once, in a sequence of their own that is kept; requests go on from there by
forking it, which copies nothing. `step` is one llama_decode for all.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from maw_remote.engine.batch import Pace, Want, share
from maw_remote.engine.decoder import ABORTED, BATCH, DONE, OUTPUTS, Decoder
from maw_remote.engine.interface import Usage
from maw_remote.engine.kept import Kept, Prefix
from maw_remote.engine.lives import Live, Tree, grow
from maw_remote.engine.runs import BadProgram, Branch, Feed, Need, Run, Trim, Work
from maw_remote.engine.sampling import Floats
from maw_remote.engine.trie import Node

MARGIN = 64  # cells that stay free for the branches of choices
PREFIX_MIN = 16  # tokens; a shorter prefix is not worth a sequence of its own
KEPT_MAX = 8
BACKGROUND = 0  # in place of a job's number: whoever works for nobody that waits


class Refused(Exception):
    """A request that this model cannot answer. `code` is EngineError's."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass
class Job:
    """A request, as tokens. `shared`: how many of them other requests have too; `answer`: tokens the answer takes at
    most. Without a run it only asks for its shared tokens to be evaluated. One of the callables ends it."""

    number: int
    tokens: list[int]
    shared: int
    answer: int
    run: Run | None
    end: Callable[[Usage], None]
    fail: Callable[[str, str], None]
    interactive: bool = True
    adapter: str | None = None
    load: Callable[[], bytes | None] | None = None  # the shared tokens' state, from where it was saved
    save: Callable[[bytes], None] | None = None
    began: float = field(default_factory=time.monotonic)
    order: int = 0
    paid: int = 0  # tokens of the shared ones that were evaluated for it
    cached: int = 0  # tokens that were not


class Slots:
    """Jobs in, answers out. One thread at a time may use it; any may call `interrupt`."""

    def __init__(self, decoder: Decoder, *, sequences: int, context: int, prefix_bytes: int) -> None:
        self.context = context
        self.pace = Pace(BATCH)
        self.computing = 0.0  # seconds spent in llama_decode
        self._decoder = decoder
        self._limit = sequences
        self._free = list(range(decoder.sequences))
        self._kept = Kept(rollback=decoder.rollback, limit=prefix_bytes)
        self._waiting: list[Job] = []
        self._jobs: dict[int, Job] = {}  # of those that live
        self._lives: dict[int, Live] = {}
        self._builds: dict[int, list[int]] = {}  # by the number (below 0) of one that builds a prefix: its tokens
        self._order = 0
        self._running: frozenset[int] = frozenset()  # those with many rows in the step that is running

    @property
    def busy(self) -> bool:
        return bool(self._waiting or self._lives)

    @property
    def interactive(self) -> bool:
        """Whether somebody waits for what there is to do."""
        return any(job.interactive for job in (*self._waiting, *self._jobs.values()))

    def submit(self, job: Job) -> None:
        """Take a job. Raises Refused when it cannot fit."""
        total, most = len(job.tokens) + job.answer, min(self.context, self._decoder.cells - MARGIN)
        if total > most:
            raise Refused(
                "too_long",
                f"a prompt of {len(job.tokens)} tokens and an answer of {job.answer} do not fit into the context "
                f"of {most}",
            )
        self._order += 1
        job.order = self._order
        self._waiting.append(job)

    def cancel(self, number: int) -> None:
        """Drop a job, and what only it needed."""
        self._waiting = [job for job in self._waiting if job.number != number]
        if number in self._lives:
            self._leave(self._lives[number])
        for build, tokens in list(self._builds.items()):
            if not any(job.tokens[: len(tokens)] == tokens for job in self._waiting):
                self._leave(self._lives[build])

    def interrupt(self, number: int) -> None:
        """End the running step when it is a long one for this job. Any thread may call it."""
        if number in self._running:
            self._decoder.abort()

    def give_way(self, *, background: bool) -> None:
        """End the running step when it is a long one; `background`: only when nobody waits for it. Any thread may."""
        if (BACKGROUND in self._running) if background else self._running:
            self._decoder.abort()

    def step(self) -> bool:
        """One step for all who have work. False when there is none. Raises Broken."""
        self._admit()
        wants = [self._want(live) for live in self._lives.values()]
        plan = share(wants, self.pace, rows=BATCH, outputs=OUTPUTS)
        if not plan:
            return False
        lives = [self._lives[number] for number in plan]
        self._decoder.use(lives[0].adapter)
        self._decoder.keep_going()
        self._decoder.rows.clear()
        for live in lives:
            live.fill(self._decoder, plan[live.number])
        code = self._decode(lives)
        if code == DONE:
            for live in lives:
                self._advance(live)
        else:
            self._undo(lives, full=code != ABORTED)
        return True

    def _decode(self, lives: list[Live]) -> int:
        long = {waiter for live in lives if live.given > 1 for waiter in self._waiters(live)}
        if long and not any(live.interactive for live in lives):
            long.add(BACKGROUND)
        self._running = frozenset(long)
        began = time.perf_counter()
        code = self._decoder.decode()
        seconds = time.perf_counter() - began
        self._running = frozenset()
        self.computing += seconds
        if code == DONE:
            self.pace.learn(sum(live.given for live in lives), sum(live.given == 1 for live in lives), seconds)
        return code

    def _waiters(self, live: Live) -> list[int]:
        """Whose cancel would make the sequence's rows useless."""
        if live.number >= 0:
            return [live.number]
        tokens = self._builds[live.number]
        found = [job.number for job in self._waiting if job.tokens[: len(tokens)] == tokens]
        return found if len(found) == 1 else []

    def _want(self, live: Live) -> Want:
        if live.tree is not None and not live.tree.left:
            self._grow(live, live.tree)
        return Want(live.number, live.rows_wanted(), live.outputs_wanted(), live.order, live.interactive, live.adapter)

    # Joining

    def _admit(self) -> None:
        """Let waiting jobs join, interactive ones first, as far as there are sequences and cells."""
        self._waiting.sort(key=lambda job: (not job.interactive, job.order))
        for job in list(self._waiting):
            if self._full(job) or not self._join(job):
                break

    def _full(self, job: Job) -> bool:
        """Whether as many work as may at once. The background, which gets no rows then, does not keep others out."""
        others = [live for live in self._lives.values() if live.number >= 0]
        return sum(live.interactive or not job.interactive for live in others) >= self._limit

    def _join(self, job: Job) -> bool:
        """False when there is no room, for this one and those behind it."""
        prefix, length = self._kept.best(job.tokens, job.adapter)
        building = next((at for at, tokens in self._builds.items() if job.tokens[: len(tokens)] == tokens), None)
        if building is not None and length < job.shared:
            builder = self._lives[building]
            builder.interactive = builder.interactive or job.interactive
            return True
        if length < job.shared >= PREFIX_MIN:
            return self._build(job, prefix, length)
        if job.run is None:
            self._waiting.remove(job)
            job.cached = max(0, job.shared - job.paid)
            self._tell_end(job)
            return True
        live = self._start(job, job.run.work(), (prefix, length), len(job.tokens) + job.answer)
        if live is None:
            return False
        self._waiting.remove(job)
        self._jobs[job.number] = job
        job.cached = max(0, length - job.paid)
        self._resume(live, None)
        return True

    def _build(self, job: Job, prefix: Prefix | None, length: int) -> bool:
        """Have a job's shared tokens evaluated in a sequence of their own, or take them from where they were saved."""
        tokens = job.tokens[: job.shared]
        state, job.load = job.load() if job.load is not None else None, None
        if state is not None and self._revive(Prefix(tokens, job.adapter, None, state)):
            return True
        live = self._start(job, _only(tokens), (prefix, length), len(tokens), min(self._builds, default=-1) - 1)
        if live is None:
            return False
        number = live.number
        job.paid = len(tokens) - length
        self._builds[number] = tokens
        self._jobs[number] = job
        self._resume(live, None)
        return True

    def _start(
        self, job: Job, work: Work, known: tuple[Prefix | None, int], cells: int, number: int | None = None
    ) -> Live | None:
        """A sequence that goes on from what is known of a kept prefix; None without room for it."""
        prefix, length = known
        if not self._make_room(cells - length, but=prefix) or not self._free:
            return None
        if prefix is not None and prefix.sequence is None and not self._revive(prefix):
            prefix, length = None, 0
        live = Live(
            job.number if number is None else number, work, job.order, job.interactive, job.adapter,
            self._free.pop(0), cells - length, source=prefix,
        )  # fmt: skip
        if prefix is not None and prefix.sequence is not None:
            prefix.users += 1
            self._kept.touch(prefix)
            live.done = self._go_on_from(prefix, length, live.sequence)
        self._swap_out()
        self._lives[live.number] = live
        return live

    def _go_on_from(self, prefix: Prefix, length: int, sequence: int) -> int:
        assert prefix.sequence is not None
        whole = length == len(prefix.tokens)
        self._decoder.fork(prefix.sequence, sequence, *((-1, -1) if whole else (0, length)))
        return length

    def _revive(self, prefix: Prefix) -> bool:
        """Bring a saved prefix into the model's cache."""
        if not self._make_room(len(prefix.tokens), but=prefix) or not self._free or prefix.state is None:
            return False
        sequence = self._free.pop(0)
        known = prefix in list(self._kept)
        if not self._decoder.restore(sequence, prefix.state) or self._decoder.length(sequence) != len(prefix.tokens):
            self._decoder.drop(sequence)
            self._free.append(sequence)
            if known:
                self._kept.remove(prefix)
            return False
        prefix.sequence, prefix.state = sequence, None
        if not known:
            self._release(self._kept.add(prefix))
        return True

    def _make_room(self, cells: int, *, but: Prefix | None) -> bool:
        """Free cells and a sequence by letting go of kept prefixes that nobody uses."""
        taken = sum(live.reserve for live in self._lives.values())
        for prefix in [None, *self._kept.resident()]:
            if prefix is not None and prefix is not but:
                self._put_away(prefix)
            enough = taken + self._kept.cells() + cells + MARGIN <= self._decoder.cells
            if enough and self._free and sum(p.sequence is not None for p in self._kept) <= KEPT_MAX:
                return True
        return False

    def _swap_out(self) -> None:
        """What lies in the cache unused makes every step longer: attention looks at all cells up to the last one."""
        for prefix in self._kept.resident():
            if self._kept.worth_swapping(prefix) and not any(
                job.tokens[: len(prefix.tokens)] == prefix.tokens for job in self._waiting
            ):
                self._put_away(prefix)

    def _put_away(self, prefix: Prefix) -> None:
        """Out of the model's cache: into bytes when it is worth that, else away."""
        assert prefix.sequence is not None
        if self._kept.worth_swapping(prefix):
            prefix.state = self._decoder.save(prefix.sequence)
        else:
            self._kept.remove(prefix)
        self._drop(prefix.sequence)
        prefix.sequence = None
        self._kept.shrink()

    # Going on

    def _advance(self, live: Live) -> None:
        """A step is done: go on with what it gave."""
        logits = live.take(self._decoder)
        if live.tree is not None:
            if not live.tree.left and not live.tree.branches:
                self._resume(live, None)
        elif logits is not None:
            self._resume(live, logits)

    def _resume(self, live: Live, logits: Floats | None) -> None:
        """Let the work go on until it needs rows, or ends."""
        tree, live.tree, trie = live.tree, None, live.need.trie if isinstance(live.need, Branch) else None
        try:
            need: Need = live.work.send(logits)
            while isinstance(need, Trim):
                self._trim(live, need.length)
                need = live.work.send(None)
        except StopIteration:
            self._drop_tree(tree)
            self._finish(live)
        except BadProgram as exc:
            self._drop_tree(tree)
            self._fail(live, "bad_program", str(exc))
        else:
            live.need = need
            if isinstance(need, Feed):
                live.start = len(live.tokens)
                live.tokens += need.tokens
                if tree is not None and trie is not None:
                    self._adopt(live, tree, trie.nodes)
            else:
                live.tree = Tree(need.trie.branches())
            self._drop_tree(tree)

    def _adopt(self, live: Live, tree: Tree, nodes: list[Node]) -> None:
        """What a choice has evaluated of the option that was taken need not be evaluated again."""
        if not self._decoder.rollback:
            return
        for sequence, path in zip(tree.sequences, tree.group, strict=True):
            same = 0
            for number, token in zip(path, live.tokens[live.done :], strict=False):
                if nodes[number].token != token:
                    break
                same += 1
            same = min(same, len(live.tokens) - live.done - 1)
            if same > 0:
                self._decoder.fork(sequence, live.sequence, live.done, live.done + same)
                live.done += same
                return

    def _grow(self, live: Live, tree: Tree) -> None:
        """Begin the next group of branches, as many as there are free sequences."""
        self._drop_tree(tree)
        grow(tree, self._free, together=not self._decoder.recurrent)
        del self._free[: len(tree.sequences)]
        for sequence in tree.sequences:
            self._decoder.fork(live.sequence, sequence)

    def _drop_tree(self, tree: Tree | None) -> None:
        if tree is not None:
            for sequence in tree.sequences:
                self._drop(sequence)
            tree.sequences = []

    def _trim(self, live: Live, length: int) -> None:
        del live.tokens[length:]
        if live.done > length:
            if self._decoder.trim(live.sequence, length):
                live.done = length
            else:
                self._rebuild(live)

    def _rebuild(self, live: Live) -> None:
        """The sequence is lost: evaluate it anew, from the longest prefix that is kept."""
        self._decoder.drop(live.sequence)
        live.done = 0
        prefix, length = self._kept.best(live.tokens, live.adapter)
        if prefix is not None and prefix.sequence is not None:
            live.done = self._go_on_from(prefix, length, live.sequence)

    def _undo(self, lives: list[Live], *, full: bool) -> None:
        """A step that did not come about: whoever was in it is as before, or is made so."""
        for live in lives:
            if live.tree is not None:
                live.tree.branches = live.tree.group + live.tree.branches
                self._drop_tree(live.tree)
                live.tree = Tree(live.tree.branches)
            if not self._restored(live):
                self._rebuild(live)
        if full:
            self._free_cells(lives)

    def _restored(self, live: Live) -> bool:
        """Whether the sequence holds what it held before the step."""
        length = self._decoder.length(live.sequence)
        return length == live.done or (length > live.done and self._decoder.trim(live.sequence, live.done))

    def _free_cells(self, lives: list[Live]) -> None:
        idle = self._kept.resident()
        if idle:
            self._put_away(idle[0])
        else:
            self._fail(max(lives, key=lambda live: live.order), "too_long", "the model's memory is full")

    # Leaving

    def _finish(self, live: Live) -> None:
        job = self._jobs[live.number]
        if live.number < 0:
            self._built(live, job)
            return
        adapter, tokens, sequence = live.adapter, live.tokens[: live.done], live.sequence
        keep = not job.shared and len(tokens) >= PREFIX_MIN
        self._leave(live, keep=keep)
        if keep:
            self._release(self._kept.add(Prefix(tokens, adapter, sequence)))
        self._tell_end(job)

    def _built(self, live: Live, job: Job) -> None:
        tokens, cold = live.tokens, live.source is None
        self._leave(live, keep=True)
        prefix = Prefix(tokens, live.adapter, live.sequence)
        self._release(self._kept.add(prefix))
        if job.save is not None and cold and self._kept.worth_swapping(prefix):
            job.save(self._decoder.save(live.sequence))

    def _tell_end(self, job: Job) -> None:
        now = time.monotonic()
        run = job.run
        first = (run.first_at if run is not None else 0.0) or now
        job.end(
            Usage(
                len(job.tokens),
                job.cached,
                run.completion if run is not None else 0,
                (first - job.began) * 1000,
                (now - job.began) * 1000,
                _finish(run),
            )
        )

    def _fail(self, live: Live, code: str, message: str) -> None:
        job = self._jobs[live.number]
        self._leave(live)
        if live.number < 0:
            self._waiting = [other for other in self._waiting if other is not job]
        job.fail(code, message)

    def _leave(self, live: Live, *, keep: bool = False) -> None:
        """Take a sequence out; its cells are free for others, unless they are kept."""
        live.work.close()
        self._drop_tree(live.tree)
        if live.source is not None:
            live.source.users -= 1
        del self._lives[live.number], self._jobs[live.number]
        self._builds.pop(live.number, None)
        if not keep:
            self._drop(live.sequence)

    def _release(self, prefixes: list[Prefix]) -> None:
        for prefix in prefixes:
            if prefix.sequence is not None:
                self._drop(prefix.sequence)

    def _drop(self, sequence: int) -> None:
        self._decoder.drop(sequence)
        self._free.append(sequence)


def _only(tokens: list[int]) -> Work:
    yield Feed(tokens)


def _finish(run: Run | None) -> Literal["stop", "length"]:
    return run.finish if run is not None else "stop"
