"""What `maw node add` and `rm` do on the node, over the user's own ssh: find the runner, install and remove a key.

ssh may ask for a password or a host key at the terminal; without one it fails instead. Scripts go to `sh -s`, so the
login shell may be any, and what they answer is marked, so that an rc file may print what it likes.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable

from maw.errors import FatalError, NodeError
from maw.link import opensshargs
from maw.link.target import Target

TIMEOUT = 120.0  # seconds; a person may have to type a password
_MARK = "maw-says:"
_CLIENT = 8  # characters
_SAFE = re.compile(r"[^A-Za-z0-9_.-]")

_FIND = r"""
say() { printf '\nmaw-says:%s\n' "$1"; }
try() {
  [ -f "$1" ] && [ -x "$1" ] || return 0
  p=$1
  # A pyenv shim is a shell script that costs 150 ms a call; the program behind it does not.
  case $p in */shims/*) q=$(pyenv which maw-runner 2>/dev/null) && p=$q ;; esac
  say "$(readlink -f "$p" 2>/dev/null || echo "$p")"
  exit 0
}
for dir in "$(command -v maw-runner 2>/dev/null)" "$HOME/.local/bin/maw-runner" \
  "$HOME/.local/share/pipx/venvs/git-maw/bin/maw-runner" "$HOME/.local/share/uv/tools/git-maw/bin/maw-runner" \
  "$HOME/bin/maw-runner" "$HOME/.pyenv/shims/maw-runner" /opt/homebrew/bin/maw-runner /usr/local/bin/maw-runner
do try "$dir"; done
say none
"""

# authorized_keys may be a symlink into somebody's dotfiles; the file behind it is replaced, in one step.
_EDIT = r"""
umask 077
set -e
mkdir -p "$HOME/.ssh"
chmod go-w "$HOME/.ssh"
file=$HOME/.ssh/authorized_keys
real=$(readlink -f "$file" 2>/dev/null || echo "$file")
new=$real.maw.$$
trap 'rm -f "$new"' EXIT
: > "$new"
if [ -f "$real" ]; then
  awk -v blob="$blob" -v tag=" $tag" \
    'index($0, blob) == 0 && substr($0, length($0) - length(tag) + 1) != tag' "$real" > "$new"
fi
if [ -n "$line" ]; then printf '%s\n' "$line" >> "$new"; fi
chmod 600 "$new"
mv "$new" "$real"
printf '\nmaw-says:done\n'
"""


class MissingError(FatalError):
    """There is no maw-runner on the node."""


def find_runner(target: Target) -> str:
    """The absolute, resolved path of maw-runner on the node. Raises NodeError and FatalError."""
    found = run(target, _FIND)
    if found == "none":
        raise MissingError(
            f"there is no maw-runner on {target.host}",
            hint=f"`maw node install {target.node} {target.host}` installs it there with uv or pipx; where it is "
            "already, give its path with --command",
        )
    return found


def install_key(target: Target, public_line: str) -> str:
    """Let maw's key in, restricted to the gate; the line as installed. Doing it twice changes nothing more."""
    line = restricted_line(target.command, public_line)
    run(target, _variables(public_line, line) + _EDIT)
    return line


def remove_key(target: Target, public_line: str) -> None:
    """Take maw's key out of the node's authorized_keys. Raises NodeError."""
    run(target, _variables(public_line, "") + _EDIT)


def restricted_line(command: str, public_line: str) -> str:
    """The authorized_keys line for a key. Raises FatalError for a command that cannot stand in one."""
    if '"' in command or "\\" in command or not command.isprintable():
        raise FatalError(f"not a command for authorized_keys: {command!r}", hint="give a path without quotes")
    return f'command="{command} connect",restrict {public_line}'


def tag(node: str, airhost: str, client: str) -> str:
    """The comment of maw's key, by which the line is known on the node: an older line of that name goes. So it has a
    part of `client` (clientid.word), for many machines have the host name that they came with."""
    return "-".join(filter(None, (f"maw:{node}@{_SAFE.sub('-', airhost) or 'air'}", client[:_CLIENT])))


def _variables(public_line: str, line: str) -> str:
    _, blob, name = public_line.split(None, 2)
    return "".join(f"{key}={shlex.quote(value)}\n" for key, value in (("blob", blob), ("tag", name), ("line", line)))


def run(target: Target, script: str, *, timeout: float = TIMEOUT, tell: Callable[[str], None] | None = None) -> str:
    """Run a script there, and give what it said behind its mark. `tell` gets each line of its stderr as it comes.

    Raises NodeError.
    """
    try:
        with subprocess.Popen(
            _ssh(target), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as process:
            said, errors = _converse(process, script, timeout, tell)
    except FileNotFoundError:
        raise NodeError("unresolved", "there is no ssh here", hint="install OpenSSH's client") from None
    except subprocess.TimeoutExpired:
        raise NodeError(
            "timeout",
            f"`ssh {target.host}` took longer than {timeout:g} s",
            hint=f"does `ssh {target.host}` get to a prompt? It may wait for an answer, or be overloaded",
        ) from None
    marked = [line for line in said.splitlines() if line.startswith(_MARK)]
    if not marked:
        raise _failed(target, process.returncode, errors)
    return marked[-1].removeprefix(_MARK)


def _ssh(target: Target) -> list[str]:
    command = ["ssh", "-T", "-o", "ConnectTimeout=10"]
    command += [] if sys.stdin.isatty() else ["-o", "BatchMode=yes"]
    command += opensshargs.known_by(target.known_hosts) if target.known_hosts else []
    command += ["-l", target.user] if target.user else []
    command += ["-p", str(target.port)] if target.port else []
    return [*command, "--", target.host, "sh -s"]


def _converse(
    process: subprocess.Popen[bytes], script: str, timeout: float, tell: Callable[[str], None] | None
) -> tuple[str, list[str]]:
    """Its stdout, and the last lines of its stderr. Raises TimeoutExpired, the process killed."""
    assert process.stderr is not None
    errors: deque[str] = deque(maxlen=50)
    stderr = process.stderr
    process.stderr = None  # ours from here on, not communicate's

    def drain() -> None:
        with stderr:
            for raw in stderr:
                errors.append(raw.decode("utf-8", "replace").rstrip())
                if tell is not None and errors[-1]:
                    tell(errors[-1])

    thread = threading.Thread(target=drain, daemon=True)
    thread.start()
    try:
        out, _ = process.communicate(script.encode(), timeout=timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    thread.join()
    return out.decode("utf-8", "replace"), [line for line in errors if line]


def _failed(target: Target, code: int, errors: list[str]) -> NodeError:
    reason = f": {errors[-1]}" if errors else ""
    if code == 255:  # ssh's own failure
        return NodeError(
            "refused",
            f"`ssh {target.host}` failed{reason}",
            hint=f"make `ssh {target.host}` work first; maw logs in the way you do, and installs a key of its own",
        )
    return NodeError(
        "refused",
        f"a script on {target.host} failed with code {code}{reason}",
        hint=f"log in with `ssh {target.host}` and mend what it says, then run this again",
    )
