"""The right content is reviewed in every form of `git commit`, and its record lands on the new commit."""

from __future__ import annotations

from tests.hooks.conftest import Hooked


def test_a_plain_commit_is_reviewed_and_recorded(hooked: Hooked) -> None:
    hooked.write("a.py", "one = 1\ntwo = 22\nthree = 3\n")
    hooked.ok("add", "a.py")
    said = hooked.commit()
    assert "+two = 22" in hooked.sent
    assert "nothing found in 1 unit" in said
    record = hooked.record()
    assert record is not None
    assert (record["status"], record["verdict"]) == ("reviewed", "pass")
    assert record["tree"] == hooked.out("rev-parse", "HEAD^{tree}")
    assert record["base"] == hooked.out("rev-parse", "HEAD~1^{tree}")
    assert record["head"] == hooked.head
    assert hooked.pending == []
