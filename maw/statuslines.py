"""What a runner says of itself, in words: for `maw status` and for `maw-runner status`."""

from __future__ import annotations

from typing import Any

from maw.text import flat, size


def lines(status: dict[str, Any]) -> list[str]:
    """A status (api.Status as JSON) in words, a line a thing."""
    hello, tasks = status["hello"], status["tasks"]
    ended = ", ".join(
        f"{tasks[state]} {state}" for state in ("done", "failed", "cancelled", "dead") if tasks.get(state)
    )
    found = [
        f"runner    maw {hello['version']}, pid {status['pid']}, since {status['started']}, {size(status['memory'])}",
        f"tasks     {tasks.get('running', 0)} running, {tasks.get('queued', 0)} waiting"
        + (f" ({ended})" if ended else ""),
        *(f"  running {task['id']}  {task['kind']}  {task.get('title', '')}".rstrip() for task in status["running"]),
        *[_model(model) for model in status["models"] if model["state"] not in ("available", "installed")],
        *([] if _any_loaded(status) else ["models    none loaded"]),
        *(f"settings  {line}" for line in settings_lines(status)),
    ]
    return [flat(line) for line in found]


def settings_lines(status: dict[str, Any]) -> list[str]:
    """What there is to know of the runner's settings, a line a thing; nothing when the file is in force as it is."""
    found = status.get("settings") or {}  # an older runner tells none
    lines = [f"{problem} (the settings read at {found['since']} are in force)" for problem in found.get("problems", ())]
    if found.get("waiting"):
        lines.append(f"{found['file']} has changed; it is taken over when the running task has ended")
    restart = ", ".join(found.get("restart", ()))
    return [*lines, f"{restart} changed: `maw-runner restart` takes it over"] if restart else lines


def _model(model: dict[str, Any]) -> str:
    parts = [f"model     {model['name']}: {model['state']}"]
    if held := held_by(model):
        parts.append(f"holds {size(held)}")
    if model.get("context"):
        parts.append(f"context {model['context']}")
    if model.get("busy"):
        parts.append(f"busy with {model['busy']}")
    if model.get("error"):
        parts.append(str(model["error"]))
    return ", ".join(parts)


def held_by(model: dict[str, Any]) -> int | None:
    """Bytes that a model (api.Model as JSON) holds by the ledger, as `maw model ps` tells it; of an older runner, what
    its process has."""
    return model.get("held") or model.get("memory")


def _any_loaded(status: dict[str, Any]) -> bool:
    return any(model["state"] in ("loading", "loaded") for model in status["models"])
