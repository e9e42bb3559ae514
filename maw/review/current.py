"""The profile of a node as it is now, asked where that is cheap. Standard library only (hook path)."""

from __future__ import annotations

import os

from maw import client, files, paths, profiles, protocol, reach
from maw.errors import ApiError, NodeError


def profile(node: str, kind: str, since: float, wait: float) -> str | None:
    """What determines the node's answers of a kind of task now; of a node that cannot be asked, what it named last.
    None: not known. `since` is the time of an answer that it is held against. Asking takes `wait` seconds at most, and
    with 0 another machine is not asked at all."""
    named = _here(since) if node == reach.LOCAL else _there(node, wait)
    if named is None:
        return None
    profiles.remember(node, named)
    return profiles.last(node, kind)


def _here(since: float) -> protocol.Json | None:
    """Of the runner on this machine, whose introduction is a file. Without a runner nobody has read settings that were
    changed since then."""
    if not reach.is_up(reach.LOCAL):
        return {} if (files.changed(paths.config_file()) or 0.0) <= since else None
    try:
        message = protocol.parse_line(files.read_optional(os.path.join(paths.runner_dir(), "hello.json")) or b"{}")
    except (ValueError, OSError):
        return {}
    named = message.get("profiles")
    return named if isinstance(named, dict) else {}


def _there(node: str, wait: float) -> protocol.Json:
    """A link's own introduction may be as old as the channel that it opened ahead."""
    if wait <= 0:
        return {}
    try:
        answer = client.request(node, "GET", "/api/v1/status", timeout=wait, whole=True)
    except (NodeError, ApiError):
        return {}
    hello = answer.get("hello") if isinstance(answer, dict) else None
    named = hello.get("profiles") if isinstance(hello, dict) else None
    return named if isinstance(named, dict) else {}
