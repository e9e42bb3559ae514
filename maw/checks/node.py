"""Checks of a node: is it there, which version, are its models installed."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from typing import Any

from maw import answers, api, files, paths, reach
from maw.checks.check import Check, fail, ok, warn
from maw.checks.machine import runner_extra
from maw.config.load import Config, load
from maw.errors import FatalError, NodeError
from maw.extras import how_to_add
from maw.link import control
from maw.link.choice import recorded

TIMEOUT = 20.0  # seconds for one answer; a runner that has to be started takes 1 to 2
_INSTALLED = ("installed", "loaded", "loading")


def checks(config: Config, only: str | None = None) -> Iterator[Check]:
    """Each node that is configured, and this machine's runner where it is used; `only`: just that one."""
    default: str = config.values["node"]
    names = [only] if only else sorted({default, *config.nodes})
    for name in names:
        if name == reach.LOCAL:
            missing = runner_extra()
            if missing:
                yield fail(
                    "node local",
                    f"the runner is not installed here ({', '.join(missing)} missing)",
                    f"{how_to_add('runner')}; or add another machine: `maw node add NAME HOST`",
                )
                continue
        elif name not in config.nodes:
            yield fail(
                f"node {name}", "is not configured", f"`maw node add {name} HOST`, or `maw config set node local`"
            )
            continue
        yield from node_checks(name)


def node_checks(name: str) -> Iterator[Check]:
    """Ask one node for its status and its models."""
    began = time.monotonic()
    try:
        status = answers.ask(name, "GET", "/api/v1/status", api.Status, timeout=TIMEOUT)
        took = (time.monotonic() - began) * 1000
    except FatalError as exc:
        yield from _transport(name)
        silent = isinstance(exc, NodeError) and exc.code == "timeout"
        yield (_who_is_silent(name) if silent else None) or _failure(name, exc)
        return
    yield from _transport(name)
    yield ok(f"node {name}", f"maw {status['hello']['version']}, answered after {took:.0f} ms, {_tasks(status)}")
    yield from _settings(name, status)
    try:
        models = answers.ask(name, "GET", "/api/v1/models", api.ModelList, timeout=TIMEOUT)["models"]
    except FatalError as exc:
        yield _failure(name, exc)
    else:
        yield from _models(name, models)


def _failure(name: str, exc: FatalError) -> Check:
    return fail(f"node {name}", exc.message, exc.hint or f"`maw connect {name}` shows more")


def _who_is_silent(name: str) -> Check | None:
    """Which of those on the way does not answer: its process is named, or the step. None: nobody is found out."""
    if name == reach.LOCAL:
        runner = files.lock_holder(os.path.join(paths.runner_dir(), "lock"))
        if runner is None:
            return None
        found = f"the runner (pid {runner}) is there, and does not answer"
        return fail("node local", found, f"`kill -9 {runner}`, then `maw-runner start`: no task is lost")
    from maw.link.probe import probe  # paramiko: only where something hangs
    from maw.link.target import from_config

    report = probe(from_config(load(strict=False), name))
    if report.error is not None:
        return _failure(name, report.error)
    link = control.running(name)
    if link is None:
        return None
    found = f"the link (pid {link}) does not answer, though the node does without it"
    return fail(f"node {name}", found, f"`kill -9 {link}`: it keeps nothing, and the next command starts another")


def _transport(name: str) -> Iterator[Check]:
    """What the node's link took when it last connected, which a check that went well has just made it do."""
    choice = recorded(name) if name != reach.LOCAL else None
    if choice is None:
        return
    found = f"by {choice.transport}, since {choice.why}"
    if choice.note:
        hint = "`maw docs security#tailscale-ssh` tells what to do about it"
        yield warn(f"ssh to {name}", f"{found}; {choice.note}", hint)
    else:
        yield ok(f"ssh to {name}", found)


def _settings(name: str, status: dict[str, Any]) -> Iterator[Check]:
    """Of the node's own settings: what of them cannot be used, and what is not in force yet."""
    found = status.get("settings") or {}  # an older runner tells none
    path = found.get("file", "its settings")
    mend = "`maw config edit` opens the file" if name == reach.LOCAL else f"`maw config edit` on {name} opens the file"
    for problem in found.get("problems", ()):
        yield fail(f"settings of {name}", f"{problem} (those read at {found['since']} are in force)", mend)
    if restart := found.get("restart"):
        yield warn(f"settings of {name}", f"{', '.join(restart)} changed in {path}", f"`maw-runner restart` on {name}")


def _tasks(status: dict[str, Any]) -> str:
    counts = status.get("tasks", {})
    return f"{counts.get('running', 0)} running, {counts.get('queued', 0)} waiting"


def _models(name: str, models: list[dict[str, Any]]) -> Iterator[Check]:
    managers = [model for model in models if "manager" in model.get("roles", [])]
    for model in managers:
        yield _manager(name, model)
    generators = [model for model in models if "generator" in model.get("roles", []) and model not in managers]
    for model in generators:
        yield _generator(name, model)
    for model in models:
        if model["state"] == "broken" and model not in (*managers, *generators):
            yield warn(
                f"model {model['name']}",
                model.get("error") or "cannot be used",
                f"`maw model rm {model['name']} --node {name}`, then pull it again",
            )
    roles = {role for model in models for role in model.get("roles", [])}
    for role, check in (("manager", fail), ("generator", warn)):
        if role not in roles:
            yield check(
                f"models of {name}",
                f"the {role}'s model is not in the node's catalogue",
                f"{_choose(name, role)}, a name that `maw model list --node {name}` shows",
            )


def _manager(node: str, model: dict[str, Any]) -> Check:
    return _role(node, model, "reviews", "manager", fail)


def _generator(node: str, model: dict[str, Any]) -> Check:
    """Without it `maw generate` writes no code, and all else works."""
    return _role(node, model, "writes code", "generator", warn)


def _role(node: str, model: dict[str, Any], does: str, role: str, check: Callable[[str, str, str], Check]) -> Check:
    what = f"model {model['name']}"
    if model["state"] in _INSTALLED:
        return ok(what, f"{does} on {node}, {model['state']}")
    if "/" in model["name"]:  # a server's
        mend = f"see that it runs, and `maw config get backends.{model['name'].partition('/')[0]}.url` on {node}"
        return check(what, model.get("error") or "cannot be used", mend)
    pull = (
        f"`maw model pull {model['name']} --node {node}`; or choose another (`maw model recommend --node {node}`) and "
        f"{_choose(node, role)}"
    )
    if model["state"] == "broken":
        return check(what, model.get("error") or "cannot be used", pull)
    return check(what, f"{does} on {node}, and is not installed there", pull)


def _choose(node: str, role: str) -> str:
    """Roles are of the machine that does the work."""
    there = "" if node == reach.LOCAL else f" on {node}"
    return f"`maw config set roles.{role} NAME`{there}"
