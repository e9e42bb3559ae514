"""What new tests are asked with: where they go, in which framework, what goes along; and whether an answer has any."""

from __future__ import annotations

import functools
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from maw.edits import refusal
from maw.edits.propose import Proposal
from maw.errors import FatalError
from maw.generate.alike import near
from maw.generate.files import text_of
from maw.generate.request import Span
from maw.generate.testing import frameworks, testplace
from maw.generate.testing.frameworks import Framework, is_test, language_in, stem_of, tests_of
from maw.generate.testing.testplace import Destination
from maw.git.files import of_worktree
from maw.git.repo import Repo
from maw.repomap import build
from maw.repomap.build import Progress, Snapshot
from maw.repomap.cache import Cache
from maw.repomap.context import TagsOf, symbols
from maw.repomap.tags import Definition, Tags

NO_TEST = "no_test"  # the code of a refusal
_SAMPLE_MAX = 12_000  # characters of a test that is shown for its style
_COMMON = 3  # a name that more files define says nothing about who uses which
# The lines at which a test begins, by language.
_SCRIPT, _JVM = r"^\s*(?:it|test|Deno\.test)(?:\.\w+)*\(", r"@(?:Test|ParameterizedTest|RepeatedTest|Property)\b"
_C = r"^\s*(?:TEST\w*|TYPED_TEST\w*|SCENARIO|BOOST_AUTO_TEST_CASE)\s*\(|^\s*(?:static )?void test_?\w+\("
_CASES = {
    "python": r"^\s*(?:async )?def test\w*\(", "javascript": _SCRIPT, "typescript": _SCRIPT, "tsx": _SCRIPT,
    "go": r"^func (?:Test|Fuzz|Benchmark|Example)\w*\(", "rust": r"#\[(?:\w+::)?test\b", "java": _JVM, "kotlin": _JVM,
    "groovy": _JVM, "scala": _JVM, "c": _C, "cpp": _C, "bash": r"^@test ",
    "c_sharp": r"\[(?:Fact|Theory|Test|TestCase|TestMethod|DataTestMethod)\b",
    "ruby": r"^\s*(?:it|specify|test)\b|^\s*def test_", "php": r"\bfunction test\w*\(|#\[Test\]|^\s*(?:it|test)\(",
}  # fmt: skip


class Plan(NamedTuple):
    """Tests of `path` (of `symbol` in it) go to `destination`. `sample`: a test that shows the style, where the new
    ones go into a file of their own. `focus`: the lines that matter of the file and of the destination."""

    path: str
    symbol: str | None
    framework: Framework
    destination: Destination
    sample: str | None
    focus: Mapping[str, tuple[Span, ...]]

    @property
    def read(self) -> tuple[str, ...]:
        """The files that go along and stay as they are."""
        files = (self.path, *([self.sample] if self.sample else []))
        return tuple(file for file in files if file != self.destination.path)

    @property
    def command(self) -> str:
        """What runs the file of tests; a hint for a person, never run."""
        path = self.destination.path
        folder = path.rpartition("/")[0] or "."
        module = path.rpartition(".")[0].replace("/", ".")
        return self.framework.command.format(path=path, folder=folder, module=module, stem=stem_of(path))

    @property
    def told(self) -> str:
        """What was found, in a line for a person."""
        new = "" if self.destination.exists else " (new)"
        return f"{self.framework.name}, in {self.destination.path}{new}: {self.destination.why}"

    @property
    def instruction(self) -> str:
        what = f"`{self.symbol}` of {self.path}" if self.symbol else self.path
        where = self.destination.path
        if not self.destination.exists:
            how = f"They go into {where}, which is new: begin it with what it imports."
        else:
            how = f"They go into {where}: add them to the tests that are there, and leave those as they are."
        return f"Write tests for {what}, with {self.framework.name}. {how}"


def plan(
    repo: Repo, path: str, symbol: str | None = None, *, framework: str = "", into: str = "",
    progress: Progress = lambda _done, _all: None,
) -> Plan:  # fmt: skip
    """`framework` and `into` are what somebody says instead of what is found. Raises FatalError and GitError."""
    files = of_worktree(repo)
    if path not in files:
        raise FatalError(f"{path}: there is no such file that git knows or would add", hint="name one file")
    found = _framework(repo, path, files, framework)
    with Cache(repo) as cache:
        snapshot = build.load(repo, cache, None, progress)
        tags_of = functools.cache(lambda file: build.tags_of(cache, snapshot, file))
        spans = _spans(snapshot, path, symbol, tags_of)
        destination = Destination(into, into in files, "you say so") if into else None
        destination = destination or testplace.place(path, files, found, _users(snapshot, path, symbol, files))
        where = destination.path
        if where in snapshot.files and where != path:
            spans[where] = _focus(tags_of(where), _names(snapshot, path, symbol))
    sample = None if destination.exists else _sample(repo, where, tests_of(language_in(path), files))
    return Plan(path, symbol, found, destination, sample, spans)


def judge(plan: Plan, proposal: Proposal) -> None:
    """Raises Refused for an answer that adds no test, or takes one away."""
    cases = re.compile(_CASES.get(language_in(plan.destination.path) or "", r"test"), re.MULTILINE)
    for edit in proposal.edits:
        old, new = (Counter(_starts(cases, content)) for content in (edit.old, edit.new))
        if gone := old - new:
            raise refusal.refuse(NO_TEST, f"the answer takes tests away: {next(iter(gone))}", edit.path)
        if not new - old:
            raise refusal.refuse(NO_TEST, "the answer adds no test", edit.path)


def _starts(cases: re.Pattern[str], content: bytes | None) -> list[str]:
    """The lines at which tests begin."""
    lines = (content or b"").decode("utf-8", "replace").split("\n")
    return [line.strip() for line in lines if cases.search(line)]


def _framework(repo: Repo, path: str, files: Sequence[str], name: str) -> Framework:
    if name:
        return frameworks.named(name)
    found = frameworks.find(path, files, functools.cache(lambda file: text_of(repo, file) or ""))
    if found is None:
        hint = "--framework NAME says which; --into PATH says where the tests go"
        raise FatalError(f"{path}: no test framework is to be seen in this project", hint=hint)
    return found


def _names(snapshot: Snapshot, path: str, symbol: str | None) -> set[str]:
    """What is to be tested, by name."""
    if symbol:
        return {symbol.rpartition(".")[2]}
    return set(snapshot.files[path].defined) if path in snapshot.files else set()


def _spans(snapshot: Snapshot, path: str, symbol: str | None, tags_of: TagsOf) -> dict[str, tuple[Span, ...]]:
    """The lines of the symbol. Raises FatalError when there is none of that name."""
    if not symbol:
        return {}
    found = symbols(snapshot, symbol, tags_of, [path] if path in snapshot.files else [])
    if not found:
        raise FatalError(f"{path} defines no {symbol}", hint=f"`maw map {path}` lists what it defines")
    return {path: tuple(_span(one.definition) for one in found)}


def _users(snapshot: Snapshot, path: str, symbol: str | None, files: Sequence[str]) -> list[str]:
    """The tests that use what a file defines, those that use most of it first."""
    wanted = _names(snapshot, path, symbol)
    definers = Counter(name for names in snapshot.files.values() for name in names.defined if name in wanted)
    rare = {name for name in wanted if definers[name] <= _COMMON}
    used = {test: len(rare.intersection(snapshot.files[test].used)) for test in snapshot.files if is_test(test)}
    of_language = set(tests_of(language_in(path), files))
    users = [test for test, count in used.items() if count and test in of_language and test != path]
    return sorted(users, key=lambda test: (-used[test], -near(path, test), test))


def _focus(tags: Tags, names: set[str]) -> tuple[Span, ...]:
    """What matters of a file that new tests go into: how it begins, the tests of the same, and where it ends."""
    outer = [one for one in tags.definitions if one.parent < 0]
    if not outer:
        return ()
    lines = {line for name in names for line in tags.references.get(name, ())}
    alike = [one for one in outer if any(one.line <= line <= one.end for line in lines)]
    return ((1, max(1, outer[0].line - 1)), *map(_span, [*alike, outer[-1]]))


def _span(one: Definition) -> Span:
    return one.line, one.end


def _sample(repo: Repo, destination: str, tests: Sequence[str]) -> str | None:
    """The nearest test that is not too long to be shown."""
    for test in sorted(tests, key=lambda test: (-near(destination, test), test))[:20]:
        text = text_of(repo, test)
        if text is not None and 0 < len(text) <= _SAMPLE_MAX and stem_of(test) not in ("conftest", "__init__"):
            return test
    return None
