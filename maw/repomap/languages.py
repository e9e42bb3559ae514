"""Which language a file is written in, and whether its parser is installed. Standard library only.

Parsers are tree-sitter's wheels, one a language (the extra `generate`): each ships its parser, and none is ever
downloaded. Asking for their versions imports none of them, since a warm map parses nothing.
"""

from __future__ import annotations

import os
import re
from functools import cache
from importlib import util
from typing import NamedTuple


class Language(NamedTuple):
    """`package` is the wheel's import name, `function` what returns the parser there. `like`: another language, whose
    query holds for this one, too."""

    name: str
    package: str
    function: str = "language"
    like: str | None = None


_C, _CPP, _JAVASCRIPT = (Language(name, f"tree_sitter_{name}") for name in ("c", "cpp", "javascript"))
_BASH, _PYTHON, _RUBY = (Language(name, f"tree_sitter_{name}") for name in ("bash", "python", "ruby"))
_TYPESCRIPT = Language("typescript", "tree_sitter_typescript", "language_typescript")
_BY_EXTENSION = {
    "py": _PYTHON, "pyi": _PYTHON,
    "js": _JAVASCRIPT, "mjs": _JAVASCRIPT, "cjs": _JAVASCRIPT, "jsx": _JAVASCRIPT,
    "ts": _TYPESCRIPT, "mts": _TYPESCRIPT, "cts": _TYPESCRIPT,
    "tsx": Language("tsx", "tree_sitter_typescript", "language_tsx", like="typescript"),
    "go": Language("go", "tree_sitter_go"),
    "rs": Language("rust", "tree_sitter_rust"),
    "java": Language("java", "tree_sitter_java"),
    "c": _C, "h": _C,
    "cc": _CPP, "cpp": _CPP, "cxx": _CPP, "hh": _CPP, "hpp": _CPP, "hxx": _CPP,
    "cs": Language("c_sharp", "tree_sitter_c_sharp"),
    "rb": _RUBY, "rake": _RUBY,
    "sh": _BASH, "bash": _BASH,
    "php": Language("php", "tree_sitter_php", "language_php"),
}  # fmt: skip
LANGUAGES = {language.name: language for language in _BY_EXTENSION.values()}

# Languages without a parser here, which outlines by patterns (plain.py) still serve.
PLAIN_EXTENSIONS = {
    "kt": "kotlin", "kts": "kotlin", "swift": "swift", "scala": "scala", "lua": "lua", "dart": "dart", "jl": "julia",
    "ex": "elixir", "exs": "elixir", "groovy": "groovy", "pl": "perl", "pm": "perl", "r": "r", "zig": "zig",
    "nim": "nim", "hs": "haskell", "ml": "ocaml", "fs": "fsharp", "vue": "vue", "svelte": "svelte", "m": "objective-c",
    "mm": "objective-c", "vb": "vb", "ps1": "powershell", "el": "elisp", "clj": "clojure",
}  # fmt: skip


def language_of(path: str) -> str | None:
    """The language of a source file by its name, None for what is no source."""
    extension = path.rpartition("/")[2].rpartition(".")[2].lower()
    known = _BY_EXTENSION.get(extension)
    return known.name if known else PLAIN_EXTENSIONS.get(extension)


@cache
def installed() -> dict[str, str]:
    """The versions of the languages' parsers that are installed, by language; empty without tree-sitter itself."""
    spec = util.find_spec("tree_sitter")
    if spec is None or spec.origin is None:
        return {}
    versions = _versions(os.path.dirname(os.path.dirname(spec.origin)))
    core = versions.get("tree_sitter", "?")
    return {
        name: f"{core}/{versions[language.package]}"
        for name, language in LANGUAGES.items()
        if language.package in versions
    }


def _versions(folder: str) -> dict[str, str]:
    """The versions of tree-sitter's packages in this folder, as the names of their records say."""
    found = (re.fullmatch(r"(tree_sitter(?:_\w+)?)-([^-]+)\.dist-info", name) for name in os.listdir(folder))
    return {match[1]: match[2] for match in found if match}
