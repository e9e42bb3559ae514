"""`maw-runner install-service | uninstall-service`."""

from __future__ import annotations

import sys

import click

from maw import errors
from maw.cli.output import printable, say
from maw.errors import FatalError
from maw_remote import control, service
from maw_remote.service import manager


@click.command(name="install-service")
@click.option("--print", "only_print", is_flag=True, help="Print the service's file and change nothing.")
def install_service(only_print: bool) -> int:
    """Have the runner started by the user's own service manager: systemd (Linux, WSL2) or launchd (macOS).

    Needs no root. The file names this Python and this state directory by their absolute paths, so install again when
    one of them moves. Without a service the runner starts with the first connection that needs it.

    \b
    Examples:
      maw-runner install-service
      maw-runner install-service --print
    """
    found = _manager()
    ours = manager.service()
    if only_print:
        click.echo(printable(found.text(ours)), nl=False)
        return errors.PASS
    trouble = found.trouble()
    if trouble is not None:
        raise trouble
    if control.stop():
        say("the runner that was there has stopped; what it worked on is back in the queue")
    for line in found.install(ours):
        say(line)
    say(f"the runner listens (pid {control.holder()})")
    return errors.PASS


@click.command(name="uninstall-service")
def uninstall_service() -> int:
    """Stop the service and take it back; what the runner worked on goes back into the queue.

    The runner starts on demand again afterwards.

    \b
    Examples:
      maw-runner uninstall-service
    """
    for line in _manager().uninstall() or ["no service was installed"]:
        say(line)
    return errors.PASS


def _manager() -> manager.Manager:
    found = service.here()
    if found is None:
        raise FatalError(
            f"maw knows no service manager on {sys.platform}",
            hint="have whatever starts programs there run `maw-runner start --foreground`",
        )
    return found
