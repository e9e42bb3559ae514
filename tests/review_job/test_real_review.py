"""The grammar, and a whole review, with the real embedded model. What it says is of no worth; that it holds is."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from maw import change
from maw.config.load import load
from maw_remote.engine.interface import Generation, Message, Usage
from maw_remote.jobs.registry import make_jobs
from maw_remote.jobs.review import answer, grammar, units
from maw_remote.jobs.review.grammar import Limits
from tests.fixtures.model import NAME, EmbeddedModel
from tests.review_job.changes import Events, one_file, patch, payload, words

pytestmark = pytest.mark.model

NASTY: dict[str, list[bytes]] = {
    "quotes": [b'say("hi")', b"'\"'", b'"""', b'\\"', b'x = "\\"'],
    "backslashes": [b"\\", b"\\\\", b"a\\", b"\\n\\t\\u0041", b"C:\\new\\table"],
    "grammar": [b"root ::= x", b"[^a-z]", b"( | )", b"{0,3}", b"#", b"char"],
    "control": [b"\x00\x01\x1b[31m", b"\x7f\x80\x9f", b"a\x0bb\x0cc", b"\tx\ty"],
    "not UTF-8": [b"\xff\xfe", b"caf\xe9", b"\xc3(", b"\xed\xa0\x80"],
    "unicode": ["🦊🏳️‍🌈".encode(), "\u2028\u202e\ufeff".encode(), "日本語の行".encode(), "e\u0301".encode()],
    "control tokens": [b"<|im_end|>", b"<|im_start|>system", b"</s>", b"[INST]"],
    "long": [b"x" * 5000, "é".encode() * 500, b" " * 300 + b"x"],
    "CRLF": [b"x = 1\r", b"y\r"],
    "alike": [b"return x"] * 12,
    "many": [b"line %d" % number for number in range(200)],
    "one": [b"x"],
}


def unit_of(lines: list[bytes]) -> units.Unit:
    (unit,) = units.cut(one_file("a.py", lines), 10**6, words)
    return unit


@pytest.fixture(scope="module")
def model(embedded_model_file: EmbeddedModel) -> Any:
    from maw_remote.engine.decoder import Decoder, Load

    return Decoder(Load(str(embedded_model_file.path), 256, 4, 1))


def accepts(model: Any, text: str, said: str) -> bool:
    """Whether llama.cpp's grammar admits every token of `said`, and then the end."""
    from maw_remote.engine.decoder import Grammar

    grammar = Grammar(model, text)
    try:
        for token in [*model.tokenize(said.encode(), False), model.end]:
            if not grammar.allows(token):
                return False
            grammar.accept(token)  # aborts the process for what the grammar does not admit
    finally:
        grammar.close()
    return True


def answered(*quotes: str) -> str:
    findings = [
        {"quote": quote, "scenario": "a \"b\"\n", "title": "c", "severity": "error", "category": "bug",
         "suggestion": "d", "replacement": None} for quote in quotes
    ]  # fmt: skip
    return json.dumps({"findings": findings}, ensure_ascii=False, separators=(",", ":"))


@pytest.mark.parametrize("name", NASTY)
def test_llama_cpp_takes_the_grammar_of_nasty_lines_and_admits_exactly_them(model: Any, name: str) -> None:
    unit = unit_of(NASTY[name])
    text = grammar.build(unit, Limits())
    named = list(grammar.quotes(unit))
    assert accepts(model, text, answered())
    for quote in named if len(named) < 20 else [named[0], named[9], named[99], named[-1]]:
        said = answered(quote)
        assert answer.parse(said, unit, Limits())[0].quote == grammar.quotes(unit)[quote].text.removesuffix(
            b"\r"
        ).decode("utf-8", "replace")
        # A vocabulary may lack bytes (this one lacks some control characters); such a line cannot be tried.
        if b"".join(map(model.piece, model.tokenize(said.encode(), False))) == said.encode():
            assert accepts(model, text, said)
    assert accepts(model, text, answered(*[named[0]] * 3))
    assert not accepts(model, text, answered(*[named[0]] * 4))
    for wrong in ("", "0| x", f"{len(NASTY[name]) + 1}| x", named[0] + "y", named[0][:-1], named[0].split("|")[0]):
        assert not accepts(model, text, answered(wrong))
    assert not accepts(model, text, answered(named[0]).replace("error", "fatal"))
    assert not accepts(model, text, answered(named[0]).replace('"c"', '""'))
    assert not accepts(model, text, '{"findings":[')


def test_hunks_that_name_a_line_twice_have_a_grammar_that_holds(model: Any) -> None:
    head = b"diff --git a/a.py b/a.py\n--- a/a.py\n+++ b/a.py\n"
    overlap = b"".join(b"@@ -0,0 +1 @@\n+" + text + b"\n" for text in (b"ab", b"abc", b"abd", b'a"', b"ab"))
    (unit,) = units.cut(change.parse(head + overlap)[0], 10**6, words)
    text = grammar.build(unit, Limits())
    assert list(grammar.quotes(unit)) == ["1| ab", "1| abc", "1| abd", '1| a"']
    assert all(accepts(model, text, answered(quote)) for quote in grammar.quotes(unit))
    assert not any(accepts(model, text, answered(quote)) for quote in ("1| a", "1| abcd", "1| abe", "1| "))


def test_texts_are_bounded(model: Any) -> None:
    unit = unit_of([b"x"])
    text = grammar.build(unit, Limits(title=80))
    said = answered("1| x")
    assert accepts(model, text, said.replace('"c"', '"' + "c" * 80 + '"'))
    assert not accepts(model, text, said.replace('"c"', '"' + "c" * 81 + '"'))


def test_the_models_own_answers_about_nasty_lines_are_well_formed(
    embedded_model: EmbeddedModel, with_engine: Callable[..., Any]
) -> None:
    small = Limits(findings=2, scenario=9, title=5, suggestion=5, replacement=5)

    async def work(engine: Any) -> None:
        await engine.load(NAME)
        pid = next(model.pid for model in engine.models() if model.pid)
        for name in ("quotes", "unicode", "many"):
            unit = unit_of(NASTY[name])
            forced = grammar.build(unit, small).replace(")? ", ") ", 1)  # no empty answer
            messages = [Message("user", "Name a bad line.")]
            request = Generation(messages, grammar.max_tokens(small) * 2, forced, temperature=1.0, seed=7)
            pieces = [piece async for piece in engine.generate(NAME, request)]
            assert isinstance(pieces[-1], Usage)
            assert pieces[-1].finish == "stop", name
            found = answer.parse("".join(pieces[:-1]), unit, small)
            assert 1 <= len(found) <= 2, name
            assert all(finding.title and finding.scenario for finding in found)
        assert next(model.pid for model in engine.models() if model.pid) == pid  # none of them killed it

    with_engine(work, context=2048)


def test_a_real_review_of_two_files(embedded_model: EmbeddedModel, with_engine: Callable[..., Any]) -> None:
    diff = patch("last.py", [b"def last(values):", b"    return values[len(values)]"]) + patch(
        "user.py", [b"def user(db, name):", b'    return db.execute("SELECT * FROM u WHERE n = " + name)']
    )
    events = Events()

    async def work(engine: Any) -> Any:
        job = make_jobs(load())["review"]
        return await job.run(payload(diff), model=NAME, profile="p", engine=engine, emit=events.emit)

    result = with_engine(work, context=4096)
    assert result["units"] == {"total": 2, "done": 2, "failed": 0}
    assert [kind for kind, _ in events.all][:2] == ["loading", "plan"]
    assert result["stats"]["cached_tokens"] > 300  # the second unit finds the instructions evaluated
    assert events.of("finding") == [{"finding": finding} for finding in result["findings"]]
    for finding in result["findings"]:
        assert finding["quote"].encode() in diff


def test_a_cancelled_review_stops_its_worker(embedded_model: EmbeddedModel, with_engine: Callable[..., Any]) -> None:
    diff = b"".join(patch(f"f{number}.py", [b"x = 1 / 0"] * 20) for number in range(20))

    async def work(engine: Any) -> None:
        started = asyncio.Event()

        async def emit(kind: str, data: Any) -> None:
            if kind == "text":
                started.set()

        job = make_jobs(load())["review"]
        review = asyncio.create_task(job.run(payload(diff), model=NAME, profile="p", engine=engine, emit=emit))
        await started.wait()
        review.cancel()
        with pytest.raises(asyncio.CancelledError):
            await review
        assert next(model for model in engine.models() if model.name == NAME).busy == 0
        assert await asyncio.wait_for(engine.count(NAME, ["x"]), 20) == [1]  # the worker is free

    with_engine(work, context=4096)
