"""Secrets at a commit: nothing of theirs is sent, and one that is added blocks."""

from __future__ import annotations

import base64
import json
import random
from pathlib import Path

import pytest

from maw import paths
from maw.link import control
from tests.fixtures.cli import Maw
from tests.fixtures.fake_runner import FakeRunner, finding
from tests.fixtures.waiting import wait_for
from tests.hooks.conftest import Hooked
from tests.secrets import corpus

VALUE = corpus.text(random.Random(5), corpus.ALNUM, 24) + "7z"
LINE = "api_" + f'key = "{VALUE}"\n'
THREE = "one = 1\ntwo = 2\nthree = 3\n"


@pytest.fixture
def there(hooked: Hooked) -> Hooked:
    """A secret that was committed before maw looked."""
    hooked.write("a.py", THREE + LINE)
    hooked.commit("-a", "-n")
    return hooked


def test_a_secret_that_was_there_is_redacted_and_no_finding(there: Hooked) -> None:
    there.write("a.py", THREE + LINE + "four = 4\n")
    assert "nothing found" in there.commit("-a")
    assert ' api_key = "[redacted]"\n' in there.sent
    assert VALUE not in there.sent
    assert there.runner.submits[-1]["payload"]["redacted"] is True


def test_what_goes_along_is_redacted(hooked: Hooked, user: Path) -> None:
    rule = f"Never use {LINE.strip()}\nNor eval."
    user.write_text(f"node = 'local'\n[[review.rules]]\ntext = '''{rule}'''\n")
    hooked.write("a.py", THREE + "four = 4\n")
    hooked.commit("-a")
    payload = hooked.runner.submits[-1]["payload"]
    assert payload["rules"] == [{"glob": "**", "text": 'Never use api_key = "[redacted]"\nNor eval.'}]
    assert payload["redacted"] is True and payload["title"].endswith(": staged changes")


def test_a_secret_blocks_without_a_node(hooked: Hooked, fake_link: FakeRunner, user: Path) -> None:
    user.write_text('node = "pro"\nreview.block_at = "critical"\n[nodes.pro]\nhost = "pro"\n')
    hooked.write("a.py", THREE + LINE)
    done = hooked.git("commit", "-a", "-m", "secret")
    assert "maw dismiss" not in done.stderr and "maw fix" not in done.stderr  # neither can be done
    assert done.returncode == 1
    assert done.stderr.splitlines()[:3] == [
        "a.py",
        "  critical  line 4  A secret is added (api key)  (781fd461)",
        '    | api_key = "[redacted]"',
    ]
    assert "commit blocked: 1 finding at or above critical" in done.stderr
    assert fake_link.submits == []


def test_no_record_has_the_value(hooked: Hooked) -> None:
    hooked.write("a.py", THREE + LINE)
    assert hooked.git("commit", "-a", "-m", "secret").returncode == 1
    hooked.commit("-a", "-n")
    record = hooked.record()
    assert record is not None
    assert (record["bypassed"], record["verdict"], record["findings"][0]["severity"]) == (True, "block", "critical")
    assert VALUE not in json.dumps(record)


def test_a_pragma_lets_it_pass_redacted(hooked: Hooked) -> None:
    hooked.write("a.py", THREE + LINE.rstrip() + "  # pragma: allowlist secret\n")
    assert "nothing found" in hooked.commit("-a")
    assert VALUE not in hooked.sent


def test_an_allowed_one_is_sent(hooked: Hooked, user: Path) -> None:
    user.write_text(f'secrets.allow = ["{VALUE[:6]}*"]\n')
    hooked.write("a.py", THREE + LINE)
    assert "nothing found" in hooked.commit("-a")
    assert VALUE in hooked.sent


def test_a_repository_may_not_allow_its_own(hooked: Hooked) -> None:
    hooked.write(".maw.toml", 'secrets.allow = ["*"]\n')
    hooked.write("a.py", THREE + LINE)
    hooked.ok("add", ".")
    done = hooked.git("commit", "-m", "secret")
    assert done.returncode == 1
    assert "'secrets.allow' may not be set by a repository" in done.stderr


@pytest.mark.parametrize("setting", ["allow", "block"])
def test_without_an_attendant_nothing_is_sent(hooked: Hooked, setting: str) -> None:
    Path(paths.attendant_dir()).parent.mkdir(parents=True, exist_ok=True)
    Path(paths.attendant_dir()).write_text("in the way")
    hooked.write("a.py", THREE + "four = 4\n")
    done = hooked.git("commit", "-a", "-m", "change", MAW_REVIEW_ON_UNREACHABLE=setting)
    assert done.returncode == int(setting == "block")
    assert "the attendant, which redacts secrets, cannot be" in done.stderr
    assert "so nothing was sent" in done.stderr
    assert hooked.runner.submits == []


def test_the_link_comes_up_while_the_attendant_redacts(hooked: Hooked, user: Path) -> None:
    """Also where nothing comes of it: who waits for one does not wait for the other as well."""
    user.write_text('node = "pro"\n[nodes.pro]\nhost = "127.0.0.1"\nport = 1\n')
    Path(paths.attendant_dir()).parent.mkdir(parents=True, exist_ok=True)
    Path(paths.attendant_dir()).write_text("in the way")
    hooked.write("a.py", THREE + "four = 4\n")
    assert "so nothing was sent" in hooked.commit("-a")
    wait_for(lambda: control.running("pro") is not None, "the link")
    control.stop("pro")


@pytest.mark.parametrize("mode", ["background", "local"])
def test_no_link_is_started_that_nobody_waits_for(hooked: Hooked, user: Path, mode: str) -> None:
    node = '"local"' if mode == "local" else '"pro"\nreview.mode = "background"\noutbox.max_bytes = 0'
    user.write_text(f'node = {node}\n[nodes.pro]\nhost = "127.0.0.1"\nport = 1\n')
    hooked.write("a.py", THREE + "four = 4\n")
    hooked.commit("-a")
    assert not Path(paths.link_dir("pro")).exists()


def test_show_payload_is_what_would_be_sent(there: Hooked, maw: Maw) -> None:
    there.write("a.py", THREE + LINE + "four = 4\n")
    there.ok("add", "a.py")
    shown = maw("review", "--show-payload", cwd=there.path)
    assert shown.code == 0
    assert (VALUE in shown.out, 'api_key = "[redacted]"' in shown.out) == (False, True)
    assert "1 value of secrets redacted" in shown.err
    assert there.runner.submits == []
    body = maw("review", "--show-payload", "--json", cwd=there.path).json
    assert maw("review", cwd=there.path).code == 0
    sent = there.runner.submits[-1]
    sent.pop("client", None)  # a random word of the process
    assert {**body, "payload": sent["payload"]} == {**body}
    assert "[redacted]" in base64.b64decode(body["payload"]["diff"]).decode()


def test_maw_review_finds_it_too_beside_the_node_s(hooked: Hooked, maw: Maw) -> None:
    hooked.runner.plays(finding(severity="info"))
    hooked.write("a.py", THREE + LINE)
    hooked.ok("add", "a.py")
    done = maw("review", "--json", cwd=hooked.path)
    assert (done.code, done.json["verdict"]) == (1, "block")
    assert [item["severity"] for item in done.json["findings"]] == ["critical", "info"]
    assert VALUE not in hooked.sent


def test_maw_review_finds_it_without_a_node(hooked: Hooked, maw: Maw) -> None:
    hooked.runner.plays(submit_error=[503, {"v": 1, "error": {"code": "busy", "message": "not now"}}])
    hooked.write("a.py", THREE + LINE)
    hooked.ok("add", "a.py")
    done = maw("review", cwd=hooked.path)
    assert done.code == 1
    assert "A secret is added" in done.out
    assert "block" in done.err
