"""Definitions and references of files, by real parsers in their own process and by plain patterns."""

from __future__ import annotations

import pytest

from maw.repomap import parsing
from maw.repomap.languages import LANGUAGES, installed, language_of
from maw.repomap.parsing import GAVE_UP, Job, Parsers
from maw.repomap.plain import outline
from maw.repomap.tags import Tags, decode, enclosing, encode, signature

# What each language calls a definition inside another, one that is not, and a use of something.
SAMPLES = {
    "python": (
        b"import a.b\nclass A(B):\n    @d\n    def m(self, x: int = 3) -> T:\n        return used(x)\n",
        "def m(self, x: int = 3) -> T",
    ),
    "javascript": (b"class A extends B { m(a) { return used(a) } }\n", "m(a)"),
    "typescript": (b"export class A implements I { m(a: T): U { return used(a) } }\n", "m(a: T): U"),
    "tsx": (b"class A { m(a: T) { return used(<Foo/>) } }\n", "m(a: T)"),
    "go": (
        b"package p\ntype A struct {\n x int\n}\nfunc (a *A) m(x int) error { return used(x) }\n",
        "func (a *A) m(x int) error",
    ),
    "rust": (b"struct A { a: u8 }\nimpl A { fn m(a: u8) -> Self { used(a) } }\n", "fn m(a: u8) -> Self"),
    "java": (b"public class A extends B { public int m(String x) { return used(x); } }\n", "public int m(String x)"),
    "c": (b"struct A { int x; };\nstatic char *m(int a) { return used(a); }\n", "static char *m(int a)"),
    "cpp": (b"class A : public B { public: int m(int a) { return used(a); } };\n", "int m(int a)"),
    "c_sharp": (b"class A : B { public int m(string x) { return used(x); } }\n", "public int m(string x)"),
    "ruby": (b"class A < B\n  def m(a, b = 1)\n    used(a)\n  end\nend\n", "def m(a, b = 1)"),
    "bash": (b"A() { :; }\nm() { used a; }\n", "m()"),
    "php": (
        b"<?php class A { public function m(T $x): U { return used($x); } }\n",
        "public function m(T $x): U",
    ),
}


def parsed(language: str, data: bytes) -> Tags:
    with Parsers() as parsers:
        return parsers.tags(Job("key", language, data))


def test_each_language_has_its_parser_and_a_sample() -> None:
    assert installed().keys() == LANGUAGES.keys() == SAMPLES.keys()


@pytest.fixture(scope="module")
def parsers():
    with Parsers() as made:
        yield made


@pytest.mark.parametrize("language", SAMPLES)
def test_definitions_and_references(language: str, parsers: Parsers) -> None:
    data, declaration = SAMPLES[language]
    tags = parsers.tags(Job("key", language, data))
    assert tags.trouble == ""
    found = {definition.name: definition for definition in tags.definitions}
    assert {"A", "m"} <= found.keys()
    assert found["m"].signature == declaration
    assert "used" in tags.references and "m" not in tags.references
    assert decode(encode(tags)) == tags


def test_nesting_lines_and_imports() -> None:
    tags = parsed("python", SAMPLES["python"][0])
    (outer, inner) = tags.definitions
    assert (outer.parent, inner.parent) == (-1, 0)
    assert (outer.line, outer.end, inner.line, inner.end) == (2, 5, 4, 5)
    assert [enclosing(tags, line) for line in (1, 2, 5)] == [-1, 0, 1]
    assert tags.imports == ["a", "b"]


def test_the_value_of_a_constant_is_not_shown() -> None:
    (constant,) = parsed("python", b'PASSWORD = "hunter2"\n').definitions
    assert constant.signature == "PASSWORD"


def test_invalid_utf8_and_control_characters() -> None:
    tags = parsed("python", b"def caf\xff(x='\x1b[31m'):\n    pass\n")
    assert all(definition.signature.isprintable() for definition in tags.definitions)
    assert signature("def f(\n    a,\r\n\x07 b)") == "def f( a, \N{REPLACEMENT CHARACTER} b)"


# Each was seen to make tree-sitter crash, or a query of it take a minute.
HOSTILE = {
    "chained calls": b"f()." * 60_000,
    "nested calls": b"f(" * 50_000 + b")" * 50_000,
    "nested lists": b"x = " + b"[" * 50_000 + b"]" * 50_000,
    "open brackets": b"(" * 100_000,
    "open strings": b'f"{' * 50_000,
    "blocks": b"".join(b" " * depth + b"if x:\n" for depth in range(600)),
    "noise": bytes(range(1, 256)) * 500,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_end_and_harm_nobody(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parsing, "SECONDS", 0.5)
    monkeypatch.setattr(parsing, "START_SECONDS", 1.5)
    with Parsers() as parsers:
        tags = parsers.tags(Job("hostile", "python", HOSTILE[name]))
        assert tags.trouble in ("", "its parser crashed", "its parser took too long", "its parser ran out of memory")
        after = parsers.tags(Job("next", "python", b"def fine(): pass\n"))
    assert [definition.name for definition in after.definitions] == ["fine"] and after.trouble == ""


def test_a_process_that_dies_is_replaced_and_the_file_outlined(monkeypatch: pytest.MonkeyPatch) -> None:
    with Parsers() as parsers:
        parsers.tags(Job("first", "python", b"pass\n"))
        process = parsers._all[0]._process
        assert process is not None
        process.kill()
        process.wait()
        tags = parsers.tags(Job("second", "python", b"class A:\n    def m(self): pass\n"))
        assert tags.trouble == "its parser crashed"
        assert [definition.name for definition in tags.definitions] == ["A", "m"]
        assert parsers.tags(Job("third", "python", b"class A: pass\n")).trouble == ""
    assert parsers._all[0]._process is None


def test_after_some_slow_files_the_rest_is_outlined(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parsing, "SLOW_MAX", 1)
    monkeypatch.setattr(parsing, "START_SECONDS", 0.0)
    jobs = [Job(str(number), "python", b"def f(): pass\n") for number in range(3)]
    with Parsers() as parsers:
        found = dict(parsers.each(jobs))
    assert found["0"].trouble == "its parser took too long"
    assert {found["1"].trouble, found["2"].trouble} == {GAVE_UP}
    assert all(len(tags.definitions) == 1 for tags in found.values())


def test_a_module_of_the_repository_is_not_imported(home, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("tree_sitter.py", "tree_sitter_python.py", "json.py"):
        (home / name).write_text("raise SystemExit('imported')\n")
    monkeypatch.chdir(home)
    assert parsed("python", b"def f(): pass\n").trouble == ""


def test_plain_patterns() -> None:
    source = b"public class A : B {\n    override fun m(x: Int): U {\n        used(x)\n    }\n}\nobject C {}\n"
    tags = outline(source)
    assert [(item.name, item.kind, item.parent, item.line) for item in tags.definitions] == [
        ("A", "class", -1, 1), ("m", "function", 0, 2), ("C", "object", -1, 6),
    ]  # fmt: skip
    assert tags.references == {"used": [3]}
    assert outline(b"fn x() " * 200_000).definitions[0].name == "x"


def test_languages_by_name() -> None:
    assert language_of("a/b.PY") == "python" and language_of("x.kt") == "kotlin"
    assert language_of("README") is None and language_of("a.py/b") is None
