"""One place where errors become a short line, an exit code and, for a defect, a log made for pasting into an issue."""

from __future__ import annotations

import os
import sys
import traceback

import click

from maw import __version__, errors, paths


def run(command: click.Command, arguments: list[str], *, name: str = "maw") -> int:
    """Run a click command; its exit code. Commands return an int (None counts as 0) or raise."""
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
        _tell("interrupted")
        return errors.INTERRUPTED
    except BrokenPipeError:
        # `maw history | head` is no error. Python would complain again when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return errors.PASS
    except errors.FatalError as exc:
        _tell(exc.message, exc.hint)
        return exc.exit_code
    except Exception:  # noqa: BLE001 - the one place that catches all: what nobody expected is a defect of maw
        return _defect(name, arguments)
    return code if isinstance(code, int) else errors.PASS


def _tell(message: str, hint: str | None = None) -> None:
    click.echo(f"maw: {printable(message)}", err=True)
    if hint:
        click.echo(f"     {printable(hint)}", err=True)


def printable(text: str) -> str:
    """`text` without control characters, those of terminal escapes included; newline and tab stay."""
    return "".join(char if char in "\n\t" or char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)


def _defect(name: str, arguments: list[str]) -> int:
    report = "\n".join(
        [
            f"maw {__version__}, Python {sys.version.split()[0]} on {sys.platform}",
            f"command: {name} {' '.join(arguments)}",
            "",
            traceback.format_exc(),
        ]
    )
    path = os.path.join(paths.state_dir(), "defect.log")
    try:
        paths.make_private_dir(paths.state_dir())
        with open(path, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(report)
    except OSError:
        click.echo(report, err=True)
        _tell("this is a defect in maw; please report it with the text above")
    else:
        last = traceback.format_exception_only(*sys.exc_info()[:2])[-1].strip()
        _tell(f"this is a defect in maw: {last}", f"please report it with {path}")
    return errors.DEFECT
