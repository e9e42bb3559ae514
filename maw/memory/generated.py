"""Records of kind `generate` in words. Their texts may be a stranger's, and are not made printable here."""

from __future__ import annotations

from typing import Any

from maw.text import count

NAMED = 3  # paths that are named
_STANDS = {"patch": "as it was offered", "lines": "found by its lines"}

Json = dict[str, Any]


def about(data: Json) -> str:
    """What was asked for, and where, on one line."""
    paths = _texts(data, "paths")
    more = f" and {len(paths) - NAMED} more" if len(paths) > NAMED else ""
    where = f" ({', '.join(paths[:NAMED])}{more})" if paths else ""
    return f"{_text(data, 'command')}: {_text(data, 'instruction') or 'no instruction'}{where}"


def facts(data: Json) -> list[str]:
    """What else is worth a line; some may be empty."""
    return [about(data), _landed(data), _hunks(data), _verified(data), _effort(data)]


def _landed(data: Json) -> str:
    landed = data.get("landed")
    if not isinstance(landed, dict):
        return ""
    share, how = landed.get("share"), _STANDS.get(str(landed.get("how")), "")
    part = f"{share:.0%} of its lines are in this commit" if isinstance(share, int | float) else "in this commit"
    return f"{part}, {how}" if how else part


def _hunks(data: Json) -> str:
    hunks = data.get("hunks")
    if not isinstance(hunks, dict) or data.get("status") != "partly":
        return ""
    return f"{hunks.get('accepted')} of {hunks.get('offered')} hunks were taken"


def _verified(data: Json) -> str:
    verify = data.get("verify")
    if not isinstance(verify, dict):
        return ""
    code = verify.get("code")
    ended = f"failed ({code})" if code else "passed" if code == 0 else "took too long"
    return f"verified by `{verify.get('command')}`: {ended}"


def _effort(data: Json) -> str:
    rounds, elapsed = data.get("rounds"), data.get("elapsed_ms")
    if not isinstance(rounds, int) or not isinstance(elapsed, int):
        return ""
    return f"{count(rounds, 'round')}, {elapsed / 1000:.1f} s"


def _text(data: Json, key: str) -> str:
    value = data.get(key)
    return value if isinstance(value, str) else ""


def _texts(data: Json, key: str) -> list[str]:
    value = data.get(key)
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []
