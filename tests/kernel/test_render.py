"""Findings as lines: advice comes once, and a paragraph keeps its indent."""

from __future__ import annotations

import pytest

from maw.finding import finding_from_json
from maw.review.fold import columns, pieces, wrapped
from maw.review.render import Printer, finding_lines
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


def test_columns_count_rather_than_characters() -> None:
    item = finding_from_json(finding() | {"scenario": "日本語の文 " * 20, "suggestion": "нет. " * 30})
    lines = list(wrapped(finding_lines(item), 60))
    assert max(columns(line.text) for line in lines) in range(50, 61)
    assert "".join(line.text for line in lines).count("日本語の文") == 20


@pytest.mark.parametrize(
    ("text", "width", "parts"),
    [
        ("", 5, [""]),
        ("one two", 7, ["one two"]),
        ("one  two three ", 5, ["one", "two", "three"]),
        ("  indented text", 10, ["  indented", "text"]),
        ("unbreakable", 4, ["unbr", "eaka", "ble"]),
        ("日本語", 3, ["日", "本", "語"]),
        ("日本語", 1, ["日", "本", "語"]),
        ("nai\u0308ve cafe\u0301", 5, ["nai\u0308ve", "cafe\u0301"]),
        ("      ", 3, [""]),
    ],
)
def test_pieces_of_a_text(text: str, width: int, parts: list[str]) -> None:
    assert list(pieces(text, width)) == parts
