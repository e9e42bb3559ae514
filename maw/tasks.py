"""Steer a node's tasks: cancel, do again, overtake. Answers are api.Task, as JSON.

All raise NodeError and ApiError.
"""

from __future__ import annotations

from maw import answers, api
from maw.answers import Json

BUMPED = 500  # a priority that overtakes: reviews of commits have 100


def cancel(node: str, task: str, *, force: bool = False) -> Json:
    """Cancel what we wait for; with `force` also what somebody else waits for."""
    query = "?force=true" if force else "?waiter=false"
    return answers.ask(node, "DELETE", f"/api/v1/tasks/{task}{query}", api.Task)


def retry(node: str, task: str) -> Json:
    """Do an ended task's work again: a new task."""
    return answers.ask(node, "POST", f"/api/v1/tasks/{task}/retry", api.Task)


def prioritise(node: str, task: str, priority: int = BUMPED) -> Json:
    return answers.ask(node, "PATCH", f"/api/v1/tasks/{task}", api.Task, {"v": 1, "priority": priority})
