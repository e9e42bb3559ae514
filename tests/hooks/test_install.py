"""The stubs: put where git looks, taken away without a trace, and careful with what others put there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from maw.errors import FatalError
from maw.git.repo import Repo, discover
from maw_hooks import install
from maw_remote import control
from tests.fixtures.attendant import stop_attendant
from tests.fixtures.fake_runner import FakeRunner, finding
from tests.fixtures.git import Repository
from tests.hooks.conftest import Hooked


@pytest.fixture
def place(repo: Repository) -> Repo:
    return discover(str(repo.path))


def _script(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def _states(place: Repo) -> dict[str, str]:
    return {state.hook: state.state for state in install.status(place)}


def test_install_twice_and_uninstall(place: Repo, repo: Repository) -> None:
    hooks = repo.path / ".git" / "hooks"
    before = sorted(path.name for path in hooks.iterdir()) if hooks.exists() else []
    assert _states(place) == dict.fromkeys(install.HOOKS, "missing")
    assert [change.action for change in install.install(place)] == ["installed"] * len(install.HOOKS)
    assert _states(place) == dict.fromkeys(install.HOOKS, "installed")
    text = (hooks / "pre-commit").read_bytes()
    assert [change.action for change in install.install(place)] == ["unchanged"] * len(install.HOOKS)
    assert (hooks / "pre-commit").read_bytes() == text
    assert [change.action for change in install.uninstall(place)] == ["removed"] * len(install.HOOKS)
    assert sorted(path.name for path in hooks.iterdir()) == before
    assert install.uninstall(place) == []


def test_another_python_is_outdated_and_renewed(place: Repo) -> None:
    install.install(place, python="/bin/sh")
    assert _states(place) == dict.fromkeys(install.HOOKS, "outdated")
    assert [change.action for change in install.install(place)] == ["updated"] * len(install.HOOKS)
    assert _states(place) == dict.fromkeys(install.HOOKS, "installed")


def test_a_hook_that_is_not_executable_is_broken(place: Repo, repo: Repository) -> None:
    install.install(place)
    (repo.path / ".git/hooks/pre-commit").chmod(0o644)
    assert _states(place)["pre-commit"] == "broken"
    assert install.install(place)[0].action == "updated"
    assert _states(place)["pre-commit"] == "installed"


def test_paths_with_blanks_and_quotes(home: Path, fake_runner: FakeRunner, user: Path) -> None:
    python = home / 'it\'s a "python" $HOME' / "python"
    python.parent.mkdir()
    python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    repository = Repository(home / "a repo's `place` $(false)")
    repository.path.mkdir()
    repository.git("init", "-q")
    place = discover(str(repository.path))
    install.install(place, python=str(python))
    hooked = Hooked(repository, fake_runner)
    hooked.write("a.py", "a = 1\n")
    hooked.ok("add", ".")
    hooked.commit()
    assert len(fake_runner.submits) == 1
    python.unlink()
    assert str(python) in install.status(place)[0].note


def test_foreign_hooks_run_first_and_come_back(hooked: Hooked, home: Path) -> None:
    hooks = hooked.path / ".git" / "hooks"
    place = discover(str(hooked.path))
    install.uninstall(place)
    log = home / "log"
    foreign = _script(hooks / "pre-commit", f'echo "foreign $#" >>{log}')
    inode = foreign.stat().st_ino
    _script(hooks / "post-commit", f"echo after >>{log}; exit 3")
    changes = install.install(place)
    assert [change.note for change in changes][:2] == [
        "the hook that was there is kept as pre-commit.maw-saved and runs first",
        "the hook that was there is kept as post-commit.maw-saved and runs first",
    ]
    assert [change.action for change in changes] == ["installed"] * len(install.HOOKS)
    hooked.write("a.py", "four = 4\n")
    hooked.commit("-a")
    assert log.read_text() == "foreign 0\nafter\n"
    assert len(hooked.runner.submits) == 1
    assert hooked.record() is not None
    assert [state.saved for state in install.status(place) if state.saved] == [
        f"{hooks}/pre-commit.maw-saved",
        f"{hooks}/post-commit.maw-saved",
    ]
    assert [change.action for change in install.uninstall(place)][:2] == ["restored", "restored"]
    assert (hooks / "pre-commit").stat().st_ino == inode
    assert not list(hooks.glob("*.maw-saved"))


def test_a_foreign_hook_that_fails_blocks_the_commit(hooked: Hooked) -> None:
    _script(hooked.path / ".git/hooks/pre-commit.maw-saved", "echo no >&2; exit 7")
    hooked.write("a.py", "four = 4\n")
    done = hooked.git("commit", "-q", "-a", "-m", "change")
    assert done.returncode == 1
    assert done.stderr == "no\n"
    assert hooked.runner.submits == []


def test_a_foreign_hook_runs_though_maw_is_skipped_or_in_a_merge(hooked: Hooked, home: Path) -> None:
    log = home / "log"
    _script(hooked.path / ".git/hooks/pre-commit.maw-saved", f"echo ran >>{log}")
    hooked.write("a.py", "four = 4\n")
    hooked.commit("-a", MAW_SKIP="1")
    (hooked.path / ".git/MERGE_HEAD").write_text(f"{hooked.head}\n")
    hooked.write("a.py", "five = 5\n")
    hooked.ok("commit", "-q", "-a", "-m", "merge")
    assert log.read_text() == "ran\nran\n"


def test_a_foreign_hook_gets_its_input(hooked: Hooked, home: Path) -> None:
    _script(hooked.path / ".git/hooks/pre-commit.maw-saved", f"cat >{home}/input")
    stub = hooked.path / ".git/hooks/pre-commit"
    subprocess.run([str(stub)], cwd=hooked.path, input=b"some input\n", check=True)
    assert (home / "input").read_text() == "some input\n"


def test_a_foreign_hook_that_is_a_link_or_not_executable(place: Repo, repo: Repository, home: Path) -> None:
    hooks = repo.path / ".git" / "hooks"
    hooks.mkdir(exist_ok=True)
    target = _script(home / "shared" / "hook", "exit 0")
    (hooks / "pre-commit").symlink_to(target)
    (hooks / "post-commit").write_text("not executable\n")
    install.install(place)
    assert (hooks / "pre-commit.maw-saved").is_symlink()
    assert target.read_text() == "#!/bin/sh\nexit 0\n"
    install.uninstall(place)
    assert os.readlink(hooks / "pre-commit") == str(target)
    assert (hooks / "post-commit").read_text() == "not executable\n"


def test_a_kept_hook_is_never_overwritten(place: Repo, repo: Repository) -> None:
    hooks = repo.path / ".git" / "hooks"
    _script(hooks / "pre-commit", "exit 0 # first")
    install.install(place)
    _script(hooks / "pre-commit", "exit 0 # second, it overwrote ours")
    with pytest.raises(FatalError, match="already keeps another hook"):
        install.install(place)
    assert "first" in (hooks / "pre-commit.maw-saved").read_text()
    assert "second" in (hooks / "pre-commit").read_text()
    (change,) = [change for change in install.uninstall(place) if change.hook == "pre-commit"]
    assert (change.action, "stays too" in change.note) == ("kept", True)
    assert "first" in (hooks / "pre-commit.maw-saved").read_text()


def test_hooks_path_inside_the_repository(hooked: Hooked) -> None:
    install.uninstall(discover(str(hooked.path)))
    hooked.ok("config", "core.hooksPath", ".githooks")
    place = discover(str(hooked.path))
    install.install(place)
    assert (hooked.path / ".githooks" / "pre-commit").exists()
    assert not (hooked.path / ".git" / "hooks" / "pre-commit").exists()
    assert "core.hooksPath" in install.warnings(place)[0]
    hooked.write("a.py", "four = 4\n")
    hooked.commit("-a")
    assert len(hooked.runner.submits) == 1
    sub = hooked.path / "sub"
    sub.mkdir()
    assert install.hooks_dir(discover(str(sub))) == str(hooked.path / ".githooks")


@pytest.mark.parametrize("scope", ["--global", "--local"])
def test_hooks_path_outside_the_repository_is_refused_by_name(
    place: Repo, repo: Repository, home: Path, scope: str
) -> None:
    shared = home / "shared-hooks"
    repo.git("config", scope, "core.hooksPath", str(shared))
    with pytest.raises(FatalError) as caught:
        install.install(place)
    assert str(shared) in caught.value.message
    assert ("gitconfig" if scope == "--global" else ".git/config") in caught.value.message
    assert caught.value.hint is not None
    assert not shared.exists()
    repo.git("config", "core.hooksPath", ".git/hooks")  # what the hint says
    install.install(place)
    assert (repo.path / ".git/hooks/pre-commit").exists()


def test_all_worktrees_share_the_hooks(hooked: Hooked, home: Path) -> None:
    hooked.ok("worktree", "add", "-q", str(home / "linked"), "-b", "topic")
    assert _states(discover(str(home / "linked"))) == dict.fromkeys(install.HOOKS, "installed")


@pytest.mark.parametrize("gone", ["python", "package"])
def test_what_the_stub_starts_is_gone(hooked: Hooked, home: Path, gone: str) -> None:
    for hook in install.HOOKS:
        path = hooked.path / ".git" / "hooks" / hook
        text = path.read_text()
        if gone == "python":
            text = text.replace(f"python='{sys.executable}'", "python='/nowhere/python'")
        else:
            text = text.replace("hooks='", "hooks='/nowhere/")
        path.write_text(text)
    hooked.write("a.py", "four = 4\n")
    said = hooked.commit("-a")
    lines = said.splitlines()
    assert len(lines) == 2  # one for each hook
    assert all("this hook's maw is gone" in line and "maw hooks install" in line for line in lines)
    assert _states(discover(str(hooked.path)))["pre-commit"] == ("broken" if gone == "python" else "outdated")


def test_a_python_that_cannot_start_blocks_nobody(hooked: Hooked, home: Path) -> None:
    """What an upgrade leaves behind: the interpreter is there, its library is not."""
    broken = _script(home / "python", "echo 'Fatal Python error: no module named encodings' >&2; exit 1")
    install.install(discover(str(hooked.path)), python=str(broken))
    hooked.write("a.py", "four = 4\n")
    said = hooked.commit("-a")
    assert "maw: this hook's Python does not work, so nothing is reviewed; `maw hooks install` mends it" in said


def test_a_gui_without_path_and_terminal(hooked: Hooked, home: Path) -> None:
    hooked.write("a.py", "four = 4\n")
    keep = ("HOME", "MAW_STATE_DIR", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_NOSYSTEM")
    env = {name: os.environ[name] for name in keep} | {"PATH": ""}
    git = shutil.which("git")
    assert git is not None
    hooked.runner.plays(finding(severity="warning", title="ünïcode …"))
    done = subprocess.run(
        [git, "commit", "-a", "-m", "from a GUI"], cwd=hooked.path, env=env, stdin=subprocess.DEVNULL,
        capture_output=True, check=False, start_new_session=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "ünïcode …" in done.stderr.decode()
    assert len(hooked.runner.submits) == 1
    assert hooked.record() is not None


def test_closed_standard_streams(hooked: Hooked) -> None:
    hooked.write("a.py", "four = 4\n")
    subprocess.run(["sh", "-c", "exec git commit -q -a -m closed <&- >&- 2>&-"], cwd=hooked.path, check=True)
    assert len(hooked.runner.submits) == 1
    assert hooked.record() is not None


def test_a_latin_1_terminal(hooked: Hooked) -> None:
    hooked.runner.plays(finding(severity="warning", title="“quoted”"))
    hooked.write("a.py", "four = 4\n")
    assert "quoted" in hooked.commit("-a", LC_ALL="en_US.ISO-8859-1")


def test_modules_of_the_repository_are_never_imported(hooked: Hooked, home: Path) -> None:
    """Nor by what a hook starts: the attendant, and the runner where none runs."""
    for name in ("json", "subprocess", "click", "maw", "maw_hooks", "maw_remote", "sitecustomize"):
        hooked.write(f"{name}.py", f"open({str(home / 'hijacked')!r}, 'a').write(__name__ + ' ')\n")
    hooked.ok("add", ".")
    environment = {"PYTHONPATH": str(hooked.path), "PYTHONSTARTUP": str(hooked.path / "json.py")}
    hooked.commit(**environment)
    assert len(hooked.runner.submits) == 1
    hooked.runner.stop()
    hooked.write("a.py", "four = 4\n")
    try:
        hooked.commit("-a", **environment)
    finally:
        stop_attendant()  # it may be about to start another
        control.stop()
    assert not (home / "hijacked").exists(), (home / "hijacked").read_text()


def test_a_hook_that_looks_at_its_own_name_is_told(place: Repo, repo: Repository) -> None:
    hooks = repo.path / ".git" / "hooks"
    _script(hooks / "pre-commit", 'exec tool --hook "$(basename "$0")"')
    _script(hooks / "post-commit", "exec tool --hook post-commit")
    install.install(place)
    (warning,) = install.warnings(place)
    assert warning.startswith(f"{hooks}/pre-commit.maw-saved looks at its own name ($0)")


def test_no_room_for_ours_leaves_theirs(place: Repo, repo: Repository) -> None:
    """A disk that is full while theirs has its second name already."""
    hooks = repo.path / ".git" / "hooks"
    foreign = _script(hooks / "pre-commit", "exit 0 # theirs")
    program = (
        "import resource; from maw.git.repo import discover; from maw_hooks import install\n"
        "place = discover(); resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0)); install.install(place)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=repo.path, capture_output=True, text=True, check=False, timeout=60
    )
    assert "File too large" in done.stderr
    assert "theirs" in foreign.read_text()
    assert [path.name for path in hooks.iterdir()] == ["pre-commit"]


def test_an_install_that_was_killed_half_way_is_finished_or_taken_back(place: Repo, repo: Repository) -> None:
    """Theirs has both names until ours takes the first: git runs a hook at every moment."""
    hooks = repo.path / ".git" / "hooks"
    foreign = _script(hooks / "pre-commit", "exit 0 # theirs")
    os.link(foreign, hooks / "pre-commit.maw-saved")
    install.uninstall(place)
    assert [path.name for path in hooks.iterdir()] == ["pre-commit"]
    os.link(foreign, hooks / "pre-commit.maw-saved")
    assert install.install(place)[0].action == "installed"
    assert "theirs" in (hooks / "pre-commit.maw-saved").read_text()
    assert "# maw hook" in foreign.read_text()
    assert install.uninstall(place)[0].action == "restored"
    assert "theirs" in foreign.read_text()


@pytest.mark.timeout(20)
def test_what_is_no_script_is_kept_unread(place: Repo, repo: Repository) -> None:
    hooks = repo.path / ".git" / "hooks"
    hooks.mkdir(exist_ok=True)
    os.mkfifo(hooks / "pre-commit", 0o755)
    (hooks / "post-commit").symlink_to("/dev/zero")
    assert _states(place) == dict.fromkeys(install.HOOKS, "missing") | {
        "pre-commit": "foreign",
        "post-commit": "foreign",
    }
    assert [change.action for change in install.install(place)] == ["installed"] * len(install.HOOKS)
    assert [change.action for change in install.uninstall(place)] == ["restored", "restored"] + ["removed"] * (
        len(install.HOOKS) - 2
    )
