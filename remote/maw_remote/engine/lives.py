"""One sequence under way: what it has evaluated, what it needs next, and the rows it gets for that in a step."""

from __future__ import annotations

from dataclasses import dataclass, field

from maw_remote.engine import sampling
from maw_remote.engine.batch import HOLD_MAX, Want
from maw_remote.engine.decoder import Decoder
from maw_remote.engine.kept import Prefix
from maw_remote.engine.runs import Branch, Feed, Work
from maw_remote.engine.sampling import Floats
from maw_remote.engine.trie import Row, rows


@dataclass
class Tree:
    """The inner nodes of a trie on their way: in groups of as many branches as there were sequences for."""

    branches: list[list[int]]  # that are still to be evaluated
    most: int  # branches of a group
    group: list[list[int]] = field(default_factory=list)
    sequences: list[int] = field(default_factory=list)  # of the group's branches
    rows: list[Row] = field(default_factory=list)
    at: int = 0  # of rows

    @property
    def left(self) -> int:
        return len(self.rows) - self.at


@dataclass
class Live:
    """`tokens` is what the sequence is to hold, `done` how many of them it holds already."""

    number: int
    work: Work
    order: int
    interactive: bool
    adapter: str | None
    sequence: int
    reserve: int  # cells it may come to need, beside the prefix it goes on from
    tokens: list[int] = field(default_factory=list)
    done: int = 0
    need: Feed | Branch | None = None
    start: int = 0  # place in `tokens` where the need's begin
    tree: Tree | None = None
    source: Prefix | None = None
    ready: float = 0.0  # when it could begin to decode
    begun: bool = False  # whether it did
    # Of the running step:
    given: int = 0  # rows
    fed: int = 0  # those of `tokens`; the others are the tree's
    filled: list[int] = field(default_factory=list)  # rows of `tokens` that have logits
    nodes: list[int] = field(default_factory=list)  # rows of the tree, all of which have

    @property
    def behind(self) -> bool:
        """Whether the sequence does not hold all of its tokens yet."""
        return self.done < len(self.tokens)

    def rows_wanted(self) -> int:
        return len(self.tokens) - self.done + (self.tree.left if self.tree is not None else 0)

    def want(self, now: float) -> Want:
        """What it could have evaluated in the next step. `now` in seconds of a monotonic clock."""
        rows, outputs = self.rows_wanted(), self.outputs_wanted()
        return Want(self.number, rows, outputs, self.order, self.interactive, self.adapter, self._may_wait(rows, now))

    def _may_wait(self, rows: int, now: float) -> bool:
        """Whether it is to begin its answer only now, and has not waited long with that."""
        if self.begun or rows != 1:
            return False
        self.ready = self.ready or now
        return now - self.ready < HOLD_MAX

    def outputs_wanted(self) -> int:
        last = bool(self.need is not None and self.need.tokens and self.behind)
        targets = len(self.need.targets) if isinstance(self.need, Feed) else 0
        return last + targets + (self.tree.left if self.tree is not None else 0)

    def fill(self, decoder: Decoder, count: int) -> None:
        """Put the next `count` rows into the step: what the sequence is behind with goes to the branches that were
        forked from it, too, so that their own rows can be of the same step."""
        self.begun = self.begun or self.rows_wanted() == 1
        self.given, self.fed = count, min(count, len(self.tokens) - self.done)
        end = self.done + self.fed
        branches = self.tree.sequences if self.tree is not None else []
        first = decoder.rows.add(self.tokens[self.done : end], self.done, [self.sequence, *branches])
        self.filled = [first + place - self.done for place in self._outputs(end)]
        for row in self.filled:
            decoder.rows.want(row)
        self.nodes = self._fill_tree(decoder, self.tree, count - self.fed) if self.tree is not None else []

    def take(self, decoder: Decoder) -> Floats | None:
        """The step is done: look at what it gave. The logits after the last token, once that is evaluated."""
        end = self.done + self.fed
        logits: Floats | None = None
        for row, place in zip(self.filled, self._outputs(end), strict=True):
            logits = decoder.logits(row)
            self._find(place - self.start, logits)
        self.done = end
        if self.tree is not None:
            self._take_tree(decoder, self.tree)
        return logits if not self.behind else None

    def _outputs(self, end: int) -> list[int]:
        """Places up to `end` whose logits are needed."""
        if self.need is None or not self.need.tokens:
            return []  # it only catches up, for its branches
        last = [end - 1] if self.done < end == len(self.tokens) else []
        if isinstance(self.need, Branch) or not self.need.targets:
            return last
        found = {place + self.start for place in self.need.targets}
        return sorted({place for place in found if self.done <= place < end} | set(last))

    def _find(self, place: int, logits: Floats) -> None:
        """Look up what is asked of the logits after a token of the need."""
        if isinstance(self.need, Branch):
            self.need.found[-1] = sampling.logprobs(logits, self.need.trie.children[-1])
        elif self.need is not None and place in self.need.targets:
            self.need.found[place] = sampling.logprobs(logits, self.need.targets[place])

    def _fill_tree(self, decoder: Decoder, tree: Tree, count: int) -> list[int]:
        assert isinstance(self.need, Branch)
        filled = []
        for row in tree.rows[tree.at : tree.at + count]:
            node = self.need.trie.nodes[row.node]
            sequences = [tree.sequences[branch] for branch in row.branches]
            filled.append(decoder.rows.add_one(node.token, len(self.tokens) + node.depth - 1, sequences))
        return filled

    def _take_tree(self, decoder: Decoder, tree: Tree) -> None:
        assert isinstance(self.need, Branch)
        for row, place in zip(self.nodes, tree.rows[tree.at : tree.at + len(self.nodes)], strict=True):
            children = self.need.trie.children[place.node]
            self.need.found[place.node] = sampling.logprobs(decoder.logits(row), children)
        tree.at += len(self.nodes)


def grow(tree: Tree, sequences: list[int], *, together: bool) -> None:
    """Begin the tree's next group, a branch for each of these sequences."""
    count = len(sequences)
    tree.group, tree.branches = tree.branches[:count], tree.branches[count:]
    tree.sequences = sequences
    tree.rows, tree.at = rows(tree.group, together=together), 0


def again(tree: Tree) -> Tree:
    """The tree anew, with all branches of the group that was under way."""
    return Tree(tree.group + tree.branches, tree.most)
