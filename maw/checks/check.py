"""One answer of the doctor."""

from __future__ import annotations

from typing import Literal, NamedTuple

State = Literal["ok", "warn", "fail"]


class Check(NamedTuple):
    """`fail`: something that was asked for does not work. `warn`: it works, but not as well as it could."""

    what: str
    state: State
    found: str
    mend: str | None = None


def ok(what: str, found: str) -> Check:
    return Check(what, "ok", found)


def warn(what: str, found: str, mend: str) -> Check:
    return Check(what, "warn", found, mend)


def fail(what: str, found: str, mend: str) -> Check:
    return Check(what, "fail", found, mend)
