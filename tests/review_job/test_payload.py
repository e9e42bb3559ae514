"""A review's payload comes from anybody with a key: a record, or BadInput that says what is wrong with it."""

from __future__ import annotations

import base64
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from maw_remote.jobs import reading
from maw_remote.jobs.interface import BadInput
from maw_remote.jobs.review import payload as payloads

INNER = st.sampled_from(["glob", "text", "path", "reason", "x"])
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=6)
    | st.sampled_from(["\ud800", 10**400]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(INNER, inner, max_size=3),
    max_leaves=6,
)
KEYS = ["v", "title", "tree", "base", "head", "diff", "rules", "exclude", "skipped", "max_file_bytes", "x"]
GOOD: dict[str, Any] = {
    "v": 1, "title": "t", "diff": base64.b64encode(b"diff --git a/x b/x\n").decode(), "rules": [{"text": "no tabs"}],
    "exclude": ["*.md"], "skipped": [{"path": "a", "reason": "b"}], "max_file_bytes": 5,
}  # fmt: skip


@given(st.dictionaries(st.sampled_from(KEYS), JSON | st.sampled_from(["AAAA", "A", "é", "A\n=="]), max_size=4))
@example({})
@example({"v": True})
@example({"max_file_bytes": -1})
@example({"rules": [{"text": "x"}] * 201})
@example({"rules": [{"text": "x" * 5000}]})
@example({"diff": "QQ==QQ=="})
def test_a_payload_is_taken_whole_or_refused(changes: dict[str, Any]) -> None:
    given_payload = GOOD | changes
    try:
        found = payloads.parse(given_payload)
    except BadInput as exc:
        assert str(exc) and len(str(exc)) < 1000
        return
    assert isinstance(found.diff, bytes) and len(found.title) <= reading.TITLE_MAX
    assert len(found.rules) <= payloads.RULES_MAX and found.max_file_bytes >= 0
    assert all(isinstance(text, str) for rule in found.rules for text in rule)
    assert isinstance(reading.fingerprint(given_payload, payloads.KEYS), bytes)
