"""Definitions and references of a source file by tree-sitter. Runs in the parsers' own process (worker.py) only.

The queries (queries/LANGUAGE.scm) capture whole definitions, named by their kind, the names of what is referred to,
and imports. A stranger's file may be made to take hours (a query over a tree 200,000 deep took a minute) or to crash
the parser, so whoever started the process watches over it (parsing.py): with py-tree-sitter 0.26, a callback that
limits the time crashed on ordinary files.
"""

from __future__ import annotations

import hashlib
import importlib
import re
from functools import cache
from importlib import resources

import tree_sitter

from maw.repomap.languages import LANGUAGES
from maw.repomap.tags import DEFINITIONS_MAX, NAMES_MAX, Definition, Tags, add_reference, signature

_MATCHES_MAX = 4096  # that a query may have open at a time
# Where a definition's name is: the first of these fields that it has, and on from there down to a name.
_NAME_FIELDS = ("name", "left", "declarator", "type")
_DEPTH_MAX = 20


def extract(language: str, data: bytes) -> Tags:
    grammar, query = _load(language)
    tree = tree_sitter.Parser(grammar).parse(data)
    captures = tree_sitter.QueryCursor(query, match_limit=_MATCHES_MAX).captures(tree.root_node)
    references: dict[str, list[int]] = {}
    named = _definitions(captures)
    names = {name.start_byte for _, _, name in named}
    for node in sorted(captures.get("reference", ()), key=lambda node: node.start_byte):  # they come in any order
        if node.start_byte not in names:
            add_reference(references, _text(node), node.start_point[0] + 1)
    imports = {word for node in captures.get("import", ()) for word in re.findall(r"\w+", _text(node))}
    return Tags(_nested(named, data), references, sorted(imports)[:NAMES_MAX])


def problem(language: str, data: bytes) -> tuple[int, str] | None:
    """Where a text is no valid source first, and how; None when it is valid."""
    grammar, _ = _load(language)
    node = tree_sitter.Parser(grammar).parse(data).root_node
    if not node.has_error:
        return None
    while not (node.is_error or node.is_missing):
        wrong = [child for child in node.children if child.has_error or child.is_missing]
        if not wrong:
            break
        node = wrong[0]
    line: int = node.start_point[0] + 1
    return line, f"`{node.type}` is missing" if node.is_missing else "this cannot be read"


def code(language: str, data: bytes) -> str:
    """What stands for a text without its comments and the white space between its words: two that have the same do the
    same."""
    grammar, _ = _load(language)
    digest = hashlib.sha256()
    waiting = [tree_sitter.Parser(grammar).parse(data).root_node]
    while waiting:
        node = waiting.pop()
        if "comment" in node.type:
            continue
        text = node.text or b""
        if not node.children and text.strip():
            digest.update(node.type.encode() + b"\0" + text + b"\0")
        waiting += reversed(node.children)
    return digest.hexdigest()


@cache
def _load(name: str) -> tuple[tree_sitter.Language, tree_sitter.Query]:
    language = LANGUAGES[name]
    grammar = tree_sitter.Language(getattr(importlib.import_module(language.package), language.function)())
    return grammar, tree_sitter.Query(grammar, "".join(_query(one) for one in (language.like, name) if one))


def _query(name: str) -> str:
    return resources.files("maw.repomap").joinpath("queries", f"{name}.scm").read_text(encoding="utf-8")


_Named = tuple[str, tree_sitter.Node, tree_sitter.Node]


def _definitions(captures: dict[str, list[tree_sitter.Node]]) -> list[_Named]:
    """Kind, node and name of each definition, outer ones first."""
    found = []
    for kind, nodes in captures.items():
        for node in nodes if kind not in ("reference", "import") else ():
            name = _name(node)
            if name is not None:
                found.append((kind, node, name))
    found.sort(key=lambda item: (item[1].start_byte, -item[1].end_byte))
    return found[:DEFINITIONS_MAX]


def _name(node: tree_sitter.Node) -> tree_sitter.Node | None:
    """The node of a definition's name, below as many declarators as C wraps around it."""
    for _ in range(_DEPTH_MAX):
        below = next(filter(None, map(node.child_by_field_name, _NAME_FIELDS)), None)
        if below is None:
            return node if node.named_child_count == 0 else next(iter(node.named_children), None)
        node = below
    return None


def _nested(named: list[_Named], data: bytes) -> list[Definition]:
    definitions: list[Definition] = []
    around: list[tuple[int, int]] = []  # end and place of the definitions that are open
    for kind, node, name in named:
        while around and around[-1][0] <= node.start_byte:
            around.pop()
        parent = around[-1][1] if around else -1
        around.append((node.end_byte, len(definitions)))
        line, end = node.start_point[0] + 1, node.end_point[0] + 1
        definitions.append(Definition(_text(name), kind, line, end, parent, _signature(kind, node, name, data)))
    return definitions


def _signature(kind: str, node: tree_sitter.Node, name: tree_sitter.Node, data: bytes) -> str:
    """What stands before the body; of a constant only its name, since its value may be anything, a secret too."""
    start, body = node.start_byte, _body(node)
    if kind == "constant":
        text = data[start : name.end_byte]
    elif body is not None:
        text = data[start : body.start_byte]
    else:
        text = data[start : node.end_byte].partition(b"\n")[0]
    return signature(text.decode("utf-8", "replace"))


def _body(node: tree_sitter.Node) -> tree_sitter.Node | None:
    value = node.child_by_field_name("value")
    return node.child_by_field_name("body") or (value.child_by_field_name("body") if value else None)


def _text(node: tree_sitter.Node) -> str:
    return (node.text or b"").decode("utf-8", "replace")[:200]
