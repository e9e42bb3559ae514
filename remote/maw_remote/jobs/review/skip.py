"""Which files are not reviewed, and why: decided before any token is spent."""

from __future__ import annotations

import re
from collections.abc import Sequence

from maw.change import FileChange
from maw.globs import first_match
from maw.setup import framework
from maw_remote.jobs.review.units import is_judged

LOCK_FILES = frozenset(
    {
        "package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml", "bun.lock", "bun.lockb",
        "poetry.lock", "pdm.lock", "uv.lock", "Pipfile.lock", "conda-lock.yml", "pixi.lock", "Cargo.lock", "go.sum",
        "Gemfile.lock", "composer.lock", "mix.lock", "pubspec.lock", "Podfile.lock", "Package.resolved",
        "packages.lock.json", "gradle.lockfile", "flake.lock", "deno.lock", ".terraform.lock.hcl",
    }
)  # fmt: skip
VENDORED = ("vendor", "vendored", "node_modules", "third_party", "third-party", "bower_components", ".yarn", "Pods")
BUILT = ("dist", "build", "out", "target", "__pycache__", ".next", "coverage")
GENERATED_NAMES = (
    "*.min.js", "*.min.css", "*.map", "*.pb.go", "*.pb.cc", "*.pb.h", "*_pb2.py", "*_pb2.pyi", "*_pb2_grpc.py",
    "*.pb.swift", "*_generated.go", "*.generated.*", "*.gen.go", "*.g.dart", "*.freezed.dart", "*.designer.cs",
    "*.snap", "*.svg", "*.ipynb",
)  # fmt: skip
# Only near the top of a file, where generators write it; this very line must not make a file generated.
_MARKER = re.compile(rb"@" rb"generated\b|\bDO NOT " rb"EDIT\b|\bauto-?generated (by|file|from)\b", re.IGNORECASE)
MARKER_LINES = 12
_LFS = b"version https://git-lfs.github.com/spec/"


def reason(file: FileChange, exclude: Sequence[str], max_bytes: int) -> str | None:
    """Why `file` is not reviewed, in a few words for the user; None when it is."""
    excluded = first_match(file.path, exclude)
    if excluded is not None:
        return f"excluded by {excluded}"
    return _kind(file) or by_name(file.path) or _content(file, max_bytes) or _of_maw(file)


def _kind(file: FileChange) -> str | None:
    if file.is_submodule:
        return "submodule"
    if file.is_symlink:
        return "symbolic link"
    if file.binary:
        return "binary"
    if file.status == "deleted":
        return "deleted"
    if file.status == "mode":
        return "only its mode changed"
    if not file.hunks:
        return {"renamed": "only renamed", "copied": "only copied"}.get(file.status, "empty")
    if not file.added():
        return "nothing added"
    return None if any(map(is_judged, file.added())) else "only blank lines added"


def by_name(path: str) -> str | None:
    """Why a file of this name says nothing that anybody wrote; None when it may."""
    *folders, name = path.strip('"').split("/")
    if name in LOCK_FILES:
        return "lock file"
    for folder in folders:
        if folder in VENDORED:
            return f"vendored ({folder}/)"
    if folders and folders[0] in BUILT:
        return f"build output ({folders[0]}/)"
    generated = first_match(name, GENERATED_NAMES)
    return f"generated ({generated})" if generated else None


def _content(file: FileChange, max_bytes: int) -> str | None:
    size = sum(len(line.text) + 2 for hunk in file.hunks for line in hunk.lines)
    if size > max_bytes:
        return f"too large ({size:,} bytes changed; review.max_file_bytes is {max_bytes:,})"
    added = file.added()
    if added[0].new == 1 and added[0].text.startswith(_LFS):
        return "Git LFS pointer"
    top = [line for line in file.hunks[0].lines if line.new is not None and line.new <= MARKER_LINES]
    if any(_MARKER.search(line.text) for line in top):
        return "generated (it says so)"
    return None


def _of_maw(file: FileChange) -> str | None:
    ours = file.path == framework.CONFIG and framework.is_ours(line.text for line in file.added())
    return "maw's own hooks" if ours else None
