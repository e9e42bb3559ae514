"""maw's hooks for a project that uses pre-commit: one a stage in its .pre-commit-config.yaml, and the hook types.

The file is the project's and shared, so the entry names no path of this machine, and lets a commit pass with one line
where maw is not installed. It is edited as text: what was there stays as it was, byte for byte.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from typing import Any, NamedTuple

from maw import files
from maw.errors import FatalError
from maw.git.repo import Repo
from maw.git.run import line, try_line
from maw.setup import journal, precommit
from maw.setup.precommit import Program

CONFIG = ".pre-commit-config.yaml"


class Hook(NamedTuple):
    """An entry of .pre-commit-hooks.yaml. `told`: its output is shown though it passed; `file`: git's message file
    comes as an argument."""

    id: str
    stage: str
    told: bool = False
    file: bool = False

    @property
    def text(self) -> str:
        """The lines of a list item."""
        missing = _MISSING if self.stage == "pre-commit" else ""
        lines = [
            f"id: {self.id}",
            f"name: {self.id.replace('-', ' ')}",
            f"entry: {_ENTRY.format(missing=missing, stage=self.stage)}",
            "language: system",
            f"stages: [{self.stage}]",
            "always_run: true",
            *(["pass_filenames: false"] if not self.file else []),
            "require_serial: true",
            *(["verbose: true"] if self.told else []),
        ]
        return "  - " + "\n    ".join(lines) + "\n"


# Where maw is not installed a colleague's commit passes, with one line.
_MISSING = 'echo "maw is not installed here, so nothing is reviewed"; '
_ENTRY = """>-
      sh -c 'command -v maw-hook >/dev/null || {{ {missing}exit 0; }};
      exec maw-hook "$0" "$@"' {stage}"""
HOOKS = (
    Hook("maw-review", "pre-commit", told=True),
    Hook("maw-record", "post-commit"),
    Hook("maw-message", "prepare-commit-msg", file=True),
    Hook("maw-message-check", "commit-msg", told=True, file=True),
    Hook("maw-push", "pre-push", told=True),
)
HOOK_TYPES = tuple(hook.stage for hook in HOOKS)
_MARK = f"id: {HOOKS[0].id}"
_ITEM = "- repo: local\n  hooks:\n" + "".join(hook.text for hook in HOOKS)
# Without it each hook of the project that names no `stages` runs at every type that is installed: five times a commit.
STAGES = "default_stages: [pre-commit]"
_NEW_HEAD = f"default_install_hook_types: [{', '.join(HOOK_TYPES)}]\n{STAGES}\nrepos:\n"


def apply(repo: Repo, worktree: str, *, stages: bool = False) -> list[str]:
    """Add the hooks, with `stages` also the line STAGES, and install the hook types; a line for each change. Raises
    FatalError."""
    program = precommit.needed()
    _need_room(repo)
    done = _add_to_config(repo, worktree, program)
    if stages and lacks_stages(worktree):
        done += _add_stages(repo, worktree, program)
    return done + _install_types(repo, worktree, program)


def is_ours(lines: Iterable[bytes]) -> bool:
    """Whether these lines of the project's file are hooks of maw's as apply writes them, and nothing else: they tell a
    reviewer nothing."""
    ours = {text.strip() for text in (_NEW_HEAD + _ITEM).splitlines()}
    found = {line.decode("utf-8", "replace").strip() for line in lines} - {""}
    return found <= ours and any(f"- id: {hook.id}" in found for hook in HOOKS)


def listed(worktree: str | None) -> frozenset[str]:
    """The hook types at which the project's configuration has maw run."""
    text = _read(worktree)
    return frozenset(
        hook.stage
        for hook in HOOKS
        if re.search(rf"^[ \t{{-]*id:[ \t]*['\"]?{hook.id}['\"]?[ \t]*([,}}#]|$)", text, re.MULTILINE)
    )


def lacks_stages(worktree: str | None) -> bool:
    """Whether hooks of the project that name no `stages` would run at each hook type, since the file sets none."""
    text = _read(worktree)
    return bool(text.strip()) and re.search(r"^default_stages[ \t]*:", text, re.MULTILINE) is None


def _read(worktree: str | None) -> str:
    """The project's file, for a look; empty where there is none that we would write to."""
    try:
        return (_text(os.path.join(worktree, CONFIG)) or "") if worktree else ""
    except FatalError:
        return ""


def take_back_config(entry: journal.Entry) -> str | None:
    """Remove what apply put into the file; None when it is gone already."""
    path, block = str(entry["path"]), str(entry["block"])
    try:
        text = _text(path) or ""
    except FatalError as exc:
        return f"{exc.message}; remove maw's hooks from it by hand"
    if block not in text:
        return (
            f"{path}: the maw hooks were changed since; remove them by hand"
            if _MARK in text and _MARK in block
            else None
        )
    if entry["created"] and text == block:
        os.unlink(path)
        return f"{path} removed"
    _write(path, text.replace(block, "", 1))
    what = "maw's hooks" if _MARK in block else block.strip()
    return f"{path}: {what} removed"


def take_back_type(repo: Repo, entry: journal.Entry) -> str | None:
    """Remove a hook script of pre-commit's that init had installed; one it found there before comes back."""
    hook_type = str(entry["type"])
    if not os.path.exists(_hook_path(repo, hook_type)):
        return None
    program = precommit.found()
    if program is None:
        return f"{_hook_path(repo, hook_type)} stays: pre-commit, which would remove it, is gone"
    program.run(repo.root, "uninstall", "--hook-type", hook_type)
    return f"pre-commit's {hook_type} hook removed"


def block(item: str, indent: str) -> str:
    """Our list item, indented as the file's other ones are."""
    return "".join(indent + text for text in item.splitlines(keepends=True))


def with_hooks(text: str) -> tuple[str, str]:
    """The file's new text, and the part of it that is new. Raises FatalError when `repos:` cannot be found."""
    if not text.strip():
        made = _NEW_HEAD + _ITEM
        return text + made, made
    head = re.search(r"^repos:[ \t]*(#.*)?\n", text, re.MULTILINE)
    if head is None:
        raise FatalError(
            f"{CONFIG} has no list `repos:` that a line can be added to",
            hint="see `maw docs hooks` for the lines to add by hand",
        )
    rest = text[head.end() :]
    first = re.search(r"^([ ]*)-", rest, re.MULTILINE)
    following = re.search(r"^[A-Za-z_]", rest, re.MULTILINE)
    at = head.end() + following.start() if following else len(text)
    before = text[:at]
    new = ("" if before.endswith("\n") else "\n") + block(_ITEM, first[1] if first else "")
    return before + new + text[at:], new


def _add_to_config(repo: Repo, worktree: str, program: Program) -> list[str]:
    path = os.path.join(worktree, CONFIG)
    old = _text(path)
    text = old or ""
    if _MARK in text:
        return []
    new, added = with_hooks(text)
    precommit.validate(program, new)
    _check(text, new)
    journal.note(repo, {"what": "pre-commit-config", "path": path, "block": added, "created": old is None})
    _write(path, new)
    return [f"{CONFIG}: hooks {', '.join(hook.id for hook in HOOKS)} added"]


def _add_stages(repo: Repo, worktree: str, program: Program) -> list[str]:
    path, added = os.path.join(worktree, CONFIG), STAGES + "\n"
    new = re.sub(r"^repos:", lambda found: added + found[0], _text(path) or "", count=1, flags=re.MULTILINE)
    precommit.validate(program, new)
    journal.note(repo, {"what": "pre-commit-config", "path": path, "block": added, "created": False})
    _write(path, new)
    return [f"{CONFIG}: {STAGES} added"]


def _install_types(repo: Repo, worktree: str, program: Program) -> list[str]:
    said = []
    for hook_type in HOOK_TYPES:
        path = _hook_path(repo, hook_type)
        if _is_installed(path):
            continue
        journal.note(repo, {"what": "pre-commit-type", "type": hook_type})
        program.run(worktree, "install", "--hook-type", hook_type)
        said.append(f"pre-commit's {hook_type} hook installed")
    return said


def _is_installed(path: str) -> bool:
    """Whether the hook at `path` is pre-commit's."""
    try:
        return b"pre-commit.com" in (files.read_bounded(path, follow=True) or b"")
    except files.UnfitFile:
        return False


def _text(path: str) -> str | None:
    """The project's file as text, None when there is none. Raises FatalError for what cannot be edited."""
    try:
        raw = files.read_bounded(path)
        return None if raw is None else raw.decode("utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        why = exc.strerror if isinstance(exc, OSError) else "it is not UTF-8"
        raise FatalError(
            f"{path} cannot be edited: {why}", hint="see `maw docs hooks` for the lines to add by hand"
        ) from exc


def _check(old: str, new: str) -> None:
    """The edit must add one entry to `repos` and change nothing else. Where pre-commit is a program of its own there
    is nothing here to read YAML with; that it can read the result is known by then."""
    try:
        import yaml  # comes with pre-commit
    except ImportError:
        return
    try:
        before: Any = yaml.safe_load(old) or {}
        after: Any = yaml.safe_load(new)
        if before:
            same = {**after, "repos": after["repos"][:-1]} == {**before, "repos": before["repos"] or []}
        else:
            same = len(after["repos"]) == 1
    except (yaml.YAMLError, TypeError, KeyError) as exc:
        raise FatalError(f"{CONFIG} is not what pre-commit reads: {exc}") from exc
    if not same:
        raise FatalError(
            f"{CONFIG} has a form that maw cannot edit", hint="see `maw docs hooks` for the lines to add by hand"
        )


def _need_room(repo: Repo) -> None:
    """pre-commit installs nothing while core.hooksPath is set. Found out here, before anything is written."""
    origin = try_line("config", "--show-origin", "--get", "core.hooksPath", cwd=repo.root) or ""
    where, _, directory = origin.partition("\t")
    if not directory or all(_has_type(repo, hook_type) for hook_type in HOOK_TYPES):
        return
    raise FatalError(
        f"core.hooksPath is {directory} (set in {where.removeprefix('file:')}), so pre-commit installs no hooks",
        hint="unset it first, or run `maw init` without --framework",
    )


def _has_type(repo: Repo, hook_type: str) -> bool:
    return b"pre-commit.com" in (files.read_optional(_hook_path(repo, hook_type)) or b"")


def _hook_path(repo: Repo, hook_type: str) -> str:
    hooks = line("rev-parse", "--git-path", "hooks", cwd=repo.root)
    return os.path.join(repo.root, hooks, hook_type)


def _write(path: str, text: str) -> None:
    mode = os.stat(path).st_mode & 0o777 if os.path.exists(path) else None
    files.write_atomic(path, text.encode("utf-8"), mode=mode or 0o666)
