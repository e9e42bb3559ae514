"""A node's models: which there are, what it lacks, and how they are loaded, unloaded and pinned (api.Model, as JSON).

All raise NodeError and ApiError.
"""

from __future__ import annotations

import json
import subprocess
import sys
from urllib.parse import quote

from maw import answers, api, reach
from maw.answers import Json
from maw.errors import NodeError

LOAD_TIMEOUT = 600.0  # seconds; 20 GB from a cold disk
_LIST_TIMEOUT = 30.0


def listed(node: str) -> Json:
    """The models that a node knows, has and holds: api.ModelList. Looking starts no runner on this machine; of one at
    rest its files tell."""
    if reach.is_at_rest(node):
        return answers.checked(node, _at_rest(), api.ModelList)
    return answers.ask(node, "GET", "/api/v1/models", api.ModelList)


def recommended(node: str, memory: float | None) -> Json:
    """Which models suit a node, or so much memory, in GB: api.Recommendation. Nor does this start a runner."""
    if reach.is_at_rest(node):
        given = () if memory is None else ("--memory", f"{memory:g}")
        return answers.checked(node, _at_rest("--recommended", *given), api.Recommendation)
    query = "" if memory is None else f"?memory={memory:g}"
    return answers.ask(node, "GET", f"/api/v1/models/recommended{query}", api.Recommendation)


def _at_rest(*options: str) -> object:
    """What the runner of this machine would answer, if one ran."""
    command = [sys.executable, "-P", "-m", "maw_remote", "models", *options]
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=_LIST_TIMEOUT, cwd="/"
        )
    except subprocess.TimeoutExpired:
        raise NodeError("timeout", f"the models on this machine were not told within {_LIST_TIMEOUT:g} s") from None
    if done.returncode != 0:
        reason, hint = reach.why_it_failed(done.stderr, done.returncode)
        raise NodeError("no_runner", f"the models on this machine cannot be told: {reason}", hint=hint)
    return json.loads(done.stdout)


def lacking(node: str) -> str | None:
    """Which model the node would need to review and has not, and how it gets that; None where nothing is known to be
    missing. It tries nothing."""
    known = answers.typed(node, "GET", "/api/v1/models", api.ModelList).models
    managers = [model for model in known if "manager" in model.roles]
    if not managers:
        return "its manager's model is none that it knows; `maw config set roles.manager NAME` there names another"
    for model in managers:
        if model.is_lacking:
            return f"{model.name} is not there; `maw model pull {model.name} --node {node}` gets it"
    return None


def load(node: str, name: str, keep_alive: float | None = None) -> Json:
    """Returns when it is loaded. `keep_alive`: seconds that it stays once it idles; None: as the node is set."""
    body = {"v": 1, "keep_alive": keep_alive}
    return answers.ask(node, "POST", path(name, "load"), api.Model, body, timeout=LOAD_TIMEOUT)


def unload(node: str, name: str) -> Json:
    """End its worker. What it was doing is tried again later."""
    return answers.ask(node, "POST", path(name, "unload"), api.Model)


def pin(node: str, name: str, *, pinned: bool = True) -> Json:
    """Keep it loaded however long it idles, or no longer. It does not load it."""
    return answers.ask(node, "POST", path(name, "pin"), api.Model, {"v": 1, "pinned": pinned})


def path(name: str, verb: str = "") -> str:
    """Where the API has a model."""
    return f"/api/v1/models/{quote(name, safe='')}" + (f"/{verb}" if verb else "")
