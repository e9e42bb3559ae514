"""Names and content of every kind arrive as they are."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from maw import change
from tests.fixtures.fake_runner import finding
from tests.hooks.conftest import Hooked


def _paths(hooked: Hooked) -> set[str]:
    return {file.path for file in change.parse(hooked.runner.diffs[-1])}


@pytest.mark.parametrize(
    "name",
    [
        b"caf\xe9.txt",
        b"new\nline.txt",
        b'quo"te.txt',
        b"tab\there.txt",
        b"\x1b[31mred.txt",
        "ünï.txt".encode(),
        b" lead",
    ],
)
def test_names(hooked: Hooked, name: bytes) -> None:
    with open(os.fsencode(hooked.path) + b"/" + name, "wb") as file:
        file.write(b"content\n")
    hooked.ok("add", "-A")
    hooked.runner.plays(finding(severity="warning", path=change.display_path(name)))
    said = hooked.commit()
    assert _paths(hooked) == {change.display_path(name)}
    assert change.raw_path(change.display_path(name)) == name
    assert "\x1b" not in said
    record = hooked.record()
    assert record is not None
    assert record["findings"][0]["path"] == change.display_path(name)


def test_crlf_and_bytes_that_are_no_text(hooked: Hooked) -> None:
    hooked.write("crlf.txt", b"one\r\ntwo\r\n")
    hooked.write("latin.txt", b"caf\xe9\n")
    hooked.ok("add", "-A")
    hooked.commit()
    assert b"+one\r\n+two\r\n" in hooked.runner.diffs[-1]
    assert b"+caf\xe9\n" in hooked.runner.diffs[-1]


def test_what_is_staged_counts_not_what_autocrlf_makes_of_it(hooked: Hooked) -> None:
    """On disk CRLF, in the index LF: that is what is committed and reviewed, also when git stages it itself."""
    hooked.ok("config", "core.autocrlf", "true")
    hooked.write("crlf.txt", b"one\r\ntwo\r\n")
    hooked.ok("add", "crlf.txt")
    hooked.commit()
    assert b"+one\n+two\n" in hooked.runner.diffs[-1]
    hooked.write("crlf.txt", b"one\r\ntwo\r\nthree\r\n")
    hooked.commit("-a")
    assert b" two\n+three\n" in hooked.runner.diffs[-1]
    assert not any(b"\r" in diff for diff in hooked.runner.diffs)
    record = hooked.record()
    assert record is not None
    assert record["tree"] == hooked.out("rev-parse", "HEAD^{tree}")


def test_symlinks_modes_renames_deletions_and_binaries(hooked: Hooked) -> None:
    hooked.write("tool.sh", "#!/bin/sh\nexit 0\n")
    hooked.write("old-name.py", "".join(f"value_{number} = {number}\n" for number in range(20)))
    hooked.write("gone.py", "gone = 1\n")
    hooked.ok("add", "-A")
    hooked.commit()
    (hooked.path / "link").symlink_to("a.py")
    (hooked.path / "tool.sh").chmod(0o755)
    hooked.ok("mv", "old-name.py", "new-name.py")
    hooked.ok("rm", "-q", "gone.py")
    hooked.write("picture.png", b"\x89PNG\r\n\x1a\n\0\0\0")
    hooked.ok("add", "-A")
    hooked.commit()
    files = {file.path: file for file in change.parse(hooked.runner.diffs[-1])}
    assert files["link"].is_symlink
    assert files["tool.sh"].status == "mode"
    assert (files["new-name.py"].status, files["new-name.py"].old_path) == ("renamed", "old-name.py")
    assert files["gone.py"].status == "deleted"
    assert files["picture.png"].binary


def test_two_binary_edits_are_two_different_reviews(hooked: Hooked) -> None:
    digests = set()
    for content in (b"\0one", b"\0two"):
        hooked.write("blob", content)
        hooked.ok("add", "-A")
        hooked.commit()
        digests.add(hooked.runner.submits[-1]["payload"]["diff"])
    assert len(digests) == 2


def test_the_diff_does_not_depend_on_configuration_and_runs_nothing(hooked: Hooked, home: Path) -> None:
    hooked.ok("config", "diff.noprefix", "true")
    hooked.ok("config", "diff.external", "false")
    hooked.ok("config", "color.ui", "always")
    hooked.ok("config", "diff.evil.textconv", f"touch {home}/ran; cat")
    hooked.ok("config", "diff.context", "0")
    hooked.write(".gitattributes", "*.py diff=evil\n")
    hooked.write("a.py", "one = 1\ntwo = 22\nthree = 3\n")
    hooked.ok("add", "-A")
    hooked.commit()
    assert "--- a/a.py\n+++ b/a.py\n" in hooked.sent
    assert " one = 1\n-two = 2\n+two = 22\n" in hooked.sent
    assert "\x1b" not in hooked.sent
    assert not (home / "ran").exists()


@pytest.mark.parametrize("attribute", ["", "*.txt diff\n"], ids=["plain", "forced-text"])
def test_large_files_are_left_out_with_the_reason(hooked: Hooked, attribute: str) -> None:
    hooked.write(".gitattributes", attribute)
    hooked.write("large.txt", b"0123456789\n" * 100_000)
    hooked.write("small.py", "small = 1\n")
    hooked.write("medium.txt", b"abc\n" * 20_000)
    hooked.ok("add", "-A")
    hooked.commit(MAW_REVIEW_MAX_FILE_BYTES="50000")
    assert "small.py" in _paths(hooked)
    assert not {"large.txt", "medium.txt"} & _paths(hooked)
    payload = hooked.runner.submits[-1]["payload"]
    reasons = {item["path"]: item["reason"] for item in payload["skipped"]}
    assert set(reasons) == {"large.txt", "medium.txt"}
    # The file's own size, or that of its diff where an attribute made git print one.
    assert re.fullmatch(r"too large: 1[12]\d{5} bytes, review.max_file_bytes is 50000", reasons["large.txt"])
    assert payload["max_file_bytes"] == 50_000


def test_a_small_change_of_a_large_file_is_reviewed(hooked: Hooked) -> None:
    hooked.write("large.txt", b"0123456789\n" * 10_000)
    hooked.ok("add", "-A")
    hooked.commit("-n")
    hooked.write("large.txt", b"0123456789\n" * 10_000 + b"the end\n")
    hooked.commit("-a", MAW_REVIEW_MAX_FILE_BYTES="50000")
    assert "+the end" in hooked.sent
    assert hooked.runner.submits[-1]["payload"]["skipped"] == []


def test_only_large_files(hooked: Hooked) -> None:
    hooked.write("large.txt", b"0123456789\n" * 10_000)
    hooked.ok("add", "-A")
    said = hooked.commit(MAW_REVIEW_MAX_FILE_BYTES="1000")
    assert said == "maw: nothing was reviewed, 1 file skipped\n"
    assert hooked.runner.submits == []
    record = hooked.record()
    assert record is not None
    assert record["skipped"][0]["path"] == "large.txt"


def test_rules_and_globs_travel_with_the_change(hooked: Hooked) -> None:
    hooked.write(
        ".maw.toml", '[review]\nexclude = ["vendor/**"]\n[[review.rules]]\nglob = "*.py"\ntext = "No globals."\n'
    )
    hooked.ok("add", "-A")
    hooked.commit()
    payload = hooked.runner.submits[-1]["payload"]
    assert payload["rules"] == [{"glob": "*.py", "text": "No globals."}]
    assert payload["exclude"] == ["vendor/**"]
    assert payload["title"] == "repo: staged changes"


def test_a_folder_whose_name_is_not_utf_8(hooked: Hooked, home: Path) -> None:
    folder = os.fsencode(home) + b"/caf\xe9"
    os.rename(hooked.path, folder)
    there = Path(os.fsdecode(folder))
    (there / "a.py").write_text("four = 4\n")
    hooked.ok("commit", "-q", "-a", "-m", "change", cwd=there)
    title = hooked.runner.submits[-1]["payload"]["title"]
    assert title == '"caf\\351": staged changes'
    assert title.encode("utf-8")  # no half of a character, which a runner refuses
