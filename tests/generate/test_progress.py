"""The line that tells a person what goes on: a stage always, the round where there are rounds, and a clock."""

from __future__ import annotations

from maw.cli.generate.progress import Progress


def test_a_line_has_its_stage_and_no_bare_colon() -> None:
    with Progress() as progress:
        lines = []
        for kind, data in (
            ("loading", {}),
            ("started", {}),
            ("plan", {"units": 3}),
            ("unit", {"done": 1, "total": 3, "path": "a\x1b.py"}),
            ("plan", {"shown": []}),
            ("text", {"text": "Add it\n\nIt was"}),
            ("text", {"text": " missing"}),
            ("restarted", {}),
        ):
            progress(kind, data)
            lines.append(progress.line())
    assert lines == [
        "loading the model",
        "reading",
        "reading 0 of 3",
        "reading 1 of 3: a\ufffd.py",
        "reading what goes along",
        "3 lines: It was",
        "3 lines: It was missing",
        "starting over",
    ]


def test_rounds_and_a_clock() -> None:
    with Progress() as progress:
        progress("asking", "round 2")
        assert progress.line() == "round 2, asking the node"
        progress._began -= 12
        progress("text", {"text": "def f():"})
        assert progress.line() == "round 2, 1 line, 12 s: def f():"
