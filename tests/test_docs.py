"""The docs tell the truth: every command and setting is in them, their links lead somewhere, and so do the examples."""

from __future__ import annotations

import importlib
import re
import shlex
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from benchmarks.report import counted
from maw import errors
from maw.cli.docs import anchor
from maw.cli.main import COMMANDS
from maw.config.schema import BACKEND_SETTINGS, NODE_SETTINGS, RESERVED_ENV, SETTINGS
from maw.config.text import literal, shown

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "benchmarks").glob("*.md")])
CONFIGURATION = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
# Names of registries' hosts and of the machines we work on: built up, so that this file has none of them.
FORBIDDEN = [
    ".".join(parts)
    for parts in (("pypi", "org"), ("pythonhosted", "org"), ("npmjs", "org"), ("debian", "org"), ("crates", "io"))
] + [
    "/".join(parts)
    for parts in (("", "root", ""), ("", "work", "main"), ("", "work", "shared"), ("", "home", "runner"))
]


def commands() -> Iterator[tuple[str, click.Command]]:
    """Every command with its full name, subcommands too."""
    for name, entry in COMMANDS.items():
        module, _, attribute = entry.target.partition(":")
        yield from _below(f"maw {name}", getattr(importlib.import_module(module), attribute))


def _below(name: str, command: click.Command) -> Iterator[tuple[str, click.Command]]:
    yield name, command
    if isinstance(command, click.Group):
        for below in command.list_commands(click.Context(command)):
            found = command.get_command(click.Context(command), below)
            assert found is not None
            yield from _below(f"{name} {below}", found)


ALL = dict(commands())


def help_of(command: click.Command) -> str:
    return f"{command.help or ''}\n{command.epilog or ''}"


@pytest.mark.parametrize("name", ALL)
def test_every_command_has_help(name: str) -> None:
    text = (ALL[name].help or "").strip()
    assert text, f"{name} has no help"
    assert text.splitlines()[0].rstrip().endswith((".", ":", ",")) or "\n" in text
    for parameter in ALL[name].params:
        if isinstance(parameter, click.Option) and not parameter.hidden:
            assert parameter.help, f"{name} {parameter.opts[-1]} has no help"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_shows_an_example(name: str) -> None:
    assert re.search(rf"^\s+(\S+ )?(\S+=\S+ )?maw {name}\b", help_of(ALL[f"maw {name}"]), re.MULTILINE)


@pytest.mark.parametrize("name", [name for name, command in ALL.items() if "maw " in help_of(command)])
def test_examples_in_help_are_commands_that_exist(name: str) -> None:
    for line in help_of(ALL[name]).splitlines():
        match = re.match(r"\s{2,}(maw [a-z].*?)(\s{2,}.*|[|>&#].*)?$", line)
        if match:
            _check_example(match[1])


def _check_example(text: str) -> None:
    """The words of an example name a command, and its options exist."""
    words = shlex.split(text.replace("…", "x"))
    command: click.Command | None = None
    name = "maw"
    for word in words[1:]:
        if f"{name} {word}" in ALL:
            name = f"{name} {word}"
            command = ALL[name]
        elif word.startswith("--") and command is not None:
            known = {option for parameter in command.params for option in parameter.opts} | {"--help"}
            assert word.partition("=")[0] in known, f"{text}: {name} has no {word}"
    assert command is not None, f"{text}: no such command"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_examples_in_pages_are_commands_that_exist(page: Path) -> None:
    for line in page.read_text(encoding="utf-8").splitlines():
        match = re.match(r"(?: {4}|\$ |\S+\$ )(maw [a-z][^#>|&]*)", line)
        if match:
            _check_example(re.sub(r"\s{2,}.*", "", match[1]))


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_documented(name: str) -> None:
    pages = "\n".join(page.read_text(encoding="utf-8") for page in PAGES if page.name != "CHANGELOG.md")
    assert f"maw {name}" in pages


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.key)
def test_every_setting_is_documented_as_it_is(setting) -> None:
    mark = " *repository*" if setting.repo else ""
    row = f"| `{setting.key}`{mark} | `{literal(shown(setting, setting.default))}` | {setting.help} |"
    assert row in CONFIGURATION, f"docs/configuration.md should have: {row}"


def test_no_setting_is_documented_that_is_gone() -> None:
    table = CONFIGURATION.partition("## Settings")[2].partition("## Rules")[0]
    assert set(re.findall(r"^\| `([^`]+)`", table, re.MULTILINE)) == {setting.key for setting in SETTINGS}


def test_named_settings_variables_and_exit_codes_are_documented() -> None:
    for setting in NODE_SETTINGS:
        assert f"| `nodes.NAME.{setting.key}` | {setting.help} |" in CONFIGURATION
    for setting in BACKEND_SETTINGS:
        assert f"| `backends.NAME.{setting.key}` | {setting.help} |" in CONFIGURATION
    for name in RESERVED_ENV - {"MAW_COMPLETE"}:
        assert f"| `{name}` |" in CONFIGURATION
    codes = (errors.PASS, errors.BLOCK, errors.USAGE, errors.INCOMPLETE, errors.UNREACHABLE, errors.DEFECT)
    for code in (*codes, errors.INTERRUPTED):
        assert f"| {code} | " in CONFIGURATION


def test_the_manual_page_tells_the_commands_variables_and_exit_codes() -> None:
    """The page that `git maw --help` shows."""
    page = (ROOT / "docs" / "man" / "git-maw.1").read_text(encoding="utf-8").replace("\\-", "-")
    told = re.findall(r"^\.TP\n\.B maw (\S+)\n(.+)$", page, re.MULTILINE)
    assert told == [(name, entry.help) for name, entry in COMMANDS.items()]
    for name in RESERVED_ENV - {"MAW_COMPLETE"}:
        assert f".TP\n.B {name}\n" in page
    assert set(re.findall(r"^\| ([\d, ]+) \|", CONFIGURATION, re.MULTILINE)) == set(
        re.findall(r"^\.TP\n\.B ([\d, ]+)$", page, re.MULTILINE)
    )
    for line in page.partition(".SH EXAMPLES\n.nf\n")[2].partition("\n.fi")[0].splitlines():
        _check_example(line)


def test_messages_refer_to_pages_that_are_there() -> None:
    folders = ("maw", "hooks", "remote", "tui")
    sources = [path.read_text(encoding="utf-8") for name in folders for path in (ROOT / name).rglob("*.py")]
    named = {name for text in sources for name in re.findall(r"`maw docs ([a-z#-]+)`", text)}
    assert named
    for name in named:
        page, _, section = name.partition("#")
        assert not section or section in _anchors(ROOT / "docs" / f"{page}.md"), name
        assert (ROOT / "docs" / f"{page}.md").exists(), name


def test_what_troubleshooting_quotes_is_said() -> None:
    """Each `message` of its first columns stands in a source; names in capitals and dots stand for anything."""
    page = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
    cells = re.findall(r"^\| ([^|]+) \|", page, re.MULTILINE)
    quoted = [quote for cell in cells for quote in re.findall(r"`([^`]+)`", cell) if not quote.startswith("maw ")]
    folders = ("maw", "hooks", "remote")
    sources = "\n".join(
        path.read_text(encoding="utf-8") for name in folders for path in (ROOT / name).rglob("*.*") if _source(path)
    )
    assert len(quoted) > 5
    for quote in quoted:
        for part in filter(None, (part.strip(" ;") for part in re.split(r"…|\b\d+ s\b|\bN\b", quote))):
            assert part in sources, f"no program says {part!r}"


def _source(path: Path) -> bool:
    return path.suffix in (".py", ".sh")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target, section in re.findall(r"\]\(([^)#\s]*)(?:#([^)]*))?\)", page.read_text(encoding="utf-8")):
        if target.startswith(("https://", "http://", "mailto:")):
            continue
        other = page.parent / target if target else page
        assert other.exists(), f"{page.name}: {target}"
        assert not section or section in _anchors(other), f"{page.name}: {target}#{section}"


def _anchors(page: Path) -> set[str]:
    """What links into a page may name: its headings, as git hosts spell them, and anchors of its own."""
    text = page.read_text(encoding="utf-8")
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {anchor(heading) for heading in headings} | set(re.findall(r'<a id="([^"]+)">', text))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_tables_are_whole(page: Path) -> None:
    """A row that is apart from its table is shown as text with bars in it."""
    lines = ["", *page.read_text(encoding="utf-8").splitlines()]
    for before, line, after in zip(lines, lines[1:], [*lines[2:], ""], strict=False):
        if line.startswith("|") and not before.startswith("|"):
            assert after.startswith("|--"), f"{page.name}: {line}"


def test_every_page_is_named_in_the_readme() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for page in (ROOT / "docs").glob("*.md"):
        assert f"](docs/{page.name})" in readme, page.name


@pytest.mark.parametrize(("name", "folder"), [("security", ""), ("reliability", "tests/faults/")])
def test_promises_name_tests_that_exist(name: str, folder: str) -> None:
    """`FILE.py::test_name`, `test_other_name` in the same file, or a file alone."""
    page = (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8")
    source, count = "", 0
    for quote in re.findall(r"`((?:[\w/]+\.py)?(?:::)?(?:test_\w+)?)`", page):
        file, _, test = quote.rpartition("::") if "::" in quote or quote.endswith(".py") else ("", "", quote)
        file, test = (test, "") if test.endswith(".py") else (file, test)
        if file:
            path = ROOT / (file if file.startswith("tests/") else folder + file)
            assert path.exists(), f"{name}.md: {file}"
            source = path.read_text(encoding="utf-8")
        if test:
            assert f"def {test}(" in source, f"{name}.md: {quote}"
            count += 1
    assert count > 10


def test_the_results_tell_what_reliability_counted() -> None:
    results = (ROOT / "benchmarks" / "RESULTS.md").read_text(encoding="utf-8")
    for title, lines in counted().items():
        assert lines.count("\n") > 4, f"reliability.md has no table of {title}"
        assert f"\n## {title}\n\n{lines}" in results, f"copy the table of {title} from reliability.md to RESULTS.md"


def tracked() -> list[Path]:
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if done.returncode:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in done.stdout.decode().split("\0") if name]


def test_no_file_names_a_registry_or_somebodys_machine() -> None:
    for path in tracked():
        text = path.read_bytes().decode("utf-8", "replace") if path.is_file() else ""
        found = [word for word in FORBIDDEN if word in text]
        assert not found, f"{path.relative_to(ROOT)}: {found}"


def test_the_lowest_versions_are_those_of_the_packaging() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lowest = {tuple(re.split(r">=|,", text)[:2]) for text in project["dependencies"]}
    lines = (ROOT / "constraints-lowest.txt").read_text().splitlines()
    tried = {tuple(line.split("==")) for line in lines if not line.startswith("#")}
    assert {name for name, _ in tried} == {name for name, _ in lowest}
    for name, version in tried:
        bound = next(low for known, low in lowest if known == name)
        assert version.split(".")[: len(bound.split("."))] == bound.split("."), name


def test_the_tested_set_has_names_and_versions_only() -> None:
    for line in (ROOT / "constraints.txt").read_text().splitlines():
        assert line.startswith("#") or re.fullmatch(r"[a-z0-9-]+==[0-9][0-9a-z.]*", line), line
