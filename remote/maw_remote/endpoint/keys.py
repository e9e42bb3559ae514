"""`maw-runner keys`: who may use the embedded SSH endpoint."""

from __future__ import annotations

import json

import click

from maw_remote.endpoint import authorized

EPILOG = """\b
Examples:
  maw-runner keys add 'ssh-ed25519 AAAA… maw:pro@air'
  maw-runner keys list
  maw-runner keys rm maw:pro@air
"""


@click.group(epilog=EPILOG)
def keys() -> None:
    """Who may use this machine's embedded SSH endpoint (`maw-runner serve --listen`).

    Each key reaches this account's runner and may read its tasks. OpenSSH's own authorized_keys is another file.
    """


@keys.command()
@click.argument("line")
def add(line: str) -> int:
    """Let a public key in: LINE is `ssh-ed25519 AAAA… NAME`, as `maw node add --endpoint` prints it."""
    key, new = authorized.add(line)
    click.echo(f"{'added' if new else 'known already'}: {key.name} {key.fingerprint}")
    return 0


@keys.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def list_keys(as_json: bool) -> int:
    """List the keys that are let in."""
    found = authorized.load()
    if as_json:
        rows = [{"name": key.name, "type": key.key_type, "fingerprint": key.fingerprint} for key in found]
        click.echo(json.dumps({"v": 1, "keys": rows}))
        return 0
    for key in found:
        click.echo(f"{key.name}  {key.key_type}  {key.fingerprint}")
    if not found:
        click.echo("no keys yet: `maw node add --endpoint` on the other machine prints one to add", err=True)
    return 0


@keys.command()
@click.argument("name")
def rm(name: str) -> int:
    """Take a key out, by NAME or fingerprint. Connections it has open stay until they end."""
    for key in authorized.remove(name):
        click.echo(f"removed: {key.name} {key.fingerprint}")
    return 0
