"""What was generated is found again in the commit that contains it; with real git."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from maw.attendant import spool
from maw.edits import scratch
from maw.generate.memory import landing, remember, waiting
from maw.generate.memory.remember import Generation, Verified
from maw.git.repo import Repo, discover
from maw.record import Json
from maw.secrets.redact import redact
from maw.secrets.texts import Redacted
from tests.fixtures.cli import Maw
from tests.fixtures.git import Repository
from tests.fixtures.waiting import eventually

OLD = "def one():\n    return 1\n"
NEW = """def one():
    return 1


def two(number):
    if number > 1:
        return number * 2
    raise ValueError(number)
"""
OTHER = "def three(number):\n    first = number + 1\n    second = first + 1\n    return second + 1\n"
ABOUT = Generation(
    "code", "double numbers", model="tiny", profile="0" * 16, node="local", task="t", rounds=2, elapsed=1.5,
    verify=Verified("make test", 0, 0.25),
)  # fmt: skip


def plainly(data: bytes) -> Redacted:
    return Redacted(data, 0, ())


@pytest.fixture
def kernel(repo: Repository) -> Repo:
    repo.commit("base", a__py=OLD, c__py="c = 1\n")
    return discover(str(repo.path))


def applied(repo: Repository, **files: str) -> bytes:
    """Write files as an application does; the diff."""
    before = repo.git("write-tree")
    paths = [str(repo.write(name.replace("__", "."), content)) for name, content in files.items()]
    repo.git("add", "-A")
    diff = repo.git("diff", "--full-index", "--cached", before, "--", *paths)
    repo.git("read-tree", before)
    return diff.encode("utf-8", "surrogateescape") + b"\n"


def kept(kernel: Repo, diff: bytes, accepted: bytes | None = b"*", **more: object) -> Json:
    taken = diff if accepted == b"*" else accepted
    return remember.remember(kernel, ABOUT._replace(**more), offered=diff, accepted=taken, redact=plainly)


def noted(repo: Repository, commit: str = "HEAD") -> list[Json]:
    """What is noted on a commit once somebody, such as the next maw command, has brought there what waits."""
    spool.drain(discover(str(repo.path)))
    note = repo.git("notes", "--ref=maw/generate", "show", commit, check=False)
    return [json.loads(line) for line in note.splitlines()]


def test_the_same_patch(repo: Repository, kernel: Repo) -> None:
    diff = applied(repo, a__py=NEW, b__py=OTHER)
    made = kept(kernel, diff)
    assert noted(repo) == []
    commit = repo.commit("Double")
    (record,) = noted(repo)
    assert record["landed"] == {"how": "patch", "share": 1.0, "paths": ["a.py", "b.py"]}
    assert (record["head"], record["tree"]) == (commit, repo.git("rev-parse", "HEAD^{tree}"))
    assert record["patch_id"] == record["commit_patch_id"] == repo.git("patch-id", "--stable", stdin=diff).split()[0]
    assert record["generation"] == made["id"]
    same = ("status", "command", "instruction", "model", "rounds", "elapsed_ms", "verify", "paths", "hunks")
    assert [record[key] for key in same] == [
        "accepted", "code", "double numbers", "tiny", 2, 1500, {"command": "make test", "code": 0, "seconds": 0.25},
        ["a.py", "b.py"], {"offered": 2, "accepted": 2},
    ]  # fmt: skip
    assert not waiting.any_waiting(kernel)
    assert landing.land(kernel) == 0


def test_where_libgit2_can_read_nothing(sha256: Repository) -> None:
    sha256.commit("base", a__py=OLD)
    diff = applied(sha256, a__py=NEW)
    kept(discover(str(sha256.path)), diff)
    sha256.commit("Double\x0c it\u2028now")  # which Python takes for ends of lines
    (record,) = noted(sha256)
    assert record["landed"]["how"] == "patch" and record["patch_id"] == record["commit_patch_id"]


def test_a_commit_that_holds_more_and_was_edited(repo: Repository, kernel: Repo) -> None:
    diff = applied(repo, a__py=NEW)
    kept(kernel, diff, diff)
    edited = NEW.replace("raise ValueError(number)", "raise KeyError(number)").replace("def one", "def uno")
    repo.commit("More", a__py=edited, c__py="c = 2\n" * 20)
    (record,) = noted(repo)
    assert record["landed"] == {"how": "lines", "share": 0.75, "paths": ["a.py"]}
    assert record["commit_patch_id"] != record["patch_id"]


def test_a_commit_of_some_of_the_files_and_then_one_of_the_rest(repo: Repository, kernel: Repo) -> None:
    made = kept(kernel, applied(repo, a__py=NEW, b__py=OTHER))
    repo.git("commit", "-q", "-m", "one", "a.py")
    (first,) = noted(repo)
    assert (first["landed"]["paths"], first["landed"]["share"]) == (["a.py"], 0.5)
    assert waiting.any_waiting(kernel)
    repo.commit("the rest")
    (second,) = noted(repo)
    assert (second["landed"]["paths"], second["landed"]["share"]) == (["b.py"], 0.5)
    assert first["generation"] == second["generation"] == made["id"] and first["id"] != second["id"]
    assert not waiting.any_waiting(kernel)


def test_what_is_not_in_a_commit_waits_and_each_is_looked_at_once(repo: Repository, kernel: Repo) -> None:
    kept(kernel, applied(repo, a__py=NEW))
    for number in range(3):
        repo.write("c.py", f"c = {number + 5}\n")
        repo.git("commit", "-q", "-m", f"c {number}", "c.py")
    with scratch.worktree(kernel, ()):  # a command is tried there, on a commit of what nobody has committed
        assert landing.land(kernel) == 0
    (entry,) = waiting.entries(kernel)
    assert set(repo.git("rev-list", "HEAD").split()) <= set(entry.seen)
    repo.commit("Double")
    assert len(noted(repo)) == 1


def test_a_file_that_was_renamed_before_the_commit(repo: Repository, kernel: Repo) -> None:
    kept(kernel, applied(repo, b__py=OTHER))
    (repo.path / "b.py").rename(repo.path / "renamed.py")
    repo.commit("Renamed")
    (record,) = noted(repo)
    assert record["landed"]["paths"] == ["b.py"]


def test_blank_lines_alone(repo: Repository, kernel: Repo) -> None:
    """They are in the commit that changes this file, and in no other."""
    kept(kernel, applied(repo, a__py=f"\n{OLD}"))
    repo.write("c.py", "c = 5\n")
    repo.git("commit", "-q", "-m", "other", "c.py")
    assert noted(repo) == []
    repo.commit("blank")
    (record,) = noted(repo)
    assert record["landed"]["paths"] == ["a.py"]


def test_lines_that_are_only_removed(repo: Repository, kernel: Repo) -> None:
    kept(kernel, applied(repo, a__py="def one():\n"))
    repo.commit("c", a__py=OLD, c__py="return 1\n")
    assert noted(repo) == []
    repo.commit("less", a__py="def one():\n")
    (record,) = noted(repo)
    assert record["landed"]["share"] == 1.0


def test_a_file_that_is_committed_in_two_parts(repo: Repository, kernel: Repo) -> None:
    """`git add -p`."""
    half = OTHER[: OTHER.index("    second")]
    made = kept(kernel, applied(repo, b__py=OTHER))
    repo.commit("one half", b__py=half)
    repo.commit("the other", b__py=OTHER)
    (first,), (second,) = noted(repo, "HEAD~1"), noted(repo)
    assert first["landed"]["share"] + second["landed"]["share"] == 1.0
    assert first["generation"] == second["generation"] == made["id"]
    assert not waiting.any_waiting(kernel)


@pytest.mark.parametrize("rewrite", ["amend", "rebase", "pull", "fixup"])
def test_commits_that_were_rewritten_before_anybody_looked(repo: Repository, kernel: Repo, rewrite: str) -> None:
    """No hook and no maw command meanwhile: the one that stands now has it."""
    repo.git("branch", "other")
    kept(kernel, applied(repo, a__py=NEW))
    repo.commit("Double")
    if rewrite == "amend":
        repo.write("c.py", "c = 9\n")
        repo.git("commit", "-q", "-a", "--amend", "-m", "Doubled")
    elif rewrite in ("rebase", "pull"):
        repo.git("switch", "-q", "other")
        repo.commit("elsewhere", d__py="d = 1\n")
        repo.git("switch", "-q", "main")
        repo.git(*(["rebase", "-q", "other"] if rewrite == "rebase" else ["pull", "-q", "--rebase", ".", "other"]))
    else:
        repo.write("c.py", "c = 9\n")
        repo.git("commit", "-q", "-a", "--fixup", "HEAD")
        repo.git("-c", "sequence.editor=true", "rebase", "-q", "-i", "--autosquash", "HEAD~2")
    (record,) = noted(repo)
    assert record["head"] == repo.git("rev-parse", "HEAD")
    assert len(repo.git("notes", "--ref=maw/generate", "list").splitlines()) == 1


def test_nothing_lands_in_the_middle_of_a_rebase(repo: Repository, kernel: Repo) -> None:
    kept(kernel, applied(repo, a__py=NEW))
    repo.commit("Double")
    repo.git("-c", "sequence.editor=sed -i s/pick/edit/", "rebase", "-q", "-i", "HEAD~1")
    assert landing.land(kernel) == 0
    repo.git("rebase", "--continue")
    assert len(noted(repo)) == 1


def test_in_a_linked_worktree_and_a_detached_head(repo: Repository, kernel: Repo) -> None:
    repo.git("worktree", "add", "-q", "--detach", "../linked")
    other = Repository(repo.path.parent / "linked")
    kept(discover(str(other.path)), applied(other, a__py=NEW))
    other.commit("There")
    assert len(noted(repo, other.git("rev-parse", "HEAD"))) == 1


def test_what_others_made_is_not_looked_at(repo: Repository, kernel: Repo, home: Path) -> None:
    repo.git("clone", "-q", ".", str(home / "theirs"))
    theirs = Repository(home / "theirs")
    theirs.commit("The same", a__py=NEW)
    kept(kernel, applied(repo, b__py=OTHER))
    repo.git("pull", "-q", "--ff-only", str(theirs.path), "main")
    kept(kernel, applied(repo, c__py="c = 2\nsecond = 3\n"))
    assert landing.land(kernel) == 0


def test_what_was_refused_is_noted_where_it_was_made(repo: Repository, kernel: Repo) -> None:
    diff = applied(repo, a__py=NEW)
    kept(kernel, diff, b"")
    kept(kernel, b"", reason="the answer was prose")
    rejected, failed = sorted(noted(repo), key=lambda record: record["status"], reverse=True)
    assert (rejected["status"], rejected["paths"], rejected["head"]) == (
        "rejected",
        ["a.py"],
        repo.git("rev-parse", "HEAD"),
    )
    assert (failed["status"], failed["paths"], failed["reason"]) == ("failed", [], "the answer was prose")
    assert not waiting.any_waiting(kernel)


def test_before_the_first_commit(repo: Repository) -> None:
    kernel = discover(str(repo.path))
    repo.write("a.py", OLD)
    diff = applied(repo, b__py=OTHER)
    kept(kernel, diff, b"")
    kept(kernel, diff)
    repo.commit("first")
    assert sorted(record["status"] for record in noted(repo)) == ["accepted", "rejected"]


def test_a_part_of_it_and_what_was_only_printed(repo: Repository, kernel: Repo) -> None:
    diff = applied(repo, a__py=NEW, b__py=OTHER)
    part = diff[: diff.index(b"diff --git a/b.py")]
    kept(kernel, diff, part)
    kept(kernel, diff, None, instruction="printed")
    (repo.path / "b.py").unlink()
    repo.commit("Double")
    partly, printed = sorted(noted(repo), key=lambda record: record["instruction"])
    assert (partly["status"], partly["hunks"], partly["paths"]) == ("partly", {"offered": 2, "accepted": 1}, ["a.py"])
    assert (printed["status"], printed["landed"]["share"]) == ("partly", 0.5)
    repo.commit("and b", b__py=OTHER)
    assert [record["status"] for record in noted(repo)] == ["partly"]


def test_an_application_that_is_undone(repo: Repository, kernel: Repo) -> None:
    kept(kernel, applied(repo, c__py="c = 2\nsecond = 3\n"))
    kept(kernel, applied(repo, a__py=NEW))
    assert remember.taken_back(kernel, ["other.py"]) is None
    data = remember.taken_back(kernel, ["a.py"])
    assert data is not None and data["reason"] == "taken back"
    assert [list(entry.files) for entry in waiting.entries(kernel)] == [["c.py"]]
    assert [record["status"] for record in noted(repo)] == ["rejected"]


def test_secrets_that_were_typed_do_not_travel(repo: Repository, kernel: Repo) -> None:
    value = "ghp_" + "R9x2Kq7LmZ4vTn8Yb3Wc6Hd1Jf5Gs0Pa2Ue7"
    about = ABOUT._replace(
        instruction=f"use token {value}\nin a.py", verify=Verified(f"GITHUB_TOKEN={value} make test", 1, 2.0)
    )
    remember.remember(kernel, about, offered=b"", accepted=b"", redact=redact)
    (record,) = noted(repo)
    assert value not in json.dumps(record)
    assert record["instruction"].startswith("use token ") and record["instruction"].endswith("\nin a.py")
    assert record["verify"]["command"].endswith("make test")


def test_what_nobody_commits_is_given_up(repo: Repository, kernel: Repo) -> None:
    for _ in range(3):
        kept(kernel, applied(repo, a__py=NEW))
    assert waiting.expire(kernel) == 0
    assert waiting.expire(kernel, most=2) == 1
    old = waiting.entries(kernel)[0]
    identity = f"{int((time.time() - 31 * 86400) * 1000):012x}{old.id[12:]}"
    waiting.put(kernel, old._replace(record={**old.record, "id": identity}))
    assert waiting.expire(kernel) == 1
    assert len(waiting.entries(kernel)) == 2


def test_files_that_cannot_be_read_are_left(repo: Repository, kernel: Repo) -> None:
    kept(kernel, applied(repo, a__py=NEW))
    folder = Path(waiting.directory(kernel))
    record = '{"id":"../x","ts":"t","kind":"generate","status":"accepted"}'
    damaged = f'{{"v":1,"record":{record},"worktree":"","files":{{}},"whole":0,"seen":[]}}'
    for number, text in enumerate(
        [damaged, "", "[]", '{"v":2}', '{"v":1,"record":{}}', "\udcff", '{"v":1,"record":7}']
    ):
        (folder / f"bad{number}.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    repo.commit("Double")
    assert len(noted(repo)) == 1
    assert len(os.listdir(folder)) == 7


def test_killed_in_between_it_lands_once(repo: Repository, kernel: Repo) -> None:
    kept(kernel, applied(repo, a__py=NEW))
    (entry,) = waiting.entries(kernel)
    repo.commit("Double")
    assert landing.land(kernel) == 1
    waiting.put(kernel, entry)  # as if the file had not been removed any more
    assert len(noted(repo)) == 1
    waiting.put(kernel, entry)
    assert len(noted(repo)) == 1


def test_the_attendant_does_it_after_the_commit(
    repo: Repository, kernel: Repo, maw: Maw, attendant: Callable[[], None]
) -> None:
    """With maw's hooks, nobody has to ask."""
    assert maw("init", "--yes", cwd=repo.path, MAW_SKIP="1").code == 0
    kept(kernel, applied(repo, a__py=NEW))
    repo.commit("Double")
    eventually(lambda: repo.git("notes", "--ref=maw/generate", "list", check=False), bool)
    assert not waiting.any_waiting(kernel)


def test_history_and_show(repo: Repository, kernel: Repo, maw: Maw) -> None:
    kept(kernel, applied(repo, a__py=NEW), instruction="double\x1b[2J numbers")
    commit = repo.commit("Double")
    kept(kernel, applied(repo, b__py=OTHER), b"", command="fix")
    kept(kernel, applied(repo, c__py="c = 2\nsecond = 3\n"), command="docs")
    ran = maw("history", "--kind", "generate", cwd=repo.path)
    out = ran.out
    assert ran.err == "maw: waits for its commit: docs: double numbers (c.py)\n"
    assert [line.split(None, 3)[2] for line in out.splitlines()] == ["rejected", "accepted"]
    assert out.splitlines()[1].endswith("code: double\N{REPLACEMENT CHARACTER}[2J numbers (a.py)")
    assert len(maw("history", "--status", "rejected", "--text", "numbers", cwd=repo.path).out.splitlines()) == 1
    assert "rejected" in maw("history", "--path", "b.py", cwd=repo.path).out  # which no commit has
    out = maw("show", cwd=repo.path).out
    for part in (
        "generate ", "accepted", "code: double", "100% of its lines are in this commit, as it was offered",
        "verified by `make test`: passed", "2 rounds, 1.5 s", "model: tiny",
    ):  # fmt: skip
        assert part in out
    assert "\x1b" not in out
    assert {record["standing"] for record in maw("show", "--json", commit, cwd=repo.path).json["records"]} == {"exact"}


def test_a_strangers_record_is_shown_all_the_same(repo: Repository, kernel: Repo, maw: Maw) -> None:
    line = {
        "v": 1, "id": "x", "ts": "2026-01-01T00:00:00Z", "kind": "generate", "status": "accepted", "command": 7,
        "instruction": ["x"], "paths": [1, "a.py\x1b[1m"], "landed": {"share": "much"}, "hunks": 3,
        "verify": {"code": [1]}, "rounds": "x",
    }  # fmt: skip
    repo.git("notes", "--ref=maw/generate", "add", "-F", "-", "HEAD", stdin=json.dumps(line).encode())
    for command in (["history"], ["show"], ["show", "--json"], ["history", "--json"]):
        ran = maw(*command, cwd=repo.path)
        assert ran.code == 0 and "\x1b" not in ran.out and "accepted" in ran.out


def test_a_carried_record_stands(repo: Repository, kernel: Repo, maw: Maw) -> None:
    """git carries the note to what a rebase makes."""
    repo.git("config", "notes.rewriteRef", "refs/notes/maw/*")
    repo.git("branch", "other")
    kept(kernel, applied(repo, a__py=NEW))
    repo.commit("Double")
    assert len(noted(repo)) == 1
    repo.git("switch", "-q", "other")
    repo.commit("elsewhere", d__py="d = 1\n")
    repo.git("switch", "-q", "main")
    repo.git("rebase", "-q", "other")
    (record,) = maw("show", "--json", cwd=repo.path).json["records"]
    assert record["standing"] == "carried"
