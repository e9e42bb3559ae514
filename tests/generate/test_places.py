"""Places in the output of real tools. Those in outputs/ were recorded from a small project in /tmp/g2demo."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maw.generate import tasks
from maw.generate.failing import gist, locate, places
from maw.generate.failing.places import ERROR, FRAME, NOTE, TEST

OUTPUTS = Path(__file__).parent / "outputs"
FILES = (
    "broken.py", "c/a.c", "c/list.c", "c/list.h", "c/main.c", "group.py", "run.py", "shop/cart.py", "shop/prices.py",
    "src/lib.rs", "src/main/java/com/example/Shop.java", "tests/test_cart.py", "web/bad.js", "web/run.js", "web/sum.js",
    "web/test/sum.test.mjs",
)  # fmt: skip
PYTEST = [
    "tests/test_cart.py:10", "shop/prices.py:9", "shop/prices.py:5", "shop/cart.py:12", "tests/test_cart.py:16",
    "tests/test_cart.py:21", "tests/test_cart.py:26", "tests/test_cart.py test_total",
    "tests/test_cart.py test_unknown", "tests/test_cart.py test_each", "tests/test_cart.py TestCart::test_total",
]  # fmt: skip
JAVA = "src/main/java/com/example/Shop.java"
RECORDED = {
    "assert": (["c/a.c:3"], "Assertion `1 == 2' failed."),
    "cargo": (
        ["src/lib.rs:3", "src/lib.rs:12", "src/lib.rs:17", "src/lib.rs:16", "src/lib.rs:11", "src/lib.rs:2"],
        "attempt to divide by zero",
    ),
    "gcc": (["c/list.h:3", "c/main.c:1"], "error: unknown type name ‘nothing_t’"),
    "gcc-link": (["c/main.c "], "error: ld returned 1 exit status"),
    "java": ([f"{JAVA}:14", f"{JAVA}:6", f"{JAVA}:12"], "java.lang.IllegalStateException: no price"),
    "javac": ([f"{JAVA}:6"], "error: cannot find symbol"),
    "node": (["web/sum.js:2", "web/run.js:4"], "TypeError: Cannot read properties of undefined (reading 'value')"),
    "node-syntax": (["web/bad.js:1"], "SyntaxError: Unexpected token ';'"),
    "node-test": (["web/test/sum.test.mjs:6"], "Expected values to be strictly equal:"),
    "pytest": (PYTEST, "assert 6 == 7"),
    "pytest-short": (PYTEST, "assert 6 == 7"),
    "python": (
        ["shop/prices.py:9", "shop/prices.py:5", "shop/cart.py:12", "run.py:6", "run.py:8"],
        "KeyError: 'plum'",
    ),
    "python-group": (["group.py:2", "group.py:7", "group.py:10", "group.py:12"], "ValueError: a"),
    "python-syntax": (["broken.py:1"], "SyntaxError: invalid syntax"),
    "rustc": (["src/lib.rs:3"], "error[E0277]: cannot add `&str` to `i32`"),
    "unittest-import": (["tests/test_cart.py "], "ModuleNotFoundError: No module named 'tests.test_cart'"),
    "unittest": (["tests/test_cart.py:26"], "AssertionError: 0 != 1"),
}  # fmt: skip


def recorded(name: str) -> str:
    return (OUTPUTS / f"{name}.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", RECORDED)
def test_what_real_tools_name_is_found_in_the_repository(name: str) -> None:
    wanted, headline = RECORDED[name]
    found = locate.locate(places.find(recorded(name)), FILES, "/tmp/g2demo")
    assert [f"{one.path}:{one.line}" if one.line else f"{one.path} {one.symbol}" for one in found] == wanted
    assert headline in gist.headline(recorded(name))


def test_every_recording_is_looked_at() -> None:
    assert {path.stem for path in OUTPUTS.glob("*.txt")} == set(RECORDED)


# Tools that are not everywhere, as their documentation and issues show them.
OTHERS = [
    ("./main.go:12:5: undefined: total", ("./main.go", 12, ERROR, "", "undefined: total")),
    (
        "    main_test.go:9: got 1, want 2\n--- FAIL: TestAdd (0.00s)\nFAIL\nFAIL\texample.com/shop/cart\t0.002s",
        ("example.com/shop/cart/main_test.go", 9, ERROR, "", "got 1, want 2"),
    ),
    (
        "goroutine 1 [running]:\nmain.half(...)\n\t/tmp/shop/main.go:8 +0x1d\nexit status 2",
        ("/tmp/shop/main.go", 8, FRAME, "", ""),
    ),
    (
        "src/sum.ts(10,5): error TS2322: Type 'string' is not assignable to type 'number'.",
        ("src/sum.ts", 10, ERROR, "", "TS2322: Type 'string' is not assignable to type 'number'."),
    ),
    (
        "\x1b[96msrc/sum.ts\x1b[0m:\x1b[93m10\x1b[0m:\x1b[93m5\x1b[0m - \x1b[91merror\x1b[0m TS2322: No.",
        ("src/sum.ts", 10, ERROR, "", "error TS2322: No."),
    ),
    (
        "FAIL src/sum.test.js\n  ● adds\n    at Object.<anonymous> (src/sum.test.js:5:20)",
        ("src/sum.test.js", 5, FRAME, "Object.<anonymous>", ""),
    ),
    (
        " FAIL  src/sum.test.ts > adds > twice\nAssertionError: expected 1 to be 2\n ❯ src/sum.test.ts:5:20",
        ("src/sum.test.ts", 5, FRAME, "", ""),
    ),
    ("    at async Promise.run (file:///tmp/shop/run.mjs:3:7)", ("/tmp/shop/run.mjs", 3, FRAME, "Promise.run", "")),
    (
        "\tat app//org.shop.cart.Cart$Item.price(Cart.java:31)",
        ("org/shop/cart/Cart.java", 31, FRAME, "Cart$Item.price", ""),
    ),
    (
        "[ERROR] /tmp/shop/src/Cart.java:[31,9] cannot find symbol",
        ("/tmp/shop/src/Cart.java", 31, ERROR, "", "cannot find symbol"),
    ),
    (
        "e: file:///tmp/shop/Cart.kt:31:9 Unresolved reference: x",
        ("/tmp/shop/Cart.kt", 31, ERROR, "", "Unresolved reference: x"),
    ),
    (
        "e: /tmp/shop/Cart.kt: (31, 9): Unresolved reference: x",
        ("/tmp/shop/Cart.kt", 31, ERROR, "", "Unresolved reference: x"),
    ),
    (
        "Cart.cs(12,5): error CS0103: The name 'x' does not exist",
        ("Cart.cs", 12, ERROR, "", "CS0103: The name 'x' does not exist"),
    ),
    ("thread 'main' panicked at 'no price', src/cart.rs:4:5", ("src/cart.rs", 4, ERROR, "", "'no price'")),
    ("warning: unused variable: `n`\n --> src/cart.rs:2:9", ("src/cart.rs", 2, NOTE, "", "unused variable: `n`")),
    (
        "lib/cart.rb:12:in `total': undefined method (NoMethodError)",
        ("lib/cart.rb", 12, FRAME, "total", "undefined method (NoMethodError)"),
    ),
    ("     # ./spec/cart_spec.rb:5:in 'block (2 levels)'", ("./spec/cart_spec.rb", 5, FRAME, "block (2 levels)", "")),
    (
        "PHP Fatal error:  Uncaught Error: no in /tmp/shop/cart.php on line 7",
        ("/tmp/shop/cart.php", 7, ERROR, "", "PHP Fatal error: Uncaught Error: no"),
    ),
    ("#0 /tmp/shop/cart.php(12): total()", ("/tmp/shop/cart.php", 12, FRAME, "total", "")),
    ("#1  0x0000555 in total (n=1) at cart.c:10", ("cart.c", 10, FRAME, "total", "")),
    ("    #0 0x4f2 in total /tmp/shop/cart.c:10:5", ("/tmp/shop/cart.c", 10, FRAME, "total", "")),
    (
        "cart.py:3: error: Incompatible types  [assignment]",
        ("cart.py", 3, ERROR, "", "Incompatible types [assignment]"),
    ),
    ("cart.py:3:1: F401 `os` imported but unused", ("cart.py", 3, ERROR, "", "F401 `os` imported but unused")),
    ("cart.py:3: DeprecationWarning: old", ("cart.py", 3, NOTE, "", "old")),
    ("Makefile:4: *** missing separator.  Stop.", ("Makefile", 4, ERROR, "", "*** missing separator. Stop.")),
    ("ERROR tests/test_cart.py - ImportError: no", ("tests/test_cart.py", None, TEST, "", "ImportError: no")),
]


@pytest.mark.parametrize(("text", "wanted"), OTHERS, ids=[wanted[0] + f":{wanted[1]}" for _, wanted in OTHERS])
def test_forms_of_other_tools(text: str, wanted: tuple[str, int | None, str, str, str]) -> None:
    assert tuple(places.find(text)[0]) == wanted


@pytest.mark.parametrize(
    "text",
    [
        "",
        "all is well",
        "see http://127.0.0.1:8080/",
        "12:30:01 done",
        "ok  \texample.com/shop\t0.1s",
        "a: b: c",
        "v1.2:3",
    ],
)
def test_talk_names_no_place(text: str) -> None:
    assert locate.locate(places.find(text), FILES, "/tmp/g2demo") == []


def test_a_module_that_is_missing_does_not_end_pytests_trace() -> None:
    text = (
        "shop/cart.py:12: in total\n    return price()\n"
        ">   import nothing\nE   ModuleNotFoundError: No module named 'nothing'\n\n"
        "shop/prices.py:9: ModuleNotFoundError\n"
    )
    assert [(one.path, one.line) for one in places.find(text)] == [("shop/prices.py", 9), ("shop/cart.py", 12)]


LOCATED = [
    ("/tmp/g2demo/shop/cart.py", "shop/cart.py"),
    ("./shop/../shop/cart.py", "shop/cart.py"),
    ("/tmp/maw-verify-x1/g2demo/shop/cart.py", "shop/cart.py"),
    ("/app/shop/cart.py", "shop/cart.py"),  # in a container
    ("/app/run.py", "run.py"),
    ("sum.js", "web/sum.js"),  # by a command that ran below
    ("test/sum.test.mjs", "web/test/sum.test.mjs"),
    ("com/example/Shop.java", "src/main/java/com/example/Shop.java"),
    ("other/sum.js", None),
    ("/elsewhere/lib.rs", None),
    ("/usr/lib/python3.11/run.py", None),
    ("/opt/venv/lib/python3.11/site-packages/shop/cart.py", None),
    ("node_modules/x/web/sum.js", None),
    ("<frozen importlib>/run.py", None),
    ("../../etc/passwd", None),
    ("", None),
]


@pytest.mark.parametrize(("named", "wanted"), LOCATED)
def test_a_file_is_found_by_the_end_of_its_path(named: str, wanted: str | None) -> None:
    found = locate.locate([places.Named(named, 1, ERROR)], FILES, "/tmp/g2demo")
    assert [one.path for one in found] == ([wanted] if wanted else [])


def test_a_folder_of_the_repositorys_own_name_is_not_taken_for_the_scratch_worktree() -> None:
    named = [places.Named("/tmp/maw-verify-x1/app/core.py", 1, ERROR)]
    assert [one.path for one in locate.locate(named, ["core.py", "app/core.py"], "/tmp/app")] == ["core.py"]


def test_two_files_that_end_the_same_are_none() -> None:
    assert locate.locate([places.Named("x.py", 1, ERROR)], ["a/x.py", "b/x.py"], "/tmp/p") == []
    assert locate.locate([places.Named("b/x.py", 1, ERROR)], ["a/x.py", "b/x.py"], "/tmp/p")[0].path == "b/x.py"


@pytest.mark.parametrize(
    "line",
    [
        "a/" * 5000 + ".py:1", "#1 " + "x " * 5000, "#1 " + "(x) at " * 2000, " at " * 5000, "(" * 10_000,
        'File "' * 3000, "a.b" * 5000 + ":1:", ":1" * 5000, "_" * 10_000, "e: " * 4000, " in /" * 3000, "\t/" * 5000,
        "FAILED " + "a.py" * 3000, "`'" * 5000, "1:1 " * 4000, "--> " * 3000, ": error " * 2000, "panicked at " * 1000,
    ],
    ids=lambda line: line[:8],
)  # fmt: skip
def test_no_line_takes_long(line: str) -> None:
    places.find(f"{line}\n" * 200)
    gist.headline(line)


def test_an_output_is_cut_to_what_tells_something() -> None:
    noise = [f"collecting {number}" for number in range(500)]
    text = "\n".join([*noise, recorded("pytest-short"), *noise])
    made = gist.of(text, 3000)
    assert len(made) <= 3000
    assert "shop/prices.py:9: in lookup" in made
    assert "E   KeyError: 'plum'" in made
    assert "FAILED tests/test_cart.py::test_total - assert 6 == 7" in made
    assert made.startswith(gist.GAP)
    assert made.endswith(gist.GAP)
    assert gist.of("one\ntwo\n", 100) == "one\ntwo"
    assert len(gist.of("x" * 10_000, 50)) <= 50


_PIECES = (
    "a.py", "src/lib.rs", ":", "1", "12:3", " ", "\n", "\t", "at ", 'File "', '", line ', "(", ")", "E   ", "error: ",
    "FAIL\t", "ok  \t", "--> ", "panicked at ", "\x1b[31m", "\N{REPLACEMENT CHARACTER}[0m", "\r", "'", "_____ x",
)  # fmt: skip


@given(st.lists(st.sampled_from(_PIECES) | st.text(max_size=5), max_size=60).map("".join))
def test_any_output_is_read(text: str) -> None:
    found = places.find(text)
    assert len(found) <= places.PLACES_MAX
    assert all((one.symbol + one.message).isprintable() for one in found)
    assert [places.KINDS.index(one.kind) for one in found] == sorted(places.KINDS.index(one.kind) for one in found)
    assert {one.path for one in locate.locate(found, FILES, "/tmp/g2demo")} <= set(FILES)
    assert gist.headline(text).isprintable()
    assert len(gist.of(text, 40)) <= 40


@pytest.mark.parametrize(
    ("words", "is_output"),
    [
        ("mend src/app.py:3", False),  # one line is said, whatever it names
        ("mend the sum,\nand keep the name", False),
        ('Traceback (most recent call last):\n  File "src/app.py", line 3, in total\nTypeError: no', True),
    ],
)
def test_a_pasted_output_is_told_from_an_instruction(words: str, is_output: bool) -> None:
    assert tasks.is_output(words) == is_output
