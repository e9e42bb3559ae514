"""Findings as lines: advice comes once, and a paragraph keeps its indent."""

from __future__ import annotations

from maw.finding import finding_from_json
from maw.review.render import Printer, finding_lines, wrapped
from tests.fixtures.fake_runner import finding


def test_the_same_words_come_once() -> None:
    printer = Printer()
    texts = []
    for number in range(3):
        item = finding_from_json(finding(line=number + 1) | {"id": f"id{number}"})
        texts.append([line.text for line in printer.found(item)])
    assert len(texts[0]) > len(texts[1]) == len(texts[2])
    assert any("suggestion: " in text for text in texts[0]) or finding()["scenario"] in "".join(texts[0])
    assert all("id" in lines[0] for lines in texts[1:])


def test_a_paragraph_is_broken_between_words() -> None:
    item = finding_from_json(finding() | {"scenario": "word " * 40, "suggestion": "other " * 30})
    lines = list(wrapped(finding_lines(item), 60))
    assert all(len(line.text) <= 60 for line in lines)
    told = " ".join(line.text.strip() for line in lines)
    assert (told.count("word"), told.count("other")) == (40, 30)
    assert all(line.text.startswith("    ") for line in lines[1:])
