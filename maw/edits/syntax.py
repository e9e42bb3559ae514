"""Whether a file that was right is still right after an edit. A language is a function from text to what is wrong.

Python, JSON and TOML are read by the standard library; nothing is run. More languages are added to a copy of CHECKERS.
"""

from __future__ import annotations

import json
import os
import tomllib
import warnings
from collections.abc import Callable, Mapping
from typing import NamedTuple


class Problem(NamedTuple):
    """`line` from 1, None where the reader does not tell."""

    line: int | None
    message: str


Checker = Callable[[str], Problem | None]


def python(text: str) -> Problem | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(text, "edited", "exec", dont_inherit=True)
    except SyntaxError as exc:
        return Problem(exc.lineno, exc.msg)
    except (RecursionError, MemoryError, ValueError, OverflowError) as exc:  # nested too deep, or what is no source
        return Problem(None, str(exc) or "it is nested too deep")
    return None


def json_text(text: str) -> Problem | None:
    try:
        json.loads(text)
    except json.JSONDecodeError as exc:
        return Problem(exc.lineno, exc.msg)
    except RecursionError:
        return Problem(None, "it is nested too deep")
    except ValueError as exc:  # an integer with more digits than Python reads
        return Problem(None, str(exc))
    return None


def toml(text: str) -> Problem | None:
    try:
        tomllib.loads(text.replace("\r\n", "\n"))
    except tomllib.TOMLDecodeError as exc:
        return Problem(None, str(exc))
    except RecursionError:
        return Problem(None, "it is nested too deep")
    return None


CHECKERS: Mapping[str, Checker] = {".py": python, ".pyi": python, ".json": json_text, ".toml": toml}


def broken(path: str, old: str | None, new: str, checkers: Mapping[str, Checker] = CHECKERS) -> Problem | None:
    """What is wrong now and was not before; None also for a language that nobody reads here."""
    checker = checkers.get(os.path.splitext(path)[1].lower())
    problem = checker(new) if checker is not None else None
    if checker is None or problem is None or (old is not None and checker(old) is not None):
        return None
    return problem
