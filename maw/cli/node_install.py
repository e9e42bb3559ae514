"""`maw node install`: put git-maw on a node, over your own ssh."""

from __future__ import annotations

import click

from maw import errors, paths
from maw.cli import completing
from maw.cli.output import printable, say
from maw.cli.person import confirm
from maw.config.load import load
from maw.errors import FatalError
from maw.link import install as there
from maw.link import remote_install
from maw.link.target import Target, from_config


@click.command()
@click.argument("name", shell_complete=completing.nodes)
@click.argument("host", required=False)
@click.option("--user", help="User there, where ssh's configuration does not say.")
@click.option("--port", type=click.IntRange(1, 65535), help="Port, where ssh's configuration does not say.")
@click.option("--from", "source", metavar="SPEC", help="A package spec, or a wheel here; this version by default.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def install(*, name: str, host: str | None, user: str | None, port: int | None, source: str | None, yes: bool) -> int:
    """Install git-maw on a node with uv or pipx, over your own ssh. HOST is needed until the node is added.

    What it will run there is printed first. A wheel is copied there, so that the node needs no clone of its own.

    \b
    Examples:
      maw node install pro pro.local
      maw node install pro --from dist/git_maw-0.1.0-py3-none-any.whl
      maw node install pro --from 'git-maw[runner]==0.1.0' --yes
    """
    paths.checked_node_name(name)
    config = load(strict=False)
    if host is None or name in config.nodes:
        known = from_config(config, name)
        target = known._replace(host=host or known.host, user=user or known.user, port=port or known.port)
    else:
        target = Target(name, host, user, port, "maw-runner", None, config["connect_timeout"])
    if target.host.startswith("-"):
        raise FatalError(f"not a host: {target.host!r}", hint="a host may not start with a dash")
    command = put_there(target, source, yes=yes)
    if name not in config.nodes or command != config.nodes[name].command:
        say(f"now `maw node add {name} {target.host}` gives maw its key there, and records that path")
    return errors.PASS


def put_there(target: Target, source: str | None, *, yes: bool) -> str:
    """Install it, and give the path of maw-runner there. Raises NodeError and FatalError."""
    what = remote_install.plan(target, source)
    say(printable(f"to run on {target.host}: {what.shown()}"))
    if not yes and not confirm(f"Run it on {target.host}?"):
        raise FatalError("nothing was installed", hint="give --yes to install it without being asked")
    remote_install.carry_out(target, what, lambda line: say(printable(f"{target.host}: {line}")))
    command = there.find_runner(target)
    say(printable(f"{target.host} has {command}"))
    return command
