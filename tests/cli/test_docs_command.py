"""`maw docs`: the pages that messages refer to."""

from __future__ import annotations

from pathlib import Path

from maw.cli.docs import folder
from tests.cli.test_terminal import on_a_terminal
from tests.fixtures.cli import Maw


def test_pages_are_listed_and_printed_as_they_are(maw: Maw) -> None:
    listed = maw("docs").out.splitlines()
    assert [line.split()[0] for line in listed] == sorted(page.stem for page in folder().glob("*.md"))
    assert maw("docs", "security").out == (folder() / "security.md").read_text(encoding="utf-8")


def test_a_section_is_what_stands_below_its_heading(maw: Maw) -> None:
    page = maw("docs", "tui").out
    for heading in ("Queue", "Keys"):
        section = maw("docs", f"tui#{heading.lower()}").out
        assert section.startswith(f"## {heading}\n") and section in page
        assert "\n## " not in section
    assert "\n### " in maw("docs", "tui#keys").out
    section = maw("docs", "hooks#pre-commit-prek-lefthook-husky").out
    assert "\n# lefthook.yml\n" in section and section.count("```") % 2 == 0  # no heading, but a comment in code


def test_what_is_not_there_is_told(maw: Maw) -> None:
    for wanted, said in (("nope", "`maw docs` lists them"), ("../README", "`maw docs`"), ("tui#no", "`maw docs tui`")):
        refused = maw("docs", wanted)
        assert refused.code == 2 and said in refused.err


def test_at_a_terminal_it_is_laid_out(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    said = on_a_terminal("docs", "uninstall", cwd=tmp_path)
    assert b"Uninstall" in said and b"maw init" in said  # how is for rich to say, whose versions differ
    assert not any(mark in said for mark in (b"|---|", b"# Uninstall", b"`maw"))
