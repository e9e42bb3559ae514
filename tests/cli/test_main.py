"""The table of commands tells the truth, and completion asks it without importing the commands."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys

import click
import pytest

from maw import __version__
from maw.cli.main import COMMANDS
from maw.cli.main import maw as group
from tests.fixtures.cli import Maw


def first_clause(text: str) -> str:
    return re.split(r"[.:;]", text.strip().splitlines()[0])[0]


@pytest.mark.parametrize("name", COMMANDS)
def test_the_table_names_the_command_and_its_help(name: str) -> None:
    module, _, attribute = COMMANDS[name].target.partition(":")
    command = getattr(importlib.import_module(module), attribute)
    assert isinstance(command, click.Command)
    assert command.name == name
    assert command.help is not None
    assert first_clause(command.help) == first_clause(COMMANDS[name].help)


def test_help_lists_every_command(maw: Maw) -> None:
    done = maw("--help")
    assert done.code == 0
    for name, entry in COMMANDS.items():
        assert f"  {name} " in done.out
        assert entry.help.split(".")[0][:30] in done.out


@pytest.mark.parametrize("words", [[], ["show"], ["generate", "fix"], ["config", "set"]])
def test_help_as_a_command_is_the_help(maw: Maw, words: list[str]) -> None:
    done = maw("help", *words)
    assert done.code == 0 and done.out.rstrip("\n") == maw(*words, "--help").out.rstrip("\n")


def test_what_is_no_command_is_told_with_what_was_meant(maw: Maw) -> None:
    for words, told in (
        (["help", "hsitory"], "Did you mean `maw history`?"),
        (["help", "config", "sett"], "No such command 'sett'"),
        (["help", "show", "HEAD"], "`maw show` has no subcommands"),
        (["generate", "undo"], "`maw generate --undo` takes the last application back"),
    ):
        done = maw(*words)
        assert done.code == 2 and told in done.err, words


def test_version(maw: Maw) -> None:
    assert maw("--version").out == f"maw {__version__}\n"


def test_git_finds_it_as_a_subcommand(maw: Maw) -> None:
    import importlib.metadata

    scripts = {point.name: point.value for point in importlib.metadata.entry_points(group="console_scripts")}
    assert scripts["git-maw"] == scripts["maw"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_script(maw: Maw, shell: str) -> None:
    done = maw("completion", shell)
    assert done.code == 0
    assert f"_MAW_COMPLETE={shell}_complete" in done.out
    assert done.err == ""


def test_the_bash_script_is_bash(maw: Maw) -> None:
    script = maw("completion", "bash").out
    done = subprocess.run(["bash", "-n"], input=script.encode(), capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


def test_an_unknown_shell(maw: Maw) -> None:
    assert maw("completion", "tcsh").code == 2


def complete(maw: Maw, words: str) -> list[str]:
    done = maw(_MAW_COMPLETE="bash_complete", COMP_WORDS=words, COMP_CWORD=str(len(words.split(" ")) - 1))
    assert done.code == 0, done.err
    return [line.partition(",")[2] for line in done.out.splitlines()]


def test_completing_commands_subcommands_and_options(maw: Maw) -> None:
    assert complete(maw, "maw ") == list(COMMANDS)
    assert complete(maw, "maw hi") == ["history"]
    assert "set" in complete(maw, "maw config ")
    assert "--repo" in complete(maw, "maw config set --")
    assert "--version" in complete(maw, "maw --")


def test_completing_a_name_imports_no_command() -> None:
    program = (
        "import sys\n"
        "from maw.cli.main import maw\n"
        "import click\n"
        "from click.shell_completion import ShellComplete\n"
        "names = ShellComplete(maw, {}, 'maw', '_MAW_COMPLETE').get_completions([], '')\n"
        "assert len(names) > 10\n"
        "print([name for name in sys.modules if name.startswith('maw.cli.')])\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['maw.cli.ending', 'maw.cli.failure', 'maw.cli.main']"


def test_the_group_is_called_maw() -> None:
    assert group.name == "maw"
