"""`maw sync` against real remotes: what any clone noted comes to all, and nothing is lost on the way."""

from __future__ import annotations

import http.server
import json
import random
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maw.errors import FatalError
from maw.git.notes import Notes
from maw.git.refs import TRACKING, refspec
from maw.git.run import GitError, GitTimeout
from maw.memory.sync import join_fetched, sync
from maw.record import encode, parse_line
from tests.fixtures.attendant import kernel_repo, review_record
from tests.fixtures.cli import Maw
from tests.fixtures.git import Repository, make_repository

REVIEW = "refs/notes/maw/review"


def note(clone: Repository, commit: str, **more: object) -> str:
    data = review_record(clone, commit, **more)
    Notes(kernel_repo(clone)).append("review", commit, [encode(data)])
    return str(data["id"])


def ids(clone: Repository, commit: str) -> set[str]:
    return {record.id for record in Notes(kernel_repo(clone)).read("review", commit)}


def synced(clone: Repository, **more: object) -> dict[str, object]:
    done = sync(kernel_repo(clone), "origin", ask=False, **{"timeout": 30.0, **more})  # type: ignore[arg-type]
    return {kind.kind: kind for kind in done}


class Team:
    """A bare remote and clones of it that share one commit."""

    def __init__(self, directory: Path, clones: int, *options: str) -> None:
        self.bare = make_repository(directory / "bare.git", "--bare", *options)
        first = make_repository(directory / "first", *options)
        self.commit = first.commit("one", a__txt="1\n")
        first.git("push", "-q", str(self.bare.path), "HEAD:refs/heads/main")
        self.clones = []
        for number in range(clones):
            subprocess.run(
                ["git", "clone", "-q", str(self.bare.path), str(directory / f"c{number}")], check=True, timeout=60
            )
            self.clones.append(Repository(directory / f"c{number}"))


@pytest.fixture(params=["sha1", pytest.param("sha256", marks=pytest.mark.slow)])
def team(request: pytest.FixtureRequest, home: Path) -> Team:
    return Team(home, 2, f"--object-format={request.param}")


def test_what_one_noted_comes_to_the_other(team: Team) -> None:
    here, there = team.clones
    made = note(here, team.commit)
    assert synced(here)["review"].pushed  # type: ignore[attr-defined]
    found = synced(there)["review"]
    assert (found.taken, found.pushed) == (1, False)  # type: ignore[attr-defined]
    assert ids(there, team.commit) == {made}
    assert synced(there) == {}


def test_both_sides_lines_are_joined(team: Team) -> None:
    here, there = team.clones
    one, two = note(here, team.commit), note(there, team.commit)
    synced(here)
    synced(there)
    synced(here)
    assert ids(here, team.commit) == ids(there, team.commit) == {one, two}
    tips = {clone.git("rev-parse", REVIEW) for clone in (here, there, team.bare)}
    assert len(tips) == 1
    assert here.git("rev-list", "--count", "--merges", REVIEW) == "1"
    assert here.git("ls-tree", "-r", "--name-only", REVIEW) == f"{team.commit[:2]}/{team.commit[2:]}"


def test_what_the_remote_lost_is_brought_back(team: Team) -> None:
    """A note that somebody removed there stays here: nothing is ever deleted, only retracted."""
    here, there = team.clones
    made = note(here, team.commit)
    synced(here)
    synced(there)
    there.git("notes", "--ref=maw/review", "remove", team.commit)
    there.git("push", "-q", "origin", REVIEW)
    synced(here)
    assert ids(here, team.commit) == {made}
    synced(there)
    assert ids(there, team.commit) == {made}


def test_lines_of_a_later_version_travel_unread(team: Team) -> None:
    here, there = team.clones
    strange = b'{"v":99,"id":"x","whatever":[1]}'
    Notes(kernel_repo(here)).append("review", team.commit, [parse_line(strange)])
    note(there, team.commit)
    synced(here)
    synced(there)
    assert strange in {record.raw for record in Notes(kernel_repo(there)).read("review", team.commit)}


def test_a_note_too_large_to_be_read_is_left_out_and_told(
    team: Team, maw: Maw, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = team.clones
    mine = note(there, team.commit)
    here.git("notes", "--ref=maw/review", "add", "-F", "-", team.commit, stdin=b"{}\n" * 100_001)
    here.git("push", "-q", "origin", REVIEW)
    ran = maw("sync", "--json", cwd=there.path)
    assert ran.code == 3 and ran.json["kinds"][0]["too_large"] == 1
    assert "1 review note of origin left out: too large to be read" in ran.err
    assert ids(there, team.commit) == {mine}


def test_a_remote_that_others_push_to_meanwhile(team: Team, home: Path) -> None:
    """A hook of the remote lets somebody else's push in between our fetch and our push, twice."""
    here, there = team.clones
    mine = note(here, team.commit)
    others = [note(there, team.commit)]
    there.git("push", "-q", "origin", REVIEW)
    others.append(note(there, team.commit))
    synced(here)  # knows the first of theirs, not the second
    note(here, team.commit)
    raced = home / "raced"
    hook = team.bare.path / "hooks/pre-receive"
    hook.parent.mkdir()
    hook.write_text(
        f"#!/bin/sh\nif [ -e {raced} ]; then exit 0; fi\n: >{raced}\n"
        f"unset $(git rev-parse --local-env-vars)\ngit -C {there.path} fetch -q origin\n"
        f"git -C {there.path} notes --ref=maw/review add -f -m '{{}}' {team.commit}\n"
        f"git -C {there.path} push -q --force origin {REVIEW}\nexit 0\n"
    )
    hook.chmod(0o755)
    synced(here)
    assert raced.exists()
    assert mine in ids(here, team.commit)
    assert here.git("rev-parse", REVIEW) == team.bare.git("rev-parse", REVIEW)


def test_a_remote_that_refuses_is_quoted(team: Team, maw: Maw) -> None:
    here = team.clones[0]
    note(here, team.commit)
    hook = team.bare.path / "hooks/update"
    hook.parent.mkdir()
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    ran = maw("sync", cwd=here.path)
    assert ran.code == 3
    assert "origin did not take the review notes: [remote rejected] (hook declined)" in ran.err


def test_hooks_of_the_clone_are_not_run(team: Team, home: Path) -> None:
    here = team.clones[0]
    note(here, team.commit)
    hook = here.path / ".git/hooks/pre-push"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\n: >{home / 'ran'}\n")
    hook.chmod(0o755)
    synced(here)
    assert not (home / "ran").exists()


def test_time_is_bounded_and_git_is_ended(team: Team) -> None:
    here = team.clones[0]
    note(here, team.commit)
    here.git("remote", "set-url", "origin", "ext::sleep 60")
    here.git("config", "protocol.ext.allow", "always")
    began = time.monotonic()
    with pytest.raises(GitTimeout):
        synced(here, timeout=0.5)
    assert time.monotonic() - began < 20


def test_a_remote_that_is_not_there_is_told_in_one_line(team: Team, maw: Maw) -> None:
    here = team.clones[0]
    here.git("remote", "set-url", "origin", str(here.path / "nowhere"))
    ran = maw("sync", cwd=here.path)
    assert ran.code == 2
    assert "nowhere' does not appear to be a git repository" in ran.err
    told, _failed = ran.err.splitlines()
    assert told == "maw: fetching the notes of origin, 30 s at most in all"  # before it waits


class _WantsPassword(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(401)
        self.send_header("WWW-Authenticate", 'Basic realm="x"')
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def test_nobody_is_asked_without_a_person(team: Team) -> None:
    here = team.clones[0]
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _WantsPassword) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        here.git("remote", "set-url", "origin", f"http://127.0.0.1:{server.server_port}/x.git")
        with pytest.raises(GitError, match=r"could not read Username|Authentication failed"):
            synced(here, timeout=20)
        server.shutdown()


def test_remotes_by_name_only(repo: Repository, maw: Maw) -> None:
    repo.commit("one")
    ran = maw("sync", cwd=repo.path)
    assert ran.code == 2 and "has no remote" in ran.err
    repo.git("remote", "add", "backup", str(repo.path))
    ran = maw("sync", "--upload-pack=touch x", cwd=repo.path)
    assert ran.code == 2
    ran = maw("sync", "elsewhere", cwd=repo.path)
    assert ran.code == 2 and "no remote called 'elsewhere'" in ran.err


def test_what_the_command_says(team: Team, maw: Maw) -> None:
    here, there = team.clones
    note(here, team.commit)
    assert maw("sync", cwd=here.path).out == "origin: review notes pushed\n"
    assert maw("sync", cwd=there.path).out == "origin: 1 review note taken in\n"
    assert maw("sync", cwd=there.path).out == "origin: nothing new on either side\n"
    note(there, team.commit)
    assert maw("sync", "--no-push", cwd=there.path).out == "origin: nothing new on either side\n"
    assert maw("sync", "--json", cwd=there.path).json == {
        "v": 1,
        "remote": "origin",
        "kinds": [{"kind": "review", "taken": 0, "too_large": 0, "pushed": True, "refused": ""}],
    }
    assert maw("sync", "--quiet", cwd=here.path).out == ""
    assert len(ids(here, team.commit)) == 2


def test_what_git_fetch_brought_is_joined_by_the_next_command(team: Team, maw: Maw) -> None:
    here, there = team.clones
    made = note(here, team.commit)
    synced(here)
    there.git("config", "--add", "remote.origin.fetch", f"+refs/notes/maw/*:{TRACKING}origin/*")
    there.git("fetch", "-q")
    assert maw("history", "--json", cwd=there.path).json["id"] == made
    assert join_fetched(kernel_repo(there)) == 0


def test_a_tracking_ref_that_is_no_commit_is_left_alone(team: Team) -> None:
    here = team.clones[0]
    blob = here.git("hash-object", "-w", "--stdin", stdin=b"x")
    here.git("update-ref", f"{TRACKING}origin/review", blob)
    assert join_fetched(kernel_repo(here)) == 0


def test_two_syncs_at_once_take_turns(team: Team) -> None:
    here = team.clones[0]
    expected = {note(here, team.commit) for _ in range(3)}
    program = [sys.executable, "-m", "maw", "sync", "--quiet"]
    running = [subprocess.Popen(program, cwd=here.path, stdin=subprocess.DEVNULL) for _ in range(3)]
    assert [process.wait(60) for process in running] == [0, 0, 0]
    assert ids(team.bare, team.commit) == expected


def test_a_shallow_and_a_partial_clone(team: Team, home: Path) -> None:
    here = team.clones[0]
    made = note(here, team.commit)
    synced(here)
    for option in ("--depth=1", "--filter=blob:none"):
        path = home / option.strip("-").replace(":", "-")
        url = f"file://{team.bare.path}"
        team.bare.git("config", "uploadpack.allowFilter", "true")
        subprocess.run(["git", "clone", "-q", option, url, str(path)], check=True, timeout=60)
        clone = Repository(path)
        synced(clone)
        assert ids(clone, team.commit) == {made}


def test_a_partial_clone_whose_git_fetched_the_notes(team: Team) -> None:
    """With the refspec that `maw init` offers: git brings their names, and what is in them when somebody looks."""
    here, there = team.clones
    made = note(here, team.commit)
    synced(here)
    team.bare.git("config", "uploadpack.allowFilter", "true")
    there.git("config", "remote.origin.url", f"file://{team.bare.path}")
    there.git("fetch", "-q", "--filter=blob:none", "origin", refspec("origin"))
    with pytest.raises(FatalError, match="partial clone") as told:
        join_fetched(kernel_repo(there))
    assert told.value.hint == "`maw sync` fetches the rest"
    assert Notes(kernel_repo(there)).tip("review") is None
    synced(there)
    assert ids(there, team.commit) == {made}


def test_what_a_stranger_put_where_a_note_is_due(team: Team) -> None:
    here, there = team.clones
    mine, made = note(there, team.commit), note(here, here.commit("two"))
    entry = f"160000 commit {'1' * len(team.commit)}\t{team.commit[2:]}\n"
    fan = here.git("mktree", "--missing", stdin=entry.encode())
    rest = [line for line in here.git("ls-tree", REVIEW).split("\n") if not line.endswith(f"\t{team.commit[:2]}")]
    rest.append(f"040000 tree {fan}\t{team.commit[:2]}")
    tree = here.git("mktree", stdin="\n".join([*rest, ""]).encode())
    here.git("update-ref", REVIEW, here.git("commit-tree", "-m", "x", "-p", REVIEW, tree))
    here.git("push", "-q", "origin", REVIEW)
    assert synced(there)["review"].pushed  # type: ignore[attr-defined]
    synced(here)
    for clone in team.clones:
        assert ids(clone, team.commit) == {mine}
    assert ids(there, here.git("rev-parse", "HEAD")) == {made}


@pytest.mark.slow
@settings(max_examples=settings.default.max_examples // 8, deadline=None)  # some forty git processes each
@given(st.randoms(use_true_random=False))
def test_any_order_ends_with_the_same_notes(luck: random.Random) -> None:
    """Three clones work for days and sync now and then, in any order; one retracts, too. At the end all agree."""
    with tempfile.TemporaryDirectory(prefix="maw-sync-") as directory:
        team = Team(Path(directory), 3)
        made: list[str] = []
        for _ in range(luck.randint(2, 8)):
            clone = luck.choice(team.clones)
            if luck.random() < 0.5:
                synced(clone)
            elif made and luck.random() < 0.3:
                _retract(clone, team.commit, luck.choice(made))
            else:
                made.append(note(clone, team.commit))
        for clone in [*team.clones, *team.clones]:
            synced(clone)
        raws = [
            [record.raw for record in Notes(kernel_repo(clone)).read("review", team.commit)] for clone in team.clones
        ]
        assert raws[0] == raws[1] == raws[2]
        assert set(made) <= ids(team.clones[0], team.commit)


def _retract(clone: Repository, commit: str, what: str) -> None:
    data = {**review_record(clone, commit), "kind": "retract", "retracts": what}
    Notes(kernel_repo(clone)).append("review", commit, [encode(json.loads(json.dumps(data)))])


def test_a_ref_without_its_objects_is_an_error_not_a_loss(team: Team) -> None:
    here, there = team.clones
    note(here, team.commit)
    note(there, team.commit)
    synced(there)
    tip = here.git("rev-parse", REVIEW)
    (here.path / f".git/objects/{tip[:2]}/{tip[2:]}").unlink()
    with pytest.raises(FatalError):
        synced(here)
    assert here.git("for-each-ref", "--format=%(objectname)", REVIEW, check=False) in (tip, "")
