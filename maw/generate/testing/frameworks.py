"""Which test framework a project uses: what its tests are written for, else what its files name. Pure.

Nothing is run, and nothing assumed: where neither tests nor files tell, it is the language's own way of testing, and
where a language has none, nobody knows. Standard library only.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import NamedTuple

from maw.errors import FatalError
from maw.generate.alike import near
from maw.repomap.languages import language_of

READ_MAX = 40  # tests that are read
PROJECT_MAX = 60  # files that tell of a project
TEXT_MAX = 64 * 1024  # characters of a file that are looked at

Read = Callable[[str], str]  # a file's text by its path; "" for what cannot be read


class Framework(NamedTuple):
    """`names`: what a test of `{stem}` is called, the most usual first. `written`: what a test's text has. `command`:
    runs one file of tests. `files`: globs of files that are there for nothing else. `told`: what a project's file
    says. `own`: it comes with the language."""

    name: str
    languages: frozenset[str]
    names: tuple[str, ...]
    written: str
    command: str
    files: tuple[str, ...] = ()
    told: tuple[tuple[str, str], ...] = ()
    own: bool = False


_PYTHON, _RUBY, _PHP = (frozenset({name}) for name in ("python", "ruby", "php"))
_SCRIPT = frozenset({"javascript", "typescript", "tsx"})
_JVM, _C, _SHARP = frozenset({"java", "kotlin", "groovy", "scala"}), frozenset({"c", "cpp"}), frozenset({"c_sharp"})
_IN_PYTHON = ("test_{stem}", "{stem}_test", "tests")
_IN_SCRIPTS = ("{stem}.test", "{stem}.spec", "{stem}-test", "{stem}_test", "test-{stem}", "{stem}")
_IN_CLASSES = ("{stem}Test", "{stem}Tests", "Test{stem}", "{stem}IT", "{stem}Spec")
_IN_C = ("test_{stem}", "{stem}_test", "{stem}_unittest", "{stem}Test", "test-{stem}", "Test{stem}")
_PYTHON_PROJECT = ("pyproject.toml", "setup.cfg", "setup.py", "tox.ini", "noxfile.py", "Pipfile", "requirements*.txt")
_GRADLE = ("pom.xml", "build.gradle", "build.gradle.kts", "libs.versions.toml", "build.sbt")
_CMAKE = ("CMakeLists.txt", "meson.build", "conanfile.*", "vcpkg.json", "BUILD", "BUILD.bazel", "Makefile")


def _told(files: Iterable[str], pattern: str) -> tuple[tuple[str, str], ...]:
    return tuple((file, pattern) for file in files)


FRAMEWORKS = (
    Framework("django", _PYTHON, _IN_PYTHON, r"from django\.test\b", "python manage.py test {module}"),
    Framework(
        "pytest", _PYTHON, _IN_PYTHON, r"^(?:import|from) pytest\b|^(?:async )?def test_\w+\(", "pytest {path}",
        ("pytest.ini", "conftest.py"), _told(_PYTHON_PROJECT, r"\bpytest\b"),
    ),
    Framework("unittest", _PYTHON, _IN_PYTHON, r"\bunittest\b", "python -m unittest {path}", own=True),
    Framework(
        "vitest", _SCRIPT, _IN_SCRIPTS, r"""['"]vitest['"]""", "npx vitest run {path}",
        ("vitest.config.*", "vitest.workspace.*"), _told(("package.json",), r'"vitest"'),
    ),
    Framework(
        "jest", _SCRIPT, _IN_SCRIPTS, r"""['"]@jest/globals['"]|\bjest\.\w+\(""", "npx jest {path}",
        ("jest.config.*",), _told(("package.json",), r'"(?:jest|ts-jest|babel-jest|react-scripts)"'),
    ),
    Framework(
        "mocha", _SCRIPT, _IN_SCRIPTS, r"""['"](?:mocha|chai)['"]""", "npx mocha {path}",
        (".mocharc.*",), _told(("package.json",), r'"mocha"'),
    ),
    Framework(
        "ava", _SCRIPT, _IN_SCRIPTS, r"""['"]ava['"]""", "npx ava {path}", (), _told(("package.json",), r'"ava"'),
    ),
    Framework(
        "jasmine", _SCRIPT, _IN_SCRIPTS, r"\bjasmine\.\w+\(", "npx jasmine {path}",
        ("jasmine.json", "jasmine.mjs"), _told(("package.json",), r'"jasmine(?:-core)?"'),
    ),
    Framework(
        "bun test", _SCRIPT, _IN_SCRIPTS, r"""['"]bun:test['"]""", "bun test {path}",
        (), _told(("package.json",), r'"bun test\b'),
    ),
    Framework("node:test", _SCRIPT, _IN_SCRIPTS, r"""['"](?:node:)test['"]""", "node --test {path}", own=True),
    Framework("go test", frozenset({"go"}), ("{stem}_test",), r"\btesting\.[TBF]\b", "go test ./{folder}", own=True),
    Framework("cargo test", frozenset({"rust"}), ("{stem}",), r"#\[(?:\w+::)?test\]", "cargo test", own=True),
    Framework(
        "JUnit 5", _JVM, _IN_CLASSES, r"\borg\.junit\.jupiter\b", "mvn test -Dtest={stem}",
        (), _told(_GRADLE, r"junit-jupiter|junit\.jupiter|useJUnitPlatform"),
    ),
    Framework(
        "TestNG", _JVM, _IN_CLASSES, r"\borg\.testng\b", "mvn test -Dtest={stem}",
        ("testng.xml",), _told(_GRADLE, r"\btestng\b"),
    ),
    Framework(
        "JUnit 4", _JVM, _IN_CLASSES, r"\borg\.junit\.(?:Test|Assert|Before|After|\*)", "mvn test -Dtest={stem}",
        (), _told(_GRADLE, r"\bjunit:junit\b|<artifactId>junit</artifactId>"),
    ),
    Framework("xUnit", _SHARP, _IN_CLASSES[:2], r"\busing Xunit\b", "dotnet test", (), _told(("*.csproj",), r'"xunit')),
    Framework("NUnit", _SHARP, _IN_CLASSES[:2], r"\busing NUnit\b", "dotnet test", (), _told(("*.csproj",), r'"NUnit')),
    Framework(
        "MSTest", _SHARP, _IN_CLASSES[:2], r"\bVisualStudio\.TestTools\b", "dotnet test",
        (), _told(("*.csproj",), r'"MSTest'),
    ),
    Framework(
        "RSpec", _RUBY, ("{stem}_spec",), r"\bRSpec\b|^describe\b", "bundle exec rspec {path}",
        (".rspec", "spec_helper.rb"), _told(("Gemfile", "*.gemspec"), r"\brspec"),
    ),
    Framework(
        "Minitest", _RUBY, ("{stem}_test", "test_{stem}"), r"(?i)\bminitest\b|\btest_helper\b|\bTestCase\b",
        "ruby -Itest {path}", own=True,
    ),
    Framework(
        "Pest", _PHP, _IN_CLASSES[:1], r"^(?:it|test)\(", "vendor/bin/pest {path}",
        ("Pest.php",), _told(("composer.json",), r'"pestphp/pest"'),
    ),
    Framework(
        "PHPUnit", _PHP, _IN_CLASSES[:1], r"\bPHPUnit\\Framework\b", "vendor/bin/phpunit {path}",
        ("phpunit.xml", "phpunit.xml.dist", "phpunit.dist.xml"), _told(("composer.json",), r'"phpunit/phpunit"'),
    ),
    Framework("GoogleTest", _C, _IN_C, r"\bgtest/gtest\.h\b", "ctest", (), _told(_CMAKE, r"(?i)\bgtest|googletest")),
    Framework("Catch2", _C, _IN_C, r"\bcatch2/|\bcatch(?:_\w+)?\.hpp\b", "ctest", (), _told(_CMAKE, r"(?i)\bcatch2")),
    Framework("doctest", _C, _IN_C, r"\bdoctest\.h\b", "ctest", (), _told(_CMAKE, r"\bdoctest\b")),
    Framework("cmocka", _C, _IN_C, r"\bcmocka\.h\b", "ctest", (), _told(_CMAKE, r"\bcmocka\b")),
    Framework("Unity", _C, _IN_C, r"\bunity\.h\b", "ctest", (), _told(_CMAKE, r"(?i)\bunity\b")),
    Framework("Bats", frozenset({"bash"}), ("{stem}", "test_{stem}"), r"^@test ", "bats {path}"),
)  # fmt: skip

_FOLDERS = frozenset({"test", "tests", "__tests__", "spec", "specs", "testing", "e2e"})
_TEST_NAME = re.compile(
    r"(?:tests?_|test-|Test(?=[A-Z])).+|.+(?:[_.-](?:test|tests|spec|unittest)|Tests?)|conftest|tests?", re.ASCII
)


def is_test(path: str) -> bool:
    """Whether a file belongs to a project's tests, by its name or its folder's."""
    *folders, name = path.split("/")
    return not _FOLDERS.isdisjoint(folders) or _TEST_NAME.fullmatch(stem_of(name)) is not None


def stem_of(path: str) -> str:
    """A file's name without its extension."""
    name = path.rpartition("/")[2]
    return name.rpartition(".")[0] or name


def tests_of(language: str | None, files: Iterable[str]) -> list[str]:
    """The tests in a language, and in those that the same framework is for."""
    wanted = frozenset().union(*(one.languages for one in FRAMEWORKS if language in one.languages))
    return sorted(path for path in files if language_in(path) in wanted and is_test(path))


def language_in(path: str) -> str | None:
    return "bash" if path.endswith(".bats") else language_of(path)


def named(name: str) -> Framework:
    """The one of this name. Raises FatalError."""
    for one in FRAMEWORKS:
        if one.name.lower() == name.lower():
            return one
    raise FatalError(f"{name} is no test framework that is known", hint=", ".join(one.name for one in FRAMEWORKS))


def find(path: str, files: Collection[str], read: Read) -> Framework | None:
    """The framework for tests of a file: of the nearest tests that tell, else of the nearest project file that does,
    else the language's own."""
    language = language_in(path)
    own = [one for one in FRAMEWORKS if language in one.languages]
    return _of_tests(path, own, files, read) or _of_project(path, own, files, read) or _of_language(own)


def _of_tests(path: str, own: Sequence[Framework], files: Collection[str], read: Read) -> Framework | None:
    """What most of the nearest tests are written for. Each counts for the first framework that it fits, the more the
    nearer it is."""
    languages = {language for one in own for language in one.languages}
    tests = [test for test in files if is_test(test) and language_in(test) in languages]
    votes: dict[Framework, float] = {}
    for rank, test in enumerate(sorted(tests, key=lambda test: (-near(path, test), test))[:READ_MAX]):
        text = read(test)[:TEXT_MAX]
        one = next((one for one in own if re.search(one.written, text, re.MULTILINE)), None)
        if one is not None:
            votes[one] = votes.get(one, 0.0) + 1 / (1 + rank) ** 2
    return max(votes, key=lambda one: votes[one], default=None)


def _of_project(path: str, own: Sequence[Framework], files: Collection[str], read: Read) -> Framework | None:
    globs = re.compile("|".join(fnmatch.translate(glob) for one in own for glob in _globs(one)) or r"(?!)")
    telling = [file for file in files if globs.match(file.rpartition("/")[2])]
    for file in sorted(telling, key=lambda file: (-near(path, file), file.count("/"), file))[:PROJECT_MAX]:
        name, text = file.rpartition("/")[2], read(file)[:TEXT_MAX]
        for one in own:
            told = (pattern for glob, pattern in one.told if fnmatch.fnmatchcase(name, glob))
            if any(fnmatch.fnmatchcase(name, glob) for glob in one.files) or any(
                re.search(each, text) for each in told
            ):
                return one
    return None


def _globs(one: Framework) -> list[str]:
    return [*one.files, *(glob for glob, _ in one.told)]


def _of_language(own: Sequence[Framework]) -> Framework | None:
    return next((one for one in own if one.own), None)
