"""One place where errors become a short line, an exit code and, for a defect, a log made for pasting into an issue."""

from __future__ import annotations

import errno
import os
import sys
import traceback

import click

from maw import defect, errors
from maw.cli.ending import Ending, as_interrupts
from maw.text import printable

_NO_ROOM = {errno.ENOSPC, errno.EDQUOT}  # a write that fails does not name its file


def run(command: click.Command, arguments: list[str], *, name: str = "maw") -> int:
    """Run a click command; its exit code. Commands return an int (None counts as 0) or raise."""
    with as_interrupts() as ending:
        return _run(command, arguments, name, ending)


def _run(command: click.Command, arguments: list[str], name: str, ending: Ending) -> int:
    try:
        code = command.main(args=arguments, prog_name=name, standalone_mode=False)
        sys.stdout.flush()
    except click.exceptions.Exit as exc:
        return exc.exit_code
    except click.UsageError as exc:
        exc.show()
        return errors.USAGE
    except click.ClickException as exc:
        exc.show()
        return exc.exit_code
    except (KeyboardInterrupt, click.Abort):
        _tell(ending.words)
        return ending.exit_code
    except (BrokenPipeError, SystemExit) as exc:
        if not unread(exc):
            raise
        hush()
        return errors.PASS  # `maw history | head` is no error
    except errors.FatalError as exc:
        _tell(exc.message, exc.hint)
        return exc.exit_code
    except OSError as exc:
        if exc.filename is None and exc.errno not in _NO_ROOM:
            return _defect(name, arguments)
        # A file that is in the way, not readable or on a full disk: whoever has it can mend that.
        _tell(f"{os.fsdecode(exc.filename)}: {exc.strerror}" if exc.filename else str(exc.strerror))
        return errors.USAGE
    except Exception:  # noqa: BLE001 - the one place that catches all: what nobody expected is a defect of maw
        return _defect(name, arguments)
    return code if isinstance(code, int) else errors.PASS


def unread(exc: BaseException) -> bool:
    """Whether nobody reads our output any more. click and rich make a SystemExit of it."""
    return isinstance(exc, BrokenPipeError) or isinstance(exc.__context__, BrokenPipeError)


def hush() -> None:
    """Write no more to standard output; Python would complain again when it flushes at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def _tell(message: str, hint: str | None = None) -> None:
    click.echo(f"maw: {_indented(message)}", err=True)
    if hint:
        click.echo(f"     {_indented(hint)}", err=True)


def _indented(text: str) -> str:
    """What a node or a file says may have several lines; none of them looks like one of ours."""
    return printable(text).replace("\n", "\n     ")


def _defect(name: str, arguments: list[str]) -> int:
    last = traceback.format_exception_only(*sys.exc_info()[:2])[-1].strip()
    try:
        path = defect.write_report([name, *arguments])
    except OSError:
        click.echo(defect.report([name, *arguments]), err=True)
        _tell("this is a defect in maw; please report it with the text above")
    else:
        _tell(f"this is a defect in maw: {last}", f"please report it with {path}")
    return errors.DEFECT
