"""What a review is asked for: the change, cut to size, and the task that carries it. Standard library only."""

from __future__ import annotations

import binascii
import json
import os
import time

from maw.git import repo as git_repo
from maw.git.run import git
from maw.light import TYPE_CHECKING, Any, NamedTuple
from maw.review.sieve import Sieve
from maw.secrets import texts
from maw.secrets.texts import Redact, Redacted

if TYPE_CHECKING:
    from maw.config.load import Config

Json = dict[str, Any]

DIFF_MAX = 32 * 1024 * 1024  # bytes of patch that one review takes; files beyond it are left out
FIRST_LOOK = 4 * 1024 * 1024  # bytes of patch up to which nobody asks for the sizes of files beforehand
READ_MAX = 2 * DIFF_MAX  # bytes of patch that are looked through for what of it can be reviewed
_BEYOND = f"the change is larger than {DIFF_MAX} bytes"


class Change(NamedTuple):
    """A change to review. Ids are None where the change is a patch from elsewhere."""

    what: str  # for people: "staged changes", "1a2b3c4d", "a patch"
    diff: bytes
    tree: str | None
    base: str | None  # the tree it is compared with
    head: str | None  # the commit whose change it is; None while it is none
    skipped: tuple[Json, ...]  # {"path", "reason"}: left out already

    @property
    def empty(self) -> bool:
        return not self.diff.strip() and not self.skipped


def staged_change(
    repo: git_repo.Repo, staged: git_repo.Staged, max_file_bytes: int, *, deadline: float | None = None
) -> Change:
    """What a commit would record now, against HEAD. Raises GitError, and GitTimeout past `deadline`, a
    time.monotonic() value."""
    if staged.tree == staged.base:
        return Change("staged changes", b"", staged.tree, staged.base, None, ())
    diff, skipped = sized_diff(repo, staged.base, staged.tree, max_file_bytes, deadline)
    return Change("staged changes", diff, staged.tree, staged.base, None, skipped)


def committed_change(repo: git_repo.Repo, text: str, max_file_bytes: int, *, deadline: float | None = None) -> Change:
    """The change of `COMMIT`, `A..B` or `A...B`. Raises as staged_change does."""
    found = git_repo.resolve_range(repo, text)
    diff, skipped = sized_diff(repo, found.base, found.tree, max_file_bytes, deadline)
    return Change(text, diff, found.tree, found.base, found.head, skipped)


def patch_change(patch: bytes, max_file_bytes: int) -> Change:
    """A patch from elsewhere. Raises change.BadPatch when it is none."""
    from maw.change import parse  # the hook's diffs come from git and need no check

    parse(patch)
    diff, skipped = drop_large_sections(patch, max_file_bytes)
    return Change("a patch", diff, None, None, None, tuple(skipped))


def sized_diff(
    repo: git_repo.Repo, base: str, tree: str, max_file_bytes: int, deadline: float | None = None
) -> tuple[bytes, tuple[Json, ...]]:
    """The patch between two trees without the files too large for it, and those files with the reason.

    A large file is left out by its size, before any text of it is made: a 50 MB file costs seconds and 50 MB of
    patch otherwise. Git itself looks at the size first (core.bigFileThreshold) and prints such a file as binary, so
    a second look is needed only when the patch has binary files.
    """
    # A large file may still have a small change, and it is the change that counts: hence the factor.
    threshold = 16 * max_file_bytes
    diff, whole = git_repo.start_of_diff(
        repo, base, tree, limit=FIRST_LOOK, timeout=_left(deadline), big_file_threshold=threshold
    )
    if not whole:
        return _sieved_diff(repo, base, tree, max_file_bytes, deadline)
    sizes = _sizes(repo, base, tree, deadline) if b"\nBinary files " in diff else {}
    diff, skipped = _without_large_files(diff, sizes, threshold, max_file_bytes)
    diff, more = drop_large_sections(diff, max_file_bytes)
    return diff, tuple(skipped + more)


def _sieved_diff(
    repo: git_repo.Repo, base: str, tree: str, max_file_bytes: int, deadline: float | None
) -> tuple[bytes, tuple[Json, ...]]:
    """Of a patch that is large as a whole. Large parts are let go as they come, so that they crowd out no small one.
    Where there are too many of them to wait for, git reads no file larger than `max_file_bytes`."""
    sizes = _sizes(repo, base, tree, deadline)
    for threshold in (16 * max_file_bytes, max_file_bytes):
        sieve, read = Sieve(max_file_bytes, DIFF_MAX), 0

        def take(part: bytes, sieve: Sieve = sieve) -> bool:
            nonlocal read
            read += len(part)
            return sieve.take(part) and read <= READ_MAX

        whole = git_repo.feed_diff(repo, base, tree, take=take, timeout=_left(deadline), big_file_threshold=threshold)
        if whole:
            sieve.end()
        if whole or sieve.full:
            break
    diff, skipped = _without_large_files(bytes(sieve.kept), sizes, threshold, max_file_bytes)
    skipped += [{"path": section_path(head), "reason": _too_large(size, max_file_bytes)} for head, size in sieve.large]
    if not whole or sieve.full:
        names = {name for head in sieve.heads for name in _names(head)} | {item["path"] for item in skipped}
        skipped += [{"path": path, "reason": _BEYOND} for path in sizes if path not in names]
    return diff, tuple(skipped)


def _without_large_files(
    diff: bytes, sizes: dict[str, int], threshold: int, max_file_bytes: int
) -> tuple[bytes, list[Json]]:
    """`diff` without the files that git told as binary for their size, and those files with the reason."""
    large = {path: size for path, size in sizes.items() if size > threshold}
    skipped = [{"path": path, "reason": _too_large(size, max_file_bytes)} for path, size in large.items()]
    return drop_sections(diff, set(large)), skipped


def _names(head: bytes) -> set[str]:
    """The paths of a section's file, as they were and are."""
    from maw.change import BadPatch, parse  # only for changes with files left out

    try:
        files = parse(head + b"\n")
    except BadPatch:
        return set()
    return {path for file in files for path in (file.path, file.old_path)}


def _left(deadline: float | None) -> float | None:
    """Seconds; git is not even asked for less than nothing."""
    return None if deadline is None else max(deadline - time.monotonic(), 0.001)


def drop_large_sections(diff: bytes, max_file_bytes: int) -> tuple[bytes, list[Json]]:
    """`diff` without the files whose part of it is larger than `max_file_bytes`, or comes after DIFF_MAX bytes, and
    those files with the reason."""
    if len(diff) <= max_file_bytes:
        return diff, []
    from maw.change import sections

    kept: list[bytes] = []
    skipped: list[Json] = []
    total = 0
    for section in sections(diff):
        if len(section) > max_file_bytes:
            skipped.append({"path": section_path(section), "reason": _too_large(len(section), max_file_bytes)})
        elif total + len(section) > DIFF_MAX:
            skipped.append({"path": section_path(section), "reason": _BEYOND})
        else:
            kept.append(section)
            total += len(section)
    return b"".join(kept), skipped


def drop_sections(diff: bytes, names: set[str]) -> bytes:
    if not names:
        return diff
    from maw.change import sections

    return b"".join(section for section in sections(diff) if section_path(section) not in names)


def section_path(section: bytes) -> str:
    """The path of a section's file, from its head alone."""
    from maw.change import BadPatch, parse  # only for changes with files left out

    head, _, _ = section.partition(b"\n@@ ")
    try:
        files = parse(head + b"\n")
    except BadPatch:
        return "?"
    return files[0].path if files else "?"


def _sizes(repo: git_repo.Repo, base: str, tree: str, deadline: float | None) -> dict[str, int]:
    """The paths that differ with their sizes in bytes before or after the change, whichever is larger; 0 for one
    that has the same content under another name or mode."""
    from maw.change import display_path

    names = git_repo.changed_blobs(repo, base, tree, timeout=_left(deadline))
    oids = [oid for pair in names.values() for oid in pair]
    asked = "\n".join(oids).encode("ascii") + b"\n"
    check = ("cat-file", "--batch-check=%(objectsize)")
    answer = git(*check, cwd=repo.root, stdin=asked, timeout=_left(deadline)).split(b"\n")
    sizes = {oid: int(size) if size.isdigit() else 0 for oid, size in zip(oids, answer, strict=False)}
    return {
        display_path(name): max((sizes[oid] for oid in pair), default=0) if len(pair) == len(set(pair)) else 0
        for name, pair in names.items()
    }


def _too_large(size: int, limit: int) -> str:
    return f"too large: {size} bytes, review.max_file_bytes is {limit}"


def payload(change: Change, config: Config, repo_name: str, redact: Redact) -> tuple[Json, Redacted]:
    """The payload of a review task (docs/protocol.md), and what was redacted for it: values of secrets are neither in
    its diff nor in what is said beside it. Raises what `redact` raises."""
    title = f"{repo_name}: {change.head[:12] if change.head else change.what}"
    rules: list[Json] = list(config.values["review.rules"])
    done, (title, *said) = texts.redacted(redact, change.diff, [title, *(rule["text"] for rule in rules)])
    return {
        "v": 1,
        "title": title,
        "tree": change.tree,
        "base": change.base,
        "head": change.head,
        "diff": binascii.b2a_base64(done.diff, newline=False).decode("ascii"),
        "rules": [{**rule, "text": text} for rule, text in zip(rules, said, strict=True)],
        "exclude": list(config.values["review.exclude"]),
        "skipped": list(change.skipped),
        "max_file_bytes": config.values["review.max_file_bytes"],
        "redacted": done.hidden > 0,
    }, done


def task(payload: Json, *, deadline: float | None = None, fresh: bool = False) -> Json:
    """The request that submits a review. `deadline` in seconds from now."""
    request: Json = {"v": 1, "kind": "review", "payload": payload, "priority": "interactive"}
    if deadline is not None:
        request["deadline"] = round(deadline, 3)
    if fresh:
        request["fresh"] = True
    return request


def digest(payload: Json) -> str:
    """A checksum of what determines the findings, but for the node's profile: 8 hex digits.

    It tells two requests about one tree apart, which needs no hash that costs a hook 2 ms to load.
    """
    parts = [payload[key] for key in ("diff", "rules", "exclude", "skipped", "max_file_bytes")]
    return f"{binascii.crc32(json.dumps(parts, sort_keys=True).encode('ascii')):08x}"


def repo_name(repo: git_repo.Repo) -> str:
    """The repository's folder name, for the queue; C-quoted where it is not UTF-8, which JSON could not carry."""
    raw = os.fsencode(os.path.basename(repo.worktree or repo.common_dir.removesuffix("/.git")))
    try:
        return raw.decode("utf-8") or "repository"
    except UnicodeDecodeError:
        from maw.change import quote_path  # hardly ever

        return quote_path(raw)
