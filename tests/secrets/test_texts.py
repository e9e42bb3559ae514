"""What goes along with a change: the same secrets are hidden there, and all else comes back as it was."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from maw.secrets import MARK, texts
from maw.secrets.redact import redact
from maw.secrets.texts import Redacted
from tests.secrets.corpus import diff_of

PASSWORD = "v3ry-s3cret-w0rd"


def test_a_value_of_the_change_is_hidden_wherever_else_it_is_said() -> None:
    diff = diff_of("a.py", [f'db_password = "{PASSWORD}"'])
    done, said = texts.redacted(redact, diff, ["main", f"Rotate {PASSWORD}\n\nIt leaked.", ""])
    assert PASSWORD.encode() not in done.diff and done.diff.count(b"\n") == diff.count(b"\n")
    assert said == ["main", f"Rotate {MARK}\n\nIt leaked.", ""]
    assert [finding.line for finding in done.findings] == [11]


def test_a_text_is_no_part_of_the_diff() -> None:
    """Though it looks like one, it neither hides from the search nor is found as something that the change adds."""
    line = f'password = "{PASSWORD}"'
    for text in (f"--- {line}", f"index {line}", f"@@ -1 +1 @@\n+{line}"):
        done, said = texts.redacted(redact, diff_of("a.py", ["x = 1"]), [text])
        assert said == [text.replace(PASSWORD, MARK)]
        assert (done.hidden, done.findings) == (1, ())


@given(st.binary(max_size=50), st.lists(st.text(max_size=30), max_size=4))
def test_what_is_no_secret_comes_back(diff: bytes, said: list[str]) -> None:
    done, found = texts.redacted(lambda data: Redacted(data, 0, ()), diff, said)
    assert done.diff == diff
    assert found == [text.replace("\x1e", " ") for text in said]
