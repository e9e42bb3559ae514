"""Which framework a project's tests are written for, and where a new one goes: read off the project."""

from __future__ import annotations

import pytest

from maw.edits.diff import FileEdit
from maw.edits.propose import Proposal
from maw.edits.refusal import Refused
from maw.generate.testing import frameworks, planning, testplace

Files = dict[str, str]
PYTEST = "def test_add():\n    assert True\n"
UNITTEST = "import unittest\n\n\nclass TestAdd(unittest.TestCase):\n    pass\n"
PROJECTS: dict[str, tuple[str, Files, str | None]] = {
    "pytest by its tests": ("app.py", {"tests/test_a.py": PYTEST}, "pytest"),
    "pytest by pyproject": ("app.py", {"pyproject.toml": "[tool.pytest.ini_options]\n"}, "pytest"),
    "pytest by a dependency": ("app.py", {"requirements-dev.txt": "pytest>=8\n"}, "pytest"),
    "pytest by conftest": ("app.py", {"tests/conftest.py": ""}, "pytest"),
    "unittest by its tests": ("app.py", {"pyproject.toml": "pytest", "tests/test_a.py": UNITTEST}, "unittest"),
    "unittest comes with Python": ("app.py", {"pyproject.toml": "[project]\n"}, "unittest"),
    "django": ("shop/models.py", {"shop/tests.py": "from django.test import TestCase\n"}, "django"),
    "jest": ("src/a.js", {"package.json": '{"devDependencies": {"jest": "^29"}}'}, "jest"),
    "vitest": ("src/a.ts", {"package.json": '{"devDependencies": {"vitest": "^1"}}'}, "vitest"),
    "vitest by its configuration": ("src/a.tsx", {"vitest.config.ts": "", "package.json": "{}"}, "vitest"),
    "mocha": ("a.js", {"package.json": '{"scripts": {"test": "mocha"}, "devDependencies": {"mocha": "1"}}'}, "mocha"),
    "node:test by its tests": ("a.mjs", {"a.test.mjs": "import test from 'node:test';\n"}, "node:test"),
    "node:test comes with node": ("a.js", {"package.json": "{}"}, "node:test"),
    "the nearest package of several": (
        "packages/b/src/a.ts",
        {
            "package.json": '{"devDependencies": {"jest": "1"}}',
            "packages/a/package.json": '{"devDependencies": {"mocha": "1"}}',
            "packages/b/package.json": '{"devDependencies": {"vitest": "1"}}',
        },
        "vitest",
    ),
    "go": ("cart/cart.go", {"go.mod": "module example.com/shop\n"}, "go test"),
    "rust": ("src/lib.rs", {"Cargo.toml": ""}, "cargo test"),
    "JUnit 5": (
        "src/main/java/A.java",
        {"build.gradle": "testImplementation 'org.junit.jupiter:junit-jupiter'"},
        "JUnit 5",
    ),
    "JUnit 4": ("src/main/java/A.java", {"pom.xml": "<artifactId>junit</artifactId>"}, "JUnit 4"),
    "TestNG": ("src/main/java/A.java", {"src/test/java/BTest.java": "import org.testng.annotations.Test;"}, "TestNG"),
    "xUnit": ("src/A.cs", {"tests/A.Tests.csproj": '<PackageReference Include="xunit" />'}, "xUnit"),
    "RSpec": ("lib/a.rb", {"Gemfile": 'gem "rspec"\n'}, "RSpec"),
    "Minitest": ("lib/a.rb", {"test/b_test.rb": 'require "minitest/autorun"\n'}, "Minitest"),
    "PHPUnit": ("src/A.php", {"composer.json": '{"require-dev": {"phpunit/phpunit": "^10"}}'}, "PHPUnit"),
    "GoogleTest": ("src/a.cc", {"CMakeLists.txt": "find_package(GTest)\nenable_testing() # googletest"}, "GoogleTest"),
    "Catch2": ("src/a.cpp", {"tests/test_b.cpp": "#include <catch2/catch_test_macros.hpp>\n"}, "Catch2"),
    "Bats by its tests": ("bin/a.sh", {"test/b.bats": '@test "b" {\n}\n'}, "Bats"),
    "C without one": ("src/a.c", {"Makefile": "all:\n"}, None),
    "shell without one": ("a.sh", {}, None),
    "no language": ("notes.txt", {"tests/test_a.py": PYTEST}, None),
}


@pytest.mark.parametrize("name", PROJECTS)
def test_the_framework_is_found_in_the_project(name: str) -> None:
    path, files, wanted = PROJECTS[name]
    found = frameworks.find(path, {path, *files}, lambda file: files.get(file, ""))
    assert (found.name if found else None) == wanted


def test_most_of_the_nearest_tests_decide() -> None:
    files = {f"old/test_{number}.py": UNITTEST for number in range(60)} | {f"new/test_{n}.py": PYTEST for n in range(3)}
    found = {path: frameworks.find(path, files, files.__getitem__) for path in ("new/a.py", "old/a.py")}
    assert [one.name for one in found.values() if one] == ["pytest", "unittest"]


PLACES: dict[str, tuple[str, list[str], str, bool]] = {
    # Its own tests are there, by name.
    "beside": ("src/a.ts", ["src/a.test.ts", "src/b.ts"], "src/a.test.ts", True),
    "in a folder of tests": (
        "shop/cart.py",
        ["tests/test_cart.py", "tests/test_prices.py"],
        "tests/test_cart.py",
        True,
    ),
    "of two the nearer": (
        "b/cart.py",
        ["a/cart.py", "a/tests/test_cart.py", "b/tests/test_cart.py"],
        "b/tests/test_cart.py",
        True,
    ),
    "mirrored": (
        "src/shop/api/views.py",
        ["tests/api/test_views.py", "tests/test_views.py"],
        "tests/api/test_views.py",
        True,
    ),
    "in Java": (
        "src/main/java/com/x/Cart.java",
        ["src/test/java/com/x/CartTest.java"],
        "src/test/java/com/x/CartTest.java",
        True,
    ),
    "a file of tests itself": ("tests/test_cart.py", [], "tests/test_cart.py", True),
    "in Rust the file itself": ("src/cart.rs", ["tests/all.rs"], "src/cart.rs", True),
    # As the project's others are placed.
    "flat": ("shop/prices.py", ["shop/cart.py", "tests/unit/test_cart.py"], "tests/unit/test_prices.py", False),
    "mirrored too": (
        "src/shop/api/urls.py",
        ["src/shop/cart.py", "src/shop/api/views.py", "tests/test_cart.py", "tests/api/test_views.py"],
        "tests/api/test_urls.py",
        False,
    ),
    "with the package's folder": (
        "shop/api/urls.py",
        ["shop/cart.py", "tests/shop/test_cart.py"],
        "tests/shop/api/test_urls.py",
        False,
    ),
    "by another suffix": ("shop/prices.py", ["shop/cart.py", "shop/cart_test.py"], "shop/prices_test.py", False),
    "in __tests__": (
        "src/ui/list.tsx",
        ["src/ui/button.tsx", "src/ui/__tests__/button.test.tsx"],
        "src/ui/__tests__/list.test.tsx",
        False,
    ),
    "a spec": ("src/b.ts", ["src/a.ts", "src/a.spec.ts"], "src/b.spec.ts", False),
    "of another package's folder": (
        "packages/b/src/x.ts",
        ["packages/a/src/y.ts", "packages/a/test/y.test.ts"],
        "packages/b/src/x.test.ts",
        False,
    ),
    "not another's of the same name": (
        "b/utils.py",
        ["a/utils.py", "tests/a/test_utils.py", "a/x.py", "tests/a/test_x.py"],
        "tests/b/test_utils.py",
        False,
    ),
    # As the framework is used.
    "python": ("shop/cart.py", [], "tests/test_cart.py", False),
    "python with a folder": ("shop/cart.py", ["shop/test/__init__.py"], "shop/test/test_cart.py", False),
    "a package's own code": ("shop/__init__.py", ["tests/test_a.py"], "tests/test_shop.py", False),
    "go": ("cart/cart.go", ["main.go"], "cart/cart_test.go", False),
    "java": ("src/main/java/com/x/Cart.java", [], "src/test/java/com/x/CartTest.java", False),
    "javascript": ("src/sum.js", [], "src/sum.test.js", False),
    "javascript with a folder": ("src/sum.js", ["test/setup.js"], "test/sum.test.js", False),
    "ruby": ("lib/shop/cart.rb", ["spec/spec_helper.rb"], "spec/shop/cart_spec.rb", False),
    "php": ("src/Cart.php", [], "tests/CartTest.php", False),
    "c++, of a header": ("include/cart.hpp", ["tests/CMakeLists.txt"], "tests/test_cart.cpp", False),
}
OF = {
    "py": "pytest", "ts": "jest", "tsx": "jest", "js": "jest", "java": "JUnit 5", "rs": "cargo test", "go": "go test",
    "rb": "RSpec", "php": "PHPUnit", "hpp": "Catch2",
}  # fmt: skip


def framework(name: str) -> frameworks.Framework:
    return next(one for one in frameworks.FRAMEWORKS if one.name == name)


@pytest.mark.parametrize("name", PLACES)
def test_a_test_goes_where_the_project_has_its_tests(name: str) -> None:
    path, others, wanted, exists = PLACES[name]
    found = testplace.place(path, [path, *others], framework(OF[path.rpartition(".")[2]]))
    assert (found.path, found.exists) == (wanted, exists)
    assert found.why


def test_tests_that_use_the_file_come_before_a_new_file() -> None:
    files = ["shop/cart.py", "tests/test_shop.py"]
    found = testplace.place("shop/cart.py", files, framework("pytest"), ["tests/test_shop.py"])
    assert (found.path, found.exists) == ("tests/test_shop.py", True)
    paired = ["shop/cart.py", "shop/shop.py", "tests/test_shop.py"]  # each file has its own
    found = testplace.place("shop/cart.py", paired, framework("pytest"), ["tests/test_shop.py"])
    assert (found.path, found.exists) == ("tests/test_cart.py", False)


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("tests/test_a.py", True), ("tests/helpers.py", True), ("a_test.go", True), ("src/a.spec.ts", True),
        ("conftest.py", True), ("src/test/java/A.java", True), ("FooTests.cs", True), ("TestFoo.java", True),
        ("src/a.py", False), ("latest.py", False), ("contest.py", False), ("testament.py", False),
        ("Testing.java", False), ("protest/a.py", False), ("inspect.py", False),
    ],
)  # fmt: skip
def test_tests_are_told_from_code(path: str, wanted: bool) -> None:
    assert frameworks.is_test(path) is wanted


TWO = "def test_a():\n    pass\n\n\ndef test_b():\n    pass\n"
JUDGED = [
    ("tests/test_a.py", None, TWO, ""),
    ("tests/test_a.py", TWO[:24], TWO, ""),
    ("tests/test_a.py", TWO, TWO.replace("pass", "assert True"), "adds no test"),
    ("tests/test_a.py", TWO, TWO.replace("test_b", "test_c"), "takes tests away: def test_b():"),
    ("tests/test_a.py", TWO, TWO.replace("test_b", "test_c") + TWO.replace("_a", "_d"), ""),
    ("a_test.go", None, "func TestA(t *testing.T) {\n}\n", ""),
    ("a_test.go", None, "func helper() {\n}\n", "adds no test"),
    ("src/a.rs", "fn a() {}\n", "fn a() {}\n\n#[cfg(test)]\nmod tests {\n    #[test]\n    fn b() {}\n}\n", ""),
    ("a.test.ts", "it('a', f)\n", "it('a', f)\ntest.each([1])('b', f)\n", ""),
    ("src/test/java/ATest.java", "@Test\nvoid a() {}\n", "@Test\nvoid a() {}\n@Test\nvoid b() {}\n", ""),
    ("a_spec.rb", None, "describe A do\n  it 'b' do\n  end\nend\n", ""),
    ("tests/ATest.php", None, "public function testA(): void {}\n", ""),
    ("test_a.cc", None, "TEST(A, b) {\n}\n", ""),
]


@pytest.mark.parametrize(("path", "old", "new", "wrong"), JUDGED)
def test_an_answer_has_to_add_tests_and_to_leave_those_that_are_there(
    path: str, old: str | None, new: str, wrong: str
) -> None:
    plan = planning.Plan("a", None, framework("pytest"), testplace.Destination(path, old is not None, ""), None, {})
    edit = FileEdit(path, old.encode() if old is not None else None, new.encode(), 0o644)
    try:
        planning.judge(plan, Proposal((edit,), b""))
        said = ""
    except Refused as exc:
        said = exc.message
    assert (wrong in said) if wrong else not said
