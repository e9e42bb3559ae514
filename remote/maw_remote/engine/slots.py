"""The requests that one model works on together: they join and leave between steps, and share what is evaluated.

A request's shared messages are evaluated once, in a sequence of their own that is kept; requests go on from there by
forking it, which copies nothing. `step` is one llama_decode for all.
"""

from __future__ import annotations

import time

from maw_remote.engine.batch import Pace, Want, share
from maw_remote.engine.cells import Cells
from maw_remote.engine.decoder import ABORTED, BATCH, DONE, OUTPUTS, Decoder
from maw_remote.engine.job import Job, Refused
from maw_remote.engine.kept import Prefix
from maw_remote.engine.lives import Live, Tree, again, grow
from maw_remote.engine.runs import BadProgram, Branch, Need, Trim, Work, only
from maw_remote.engine.sampling import Floats
from maw_remote.engine.trie import Node

SAVED_MIN = 256  # tokens of a prefix that is worth a file; fewer are evaluated in no time
PREFIX_MIN = 16  # tokens; a shorter prefix is not worth a sequence of its own
BACKGROUND = 0  # in place of a job's number: whoever works for nobody that waits
JOINED = 64  # tokens that are evaluated in the same steps as a choice after them; it has its sequences meanwhile
ADAPTER_STEPS = 16  # steps with one adapter while another is waited for: a change costs some milliseconds


class Slots:
    """Jobs in, answers out. One thread at a time may use it; any may call `interrupt` and `give_way`."""

    def __init__(self, decoder: Decoder, *, sequences: int, context: int, prefix_bytes: int) -> None:
        self.context = context
        self.computing = 0.0  # seconds spent in llama_decode
        self._decoder = decoder
        self._limit = sequences
        self._pace = Pace(BATCH)
        self._cells = Cells(decoder, prefix_bytes=prefix_bytes, reserved=self._reserved)
        self._waiting: list[Job] = []
        self._jobs: dict[int, Job] = {}  # of those that live
        self._lives: dict[int, Live] = {}
        self._builds: dict[int, list[int]] = {}  # by the number (below 0) of one that builds a prefix: its tokens
        self._parked: list[Live] = []  # background work whose sequence somebody needed who is waited for
        self._order = 0
        self._running: frozenset[int] = frozenset()  # those with many rows in the step that is running
        self._adapter: tuple[str | None, int] = (None, 0)  # of the last steps, and how many they were

    @property
    def busy(self) -> bool:
        return bool(self._waiting or self._lives or self._parked)

    @property
    def interactive(self) -> bool:
        """Whether somebody waits for what there is to do."""
        return any(job.interactive for job in (*self._waiting, *self._jobs.values()))

    def submit(self, job: Job) -> None:
        """Take a job. Raises Refused when it cannot fit."""
        most = min(self.context, self._cells.most)
        if len(job.tokens) + job.answer > most:
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
        for live in [*self._lives.values(), *self._parked]:
            if live.number == number:
                self._leave(live)
        for build, tokens in list(self._builds.items()):
            if not any(job.begins(tokens) for job in self._waiting):
                self._leave(self._lives[build])

    def urge(self, number: int, *, interactive: bool) -> None:
        """Somebody waits for a job now, or nobody any more."""
        found: list[Job | Live] = [*self._waiting, *self._jobs.values(), *self._lives.values(), *self._parked]
        for one in found:
            if one.number == number:
                one.interactive = interactive

    def interrupt(self, number: int) -> None:
        """End the running step when it is a long one for this job. Any thread may call it."""
        if number in self._running:
            self._decoder.abort()

    def give_way(self, *, background: bool) -> None:
        """End the running step when it is a long one; `background`: only when nobody waits for it. Any thread may."""
        if (BACKGROUND in self._running) if background else self._running:
            self._decoder.abort()

    def step(self) -> bool:
        """One step for all who have work. False when there is none. Raises decoder.Broken."""
        self._admit()
        wants = [self._want(live) for live in self._lives.values()]
        adapter, steps = self._adapter
        avoid = (adapter,) if steps >= ADAPTER_STEPS else ()
        plan = share(wants, self._pace, rows=BATCH, outputs=OUTPUTS, avoid=avoid)
        if not plan:
            return False
        lives = [self._lives[number] for number in plan]
        same = lives[0].adapter == adapter
        self._adapter = (lives[0].adapter, steps + 1 if same else 1)
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
        if any(live.given > 1 for live in lives) and not any(live.interactive for live in lives):
            long.add(BACKGROUND)
        self._running = frozenset(long)
        began = time.perf_counter()
        code = self._decoder.decode()
        seconds = time.perf_counter() - began
        self._running = frozenset()
        self.computing += seconds
        if code == DONE:
            self._pace.learn(sum(live.given for live in lives), sum(live.given == 1 for live in lives), seconds)
        return code

    def _waiters(self, live: Live) -> list[int]:
        """Whose cancel would make the sequence's rows useless."""
        if live.number > 0:
            return [live.number]
        found = [job.number for job in self._waiting if job.begins(self._builds[live.number])]
        return found if len(found) == 1 else []

    def _want(self, live: Live) -> Want:
        behind = len(live.tokens) - live.done
        if live.tree is not None and not live.tree.left and behind <= (0 if self._decoder.recurrent else JOINED):
            self._grow(live, live.tree)
        return live.want(time.perf_counter())

    def _reserved(self) -> int:
        return sum(live.reserve for live in self._lives.values())

    # Joining

    def _admit(self) -> None:
        """Let waiting jobs join, interactive ones first, as far as there are sequences and cells."""
        if len(self._waiting) > 1:
            self._waiting.sort(key=lambda job: (not job.interactive, job.order))
        for job in list(self._waiting):
            if self._full(job) or not self._join(job):
                return
        for live in list(self._parked):
            if not self._unpark(live):
                return

    def _full(self, job: Job) -> bool:
        """Whether as many work as may at once. The background, which gets no rows then, does not keep others out."""
        others = [live for live in self._lives.values() if live.number > 0]
        return sum(live.interactive or not job.interactive for live in others) >= self._limit

    def _join(self, job: Job) -> bool:
        """False when there is no room, for this one and those behind it."""
        prefix, length = self._cells.best(job.tokens, job.adapter)
        if length < job.shared >= PREFIX_MIN:
            building = next((at for at, tokens in self._builds.items() if job.begins(tokens)), None)
            if building is None:
                return self._build(job, prefix, length)
            builder = self._lives[building]
            builder.interactive = builder.interactive or job.interactive
            return True
        if job.run is not None:
            live = self._start(job, job.run.work(), (prefix, length), len(job.tokens) + job.answer, job.number)
            if live is None:
                return False
            job.cached = max(0, live.done - job.paid)
        self._waiting.remove(job)
        if job.run is None:
            job.cached = max(0, job.shared - job.paid)
            job.end(job.usage())
        else:
            self._resume(self._lives[job.number], None)
        return True

    def _build(self, job: Job, prefix: Prefix | None, length: int) -> bool:
        """Have a job's shared tokens evaluated in a sequence of their own, or take them from where they were saved."""
        tokens = job.tokens[: job.shared]
        state, job.load = job.load() if job.load is not None else None, None
        if state is not None and self._cells.revive(Prefix(tokens, job.adapter, None, state)):
            return self._join(job)
        number = min(self._builds, default=0) - 1
        live = self._start(job, only(tokens), (prefix, length), len(tokens), number)
        if live is None:
            return False
        job.paid = len(tokens) - live.done
        self._builds[number] = tokens
        self._resume(live, None)
        return True

    def _start(self, job: Job, work: Work, known: tuple[Prefix | None, int], cells: int, number: int) -> Live | None:
        """A sequence that goes on from what is known of a kept prefix; None without room for it."""
        prefix, length = known
        while not self._cells.make_room(cells - length, but=prefix):
            if prefix is not None and not self._lives:
                prefix, length = None, 0  # it is longer than what is used of it, and in the way
            elif not (job.interactive and self._park()):
                return None
        live = Live(number, work, job.order, job.interactive, job.adapter, self._cells.take()[0], cells)
        self._lives[number], self._jobs[number] = live, job
        if prefix is not None:
            self._follow(live, prefix, length)
        self._cells.swap_out(lambda other: any(waiting.begins(other.tokens) for waiting in self._waiting))
        return live

    def _follow(self, live: Live, prefix: Prefix, length: int) -> None:
        """Let a live one begin with a kept prefix, which stays as long as it does, if most of it was taken."""
        live.done = self._cells.go_on(live.sequence, prefix, length)
        if live.done and not self._cells.release(prefix, length):
            live.source = prefix
            prefix.users += 1
            live.reserve -= live.done

    def _park(self) -> bool:
        """Take the sequence from the background work that began last; it goes on later, from its tokens."""
        behind = [live for live in self._lives.values() if not live.interactive]
        if not behind:
            return False
        live = max(behind, key=lambda live: live.order)
        if live.number < 0:
            self._leave(live)  # who waits for the prefix has it built again
            return True
        if live.tree is not None:
            self._drop_tree(live.tree)
            live.tree = again(live.tree)
        self._let_go(live)
        del self._lives[live.number]
        self._cells.drop(live.sequence)
        self._parked.append(live)
        return True

    def _unpark(self, live: Live) -> bool:
        if not self._cells.make_room(live.reserve):
            return False
        self._parked.remove(live)
        self._lives[live.number] = live
        (live.sequence,) = self._cells.take()
        self._follow_again(live)
        return True

    def _let_go(self, live: Live) -> None:
        """Make a live one forget what it goes on from, and that anything is evaluated."""
        if live.source is not None:
            live.source.users -= 1
            live.source, live.reserve = None, live.reserve + live.done
        live.done = 0

    def _follow_again(self, live: Live) -> None:
        prefix, length = self._cells.best(live.tokens, live.adapter)
        if prefix is not None and prefix.sequence is not None:
            self._follow(live, prefix, length)

    # Going on

    def _advance(self, live: Live) -> None:
        """A step is done: go on with what it gave."""
        logits = live.take(self._decoder)
        if live.tree is None:
            if logits is not None:
                self._resume(live, logits)
        elif not live.tree.left and not live.tree.branches and not live.behind:
            self._resume(live, None)

    def _resume(self, live: Live, logits: Floats | None) -> None:
        """Let the work go on until it needs rows, or ends."""
        tree, live.tree, before = live.tree, None, live.need
        try:
            need: Need = live.work.send(logits)
            while isinstance(need, Trim):
                self._trim(live, need.length)
                need = live.work.send(None)
        except StopIteration:
            self._drop_tree(tree)
            self._finish(live)
            return
        except BadProgram as exc:
            self._drop_tree(tree)
            self._fail(live, "bad_program", str(exc))
            return
        live.need, live.start = need, len(live.tokens)
        live.tokens += need.tokens
        if tree is not None and isinstance(before, Branch):
            self._adopt(live, tree, before.trie.nodes)
        self._drop_tree(tree)
        if isinstance(need, Branch):
            live.tree = Tree(need.trie.branches(), self._decoder.sequences)

    def _adopt(self, live: Live, tree: Tree, nodes: list[Node]) -> None:
        """What a choice has evaluated of the option that was taken need not be evaluated again."""
        if not self._decoder.rollback:
            return
        coming = live.tokens[live.done : -1]  # the last one's logits are needed
        for sequence, path in zip(tree.sequences, tree.group, strict=True):
            pairs = zip(path, coming, strict=False)
            same = next((at for at, (number, token) in enumerate(pairs) if nodes[number].token != token), None)
            same = min(len(path), len(coming)) if same is None else same
            if same:
                self._decoder.fork(sequence, live.sequence, live.done, live.done + same)
                live.done += same
                return

    def _grow(self, live: Live, tree: Tree) -> None:
        """Begin the next group of branches, as many as there are free sequences."""
        self._drop_tree(tree)
        grow(tree, self._cells.take(min(len(tree.branches), tree.most)), together=not self._decoder.recurrent)
        for sequence in tree.sequences:
            self._decoder.fork(live.sequence, sequence)

    def _drop_tree(self, tree: Tree | None) -> None:
        if tree is not None:
            for sequence in tree.sequences:
                self._cells.drop(sequence)
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
        self._let_go(live)
        self._decoder.drop(live.sequence)
        self._follow_again(live)

    def _undo(self, lives: list[Live], *, full: bool) -> None:
        """A step that did not come about: whoever was in it is as before, or is made so."""
        for live in lives:
            if live.tree is not None:
                self._drop_tree(live.tree)
                live.tree = again(live.tree)
            length = self._decoder.length(live.sequence)
            if length != live.done and not (length > live.done and self._decoder.trim(live.sequence, live.done)):
                self._rebuild(live)
        if full and not self._cells.spare() and not self._thin_out(lives):
            self._fail(max(lives, key=lambda live: live.order), "too_long", "the model's memory is full")

    def _thin_out(self, lives: list[Live]) -> bool:
        """Let choices have fewer branches at a time: their cells are not reserved. False when none can do with less."""
        trees = [live.tree for live in lives if live.tree is not None and live.tree.most > 1]
        for tree in trees:
            tree.most = max(1, min(tree.most, len(tree.branches)) // 2)
        return bool(trees)

    # Leaving

    def _finish(self, live: Live) -> None:
        job, cold = self._jobs[live.number], live.source is None
        tokens = live.tokens[: live.done]
        built = live.number < 0
        keep = built or (not job.shared and len(tokens) >= PREFIX_MIN)
        self._leave(live, keep=keep)
        if keep:
            self._cells.keep(tokens, live.adapter, live.sequence)
        if not built:
            job.end(job.usage())
        elif job.save is not None and cold and len(tokens) >= SAVED_MIN:
            job.save(self._cells.state(live.sequence))

    def _fail(self, live: Live, code: str, message: str) -> None:
        job = self._jobs[live.number]
        self._leave(live)
        self._waiting = [other for other in self._waiting if other is not job]
        job.fail(code, message)

    def _leave(self, live: Live, *, keep: bool = False) -> None:
        """Take a live one out; its cells are free for others, unless they are kept."""
        live.work.close()
        self._drop_tree(live.tree)
        self._builds.pop(live.number, None)
        del self._jobs[live.number]
        if live in self._parked:
            self._parked.remove(live)
            return
        del self._lives[live.number]
        if live.source is not None:
            live.source.users -= 1
        if not keep:
            self._cells.drop(live.sequence)
