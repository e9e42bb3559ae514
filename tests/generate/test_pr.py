"""`maw generate pr` as a user runs it: a real runner, and a Manager that is told what to say."""

from __future__ import annotations

import json

import pytest

from maw.generate.history import branch as branches
from maw.generate.history.facts import Facts
from maw.git.notes import Notes
from maw.git.repo import discover
from maw.record import encode
from tests.fixtures.attendant import finding, review_record
from tests.fixtures.cli import Maw
from tests.fixtures.git import Repository
from tests.fixtures.scripted import CUT, Says
from tests.generate.conftest import APP

ANSWER = """Title: Let add() give the sum

Summary:
- `add` gave the difference.
- It gives the sum now.

How to test:
- Run `python check.py`.

Risk: Whoever relied on the difference gets another number.
Risk level: medium
"""
SECRET = "ghp_" + "R9x2Kq7LmZ4vTn8Yb3Wc6Hd1Jf5Gs0Pa2Ue7"


@pytest.fixture
def branch(project: Repository) -> Repository:
    project.git("switch", "-q", "-c", "topic")
    project.write("src/app.py", APP.replace("a - b", "a + b", 1))
    project.write("requirements.txt", "click\n")
    project.commit("Add up\n\nIt took away.\n\nSigned-off-by: A <a@example.invalid>")
    project.git("rm", "-q", "check.py")
    project.commit("Remove the check")
    return project


def test_the_whole_way(branch: Repository, maw: Maw, generator: Says) -> None:
    server = generator(ANSWER)
    ran = maw("generate", "pr", cwd=branch.path)
    assert ran.code == 0, ran.err
    assert ran.out == (
        "Let add() give the sum\n\n"
        "## Summary\n\n- `add` gave the difference.\n- It gives the sum now.\n\n"
        "## Risk: medium\n\nWhoever relied on the difference gets another number.\n\n"
        "- 3 files, +2 -7 lines\n- code changes, and no test does\n- dependencies change: requirements.txt\n"
        "- deleted: check.py\n\n"
        "## How to test\n\n- Run `python check.py`.\n"
    )
    for part in ("- Add up\n  It took away.", "- Remove the check", "+    return a + b", "deleted: check.py"):
        assert part in server.prompt()
    assert "Signed-off-by" not in server.prompt()
    ran = maw("generate", "pr", "--json", "main..topic", cwd=branch.path)
    assert (ran.json["v"], ran.json["risk"]["level"], len(ran.json["commits"])) == (1, "medium", 2)
    assert (ran.json["range"], ran.json["title"]) == ("main..topic", "Let add() give the sum")
    assert ran.json["body"].startswith("## Summary\n")


@pytest.mark.slow
def test_what_reviews_and_people_noted_goes_along(branch: Repository, maw: Maw, generator: Says) -> None:
    commit = branch.git("rev-parse", "HEAD~1")
    found = [finding("src/app.py", "error"), finding("src/app.py", "info", title="Small")]
    data = review_record(branch, commit, findings=found, verdict="block")
    Notes(discover(str(branch.path))).append("review", commit, [encode(data)])
    branch.git("notes", "add", "-m", "Seen by the team\x01\x02", "HEAD")
    branch.git("config", "notes.displayRef", "refs/notes/maw/*")  # of which only what the index says goes along
    server = generator(ANSWER)
    ran = maw("generate", "pr", cwd=branch.path)
    assert "- open finding: error: Off by one (src/app.py:3)\n" in ran.out and "Small" not in ran.out
    assert "(Seen by the team" in server.prompt() and '"kind":"review"' not in server.prompt()
    assert maw("dismiss", found[0]["id"], cwd=branch.path).code == 0
    assert "open finding" not in maw("generate", "pr", cwd=branch.path).out


@pytest.mark.slow
def test_secrets_stay_here(branch: Repository, maw: Maw, generator: Says) -> None:
    branch.write("src/key.py", f'TOKEN = "{SECRET}"\n')
    branch.commit(f"Add a key\n\nIt is {SECRET}.")
    server = generator(ANSWER)
    assert maw("generate", "pr", cwd=branch.path).code == 0
    assert SECRET not in json.dumps(server.asked()) and "Add a key" in server.prompt()
    ran = maw("generate", "pr", "--dry-run", "--instruction", f"token {SECRET}", cwd=branch.path)
    assert SECRET not in ran.out and ran.json["payload"]["redacted"] is True
    assert len(server.asked()) == 1


@pytest.mark.parametrize("answer", ["", "Hello!", CUT + ANSWER[:60], "Title:\nSummary:\n-\nRisk:\nRisk level: none\n"])
@pytest.mark.slow
def test_an_answer_of_no_use(branch: Repository, maw: Maw, generator: Says, answer: str) -> None:
    """What is certain is told all the same, in the form that was promised."""
    generator(answer)
    ran = maw("generate", "pr", cwd=branch.path)
    assert ran.code == 0, ran.err
    title, _, body = ran.out.partition("\n\n")
    assert title and "\n" not in title
    assert body.startswith("## Summary\n\n- ") and "\n## Risk" in body and "- 3 files, +2 -7 lines\n" in body


def test_what_only_repeats_what_is_certain_is_left_out() -> None:
    facts = ("3 files, +2 -7 lines", "code changes, and no test does", "deleted: check.py")
    asked = branches.Branch("main..topic", b"", (), Facts(facts, ()))
    own = "Code changes, and no test does: nobody would see a wrong sum."
    result = {
        "risk": {"level": "low", "text": "3 files, +2 -7 lines; code changes, and no test does."},
        "summary": ["Deleted: `check.py`", own], "tests": ["code changes, and no test does", "Run it."],
    }  # fmt: skip
    found = branches.read(result, asked)
    assert (found.risk, found.summary, found.tests) == ("", (own,), ("Run it.",))
    assert branches.read({"risk": {"text": own}}, asked).risk == own


def test_bad_input(project: Repository, maw: Maw) -> None:
    for arguments, said in (
        ((), "no branch to compare HEAD with"),
        (("main..main",), "changes nothing"),
        (("no-such..main",), "no such commit: no-such"),
        (("--instruction", "x" * 9000), "8,000 characters"),
    ):
        ran = maw("generate", "pr", *arguments, cwd=project.path)
        assert ran.code == 2 and said in ran.err and "Traceback" not in ran.err
    project.git("checkout", "-q", "--orphan", "empty")
    assert maw("generate", "pr", cwd=project.path).code == 2


@pytest.mark.slow
def test_without_a_node(branch: Repository, maw: Maw) -> None:
    maw("config", "set", "nodes.far.host", "192.0.2.1")
    assert maw("generate", "pr", "--node", "far", cwd=branch.path).code in (2, 4)
