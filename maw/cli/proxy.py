"""`maw proxy`: the node's models for an editor, on a loopback port."""

from __future__ import annotations

import click

from maw import errors
from maw.cli.options import named_node, node_option
from maw.cli.output import print_json, say
from maw.proxy import token
from maw.proxy.serve import serve

PORT = 7723


@click.command()
@click.option("--port", type=click.IntRange(0, 65535), default=PORT, show_default=True, help="0 takes a free one.")
@node_option("The node whose models to offer.")
@click.option("--token", "show_token", is_flag=True, help="Print the token that clients give as API key, and exit.")
@click.option("--rotate", is_flag=True, help="Make a new token, which counts at once, and exit.")
@click.option("--json", "as_json", is_flag=True, help="Print {v, base_url, token_file, node} once it listens.")
def proxy(port: int, node: str | None, show_token: bool, rotate: bool, as_json: bool) -> int:
    """Offer the node's models to your editor: as OpenAI's API, on this machine only, until Ctrl-C.

    Clients need the base URL that is printed, and the token as their API key (`maw docs ide` has examples). Only /v1
    passes: no task, no file and no setting of the node can be reached.

    \b
    Examples:
      maw proxy
      maw proxy --port 9000 --node pro
      export OPENAI_API_KEY="$(maw proxy --token)"
    """
    if rotate or show_token:
        return _token(new=rotate, show=show_token)
    name = named_node(node)
    token.read()

    def started(bound: int) -> None:
        url = f"http://127.0.0.1:{bound}/v1"
        if as_json:
            print_json({"v": 1, "base_url": url, "token_file": token.path(), "node": name})
        else:
            click.echo(url)
            say(f"the models of {name}, until Ctrl-C; the API key is what `maw proxy --token` prints")

    serve(name, port, started)
    return errors.PASS


def _token(*, new: bool, show: bool) -> int:
    if new:
        token.rotate()
        say("a new token counts from now on; give it to your editors: `maw proxy --token`")
    if show:
        click.echo(token.read())
    return errors.PASS
