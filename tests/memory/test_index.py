"""The index says what the notes say, however it came to be, and answers every filter."""

from __future__ import annotations

import contextlib
import random
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from maw import record
from maw.git.notes import Notes
from maw.git.repo import Repo
from maw.memory.index import Index, record_of
from maw.memory.query import Filters
from maw.record import encode, parse_line
from tests.fixtures.attendant import finding, kernel_repo, review_record
from tests.fixtures.git import Repository
from tests.memory.noted import ids, note, rows

REF = "refs/notes/maw/review"


def standing_of(repository: Repository, commit: str) -> dict[str, str]:
    return {row.id: row.standing for row in rows(repository, Filters(commit=commit))}


def test_a_row_has_the_record_and_the_commits_facts(repo: Repository) -> None:
    commit = repo.commit("Add  a\nfile\n\nbody", a__txt="1\n")
    found = [finding("a.txt"), finding("a.txt", "info"), finding("a.txt", "info", "Other")]
    made = note(repo, commit, findings=found, verdict="block", bypassed=True)
    (row,) = rows(repo)
    assert (row.id, row.commit, row.verdict, row.standing) == (made, commit, "block", "exact")
    assert (row.author, row.subject) == ("A Tester <tester@example.invalid>", "Add a file")
    assert (row.counts, row.bypassed) == ({"info": 2, "error": 1}, True)
    assert record_of(row)["findings"] == found


def test_filters(repo: Repository) -> None:
    first = repo.commit("Add parser", src__py="1\n")
    second = repo.commit("Straße", **{"lib/deep/b__py": "2\n"})
    repo.git("commit", "-q", "--allow-empty", "-m", "third", "--author", "Zoë <zoe@example.invalid>")
    third = repo.git("rev-parse", "HEAD")
    day = "2026-01-0{}T00:00:00.000Z"
    one = note(
        repo, first, ts=day.format(1), verdict="block", findings=[finding("src.py", "critical", "Überlauf 100%")]
    )
    two = note(repo, second, ts=day.format(2), verdict="warn", findings=[finding("lib/deep/b.py", "info")])
    three = note(repo, third, ts=day.format(3), status="unreviewed", verdict=None, reason="the node is away")
    assert ids(repo) == [three, two, one]
    assert ids(repo, author="ZOË") == [three]
    assert ids(repo, author="example.invalid>") == [three, two, one]
    assert ids(repo, path="lib") == ids(repo, path="lib/") == ids(repo, path="lib/deep/b.py") == [two]
    assert ids(repo, path="li") == []
    assert ids(repo, path="*.py") == [two, one]
    assert ids(repo, path="lib/*") == ids(repo, path="lib/dee[p]/?.py") == [two]
    assert ids(repo, severity="info") == [two, one]
    assert ids(repo, severity="error") == [one]
    assert ids(repo, verdict="warn") == [two]
    assert ids(repo, status="unreviewed") == [three]
    assert ids(repo, since=1767312000.0) == [three, two]
    assert ids(repo, until=1767312000.0) == [two, one]
    assert ids(repo, text="überLAUF") == ids(repo, text="100%") == [one]
    assert ids(repo, text="strasse") == [two]
    assert ids(repo, text="node is AWAY") == [three]
    assert ids(repo, text="_") == []
    assert ids(repo, kind="message") == []
    assert ids(repo, commits=[first, third]) == [three, one]
    assert ids(repo, commits=[]) == []
    assert ids(repo, commit=second) == [two]
    assert ids(repo, path="*.py", severity="error", author="tester") == [one]


def test_pages_join_without_gap_or_overlap(repo: Repository) -> None:
    commits = [repo.commit(str(number)) for number in range(7)]
    made = {note(repo, commit, ts=f"2026-01-0{number % 2 + 1}T00:00:00Z") for number, commit in enumerate(commits)}
    seen: list[str] = []
    before = None
    with Index(kernel_repo(repo)) as index:
        index.refresh()
        while True:
            page = index.history(limit=3, before=before)
            seen += [row.id for row in page.rows]
            before = page.next
            if before is None:
                break
            index.remove()  # a cursor holds beyond a rebuilt index
            index.refresh()
        assert len(seen) == 7 and set(seen) == made
        assert index.history(limit=7).next is None
        with pytest.raises(ValueError, match=r"unpack|invalid literal"):
            index.history(before="nonsense")


def test_exact_carried_and_stale(repo: Repository) -> None:
    repo.git("config", "notes.rewriteRef", "refs/notes/maw/*")
    repo.commit("base", a__txt="1\n2\n3\n4\n5\n6\n7\n8\n9\n", b__bin="\0one")
    repo.git("branch", "side")
    text = repo.commit("text", a__txt="1\n2\n3\n4\n5\n6\n7\n8\nnine\n")
    binary = repo.commit("binary", b__bin="\0two")
    text_id, binary_id = note(repo, text), note(repo, binary)
    repo.git("checkout", "-q", "side")
    repo.commit("elsewhere", c__txt="c\n")
    repo.git("checkout", "-q", "main")
    repo.git("rebase", "-q", "side")
    assert standing_of(repo, text) == {text_id: "exact"}
    assert standing_of(repo, repo.git("rev-parse", "HEAD~1")) == {text_id: "carried"}
    # libgit2 gives any two edits of a binary file the same patch id: that proves nothing.
    assert standing_of(repo, repo.git("rev-parse", "HEAD")) == {binary_id: "stale"}
    repo.write("a.txt", "other\n")
    repo.git("commit", "-q", "-a", "--amend", "--no-edit")
    assert standing_of(repo, repo.git("rev-parse", "HEAD")) == {binary_id: "stale"}


def test_the_review_of_an_amend_is_carried_with_the_whole_commit(repo: Repository) -> None:
    """An amend's review is of what was added to the commit; a rebase then keeps the commit's patch."""
    repo.git("config", "notes.rewriteRef", "refs/notes/maw/*")
    repo.git("config", "notes.rewriteMode", "cat_sort_uniq")
    repo.commit("base", a__txt="1\n", b__bin="\0one")
    repo.git("branch", "side")
    first = repo.commit("one", a__txt="1\n2\n")
    before = repo.git("rev-parse", "HEAD^{tree}")
    made = note(repo, first)
    repo.write("a.txt", "1\n2\n3\n")
    repo.git("commit", "-q", "-a", "--amend", "--no-edit")
    amended = note(repo, repo.git("rev-parse", "HEAD"), base=before)
    repo.git("checkout", "-q", "side")
    repo.commit("elsewhere", c__txt="c\n")
    repo.git("checkout", "-q", "main")
    repo.git("rebase", "-q", "side")
    assert standing_of(repo, repo.git("rev-parse", "HEAD")) == {made: "stale", amended: "carried"}
    repo.write("b.bin", "\0two")
    repo.git("commit", "-q", "-a", "--amend", "--no-edit")
    assert standing_of(repo, repo.git("rev-parse", "HEAD")) == {made: "stale", amended: "stale"}


def test_a_commit_with_a_binary_file_has_no_patch_id_to_be_known_by(repo: Repository) -> None:
    repo.commit("base", a__txt="1\n")
    commit = repo.commit("both", a__txt="2\n", b__bin="\0one")
    made = note(repo, commit)
    (row,) = rows(repo)
    data = record_of(row)
    assert (row.id, data["commit_patch_id"], data["has_binary"]) == (made, None, True)


def test_a_rewritten_commits_record_is_listed_once_on_the_newest(repo: Repository) -> None:
    repo.git("config", "notes.rewriteRef", "refs/notes/maw/*")
    commit = repo.commit("one", a__txt="1\n")
    made = note(repo, commit)
    for number in range(3):  # within one second, mostly
        repo.git("commit", "-q", "--amend", "-m", f"one, amended {number}")
    head = repo.git("rev-parse", "HEAD")
    assert len(repo.git("notes", "--ref=maw/review", "list").splitlines()) == 4
    listed = [row.id for row in rows(repo)]
    assert listed == [made]
    assert rows(repo)[0].commit != commit
    assert [row.id for row in rows(repo, Filters(commit=head))] == [made]
    assert [row.id for row in rows(repo, Filters(commit=commit))] == [made]


def test_squashed_commits_records_are_all_on_the_one(repo: Repository) -> None:
    repo.git("config", "notes.rewriteRef", "refs/notes/maw/*")
    repo.git("config", "notes.rewriteMode", "cat_sort_uniq")
    repo.commit("base")
    made = [note(repo, repo.commit(name, **{name: name})) for name in ("first", "second")]
    repo.git("-c", "sequence.editor=sed -i 2s/pick/squash/", "rebase", "-q", "-i", "HEAD~2")
    head = repo.git("rev-parse", "HEAD")
    # The second was made for the tree that the squashed commit has; the first is of half the change.
    assert standing_of(repo, head) == {made[0]: "stale", made[1]: "exact"}


def test_git_copies_no_record_to_a_cherry_picked_commit(repo: Repository) -> None:
    repo.commit("base")
    repo.git("branch", "side")
    commit = repo.commit("one", a__txt="1\n")
    made = note(repo, commit)
    repo.git("checkout", "-q", "side")
    repo.commit("elsewhere", b__txt="2\n")
    repo.git("cherry-pick", commit)
    assert ids(repo) == [made]
    assert standing_of(repo, repo.git("rev-parse", "HEAD")) == {}


def test_retracted_and_unreadable_lines_are_not_listed(repo: Repository) -> None:
    commit = repo.commit()
    gone, kept = note(repo, commit), note(repo, commit)
    retraction = {"v": 1, "id": record.new_id(), "ts": record.now(), "kind": "retract", "retracts": gone}
    lines = [encode(retraction), parse_line(b"\xff"), parse_line(b'{"v":7,"id":"a","ts":"b","kind":"review"}')]
    Notes(kernel_repo(repo)).append("review", commit, lines)
    assert ids(repo) == [kept]


def test_a_retraction_of_nonsense_takes_nothing_back(repo: Repository) -> None:
    commit = repo.commit()
    made = note(repo, commit)
    for wrong in ([], {}, None, 7):
        line = {"v": 1, "id": record.new_id(), "ts": record.now(), "kind": "retract", "retracts": wrong}
        Notes(kernel_repo(repo)).append("review", commit, [encode(line)])
    assert ids(repo) == [made]


def test_one_id_on_two_lines_gives_both(repo: Repository) -> None:
    """As when two maws noted the same record, one of them without the patch id."""
    commit = repo.commit()
    data = review_record(repo, commit)
    lines = [encode(data | {"model": name}) for name in ("a", "b")]
    repo.git("notes", "--ref=maw/review", "add", "-F", "-", commit, stdin=record.format_note(lines))
    assert sorted(record_of(row)["model"] for row in rows(repo)) == ["a", "b"]


STRANGE: list[dict[str, Any]] = [
    {"findings": None}, {"findings": [1, None, {"severity": "dire"}, {"severity": []}]},
    {"findings": [{"severity": "error", "path": 3}]}, {"findings": [{"path": None}]},
    {"ts": "yesterday"}, {"ts": "2026-01-01"}, {"ts": "9999-99-99T00:00:00Z"}, {"ts": "0001-01-01T00:00:00+14:00"},
    {"verdict": 3}, {"tree": None}, {"patch_id": 5}, {"head": []}, {"model": {}}, {"reason": 1, "status": 2},
    {"subject": "\ud800"}, {"findings": [finding("a\ud800", title="\ud83d")]}, {"id": ""}, {"id": "a\ud800"},
    {"id": "x" * 5000}, {"kind": "review\n"}, {"verdict": "\ud800"},
]  # fmt: skip


@pytest.mark.parametrize("more", STRANGE, ids=str)
def test_a_strangers_record_does_not_break_the_index(repo: Repository, more: dict[str, Any]) -> None:
    commit = repo.commit()
    good = note(repo, commit)
    line = parse_line(record.json.dumps(review_record(repo, commit) | more).encode())
    Notes(kernel_repo(repo)).append("review", commit, [line])
    listed = rows(repo)
    assert good in [row.id for row in listed] and len(listed) == 2
    assert len(rows(repo, Filters(commit=commit))) == 2


def test_commits_with_strange_facts(repo: Repository) -> None:
    stream = (
        b"commit refs/heads/main\nauthor caf\xe9 <caf\xe9@x> 1700000000 +0000\ncommitter A <a@b> 1700000000 +0000\n"
        b'data 6\ncaf\xe9 \x1b\nM 100644 inline "caf\\351\\n.txt"\ndata 0\n\n'
        b"M 160000 1234567890123456789012345678901234567890 sub\n"
    )
    repo.git("fast-import", "--quiet", stdin=stream)
    made = note(repo, repo.git("rev-parse", "main"))
    (row,) = rows(repo)
    assert row.author.startswith("caf\N{REPLACEMENT CHARACTER} <") and row.subject.startswith("caf")
    assert ids(repo, path='"caf\\351\\n.txt"') == ids(repo, path="sub") == [made]


def test_a_note_on_a_commit_that_is_gone(repo: Repository) -> None:
    commit = repo.commit()
    data = review_record(repo, commit)
    Notes(kernel_repo(repo)).append("review", "ab" * 20, [encode(data)])
    (row,) = rows(repo)
    assert (row.commit, row.author, row.subject, row.standing) == ("ab" * 20, "", "", "stale")


def test_a_shallow_clone(repo: Repository, home: Path) -> None:
    repo.commit("one", a__txt="1\n")
    commit = repo.commit("two", a__txt="2\n")
    made = note(repo, commit, tree="0" * 40)
    repo.git("clone", "-q", "--depth=1", repo.path.as_uri(), str(home / "shallow"))
    shallow = Repository(home / "shallow")
    shallow.git("fetch", "-q", "--depth=1", "origin", f"{REF}:{REF}")
    assert standing_of(shallow, commit) == {made: "stale"}


def content(repo: Repo) -> list[tuple[Any, ...]]:
    """All that an index says, without its own row numbers."""
    with contextlib.closing(sqlite3.connect(Index(repo).path)) as db:
        columns = [row[1] for row in db.execute("PRAGMA table_info(records)") if row[1] not in ("number", "note")]
        records = db.execute(f"SELECT {', '.join(columns)} FROM records").fetchall()
        found = db.execute(
            "SELECT 'path', ref_kind, oid, blob, path FROM notes LEFT JOIN paths USING (note)"
        ).fetchall()
        return sorted([*records, *found, *db.execute("SELECT * FROM tips")], key=repr)


@pytest.mark.parametrize("seed", range(4))
def test_updated_step_by_step_it_equals_a_full_rebuild(repo: Repository, seed: int) -> None:
    chance = random.Random(seed)
    repo.git("config", "notes.rewriteRef", "refs/notes/maw/*")
    commits = [repo.commit(f"c{number}", **{f"f{number}__txt": f"{number}\n"}) for number in range(6)]
    found = kernel_repo(repo)

    def amend() -> None:
        repo.git("commit", "-q", "--amend", "-m", f"amended {chance.random()}")
        commits.append(repo.git("rev-parse", "HEAD"))

    def remove() -> None:
        repo.git("notes", "--ref=maw/review", "remove", "--ignore-missing", chance.choice(commits))

    def hand() -> None:
        repo.git("notes", "--ref=maw/review", "append", "-m", "by hand", chance.choice(commits))

    def move_back() -> None:
        tip = repo.git("rev-parse", "-q", "--verify", f"{REF}~2", check=False)
        if tip:
            repo.git("update-ref", REF, tip)

    def delete() -> None:
        repo.git("update-ref", "-d", REF)

    steps = [
        lambda: note(repo, chance.choice(commits)),
        lambda: note(repo, chance.choice(commits), findings=[finding(f"f{chance.randrange(6)}.txt")]),
        lambda: note(repo, chance.choice(commits), kind="message"),
        amend, remove, hand, move_back, delete,
    ]  # fmt: skip
    for _ in range(25):
        chance.choices(steps, weights=[8, 8, 2, 3, 3, 3, 2, 1])[0]()
        if chance.random() < 0.6:
            rows(repo)
    rows(repo)
    step_by_step = content(found)
    Index(found).remove()
    rows(repo)
    assert step_by_step == content(found)
