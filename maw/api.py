"""The runner's API, typed: what `/api/v1` takes and gives. One page; docs/protocol.md tells the rules.

Clients that may use libraries (CLI, TUI, runner) use these; the hook path speaks the same JSON without them.
Every object carries `v`. Times are RFC 3339 in UTC. Unknown keys are ignored, so that the API can grow.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

Kind = str
State = Literal["queued", "running", "done", "failed", "cancelled", "dead"]

# Priorities are numbers, a larger one first. Clients may send a number from 0 to 1000 or one of these words.
BACKGROUND = 0
INTERACTIVE = 100
PRIORITIES = {"background": BACKGROUND, "interactive": INTERACTIVE}


def _version() -> int:
    """`v` where defaults are omitted: what a factory makes is no default, so it is always sent."""
    return 1


class TaskRequest(msgspec.Struct, kw_only=True, omit_defaults=True):
    """`POST /tasks`. Equal (kind, payload, profile) is equal work: it joins the live task or gets its answer."""

    v: int = msgspec.field(default_factory=_version)
    kind: Kind
    payload: dict[str, Any]
    priority: int | str = INTERACTIVE
    deadline: float | None = None  # seconds from now; then the task is cancelled
    fresh: bool = False  # a new attempt even where an answer is known
    keep: bool = False  # run to the end though no client waits


class WarmRequest(msgspec.Struct, kw_only=True):
    """`POST /warm`: tasks of this kind are about to come. `payload` is as theirs, as far as it is known (for a review:
    `rules`). Without `kind` only the manager's model is loaded."""

    v: int = 1
    kind: Kind | None = None
    payload: dict[str, Any] = {}


class TaskError(msgspec.Struct, kw_only=True, omit_defaults=True):
    code: str  # bad_input, model_missing, model_broken, worker_lost, deadline, defect …
    message: str
    hint: str | None = None


class Task(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A task as the runner tells it. `result` is there when `state` is done, `error` when it ended otherwise."""

    v: int = msgspec.field(default_factory=_version)
    id: str
    kind: Kind
    state: State
    key: str
    profile: str
    priority: int
    attempt: int
    created: str
    started: str | None = None
    finished: str | None = None
    run_at: str | None = None  # a retry's earliest start
    deadline: str | None = None
    title: str = ""  # what a person sees in the queue: repository and commit, no content
    result: dict[str, Any] | None = None
    error: TaskError | None = None
    cancelling: bool = False  # it runs, and was asked to stop
    joined: bool = False  # in the answer to a submit: it joined a task that was there


class TaskPatch(msgspec.Struct, kw_only=True):
    """`PATCH /tasks/{id}`."""

    v: int = 1
    priority: int | str


class TaskList(msgspec.Struct, kw_only=True):
    """`GET /tasks`. `last_event`: the highest id of an event so far. The stream of all tasks, asked for what comes
    after it, goes on where the list ends. An older runner does not tell it (0)."""

    v: int = 1
    tasks: list[Task]
    next: str | None = None  # `before` of the next page
    last_event: int = 0


class Model(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A model the node knows: of the catalogue, pulled, or loaded."""

    v: int = msgspec.field(default_factory=_version)
    name: str
    state: Literal["available", "installed", "loading", "loaded", "broken"]
    roles: list[str] = []
    source: str = ""
    file: str | None = None
    bytes: int | None = None
    sha256: str | None = None
    license: str = ""
    context: int | None = None
    memory: int | None = None  # bytes its worker holds (PSS where the platform tells it)
    held: int | None = None  # bytes that the ledger counts for it, as `bytes` in `GET /ledger`
    pid: int | None = None
    busy: int = 0
    pinned: bool = False  # stays loaded however long it idles
    partial: int | None = None  # bytes that an interrupted (or running) pull has brought
    attention: str = ""  # dense, swa or hybrid
    reasoning: bool = False  # thinks before it answers
    tier: int | None = None  # GB of memory for models that it is meant for
    error: str | None = None

    @property
    def is_lacking(self) -> bool:
        """Whether it has to be pulled before it can be used, which a file of the node's own need not be."""
        return self.state == "available" and not self.source.startswith("path:")


class ModelList(msgspec.Struct, kw_only=True):
    """`GET /models`. `problem`: what is wrong with the user's catalogue, whose entries are then as they were before."""

    v: int = 1
    models: list[Model]
    problem: str | None = None


class MemoryBudget(msgspec.Struct, kw_only=True):
    """In bytes. `models` and `context` are 0 where they have no bound of their own."""

    total: int
    models: int = 0
    context: int = 0
    buffer: int = 0
    how: str = ""  # where the total is from, a phrase for the user


class Parts(msgspec.Struct, kw_only=True):
    """What memory is held for, in bytes. Its sum is what the ledger counts."""

    weights: int = 0
    kv: int = 0
    compute: int = 0
    prefixes: int = 0
    process: int = 0


class Held(msgspec.Struct, kw_only=True):
    """A model that has memory. `bytes` is what the ledger counts: the estimate as corrected by what was measured;
    `memory` what its process holds now."""

    model: str
    state: Literal["loading", "loaded", "ending"]
    bytes: int
    parts: Parts
    memory: int | None = None
    context: int = 0  # tokens that a request may have
    cells: int = 0  # tokens of all requests and prefixes together
    kv: str = ""
    busy: int = 0  # requests that are worked on
    waiting: int = 0  # requests that wait for it
    pinned: bool = False
    idle: float | None = None  # seconds since it last had work
    leaves_in: float | None = None  # seconds until it is ended for idling


class Evicted(msgspec.Struct, kw_only=True):
    model: str
    at: str
    why: str


class Prefixes(msgspec.Struct, kw_only=True):
    """Evaluated beginnings of prompts on the disk, in bytes."""

    bytes: int
    files: int
    limit: int


class Ledger(msgspec.Struct, kw_only=True):
    """`GET /ledger`: the memory for models, in bytes. `jobs`: what background jobs reserved. `waiting`: requests by
    model that has no memory yet. `evicted`: who left lately, latest last, and why."""

    v: int = 1
    budget: MemoryBudget
    held: int
    free: int
    models: list[Held]
    jobs: dict[str, int] = {}
    waiting: dict[str, int] = {}
    evicted: list[Evicted] = []
    prefixes: Prefixes | None = None


class Removed(msgspec.Struct, kw_only=True):
    """`DELETE /models/{name}`. `path` is its file, which stays when it lies elsewhere; None: there was half a pull."""

    v: int = 1
    name: str
    deleted: bool
    path: str | None = None


class Progress(msgspec.Struct, kw_only=True):
    """A pull's event `progress`, in bytes."""

    phase: str = ""
    done: int = 0
    total: int | None = None


class Manifest(msgspec.Struct, kw_only=True):
    """A model that was pulled: in a pull's event `done`."""

    name: str
    path: str
    bytes: int
    sha256: str
    license: str
    checked: str = ""  # what the SHA-256 was compared with: catalogue, hub, name, or nothing


class Pulled(msgspec.Struct, kw_only=True):
    """A pull's event `done`."""

    model: Manifest


class Budget(msgspec.Struct, kw_only=True):
    budget: int  # bytes for models, all together
    how: str  # a phrase for the user


class Choice(msgspec.Struct, kw_only=True):
    """A model proposed for a role. `needs` and `bytes` are about right when `approximate`."""

    role: str
    model: str
    needs: int
    bytes: int | None
    approximate: bool
    license: str
    context: int | None
    why: str


class PassedOver(msgspec.Struct, kw_only=True):
    model: str
    why: str


class Recommendation(msgspec.Struct, kw_only=True):
    """`GET /models/recommended`. `commands`: what to type, in order."""

    v: int = 1
    memory: Budget
    choices: list[Choice]
    passed_over: list[PassedOver]
    commands: list[str]


class Found(msgspec.Struct, kw_only=True):
    """A model file on the node. `error`: why it cannot be used; `known_as`: the model it is already."""

    name: str
    path: str
    origin: str
    bytes: int
    architecture: str = ""
    error: str = ""
    known_as: str | None = None


class Place(msgspec.Struct, kw_only=True):
    origin: str
    path: str


class FoundList(msgspec.Struct, kw_only=True):
    """`GET /models/found`. `places` is where the node looks when no path is given."""

    v: int = 1
    models: list[Found]
    places: list[Place]


class Hello(msgspec.Struct, kw_only=True):
    """Who a runner is (maw/protocol.py). `profiles`: a hash per kind of task, over what determines its answers."""

    v: int = 1
    protocol: tuple[int, int]
    version: str
    features: list[str]
    node_id: str
    boot_id: str
    profiles: dict[str, str]


class Settings(msgspec.Struct, kw_only=True):
    """The runner's settings file. With `problems` those of before are in force."""

    file: str
    since: str  # when the settings in force were read
    waiting: bool = False  # changed ones are taken over when the running task has ended
    problems: list[str] = []
    restart: list[str] = []  # changed keys that only a restart takes over


class Status(msgspec.Struct, kw_only=True):
    """`GET /status`. `hello` is the same that a link's preface carries."""

    v: int = 1
    hello: Hello
    pid: int
    started: str
    state_dir: str
    tasks: dict[str, int]  # count by state
    running: list[Task]
    models: list[Model]
    memory: int  # bytes of the runner process itself
    settings: Settings | None = None
