"""`maw completion`: a script that lets a shell ask maw how a word may end."""

from __future__ import annotations

import click

from maw import errors
from maw.errors import FatalError

# `git maw …` completes as `maw …` does: git's own completion calls a function of this name, in bash with nospace set.
_UNDER_GIT = {
    "bash": """
_git_maw() {
    local at=1
    while [[ $at -lt $COMP_CWORD && ${COMP_WORDS[at]} != maw ]]; do ((at++)); done
    local -a rest=("${COMP_WORDS[@]:at}")
    local -a COMP_WORDS=("${rest[@]}")
    local COMP_CWORD=$((COMP_CWORD - at))
    compopt +o nospace
    _maw_completion maw
}
""",
    "zsh": """
_git-maw() { _maw_completion "$@" }
""",
}


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> int:
    """Print a completion script for your shell. In bash and zsh `git maw` is completed, too.

    \b
    Examples:
      maw completion bash >> ~/.bashrc
      maw completion zsh >> ~/.zshrc
      maw completion fish > ~/.config/fish/completions/maw.fish
    """
    click.echo(script(shell=shell))
    return errors.PASS


def script(*, shell: str) -> str:
    """The script for bash (4.4 or later), zsh or fish. Raises FatalError for another shell."""
    from click.shell_completion import get_completion_class  # only this command needs it

    from maw.cli.main import maw

    kind = get_completion_class(shell)
    if kind is None:
        raise FatalError(f"no completion for {shell}", hint="there is one for bash, zsh and fish")
    made = kind(maw, {}, "maw", "_MAW_COMPLETE")
    # Not source(): for bash it runs the bash on PATH to see its version, and warns where that is not the user's.
    text: str = made.source_template % made.source_vars()
    return text + _UNDER_GIT.get(shell, "")
