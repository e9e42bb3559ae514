"""Which files are no part of a map, and why: what nobody wrote by hand, and what is no text. Standard library only."""

from __future__ import annotations

import fnmatch
import re

SIZE_MAX = 512 * 1024  # bytes; source that people write comes nowhere near
_LINE_MAX = 10_000  # bytes; longer ones are minified
FOLDERS = frozenset({
    "vendor", "vendored", "node_modules", "third_party", "third-party", "bower_components", ".yarn", "Pods",
    "__pycache__", ".next",
})  # fmt: skip
NAMES = (
    "*.min.js", "*.pb.go", "*.pb.cc", "*.pb.h", "*_pb2.py", "*_pb2.pyi", "*_pb2_grpc.py", "*.pb.swift",
    "*_generated.go", "*.generated.*", "*.gen.go", "*.g.dart", "*.freezed.dart", "*.designer.cs",
)  # fmt: skip
_NAMES = re.compile(
    "|".join(f"({fnmatch.translate(glob)})" for glob in NAMES)
)  # one for all: every file is asked about
# Only at the top of a file, where generators write it; this very line must not make a file generated.
_MARKER = re.compile(rb"@" rb"generated\b|\bDO NOT " rb"EDIT\b|\bauto-?generated (by|file|from)\b", re.IGNORECASE)
_TOP = 1024


def by_name(path: str) -> str:
    """Why a file of this name is left out; '' where it is not."""
    *folders, name = path.split("/")
    folder = next((folder for folder in folders if folder in FOLDERS), None)
    if folder is not None:
        return f"vendored ({folder}/)"
    match = _NAMES.match(name)
    return f"generated ({NAMES[(match.lastindex or 1) - 1]})" if match else ""


def by_content(data: bytes) -> str:
    """Why a file with this content is left out; '' where it is not."""
    if b"\0" in data:
        return "binary"
    if _MARKER.search(data[:_TOP]):
        return "generated (it says so)"
    if len(data) > _LINE_MAX and re.search(rb"[^\n]{%d}" % _LINE_MAX, data):
        return "minified"
    return ""


def too_large(size: int) -> str:
    return f"too large ({size:,} bytes)" if size > SIZE_MAX else ""
