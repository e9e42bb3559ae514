"""`maw connect`: the way to a node in the foreground, where a person can answer what a link may not ask."""

from __future__ import annotations

import click

from maw import errors, reach
from maw.cli import completing
from maw.cli.output import printable, say
from maw.cli.person import Person
from maw.config.load import load
from maw.errors import FatalError
from maw.link import control
from maw.link.probe import Report, probe
from maw.link.target import Target, from_config

_FOREVER = 10 * 365 * 86400.0


@click.command()
@click.argument("node", shell_complete=completing.nodes)
@click.option("--host-key", metavar="SHA256:…", help="The host key to accept, if it is not known yet.")
def connect(node: str, host_key: str | None) -> int:
    """Connect to NODE, answering what it asks: an unknown host key, the passphrase of a key.

    A key without a passphrase, or one that ssh-agent holds, is handed over to the link in the background. One that
    you unlock here stays in this process, which serves as the link until Ctrl-C.

    \b
    Examples:
      maw connect pro
      maw connect pro --host-key SHA256:…
    """
    if node == reach.LOCAL:
        raise FatalError("`local` is this machine's own runner; there is nothing to connect to")
    target = from_config(load(), node)
    person = Person()
    report = probe(target, ask=person, pin=host_key)
    if report.error is not None:
        raise report.error
    if person.unlocked and report.key is not None:  # ssh may have got in without it
        return _serve_here(target, report)
    control.forget_failure(node)
    reach.connect(node).sock.close()
    say(f"{node} is connected, {_took(report)}; its link runs in the background")
    return errors.PASS


def _serve_here(target: Target, report: Report) -> int:
    """Be the link ourselves, with the key that only this process has."""
    from maw.link.lane import Habits
    from maw.link.process import serve

    control.stop(target.node)
    say(f"{target.node} is connected, {_took(report)}, until Ctrl-C")
    say(f"to do without this terminal, load the key into ssh-agent: ssh-add {_key_of(target)}".rstrip())
    return serve(target, Habits(idle_exit=_FOREVER, keys=[report.key]))


def _key_of(target: Target) -> str:
    return printable(target.identity or "")


def _took(report: Report) -> str:
    return f"in {sum(step.seconds for step in report.steps):.1f} s"
