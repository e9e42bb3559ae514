"""The desktop notification about a review that came late."""

from __future__ import annotations

import pytest

from maw.attendant import notify


@pytest.mark.parametrize("platform", ["linux", "darwin"])
def test_what_a_notification_says_is_one_clean_line(platform: str) -> None:
    command = notify.command_for(platform, "a\nb", 'x \x1b[31m <b>"; do shell script "id" \u202e')
    assert command[-2] == "a b"
    assert not [char for char in command[-1] if not char.isprintable()]
    assert not [word for word in command[:-2] if "shell script" in word]
    if platform == "linux":
        assert "&lt;b&gt;" in command[-1]
