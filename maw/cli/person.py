"""The person at the terminal, where a command may ask."""

from __future__ import annotations

import sys

import click

from maw.cli.output import printable


class Person:
    """Answers maw.link.auth.Ask at the terminal; without a terminal, nobody answers. `unlocked` tells whether a
    passphrase was typed: a link in the background could not have asked for it."""

    def __init__(self) -> None:
        self.unlocked = False

    def host_key(self, where: str, key_type: str, key_fingerprint: str) -> bool:
        if not _present():
            return False
        click.echo(f"The host key of {printable(where)} is not known yet:\n  {key_type} {key_fingerprint}", err=True)
        click.echo("Compare it with what the host itself shows: ssh-keygen -lf /etc/ssh/ssh_host_….pub", err=True)
        return click.confirm("Is it the same?", default=False, err=True)

    def passphrase(self, path: str) -> str | None:
        if not _present():
            return None
        answer = click.prompt(f"Passphrase of {printable(path)}", hide_input=True, default="", err=True)
        self.unlocked = bool(answer)
        return answer or None


def _present() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty()


def confirm(question: str) -> bool:
    """Ask; without a terminal the answer is no."""
    return _present() and click.confirm(question, default=True, err=True)
