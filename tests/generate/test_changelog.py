"""Entries put into change logs: where they belong, and nothing else changes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maw.edits import lines, match
from maw.edits.answer import Replace, Whole
from maw.errors import FatalError
from maw.generate.history import changelog, sections
from maw.generate.history.changes import Entry
from maw.generate.history.sections import SECTIONS

UNRELEASED = changelog.heading("", "")
KNOWN = """# Changelog

All of it.

## [Unreleased]

### Added

- A table of sizes, which may be
  long.

### Fixed

- A crash on empty input.

## [1.0.0] - 2026-01-01

### Added

- Everything.

[1.0.0]: https://example.com/1.0.0
"""
ADDED = Entry("Added", "A parser for durations.")
REMOVED = Entry("Removed", "The old parser.")
FIXED = Entry("Fixed", "A leak.", breaking=True)


def made(content: str | None, given_: list[Entry], title: str = UNRELEASED) -> str:
    """The change log after the edit, made by plain text."""
    block = changelog.block("CHANGELOG.md", content, given_, title)
    if isinstance(block, Whole):
        assert not (content or "").strip()
        return "\n".join(block.lines) + "\n"
    assert isinstance(block, Replace) and content is not None
    assert match.find(block.search, lines.read(content.encode()).lines, block.path).how == match.EXACT
    search, replace = "\n".join(block.search), "\n".join(block.replace)
    assert content.count(search) == 1
    return content.replace(search, replace)


def test_entries_come_into_their_sections() -> None:
    text = made(KNOWN, [ADDED, FIXED])
    assert text == KNOWN.replace("  long.\n", "  long.\n- A parser for durations.\n").replace(
        "empty input.\n", "empty input.\n- **Breaking:** A leak.\n"
    )


def test_a_section_that_is_missing_comes_where_it_belongs() -> None:
    removed = "### Removed\n\n- The old parser.\n\n"
    assert made(KNOWN, [REMOVED]) == KNOWN.replace("### Fixed", f"{removed}### Fixed", 1)
    security = made(KNOWN, [Entry("Security", "A hole.")])
    assert security == KNOWN.replace("empty input.\n", "empty input.\n\n### Security\n\n- A hole.\n")


def test_without_unreleased_it_comes_above_the_newest_release() -> None:
    content = KNOWN[: KNOWN.index("## [Unr")] + KNOWN[KNOWN.index("## [1.0.0]") :]
    text = made(content, [ADDED])
    new = "## [Unreleased]\n\n### Added\n\n- A parser for durations.\n\n## [1.0.0]"
    assert text == content.replace("## [1.0.0]", new)


def test_a_release_takes_over_what_is_unreleased() -> None:
    text = made(KNOWN, [ADDED], changelog.heading("1.1.0", "2026-02-03"))
    names = [part.name for part in changelog.releases(text.split("\n"))]
    assert names == ["Unreleased", "1.1.0", "1.0.0"]
    head = "## [Unreleased]\n\n## [1.1.0] - 2026-02-03\n\n### Added\n\n"
    assert head + "- A table of sizes, which may be\n  long.\n- A parser" in text
    assert made(text, [FIXED], changelog.heading("1.1.0", "2026-02-04")).count("1.1.0") == 1


def test_files_that_are_empty_or_hold_a_head_only() -> None:
    assert made(None, [ADDED]).endswith("## [Unreleased]\n\n### Added\n\n- A parser for durations.\n")
    assert made("\n", [ADDED]).startswith("# Changelog\n")
    assert made("# Changes\n\nHello.\n", [ADDED]) == (
        "# Changes\n\nHello.\n\n## [Unreleased]\n\n### Added\n\n- A parser for durations.\n"
    )
    with pytest.raises(FatalError, match="begins with no heading"):
        made("Changes of this project.\n", [ADDED])


def test_the_last_release_and_links_below_it() -> None:
    content = "# Changelog\n\n## Unreleased\n\n* One\n* Two\n\n[x]: https://example.com\n"
    text = made(content, [ADDED])
    assert text == content.replace("* Two\n", "* Two\n\n### Added\n\n* A parser for durations.\n")


def test_lines_are_as_wide_as_those_there() -> None:
    long = Entry("Added", "word " * 40)
    narrow = KNOWN.replace("- Everything.", "- " + "x" * 70)
    assert max(map(len, made(narrow, [long]).split("\n"))) <= 72
    unwrapped = KNOWN.replace("- Everything.", "- " + "x " * 200)
    assert "- " + ("word " * 40).strip() in made(unwrapped, [long]).split("\n")


def test_what_is_there_is_not_told_again() -> None:
    known = changelog.entries(KNOWN.split("\n"))
    assert known == ["A table of sizes, which may be long.", "A crash on empty input.", "Everything."]
    again = [Entry("Fixed", "a crash on `empty input`"), Entry("Added", "A table of sizes, which can be long."), ADDED]
    assert changelog.new(known, again) == [ADDED]
    assert changelog.style(KNOWN.split("\n")) == known


@given(
    st.lists(st.sampled_from([*KNOWN.split("\n"), "## [0.9]", "### Changed", "* x", "text", "### Other"]), max_size=30),
    st.lists(
        st.builds(Entry, st.sampled_from(SECTIONS), st.sampled_from(["One.", "Two words."])), min_size=1, max_size=5
    ),
    st.sampled_from([UNRELEASED, "## [2.0.0] - 2026-01-01"]),
)
def test_nothing_that_stands_there_is_lost(lines: list[str], given_: list[Entry], title: str) -> None:
    content = "\n".join(["# Changelog", *lines]) + "\n"
    block = changelog.block("CHANGELOG.md", content, given_, title)
    assert isinstance(block, Replace)
    rest = iter(block.replace)
    assert all(line in rest for line in block.search), "the old lines, in their order"
    added = "\n".join(block.replace)
    assert all(entry.shown in added for entry in given_)


@pytest.mark.parametrize(
    ("message", "section"),
    [
        ("feat: a parser", "Added"), ("fix(core): a leak", "Fixed"), ("Fix a leak", None), ("perf: faster", "Changed"),
        ("chore: tidy", "none"), ("docs: a page", "none"), ("refactor!: rename it", "Changed"), ("fixup! x", "none"),
        ("test: more\n\nBREAKING CHANGE: no more 3.10", "Changed"), ("feat!: a new format", "Added"), ("1.2.0", "none"),
        ("parser: read dates", None), ("security: escape it", "Security"), ("Merge branch 'x'", "none"),
    ],
)  # fmt: skip
def test_what_messages_say_themselves(message: str, section: str | None) -> None:
    assert sections.said(message) == section


def test_subjects_as_entries() -> None:
    assert sections.without_type("feat(cli): show sizes (#12)") == "Show sizes"
    assert sections.is_breaking("feat!: x") and not sections.is_breaking("feat: x")
