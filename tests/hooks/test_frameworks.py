"""The hooks under pre-commit and prek, as .pre-commit-hooks.yaml describes them."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from maw.git.repo import discover
from maw_hooks import install
from tests.fixtures.cli import Maw
from tests.fixtures.fake_runner import finding, message_script
from tests.fixtures.git import make_repository
from tests.hooks.conftest import Hooked

yaml = pytest.importorskip("yaml")
from tests.hooks import frameworks  # noqa: E402 - it needs yaml

PIP = {name: value for name, value in os.environ.items() if name.startswith("PIP_")}  # before `home` takes them away

pytestmark = pytest.mark.slow


def _framework(hooked: Hooked, name: str, *arguments: str, timeout: float = 100) -> str:
    return frameworks.run(name, hooked.path, *arguments, timeout=timeout)


@pytest.fixture(params=frameworks.NAMES)
def framework(request: pytest.FixtureRequest, hooked: Hooked) -> str:
    """A framework that is to run the manifest's hooks; it is not installed in the repository yet."""
    frameworks.configure(hooked.path)
    hooked.ok("add", ".pre-commit-config.yaml")
    hooked.ok("commit", "-q", "-n", "-m", "framework")
    name: str = request.param
    return name


def test_a_push_is_looked_at(hooked: Hooked, framework: str, home: Path, user: Path) -> None:
    """It is told of one ref, by variables; of a new history by none at all."""
    install.uninstall(discover(str(hooked.path)))
    _framework(hooked, framework, "install")
    origin = make_repository(home / "origin.git", "--bare")
    hooked.ok("remote", "add", "origin", str(origin.path))
    hooked.ok("push", "-q", "origin", "main")  # push.require is off
    user.write_text('push.require = "reviewed"\n')
    hooked.ok("commit", "-q", "--allow-empty", "-n", "-m", "not reviewed")
    done = hooked.git("push", "-q", "origin", "main")
    assert done.returncode == 1
    assert "1 commit was not reviewed" in done.stdout + done.stderr


def _without_maw(hooked: Hooked) -> None:
    """The framework's configuration does not know maw; git starts it, and it starts us, or we it."""
    stages = ["pre-commit", "post-commit"]
    hook = {"id": "t", "name": "t", "language": "system", "entry": "true", "always_run": True, "stages": stages}
    hooked.write(".pre-commit-config.yaml", yaml.safe_dump({"repos": [{"repo": "local", "hooks": [hook]}]}))
    hooked.ok("commit", "-q", "-n", "-a", "-m", "no hooks")


def test_the_manifest_is_valid() -> None:
    subprocess.run([frameworks.BIN / "pre-commit", "validate-manifest", frameworks.MANIFEST], check=True)
    ids = ["maw-review", "maw-record", "maw-message", "maw-message-check", "maw-push"]
    assert [hook["id"] for hook in frameworks.hooks()] == ids


def test_review_and_record(hooked: Hooked, framework: str) -> None:
    install.uninstall(discover(str(hooked.path)))
    _framework(hooked, framework, "install")
    hooked.runner.plays(finding(severity="warning"))
    hooked.write("a.py", "four = 4\n")
    hooked.write("b.py", "b = 2\n")
    hooked.ok("add", "b.py")
    said = hooked.commit("--", "a.py")
    assert "divides by zero" in said  # verbose: true
    assert "+four = 4" in hooked.sent
    assert "+b = 2" not in hooked.sent
    record = hooked.record()
    assert record is not None
    assert (record["status"], record["verdict"]) == ("reviewed", "warn")


def test_what_init_adds_works(
    hooked: Hooked, maw: Maw, home: Path, user: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All five stages, under pre-commit itself: a suggestion, a review and its record, a checked message, a push."""
    monkeypatch.setenv("PATH", f"{frameworks.BIN}:{os.environ['PATH']}")
    install.uninstall(discover(str(hooked.path)))
    done = maw("init", "--yes", "--framework", "pre-commit", cwd=hooked.path)
    assert done.code == 0, done.err
    hooked.runner.plays(message=message_script("Add a fourth number"))
    hooked.write("a.py", "four = 4\n")
    hooked.ok("add", "-A")
    assert "nothing found" in hooked.ok("commit", GIT_EDITOR="true")
    assert hooked.out("log", "-1", "--format=%s") == "Add a fourth number"
    assert "reviewed" in [record["status"] for record in hooked.records()]
    long = "Say " + "very " * 20 + "much"
    blocked = hooked.git("commit", "--allow-empty", "-m", long, MAW_MESSAGE_CHECK="enforce")
    assert blocked.returncode == 1
    assert "the subject has 108 characters" in blocked.stdout + blocked.stderr
    user.write_text(user.read_text() + 'push.require = "reviewed"\n')
    hooked.ok("commit", "-q", "--allow-empty", "-n", "-m", "not reviewed")
    origin = make_repository(home / "origin.git", "--bare")
    hooked.ok("remote", "add", "origin", str(origin.path))
    pushed = hooked.git("push", "-q", "origin", "main")
    assert pushed.returncode == 1
    assert "not reviewed" in pushed.stdout + pushed.stderr


def test_a_blocked_commit(hooked: Hooked, framework: str) -> None:
    install.uninstall(discover(str(hooked.path)))
    _framework(hooked, framework, "install")
    hooked.runner.plays(finding(severity="error"))
    hooked.write("a.py", "four = 4\n")
    before = hooked.head
    done = hooked.git("commit", "-q", "-a", "-m", "change")
    assert done.returncode == 1
    assert "commit blocked: 1 finding" in done.stdout + done.stderr
    assert hooked.head == before


def test_skipped_by_the_frameworks_own_variable(hooked: Hooked, framework: str) -> None:
    install.uninstall(discover(str(hooked.path)))
    _framework(hooked, framework, "install")
    hooked.write("a.py", "four = 4\n")
    hooked.commit("-a", SKIP="maw-review")
    assert hooked.runner.submits == []
    record = hooked.record()
    assert record is not None
    assert record["status"] == "unreviewed"
    assert "left out by a hook framework" in record["reason"]


def test_ours_first_then_the_framework(hooked: Hooked, framework: str) -> None:
    """The framework keeps our stub as NAME.legacy and runs it: no loop, one review."""
    _without_maw(hooked)
    _framework(hooked, framework, "install", "-t", "pre-commit", "-t", "post-commit")
    states = install.status(discover(str(hooked.path)))
    assert {state.state for state in states} == {"installed"}
    assert f"{framework} runs it" in states[0].note
    assert {change.action for change in install.install(discover(str(hooked.path)))} == {"unchanged"}
    hooked.write("a.py", "four = 4\n")
    hooked.commit("-a")
    assert len(hooked.runner.submits) == 1
    assert len(hooked.records()) == 1


def test_the_framework_first_then_ours_then_the_framework_again(hooked: Hooked, framework: str) -> None:
    place = discover(str(hooked.path))
    install.uninstall(place)
    _without_maw(hooked)
    both = ("install", "-t", "pre-commit", "-t", "post-commit")
    _framework(hooked, framework, *both)
    install.install(place)
    hooked.write("a.py", "four = 4\n")
    hooked.commit("-a")
    assert len(hooked.runner.submits) == 1
    _framework(hooked, framework, *both)  # now each keeps the other
    hooked.write("a.py", "five = 5\n")
    hooked.commit("-a")
    assert len(hooked.runner.submits) == 2
    assert len(hooked.records()) == 1
    install.uninstall(place)
    hooks = hooked.path / ".git" / "hooks"
    assert not list(hooks.glob("*.maw-saved"))
    hooked.write("a.py", "six = 6\n")
    hooked.commit("-a")
    assert len(hooked.runner.submits) == 2


@pytest.mark.timeout(600)
@pytest.mark.skipif(not (frameworks.MANIFEST.parent / ".git").exists(), reason="not a git checkout")
def test_the_manifest_as_it_stands(hooked: Hooked, installing: None) -> None:
    """`language: python`: the framework copies this repository and installs it, with what it needs."""
    install.uninstall(discover(str(hooked.path)))
    hooked.runner.plays(finding(severity="warning"))
    hooked.write("a.py", "four = 4\n")
    hooked.ok("add", "a.py")
    said = _framework(hooked, "pre-commit", "try-repo", str(frameworks.MANIFEST.parent), "--verbose", timeout=600)
    assert "maw review" in said and "Passed" in said
    assert "divides by zero" in said
    assert "+four = 4" in hooked.sent


@pytest.fixture
def installing(monkeypatch: pytest.MonkeyPatch, real_home: str) -> None:
    """pip finds packages as it does for whoever runs the tests."""
    for variable, value in PIP.items():
        monkeypatch.setenv(variable, value)
    monkeypatch.setenv("PIP_CACHE_DIR", os.path.join(real_home, ".cache", "pip"))
    for file in (".config/pip/pip.conf", ".pip/pip.conf"):
        if os.path.exists(os.path.join(real_home, file)):
            monkeypatch.setenv("PIP_CONFIG_FILE", os.path.join(real_home, file))
