"""A clone is a stranger's: whatever it carries runs nothing, writes nothing outside and chooses nothing.

What it may carry: attributes, .maw.toml, links, names, messages, notes, a repository within, and a file that its README
asks people to include into their configuration. Notes are in test_hostile_notes.py, links, pipes and endless files in
tests/cli/test_hostile_files.py, patches in tests/faults/test_hostile_input.py.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

from maw.attendant import spool
from maw.change import display_path
from maw.config.schema import SETTINGS
from maw.git.repo import discover
from maw.memory.index import Index
from maw.memory.query import Filters
from maw.record import encode
from maw_hooks import install
from tests.fixtures.attendant import kernel_repo, review_record, wait_for
from tests.fixtures.cli import Maw
from tests.fixtures.fake_runner import FakeRunner, finding
from tests.fixtures.git import Repository, make_repository
from tests.hooks.conftest import Hooked
from tests.hooks.hostile import CONTROL, EVIL, clean
from tests.kernel.test_git import HOSTILE

# Beside what concerns diffs (HOSTILE), what git would run for other reasons.
RUNS = {
    **HOSTILE, "gpg.program": "{run}", "gpg.ssh.program": "{run}", "log.showSignature": "true", "core.editor": "{run}",
    "core.askPass": "{run}", "credential.helper": "!{run}", "core.sshCommand": "{run}", "core.gitProxy": "{run}",
    "pager.log": "{run}", "pager.diff": "{run}", "core.hooksPath": "{hooks}", "filter.evil.clean": "{run}",
    "filter.evil.smudge": "{run}", "filter.evil.process": "{run}", "filter.evil.required": "true",
    "merge.evil.driver": "{run}", "alias.log": "!{run}", "alias.rev-parse": "!{run}", "alias.diff": "!{run}",
    "uploadpack.packObjectsHook": "{run}", "notes.displayRef": "*", "core.alternateRefsCommand": "{run}",
}  # fmt: skip


@pytest.fixture
def evil(home: Path) -> Path:
    """A program that leaves a mark; the mark's path is that of the program with `.ran` behind it."""
    program = home / "evil"
    program.write_text(f'#!/bin/sh\necho "$0 $*" >>{program}.ran\ncat\n')
    program.chmod(0o755)
    hooks = home / "evil-hooks"
    hooks.mkdir()
    for hook in ("reference-transaction", "post-index-change", "pre-commit", "post-commit"):
        (hooks / hook).symlink_to(program)
    return program


def ran(evil: Path) -> str:
    mark = Path(f"{evil}.ran")
    return mark.read_text() if mark.exists() else ""


def configuration(evil: Path) -> str:
    lines = []
    for key, value in RUNS.items():
        section, _, name = key.rpartition(".")
        head = section.replace(".", ' "') + '"' if "." in section else section
        lines.append(f'[{head}]\n\t{name} = "{value.format(mark=f"{evil}.ran", run=evil, hooks=f"{evil}-hooks")}"\n')
    return "".join(lines)


def signed(repository: Repository) -> str:
    """HEAD as if it were signed: git that shows signatures runs gpg.program for it."""
    head = repository.git("cat-file", "commit", "HEAD").encode("utf-8", "surrogateescape") + b"\n"
    signature = b"gpgsig -----BEGIN PGP SIGNATURE-----\n \n x\n -----END PGP SIGNATURE-----\n"
    content = head.replace(b"\n\n", b"\n" + signature + b"\n", 1)
    oid = repository.git("hash-object", "-w", "-t", "commit", "--stdin", stdin=content)
    repository.git("update-ref", "HEAD", oid)
    return oid


COMMANDS = [
    ["history"], ["history", "--path", "a.txt", "HEAD"], ["show"], ["show", "--raw"], ["review", "HEAD"], ["review"],
    ["doctor", "--offline"], ["config", "list"], ["hooks", "status"], ["status"],
]  # fmt: skip


# What git would run


def test_a_configuration_that_was_included_runs_nothing(
    repo: Repository, home: Path, maw: Maw, fake_runner: FakeRunner, user: Path, evil: Path
) -> None:
    """By maw's commands; what git itself does with such a configuration is between it and its user."""
    repo.write(".gitattributes", "* diff=evil filter=evil merge=evil\n")
    repo.commit("one", a__txt="1\n")
    repo.commit("two", a__txt="2\n")
    head = signed(repo)
    repo.write(".gitconfig-of-the-project", configuration(evil))
    spool.put(kernel_repo(repo), head, review_record(repo, head))
    repo.git("config", "include.path", "../.gitconfig-of-the-project")
    for command in COMMANDS:
        clean(maw(*command, cwd=repo.path))
        assert ran(evil) == "", command
    assert b"-1\n+2\n" in fake_runner.diffs[0]
    repo.git("-c", "diff.orderFile=/dev/null", "log", "-1", check=False)
    assert ran(evil) != ""  # git alone would have run it


@pytest.mark.slow
def test_python_packages_of_a_clone_are_not_taken_for_ours(
    repo: Repository, home: Path, maw: Maw, fake_runner: FakeRunner, user: Path, evil: Path
) -> None:
    """`python -m NAME` takes NAME from where it is started, unless it is told not to."""
    for name in ("maw", "maw_hooks", "maw_remote", "pre_commit", "pip", "json"):
        repo.write(f"{name}/__init__.py", f"import os\nos.system('{evil}')\n")
        repo.write(f"{name}/__main__.py", "")
    origin = make_repository(home / "origin", "--bare")
    repo.git("remote", "add", "origin", str(origin.path))
    user.write_text(user.read_text() + "sync.on_push = true\n")
    # pre-commit's own hook script does take them from there, so its hooks go before a commit is made.
    for command in (["init", "--yes", "--framework", "pre-commit"], ["uninstall", "--yes"], ["init", "--yes"]):
        clean(maw(*command, cwd=repo.path))
        assert ran(evil) == "", command
    hooked = Hooked(repo, fake_runner)
    hooked.ok("add", "-A")
    hooked.ok("commit", "-q", "-m", "one")
    assert ran(evil) == "", "commit"
    hooked.ok("push", "-q", "origin", "HEAD:refs/heads/main")
    wait_for(lambda: "refs/notes/maw/review" in origin.git("for-each-ref"), "the notes to reach the remote")
    for command in COMMANDS:
        clean(maw(*command, cwd=repo.path))
    assert ran(evil) == ""


def test_hooks_under_such_a_configuration_run_nothing(
    repo: Repository, fake_runner: FakeRunner, user: Path, evil: Path
) -> None:
    repo.write(".gitattributes", "*.txt diff=evil\n")
    repo.commit("one", a__txt="1\n")
    hooked = Hooked(repo, fake_runner)
    install.install(discover(str(repo.path)))
    (repo.path / ".git/evil-config").write_text(configuration(evil))
    repo.git("config", "include.path", "evil-config")
    hooked.write("a.txt", "2\n")
    # But for what git itself does with it at a commit.
    own = ("core.hooksPath=.git/hooks", "core.fsmonitor=", "diff.orderFile=/dev/null", "filter.evil.required=false")
    hooked.ok(*(word for setting in own for word in ("-c", setting)), "commit", "-q", "-a", "-m", "change")
    assert hooked.sent.endswith("-1\n+2\n")
    assert ran(evil) == ""


@pytest.mark.parametrize("command", COMMANDS)
def test_a_bare_repository_within_the_clone_runs_nothing(
    command: list[str], home: Path, maw: Maw, fake_runner: FakeRunner, user: Path, evil: Path
) -> None:
    """Whoever changes into it is in another repository, whose configuration came with the clone."""
    inner = make_repository(home / "inner")
    inner.commit("one", a__txt="1\n")
    inner.commit("two", a__txt="2\n")
    head = signed(inner)
    spool.put(kernel_repo(inner), head, review_record(inner, head))
    bare = make_repository(home / "clone").path / "docs/theme"
    bare.parent.mkdir()
    os.rename(inner.path / ".git", bare)
    (bare / "config").write_text("[core]\n\trepositoryformatversion = 0\n\tbare = true\n" + configuration(evil))
    clean(maw(*command, cwd=bare))
    assert ran(evil) == ""


# What is reviewed


@pytest.mark.parametrize("attributes", ["* -diff", "* binary", "* diff=none", "*.py -text -diff", "[attr]x -diff\n* x"])
def test_attributes_that_hide_a_change_are_told(hooked: Hooked, attributes: str) -> None:
    hooked.write(".gitattributes", attributes + "\n")
    hooked.ok("add", "-A")
    hooked.ok("commit", "-q", "-n", "-m", "attributes")
    hooked.write("a.py", "one = 1\nevil = 2\n")
    said = hooked.commit("-a")
    (body,) = hooked.runner.submits
    assert "a/a.py b/a.py" in hooked.sent
    hidden = "+evil = 2" not in hooked.sent
    # What no line is shown of is sent as binary, which the runner names as left out: never as nothing found.
    assert not hidden or "Binary files a/a.py and b/a.py differ" in hooked.sent
    assert "maw: " in said and body["payload"]["skipped"] == []


SETTINGS_OF_THE_USER = [setting for setting in SETTINGS if not setting.repo]


def test_settings_of_a_repository_choose_nothing(hooked: Hooked) -> None:
    """All that is not a repository's to say, at once, and what may be said beside it."""
    tables: dict[str, list[str]] = {}
    for setting in SETTINGS_OF_THE_USER:
        table, _, name = setting.key.rpartition(".")
        tables.setdefault(table, []).append(f'{name} = "evil"\n')
    tables.setdefault("review", []).append('exclude = ["vendor/**"]\n')
    tables["nodes.evil"] = ['host = "evil.example.org"\n']
    text = "".join((f"[{name}]\n" if name else "") + "".join(lines) for name, lines in sorted(tables.items()))
    hooked.write(".maw.toml", text)
    hooked.ok("add", "-A")
    said = hooked.commit()
    warnings = [line for line in said.splitlines() if line.startswith("maw: warning: ")]
    told = "\n".join(warnings)
    assert len(warnings) <= len(SETTINGS_OF_THE_USER) + 1
    assert "may not be set by a repository" in told and "may not name nodes" in told
    (body,) = hooked.runner.submits  # of the runner on this machine, which the user chose
    assert body["payload"]["exclude"] == ["vendor/**"]
    assert "evil" not in json.dumps({**body, "payload": {**body["payload"], "diff": ""}})
    record = hooked.record()
    assert record is not None and (record["node"], record["status"]) == ("local", "reviewed")


def test_an_exclusion_of_everything_is_told(hooked: Hooked) -> None:
    hooked.write(".maw.toml", '[review]\nexclude = ["**"]\nblock_at = "critical"\n')
    hooked.write("a.py", "evil = 1\n")
    hooked.ok("add", "-A")
    hooked.commit()
    assert hooked.runner.submits[0]["payload"]["exclude"] == ["**"]  # it is the runner that names what it leaves out


def test_a_forged_note_is_no_review(hooked: Hooked, maw: Maw) -> None:
    """A stranger may claim that a tree was reviewed; what is committed is reviewed all the same."""
    hooked.write("a.py", "evil = 1\n")
    hooked.ok("add", "-A")
    tree, head = hooked.out("write-tree"), hooked.head
    assert head is not None
    claim = review_record(hooked.repository, head, tree=tree, verdict="pass", status="reviewed")
    hooked.repository.git("notes", "--ref=maw/review", "add", "-F", "-", head, stdin=encode(claim).raw)
    hooked.runner.plays(finding(severity="error"))
    assert hooked.git("commit", "-q", "-m", "change").returncode == 1
    assert len(hooked.runner.submits) == 1


# Names

NAMES = [
    b"-rf", b"--output=owned", b"--upload-pack=evil", b":(top,attr:evil)x", b":!*", b"$(touch owned)", b"`touch owned`",
    b"a;touch owned", b"|touch owned", b"a\n+++ b/forged.py", EVIL.encode(), b"caf\xe9\xff", b'"quoted"', b"a\\b",
    b" ", b"@", b"HEAD", b"refs/notes/maw/review", b"~", b"%s%n", b"x" * 255, b"diff --git a b", b".maw.toml ",
]  # fmt: skip


def test_names_are_names(hooked: Hooked, maw: Maw) -> None:
    for name in NAMES:
        path = os.fsencode(hooked.path) + b"/" + name
        os.makedirs(os.path.dirname(path), exist_ok=True)
        Path(os.fsdecode(path)).write_bytes(b"content = 1\n")
    hooked.ok("add", "-A")
    hooked.runner.plays(*(finding(severity="warning", path=display_path(name)) for name in NAMES))
    said = hooked.commit()
    assert not CONTROL.search(said), repr(said)
    listed = clean(maw("history", "--json", "--path", "-rf", cwd=hooked.path))
    assert json.loads(listed.out)["subject"] == "change"
    with Index(discover(str(hooked.path))) as index:
        index.refresh()
        for name in NAMES:
            # As a glob where it has such characters, which then stand for themselves in brackets.
            path = re.sub(r"([*?[])", r"[\1]", display_path(name))
            assert len(index.history(Filters(path=path)).rows) == 1, name
    assert clean(maw("show", cwd=hooked.path)).out.count("divides by zero") == len(NAMES)
    assert not (hooked.path / "owned").exists()


@pytest.mark.parametrize("branch", ["--help", "-x", "@{-1}", "HEAD", "$(touch owned)", "a;touch${IFS}owned"])
def test_revisions_are_names(hooked: Hooked, maw: Maw, branch: str) -> None:
    hooked.git("update-ref", f"refs/heads/{branch}", "HEAD")
    for command in (["show", "--", branch], ["review", "--", branch], ["history", "--", branch]):
        assert clean(maw(*command, cwd=hooked.path)).code in (0, 2), command
    assert not (hooked.path / "owned").exists()
