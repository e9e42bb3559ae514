"""`maw node`: add, list, test and remove the machines that work for you."""

from __future__ import annotations

import os
import shutil
import socket
import time
from typing import Any

import click

from maw import answers, api, clientid, errors, paths, reach
from maw.cli import completing
from maw.cli.node_install import install as install_command
from maw.cli.node_install import put_there
from maw.cli.output import print_json, printable, say
from maw.cli.person import Person, confirm
from maw.config import edit
from maw.config.load import load
from maw.errors import FatalError, NodeError
from maw.link import control, install, openssh
from maw.link.keygen import make_key, public_line
from maw.link.probe import Report, Step, probe
from maw.link.target import DEFAULT_COMMAND, Target, from_config

_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group()
def node() -> None:
    """Add, test and remove nodes: the machines that run models for you, reached over SSH.

    \b
    Examples:
      maw node add pro pro.local        make a key, install it there, test it
      maw node install pro              install maw there, over ssh
      maw node test pro                 each step on the way, timed
      maw config set node pro           let it do the work from now on
    """


node.add_command(install_command)


@node.command()
@click.argument("name")
@click.argument("host")
@click.option("--user", help="User there, where ssh's configuration does not say.")
@click.option("--port", type=click.IntRange(1, 65535), help="Port, where ssh's configuration does not say.")
@click.option("--command", metavar="PATH", help="maw-runner there; found over ssh by default.")
@click.option("--endpoint", is_flag=True, help="The host runs `maw-runner serve --listen`, not sshd.")
@click.option("--host-key", metavar="SHA256:…", help="The host key to accept, if it is not known yet.")
@click.option("--yes", is_flag=True, help="Do not ask. An unknown host key is never accepted this way.")
def add(
    *,
    name: str,
    host: str,
    user: str | None,
    port: int | None,
    command: str | None,
    endpoint: bool,
    host_key: str | None,
    yes: bool,
) -> int:
    """Add the node NAME at HOST, which is what you would give to ssh.

    Makes an SSH key for maw alone, installs it on HOST over your own ssh, restricted to `maw-runner connect`, and
    tests the way. Run it again to repair a node.

    \b
    Examples:
      maw node add pro pro.local
      maw node add gpu gpu.example.org --user me --port 2222
      maw node add wsl 192.168.1.20 --port 7722 --endpoint --host-key SHA256:…
    """
    _check_name(name)
    target = Target(name, host, user, port, command or DEFAULT_COMMAND, None, load(making=True)["connect_timeout"])
    if host.startswith("-"):
        raise FatalError(f"not a host: {host!r}", hint="a host may not start with a dash")
    if endpoint:
        return _add_endpoint(target._replace(endpoint=True), _own_key(name), host_key)
    if host_key is not None:
        target = openssh.pinned(target, host_key)  # before the user's own ssh sends anything there
    key = _own_key(name)
    if command is None:
        say(f"looking for maw-runner on {host}")
        target = target._replace(command=_runner_there(target))
    _install_key(target, key, yes=yes)
    _write(target)
    report = probe(from_config(load(), name), ask=Person(), pin=host_key)
    _show(name, report)
    if report.error is not None:
        raise report.error
    say(f"{name} is ready; `maw config set node {name}` lets it do the work")
    return errors.PASS


def _runner_there(target: Target) -> str:
    """The path of maw-runner on the node, installed there if it is missing and a person at the terminal agrees."""
    try:
        return install.find_runner(target)
    except install.MissingError as exc:
        say(exc.message)
        if not confirm("Install it there, with uv or pipx?"):
            raise
    return put_there(target, None, yes=False)


def _install_key(target: Target, key: str, *, yes: bool) -> None:
    line = install.restricted_line(target.command, key)
    say(f"maw's key for {target.host}, to go into its ~/.ssh/authorized_keys:\n  {line}")
    if not yes and not confirm(f"Install it on {target.host}?"):
        raise FatalError("nothing was installed", hint="give --yes to install it without being asked")
    install.install_key(target, key)


def _add_endpoint(target: Target, key: str, host_key: str | None) -> int:
    """No ssh leads there: the person installs the key, and we look at the host key."""
    _write(target)
    report = probe(from_config(load(), target.node), ask=Person(), pin=host_key)
    click.echo(f"maw-runner keys add '{key}'")
    if report.error is None:
        say(f"{target.node} is ready, the key is known there already")
    elif report.error.code in ("host_key_changed", "host_key_unknown"):
        raise report.error
    else:
        say(f"run the line above on {target.host}, then `maw node test {target.node}` here")
    return errors.PASS


def _check_name(name: str) -> None:
    paths.checked_node_name(name)
    if name == reach.LOCAL:
        raise FatalError("`local` is this machine's own runner", hint="choose another name")


def _own_key(name: str) -> str:
    """The public half of maw's key for this node, made when there is none."""
    path = paths.node_key_file(name)
    return public_line(path) or make_key(path, install.tag(name, socket.gethostname(), clientid.word()))


def _write(target: Target) -> None:
    """Record the node in the user's file, all keys anew, and end a link that knows the old ones."""
    path = paths.config_file()
    edit.remove(path, f"nodes.{target.node}")
    values: dict[str, Any] = {"host": target.host, "user": target.user, "port": target.port}
    values["command"] = target.command if target.command != DEFAULT_COMMAND else None
    values["endpoint"] = target.endpoint or None
    for key, value in values.items():
        if value is not None:
            edit.set_value(path, f"nodes.{target.node}.{key}", value)
    control.stop(target.node)


@node.command("list")
@_JSON
def list_nodes(as_json: bool) -> int:
    """List the nodes of your configuration; * marks the one that does the work.

    \b
    Example:
      maw node list --json
    """
    config = load()
    rows = [
        {
            "name": entry.name, "host": entry.host, "user": entry.user, "port": entry.port, "command": entry.command,
            "default": entry.name == config["node"], "link": control.running(entry.name),
        }
        for entry in config.nodes.values()
    ]  # fmt: skip
    if as_json:
        print_json({"v": 1, "nodes": rows})
        return errors.PASS
    for row in rows:
        place = f"{row['user']}@{row['host']}" if row["user"] else str(row["host"])
        place += f":{row['port']}" if row["port"] else ""
        linked = "  connected" if row["link"] else ""
        click.echo(printable(f"{'*' if row['default'] else ' '} {row['name']}  {place}{linked}"))
    if not rows:
        say("no nodes yet: add one with `maw node add NAME HOST`")
    return errors.PASS


@node.command()
@click.argument("name", shell_complete=completing.nodes)
@_JSON
def test(name: str, as_json: bool) -> int:
    """Go the whole way to a node once and time each step. 4 when it cannot be reached.

    \b
    Examples:
      maw node test pro
      maw node test pro --json
    """
    if name == reach.LOCAL:
        return _test_local(as_json=as_json)
    report = probe(from_config(load(), name))
    if as_json:
        print_json(_json(name, report))
        return errors.PASS if report.error is None else errors.UNREACHABLE
    _show(name, report)
    if report.error is not None:
        raise report.error
    control.forget_failure(name)
    return errors.PASS


def _test_local(*, as_json: bool) -> int:
    """No way leads to this machine's own runner but its socket: one step."""
    begin, error = time.monotonic(), None
    try:
        answers.ask(reach.LOCAL, "GET", "/api/v1/status", api.Status)
    except NodeError as exc:
        error = exc
    steps = [] if error is not None else [Step("runner", time.monotonic() - begin, "it answers, on this machine")]
    report = Report(steps, None, error, None if error is None else "runner", None)
    if as_json:
        print_json(_json(reach.LOCAL, report))
        return errors.PASS if error is None else errors.UNREACHABLE
    _show(reach.LOCAL, report)
    if error is not None:
        raise error
    return errors.PASS


def _show(name: str, report: Report) -> None:
    if report.choice is not None:
        click.echo(printable(f"{name}: by {report.choice.transport}, since {report.choice.why}"))
    for step in report.steps:
        click.echo(printable(f"{name}: {step.name:<9} ok {step.seconds * 1000:6.0f} ms  {step.detail}".rstrip()))
    if report.failed is not None:
        click.echo(f"{name}: {report.failed:<9} failed")
    if report.note:
        say(f"{name}: {report.note}")


def _json(name: str, report: Report) -> dict[str, Any]:
    steps: list[dict[str, Any]] = [
        {"step": step.name, "ok": True, "ms": round(step.seconds * 1000, 1), "detail": step.detail}
        for step in report.steps
    ]
    if report.failed is not None:
        steps.append({"step": report.failed, "ok": False, "ms": None, "detail": ""})
    exc = report.error
    error = None if exc is None else {"code": exc.code, "message": exc.message, "hint": exc.hint}
    choice = report.choice
    return {
        "v": 1, "node": name, "ok": exc is None, "steps": steps, "error": error, "hello": report.hello,
        "transport": {"name": choice.transport, "why": choice.why, "note": report.note or None} if choice else None,
    }  # fmt: skip


@node.command()
@click.argument("name", shell_complete=completing.nodes)
@click.option("--local-only", is_flag=True, help="Leave the key on the node; only forget the node here.")
def rm(name: str, local_only: bool) -> int:
    """Forget a node: the key's line there, the key here, the configuration, and its link.

    \b
    Example:
      maw node rm pro
    """
    config = load()
    key = public_line(paths.node_key_file(name))
    if key is not None and name not in config.nodes:
        say(f"no node is called {name}; a key made for it is here, of a `maw node add` that did not end well")
    else:
        target = from_config(config, name)
        if key is not None and not local_only:
            _remove_there(target, key)
    _forget(name)
    if config["node"] == name:
        _stop_using(name, config.origins["node"])
    say(f"{name} is forgotten here")
    return errors.PASS


def _forget(name: str) -> None:
    """Its link, its key, its directory and its table."""
    control.stop(name)
    for path in (paths.node_key_file(name), paths.node_key_file(name) + ".pub"):
        if os.path.exists(path):
            os.unlink(path)
    shutil.rmtree(paths.link_dir(name), ignore_errors=True)
    edit.remove(paths.config_file(), f"nodes.{name}")


def _stop_using(name: str, origin: str) -> None:
    """The setting `node` may not lead to a node that is gone."""
    if origin == "user":
        edit.remove(paths.config_file(), "node")
        say(f"{name} did the work; from now on this machine's own runner does (`node` is `local` again)")
    else:
        say(f"the {origin} still says `node` is {name}: take it out there")


def _remove_there(target: Target, key: str) -> None:
    tag = key.rsplit(maxsplit=1)[-1]
    if target.endpoint:
        say(f"maw's key is still let in there: run `maw-runner keys rm {tag}` on {target.host}")
        return
    try:
        install.remove_key(target, key)
    except NodeError as exc:
        say(f"the key is still on {target.host}: {exc.message}")
        say(f"remove the line that ends in {tag} from its ~/.ssh/authorized_keys (or `maw-runner keys rm {tag}`)")
    else:
        say(f"removed maw's key from {target.host}")
