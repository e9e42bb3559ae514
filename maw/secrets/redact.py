"""Redact the values of secrets in a diff. What is left has the same lines, names and structure (docs/security.md)."""

from __future__ import annotations

import hashlib
import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from itertools import groupby
from typing import NamedTuple

from maw.change import display_path, unquote_or_raw
from maw.finding import TEXT_MAX, Finding, finding_id
from maw.globs import first_match
from maw.secrets import MARK, UNIT, blocks, patterns
from maw.secrets.patterns import Found
from maw.secrets.texts import Redacted

FINDINGS_MAX = 100
_SCENARIO = "Whoever gets the repository can use it, and git's history keeps it when a later commit removes it."
_SUGGESTION = (
    "Take it out and read it from the environment or a secret store; if it was pushed before, replace it. "
    "If it is none: `# pragma: allowlist secret` on its line, or secrets.allow (`maw docs security#secrets`)."
)
_HASH, _PATH = "sha256:", "path:"  # prefixes of an entry of secrets.allow
_SPREAD = 500  # values that are looked for in the rest of the change
_SPREAD_MIN = 10  # characters
_WINDOW, _OVERLAP = 4096, 1024  # characters of a long line looked at together
_HUNK = re.compile(r"@@ -\d+(?:,(\d+))? \+(\d+)(?:,(\d+))? @@ ?")
_HEADERS = (
    "diff --git ", "index ", "--- ", "+++ ", "old mode ", "new mode ", "new file mode ", "deleted file mode ",
    "similarity index ", "dissimilarity index ", "rename from ", "rename to ", "copy from ", "copy to ",
    "Binary files ", "GIT binary patch",
)  # fmt: skip
# What a line must have to be looked at: a long text, one of these, or a part of a private key.
_LONG = re.compile(r"[A-Za-z0-9+/_=-]{20,}")
_WORDS = (
    "pass", "pwd", "secret", "token", "key", "credential", "auth", "bearer", "basic ", "contrase", "private", "hvs.",
    "hvb.", "ya29.", "sg.", "akc", "cl_", "cloudant", "softlayer",
)  # fmt: skip
_PRAGMA = re.compile(r"pragma: ?(?:allow|white)list(?:[ -](nextline))?[ -]secret")
_GENERATED = re.compile(
    r"(?:\A|/)(?:[^/]*\.(?:lock|sum|map|svg|snap|ipynb|csv|min\.js|min\.css)|package-lock\.json|npm-shrinkwrap\.json|"
    r"pnpm-lock\.yaml|[^/]*\.lock\.json|Package\.resolved|Cartfile\.resolved|gradle\.lockfile|\.terraform\.lock\.hcl)\Z"
)


class _Line(NamedTuple):
    """A line of the diff whose text, from `start` on, may be changed. `new` is its number when it is an added one."""

    at: int
    start: int
    path: str
    new: int | None
    hunk: int


class _Secret(NamedTuple):
    line: _Line
    found: Found
    value: str


def redact(diff: bytes, allow: Sequence[str] = ()) -> Redacted:
    """`diff` without the values of secrets; `allow` is the setting secrets.allow."""
    # Latin-1 keeps every byte what it is, whatever encodings the files have.
    texts = diff.decode("latin-1").split("\n")
    lines = list(_lines(texts))
    secrets = [secret for secret in _secrets(texts, lines) if not _is_allowed(secret.value, allow)]
    if not secrets:
        return Redacted(diff, 0, ())
    pragmas = {line.at for line in _pragmas(texts, lines)}
    shown = list(texts)
    _hide(shown, secrets)
    _spread(shown, lines, sorted({secret.value for secret in secrets}, key=len, reverse=True)[:_SPREAD])
    findings = _findings(shown, [secret for secret in secrets if secret.line.at not in pragmas], allow)
    return Redacted("\n".join(shown).encode("latin-1"), len(secrets), tuple(findings))


def _lines(texts: Sequence[str]) -> Iterator[_Line]:
    """The lines that may be changed: those of hunks, what stands after their second @@, and text around files."""
    path, hunk = "", 0
    old = new = number = 0
    for at, text in enumerate(texts):
        if old > 0 or new > 0:
            kind = text[:1]
            if kind == "\\":
                continue
            yield _Line(at, 1, path, number if kind == "+" else None, hunk)
            old, new = old - (kind != "+"), new - (kind != "-")
            number += kind != "-"
        elif match := _HUNK.match(text):
            old, new, number = int(match[1] or 1), int(match[3] or 1), int(match[2])
            hunk += 1
            yield _Line(at, match.end(), path, None, -hunk)
        elif text.startswith(_HEADERS):
            path = _path(text) or path
        elif text:
            yield _Line(at, 0, "", None, 0)


def _path(header: str) -> str | None:
    """The file's path, where a line of a header tells it."""
    for mark, prefix in (("+++ ", b"b/"), ("--- ", b"a/")):
        if header.startswith(mark):
            name = header[4:].rstrip("\r").removesuffix("\t").encode("latin-1")
            return None if name == b"/dev/null" else display_path(unquote_or_raw(name).removeprefix(prefix))
    return None


def _secrets(texts: Sequence[str], lines: Sequence[_Line]) -> Iterator[_Secret]:
    """All of them, each place once, in the order of lines."""
    keys = {line.at: found for line, found in _key_lines(texts, lines)}
    for line in _candidates(texts, lines, keys):
        text = texts[line.at]
        found = [*keys.get(line.at, ()), *_in_line(text[line.start :].removesuffix("\r"), line.path)]
        for start, end, kind in _merged(found):
            at, to = line.start + start, line.start + end
            if MARK not in text[max(at - 1, 0) : to + 1]:  # redacted before
                yield _Secret(line, Found(at, to, kind), text[at:to])


def _candidates(texts: Sequence[str], lines: Sequence[_Line], keys: dict[int, list[Found]]) -> list[_Line]:
    """The few lines that are worth a closer look. Searching the whole text for each word is what makes it fast."""
    whole = "\n".join(texts)
    lowered = whole.lower() if len(whole.lower()) == len(whole) else whole
    starts = [0]
    for text in texts:
        starts.append(starts[-1] + len(text) + 1)
    wanted = set(keys)
    for match in _LONG.finditer(whole):
        wanted.add(bisect_right(starts, match.start()) - 1)
    for word in _WORDS:
        at = lowered.find(word)
        while at >= 0:
            line = bisect_right(starts, at) - 1
            wanted.add(line)
            at = lowered.find(word, starts[line + 1])
    at = whole.find("://")
    while at >= 0:
        line = bisect_right(starts, at) - 1
        if "@" in texts[line]:
            wanted.add(line)
        at = whole.find("://", starts[line + 1])
    return [line for line in lines if line.at in wanted]


def _key_lines(texts: Sequence[str], lines: Sequence[_Line]) -> Iterator[tuple[_Line, list[Found]]]:
    for _, group in groupby((line for line in lines if line.hunk >= 0), key=lambda line: line.hunk):
        hunk = list(group)
        content = [texts[line.at][line.start :] for line in hunk]
        if not blocks.possible("\n".join(content), hunk[0].path):
            continue
        found: dict[int, list[Found]] = {}
        for at, part in blocks.in_hunk(content, hunk[0].path):
            found.setdefault(at, []).append(part)
        yield from ((hunk[at], parts) for at, parts in found.items())


def _in_line(text: str, path: str) -> Iterator[Found]:
    generated = _GENERATED.search(path) is not None
    for start in range(0, max(len(text) - _OVERLAP, 1), _WINDOW - _OVERLAP):
        window = text[start : start + _WINDOW]
        for found in patterns.in_line(window, path, generated=generated):
            end = found.end + start
            end = patterns.end_of(text, end) if found.end == len(window) else end
            yield Found(found.start + start, end, found.kind)


def _merged(found: list[Found]) -> list[Found]:
    """Places that overlap as one, of the kind that begins first."""
    merged: list[Found] = []
    for part in sorted(found, key=lambda part: part[:2]):  # a pattern's own kind comes before a name's
        if merged and part.start < merged[-1].end:
            merged[-1] = merged[-1]._replace(end=max(merged[-1].end, part.end))
        elif part.end > part.start:
            merged.append(part)
    return merged


def _hide(shown: list[str], secrets: Sequence[_Secret]) -> None:
    for line, found, _ in reversed(secrets):
        text = shown[line.at]
        shown[line.at] = text[: found.start] + MARK + text[found.end :]


def _spread(shown: list[str], lines: Sequence[_Line], values: Sequence[str]) -> None:
    """Hide the same values wherever else they stand in the change, whatever is around them there."""
    whole = "\n".join(shown)
    again = [value for value in values if len(value) >= _SPREAD_MIN and value in whole]
    if not again:
        return
    for line in lines:
        text = shown[line.at]
        for value in again:
            if value in text:
                text = text[: line.start] + text[line.start :].replace(value, MARK)
        shown[line.at] = text


def _is_allowed(value: str, allow: Sequence[str]) -> bool:
    """Whether the user says that it is none: by a glob over the value, or by its SHA-256 (12 digits or more)."""
    for entry in allow:
        if entry.startswith(_HASH):
            wanted = entry.removeprefix(_HASH).lower()
            digest = hashlib.sha256(value.encode("latin-1")).hexdigest()
            if len(wanted) >= 12 and digest.startswith(wanted):
                return True
        elif not entry.startswith(_PATH) and fnmatchcase(value, entry):
            return True
    return False


def _pragmas(texts: Sequence[str], lines: Sequence[_Line]) -> Iterator[_Line]:
    """The lines whose comment, or whose predecessor's, says that what stands there is no secret."""
    after = False
    for line in lines:
        match = _PRAGMA.search(texts[line.at])
        if after or (match is not None and match[1] is None):
            yield line
        after = match is not None and match[1] is not None


def _findings(shown: Sequence[str], secrets: Sequence[_Secret], allow: Sequence[str]) -> Iterator[Finding]:
    """A finding for each added line with a secret; of a private key for its first line."""
    globs = [entry.removeprefix(_PATH) for entry in allow if entry.startswith(_PATH)]
    told: set[int] = set()
    key = (0, -2)  # hunk and line of the key that is being told
    for line, found, _ in secrets:
        if line.new is None or first_match(line.path, globs) is not None:
            continue
        goes_on = found.kind == blocks.KIND and key[0] == line.hunk and line.new - key[1] <= 3
        if found.kind == blocks.KIND:
            key = (line.hunk, line.new)
        if line.at in told or goes_on or len(told) >= FINDINGS_MAX:
            continue
        told.add(line.at)
        yield _finding(line, found.kind, shown[line.at][1:])


def _finding(line: _Line, kind: str, quote: str) -> Finding:
    assert line.new is not None
    quote = quote.rstrip("\r").encode("latin-1").decode("utf-8", "replace")[:TEXT_MAX]
    title = f"A secret is added ({kind})"
    return Finding(
        id=finding_id(line.path, quote, title),
        path=line.path,
        line=line.new,
        end_line=line.new,
        severity="critical",
        category="security",
        title=title,
        scenario=_SCENARIO,
        suggestion=_SUGGESTION,
        replacement=None,
        quote=quote,
        confidence=None,
        unit=UNIT,
    )
