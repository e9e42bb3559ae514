"""The file that git's editor opens: nothing but the suggestion comes, and it goes without a trace."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from maw.messages import check, file, profile
from maw.messages.check import Change
from tests.messages import repositories

COMMENTS = st.sampled_from([b"#", b";", b"//"])
LINES = st.lists(st.one_of(st.binary(max_size=20), st.sampled_from([b"", b"# x", b"text", b"#" + file.SCISSORS])))


@given(LINES, st.text(min_size=1, max_size=100), COMMENTS)
def test_without_the_suggestion_the_file_is_what_it_was(lines: list[bytes], text: str, comment: bytes) -> None:
    content = b"\n".join(lines)
    added = file.block(text.encode("utf-8", "replace"), content, comment)
    assert file.without(added + content, added) == content
    assert (added + content).endswith(content)


@given(LINES, COMMENTS)
def test_a_suggestion_is_the_messages_beginning(lines: list[bytes], comment: bytes) -> None:
    content = b"\n".join(lines)
    added = file.block(b"Add it\n\nWhy.", content, comment)
    assert file.message(added + content, comment).startswith(b"Add it\n\nWhy.\n")


def test_checks_say_only_what_is_certain() -> None:
    habits = profile.make(repositories.CONVENTIONAL)

    def codes(message: str, *paths: str, text: str = "x = 1", ticket: str = "") -> list[str]:
        return [problem.code for problem in check.check(message, habits, Change(paths, text), ticket)]

    assert codes("feat(api): add a client", "a.py") == []
    assert codes("", "a.py") == ["empty"]
    assert codes("add a client", "a.py") == ["no_type"]
    assert codes("Feat: add a client", "a.py") == ["wrong_type"]
    assert codes("foo(api): add a client", "a.py") == ["wrong_type"]
    assert codes("feat(API): add a client", "a.py") == ["wrong_scope"]
    assert codes("feat: " + "x" * 90, "a.py") == ["too_long"]
    assert codes("test: cover the client", "a.py") == ["no_test"]
    assert codes("test: cover the client", "tests/test_a.py") == []
    assert codes("fix: mend b.py", "a.py") == ["unknown_file"]
    assert codes("fix: mend a.py", "src/a.py") == []
    assert codes("fix: let `load` raise", "a.py") == ["unknown_name"]
    assert codes("fix: let `load` raise", "a.py", text="+def load():") == []
    assert codes("fixup! whatever", "a.py") == []
    tickets = profile.make(repositories.TICKETS)
    assert [problem.code for problem in check.check("Add a page", tickets, None)] == ["no_ticket"]
    assert check.mended("Add a page\n", tickets, "SHOP-9") == "SHOP-9: Add a page\n"
