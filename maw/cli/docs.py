"""`maw docs`: the pages that its messages refer to, where somebody reads those messages."""

from __future__ import annotations

import re
from itertools import takewhile
from pathlib import Path

import click

import maw
from maw import errors
from maw.cli import completing
from maw.cli.output import console

WIDTH = 100  # columns of a page at most: longer lines are hard to read
_STYLES = {"markdown.code": "cyan", "markdown.code_block": "cyan"}  # rich's own have a black background, on white, too


def folder() -> Path:
    """Where the pages lie: in the package, or beside it in a clone."""
    package = Path(maw.__file__).parent
    return next(place for place in (package / "docs", package.parent / "docs") if place.is_dir())


def pages() -> dict[str, str]:
    """Each page's name and title."""
    return {path.stem: _title(path) for path in sorted(folder().glob("*.md"))}


def _title(path: Path) -> str:
    with open(path, encoding="utf-8") as file:
        return file.readline().removeprefix("#").strip()


@click.command("docs")
@click.argument("page", required=False, metavar="[PAGE[#SECTION]]", shell_complete=completing.pages)
def docs(page: str | None) -> int:
    """Read maw's documentation.

    At a terminal it is laid out and shown in your $PAGER; into a pipe goes the page as it is, in Markdown.

    \b
    Examples:
      maw docs                     which pages there are
      maw docs security
      maw docs hooks#secrets       one section of a page
      maw docs tui | grep ctrl
    """
    if page is None:
        known = pages()
        width = max(map(len, known))
        for name, title in known.items():
            click.echo(f"{name:<{width}}  {title}")
    else:
        _show(_text(page))
    return errors.PASS


def _text(wanted: str) -> str:
    """Raises FatalError where there is no such page or section."""
    name, _, section = wanted.partition("#")
    if name not in pages():
        raise errors.FatalError(f"there is no page called {name!r}", hint="`maw docs` lists them")
    text = (folder() / f"{name}.md").read_text(encoding="utf-8")
    return _section(name, text, section) if section else text


def _section(name: str, text: str, wanted: str) -> str:
    """A heading and what is below it, subsections too."""
    parts = _parts(text)
    for at, part in enumerate(parts):
        if anchor(part.partition("\n")[0]) == wanted:
            below = takewhile(lambda other: _depth(other) > _depth(part), parts[at + 1 :])  # noqa: B023 - used at once
            return "".join([part, *below])
    raise errors.FatalError(f"{name} has no section {wanted!r}", hint=f"`maw docs {name}` shows the page")


def _parts(text: str) -> list[str]:
    """A page, parted at its headings. A comment in a block of code is none."""
    parts, in_code = [""], False
    for line in text.splitlines(keepends=True):
        in_code ^= line.startswith("```")
        if line.startswith("#") and not in_code:
            parts.append("")
        parts[-1] += line
    return parts


def _depth(part: str) -> int:
    return len(part) - len(part.lstrip("#"))


def anchor(heading: str) -> str:
    """What a link to a heading says, as git hosts spell it."""
    return re.sub(r"[^\w -]", "", heading.lstrip("#").strip().lower()).replace(" ", "-")


def _show(text: str) -> None:
    out = console()
    if not out.is_terminal or out.is_dumb_terminal:
        click.echo(text, nl=False)
        return
    from rich.markdown import Markdown
    from rich.theme import Theme

    out.push_theme(Theme(_STYLES))
    page = Markdown(text, hyperlinks=False, code_theme="ansi_dark")
    with out.capture() as laid_out:
        out.print(page, soft_wrap=False, width=min(out.width, WIDTH))
    # None: coloured where the pager can show that, which click sees to for less.
    click.echo_via_pager(laid_out.get(), color=None if out.color_system else False)
