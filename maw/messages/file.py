"""The file that git's editor opens: what in it is a message, and where a suggestion goes. Bytes in, bytes out.

A suggestion is put in front of everything and nothing else is touched, so that taking it away gives back the file byte
for byte. Standard library only (hook path).
"""

from __future__ import annotations

from maw.git.repo import Repo
from maw.git.run import GitError, git
from maw.light import NamedTuple

SCISSORS = b" ------------------------ >8 ------------------------"  # after the comment string (wt-status.c)
_CANDIDATES = b"#;@!$%^&|:"  # what core.commentChar=auto chooses from (builtin/commit.c)
_STRIPS = ("strip", "default", "")  # values of commit.cleanup with which comments go, in an editor


class Settings(NamedTuple):
    """What git's configuration says about messages. `comment`: what a comment begins with; None: chosen for each file
    (auto). `strips`: whether comments are taken out of what the editor gives back."""

    comment: bytes | None = b"#"
    encoding: str = "UTF-8"
    strips: bool = True


def settings(repo: Repo) -> Settings:
    """Read by one git process. Raises GitError."""
    asked = r"^(core\.comment(char|string)|i18n\.commitencoding|commit\.cleanup)$"
    try:
        output = git("config", "-z", "--get-regexp", asked, cwd=repo.root)
    except GitError as exc:
        if exc.code != 1:  # 1: none of them is set
            raise
        return Settings()
    comment, found = b"#", {}
    for entry in output.split(b"\0"):
        name, _, value = entry.partition(b"\n")
        if name.startswith(b"core.comment"):  # two names of one setting (git 2.45): the last one counts
            comment = value
        found[name] = value.decode("utf-8", "replace")
    return Settings(
        None if comment == b"auto" else comment or b"#",
        found.get(b"i18n.commitencoding", "UTF-8"),
        found.get(b"commit.cleanup", "").lower() in _STRIPS,
    )


def comment_of(content: bytes, set_to: bytes | None) -> bytes:
    """What comments begin with in this file. With `auto` git chose it for what was in the file before its own
    comments, which stand last."""
    if set_to is not None:
        return set_to
    for line in content.split(b"\n"):
        if line.endswith(SCISSORS) and len(line) == len(SCISSORS) + 1:
            return line[:1]
    lines = [line for line in content.split(b"\n") if line.strip()]
    last = lines[-1][:1] if lines else b"#"
    return last if last and last in _CANDIDATES else b"#"


def above_scissors(content: bytes, comment: bytes) -> bytes:
    """What can be a message: all before the scissors line, below which commit.verbose shows the change."""
    line = comment + SCISSORS + b"\n"
    if content.startswith(line):
        return b""
    at = content.find(b"\n" + line)
    return content if at < 0 else content[: at + 1]


def message(content: bytes, comment: bytes, *, strips: bool = True) -> bytes:
    """The message as git would take it: without comments, blank lines at its ends, and doubled ones."""
    lines = [line.rstrip() for line in above_scissors(content, comment).split(b"\n")]
    if strips:
        lines = [line for line in lines if not line.startswith(comment)]
    kept: list[bytes] = []
    for line in lines:
        if line or (kept and kept[-1]):
            kept.append(line)
    text = b"\n".join(kept).strip(b"\n")
    return text + b"\n" if text else b""


def has_text(content: bytes, comment: bytes) -> bool:
    """Whether somebody wrote something already; trailers, which `git commit -s` adds, are nothing of the kind."""
    from maw.messages.profile import split  # with its expressions

    text = message(content, comment).decode("utf-8", "replace")
    found = split(f"subject\n\n{text}")
    return bool(found.body)


def block(suggestion: bytes, content: bytes, comment: bytes) -> bytes:
    """The bytes to put in front of `content`: the suggestion, apart from text that follows."""
    first = content.split(b"\n", 1)[0].strip()
    apart = b"" if not first or first.startswith(comment) else b"\n"
    return suggestion.rstrip(b"\n") + b"\n" + apart


def without(content: bytes, added: bytes) -> bytes:
    """The file as it was before `added`, a block, came in front of it; as it is where the block is there no more."""
    return content.removeprefix(added)


def comments(lines: list[str], comment: bytes) -> bytes:
    """Lines for people, that git takes out again."""
    return b"".join(comment + b" " + line.encode("utf-8", "replace") + b"\n" for line in lines)


def encoded(text: str, encoding: str) -> bytes | None:
    """A suggestion as bytes of a repository's encoding; None where it cannot be written in it."""
    try:
        if encoding.upper() not in ("UTF-8", "UTF8"):
            text = "".join(_PLAIN.get(char, char) for char in text)
        return text.encode(encoding)
    except (LookupError, UnicodeError):
        return None


def decoded(content: bytes, encoding: str) -> str:
    try:
        return content.decode(encoding, "replace")
    except LookupError:
        return content.decode("utf-8", "replace")


_PLAIN = {"\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"', "\u2013": "-", "\u2014": "-", "\u2026": "..."}
