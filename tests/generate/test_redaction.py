"""Secrets on their way out, and what an answer may do to lines whose value was taken out."""

from __future__ import annotations

import pytest

from maw.edits.answer import Block, Replace, Whole
from maw.edits.refusal import Refused, refusal
from maw.generate import redaction
from maw.generate.redaction import Hidden
from maw.generate.request import Asked, Example, File, Tried
from maw.secrets import MARK
from maw.secrets.redact import redact

KEY = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"
CONFIG = f'import os\r\nTOKEN = "{KEY}"\r\nNAME = "maw"\r\n'


def without(asked: Asked) -> tuple[Asked, Hidden]:
    return redaction.redacted(asked, redact)


def restored(block: Block, hidden: Hidden) -> Block:
    (found,) = redaction.restored([block], hidden)
    return found


def test_a_value_leaves_in_no_text() -> None:
    asked = Asked(
        "code",
        f"use {KEY} there",
        files=(File("src/a.py", CONFIG, True), File("b.py", f"x = '{KEY}'\n")),
        map=f"{KEY}\n",
        project=KEY,
        examples=(Example(KEY, f"+{KEY}"),),
        before=(
            Tried(f"--- {KEY}", (refusal("no_match", KEY, "a.py", f"+++ {KEY}"),), f"@@ -1 +1 @@ {KEY}\n-- {KEY}"),
        ),
    )
    made, hidden = without(asked)
    assert KEY not in repr(made)
    assert hidden.values > 0
    assert made.redacted
    assert made.files[0].text == CONFIG.replace(KEY, MARK)
    assert made.before[0].refusals[0].code == "no_match"
    assert hidden.lines["src/a.py"] == {f'TOKEN = "{MARK}"': f'TOKEN = "{KEY}"'}


def test_what_holds_no_secret_stays_as_it_is() -> None:
    asked = Asked("code", "add\n", files=(File("é\tb.py", "x = 1", True), File("empty", "")), map="a:\n")
    assert without(asked) == (asked, Hidden({}))


@pytest.mark.parametrize("path", ["src/é.py", "a b.py", "Makefile", ".env", "a\u2028b.py"])
def test_any_path_will_do(path: str) -> None:
    made, hidden = without(Asked("code", "x", files=(File(path, f"a = 1\npassword = '{KEY}'"),)))
    assert KEY not in made.files[0].text
    assert made.files[0].path == path
    assert path in hidden.lines


def test_a_line_that_is_repeated_is_the_real_one_again() -> None:
    _, hidden = without(Asked("code", "x", files=(File("a.py", CONFIG, True),)))
    line = f'TOKEN = "{MARK}"'
    found = restored(Replace("a.py", (line, 'NAME = "maw"'), (line, 'NAME = "git"')), hidden)
    real = f'TOKEN = "{KEY}"'
    assert found == Replace("a.py", (real, 'NAME = "maw"'), (real, 'NAME = "git"'))


@pytest.mark.parametrize(
    "block",
    [
        Replace("a.py", (f'TOKEN = "{MARK}"',), (f'TOKEN = str("{MARK}")',)),
        Replace("a.py", (f'TOKEN="{MARK}"',), ("",)),
        Replace("a.py", ('NAME = "maw"',), (f'OTHER = "{MARK}"',)),
        Whole("new.py", (f'TOKEN = "{MARK}"',)),
    ],
)
def test_a_placeholder_never_takes_a_values_place(block: Block) -> None:
    _, hidden = without(Asked("code", "x", files=(File("a.py", CONFIG, True),)))
    with pytest.raises(Refused) as caught:
        redaction.restored([block], hidden)
    assert caught.value.refusals[0].code == "redacted"
    assert "a value was taken out there" in caught.value.message


def test_two_values_that_leave_as_one_line_are_not_put_back() -> None:
    text = f'a("{KEY}")\na("{KEY[:-4]}ZZZZ")\n'
    made, hidden = without(Asked("code", "x", files=(File("a.py", text, True),)))
    line = made.files[0].text.split("\n")[0]
    assert hidden.lines["a.py"] == {line: None}
    with pytest.raises(Refused):
        redaction.restored([Replace("a.py", (line,), (line,))], hidden)


def test_the_mark_alone_is_no_reason_where_nothing_was_hidden() -> None:
    block = Replace("a.py", ("x",), (MARK,))
    assert redaction.restored([block], Hidden({})) == [block]
