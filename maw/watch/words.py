"""What happens to tasks, in words."""

from __future__ import annotations

from typing import Any

from maw import wire
from maw.times import clock

Json = dict[str, Any]


def told(event: wire.Event, *, whose: bool = False) -> str | None:
    """An event in a line, with its task when it matters `whose` it is; None for those that only programs want."""
    data = event.data
    match event.type:
        case "text" | "plan":
            return None
        case "waiting":
            said = f"{data.get('ahead')} ahead"
        case "sharing":
            said = f"{data.get('others')} beside it"
        case "unit":
            said = f"{data.get('state')} {data.get('path')} ({data.get('done')}/{data.get('total')})"
        case "finding" | "rejected":
            finding = _object(data, "finding")
            said = f"{finding.get('severity')}: {finding.get('path')}:{finding.get('line')} {finding.get('title')}"
        case "failed" | "dead":
            said = str(_object(data, "error").get("message", ""))
        case _:
            reason = data.get("reason")
            said = str((reason if reason != event.type else "") or data.get("model") or "")
    task = f"{data.get('task', '')}  " if whose else ""
    return f"{clock(str(data.get('ts')))}  {task}{event.type:<9} {said}".rstrip()


def cancelled(task: Json, *, forced: str = "--force") -> str:
    """What came of a cancel, whose answer (api.Task) this is; `forced` is what cancels in any case."""
    match task["state"]:
        case "cancelled":
            return f"task {task['id']} is cancelled"
        case "queued" | "running" if not task.get("cancelling"):
            return f"task {task['id']} goes on: others wait for it ({forced} cancels it all the same)"
        case "queued" | "running":
            return f"task {task['id']} is being cancelled"
        case state:
            return f"task {task['id']} had ended already: {state}"


def _object(data: Json, key: str) -> Json:
    found = data.get(key)
    return found if isinstance(found, dict) else {}
