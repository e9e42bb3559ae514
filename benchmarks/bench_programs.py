"""Reviews of many units as the engine decodes them, beside the library's own way of structured answers.

16 units of about 50 tokens behind a common prefix of 1,100, a finding each, on one thread, in CPU seconds. The
library's chat call gets a JSON schema for the same parts and as many tokens as the program's answers have on average.
"""

from __future__ import annotations

import statistics
import time
from pathlib import Path
from typing import Any

from llama_cpp import Llama

from benchmarks.machines import install_model
from benchmarks.rows import Row
from maw_remote.engine.interface import Message
from maw_remote.engine.program import Option, Pick, Program, Say, Write
from maw_remote.engine.settings import Settings
from tests.engine.inside import Inside, usage

UNITS = 16
DECODED = 4  # units whose decoding is measured by itself
CLEARED = 4  # calls that are made with the memory cleared; each of the 16 would cost the same
TOKENS = "sampled and fed tokens a CPU second of decoding"
CONTEXT = 3000
RULES = Message(
    "system",
    "You review changes of code. Judge the added lines only, and name what goes wrong.\n"
    + "".join(
        f"Rule {at}: no function may divide by a value that can be zero without a check before.\n" for at in range(58)
    ),
)
TEXT = 20  # tokens of each free text
SCHEMA = {
    "type": "object",
    "properties": {
        "scenario": {"type": "string", "maxLength": 400},
        "line": {"type": "integer"},
        "severity": {"type": "string", "enum": ["error", "warning", "info"]},
        "title": {"type": "string", "maxLength": 200},
    },
    "required": ["scenario", "line", "severity", "title"],
}
GBNF = (
    'root ::= "- Scenario:" free "\\nLine: " line "\\nSeverity: " severity "\\nTitle:" free "\\nend\\n"\n'
    "free ::= text{80,100}\n"
    "text ::= [^\\n]\n"
    'line ::= "1" | "2" | "3" | "4" | "5" | "6"\n'
    'severity ::= "error" | "warning" | "info"\n'
)


def program() -> Program:
    lines = tuple(Option(f" {line}\n", str(line)) for line in range(1, 7))
    words = tuple(Option(f" {word}\n", word) for word in ("error", "warning", "info"))
    return (
        Say("- Scenario:"), Write("scenario", TEXT), Say("\nLine:"), Pick("line", lines), Say("Severity:"),
        Pick("severity", words), Say("Title:"), Write("title", TEXT), Say("\nend\n"),
    )  # fmt: skip


def units() -> list[list[Message]]:
    code = "def mean_{0}(values):\n2|     total = 0\n3|     for value in values:\n4|         total += value\n"
    last = "5|     return total / len(values)\n6| "
    return [[RULES, Message("user", f"File a{at}.py, added lines:\n1| {code.format(at)}{last}")] for at in range(UNITS)]


def run() -> list[Row]:
    path = Path(install_model())
    cold, answers = _ours(path, sequences=4, warm=False)
    warm, _ = _ours(path, sequences=4, warm=True)
    tokens = statistics.mean(answers)
    cleared = _library(path, round(tokens), clear=True, calls=CLEARED) * UNITS / CLEARED
    kept = _library(path, round(tokens), clear=False)
    return [
        Row("16 units as programs, prefix cold", cold, "", "CPU s", None),
        Row("16 units as programs, prefix warm", warm, "", "CPU s", None),
        Row(
            f"16 units by the library's chat call, memory cleared ({CLEARED} measured)",
            cleared,
            "",
            "CPU s",
            None,
        ),
        Row("16 units by the library's chat call, prefix kept", kept, "", "CPU s", None),
        _at_least("memory cleared, against programs with the prefix warm", cleared / warm, 5),
        _at_least("memory cleared, against programs with the prefix cold", cleared / cold, 4),
        _at_least("prefix kept, against programs with the prefix warm", kept / warm, 1.1),
        *_decoding(path),
    ]


def _at_least(name: str, measured: float, budget: float) -> Row:
    return Row(name, measured, f"≥ {budget:g}", "x", measured >= budget)


def _ours(path: Path, *, sequences: int, warm: bool) -> tuple[float, list[int]]:
    """CPU seconds of all units, and the tokens of each answer."""
    inside = Inside(path, context=CONTEXT, cells=4608, sequences=sequences)
    if warm:
        inside.send({"op": "warm", "messages": [RULES], "adapter": None})
        inside.work()
    began = time.process_time()
    numbers = [inside.ask(program(), unit, shared=1) for unit in units()]
    inside.work()
    spent = time.process_time() - began
    return spent, [usage(inside.frames[number])["completion_tokens"] for number in numbers]


def _library(path: Path, tokens: int, *, clear: bool, calls: int = UNITS) -> float:
    """CPU seconds of the units by create_chat_completion; with the prefix kept, what it costs first is left out."""
    library = Llama(
        str(path), n_ctx=CONTEXT, n_batch=256, n_ubatch=256, n_threads=1, n_threads_batch=1, flash_attn=False,
        verbose=False,
    )  # fmt: skip
    if not clear:
        _chat(library, [RULES, Message("user", "x")], 1)
    began = time.process_time()
    for unit in units()[:calls]:
        if clear:
            library.reset()
            library._ctx.kv_cache_clear()
        _chat(library, unit, tokens)
    return time.process_time() - began


def _chat(library: Any, messages: list[Message], tokens: int) -> None:
    library.create_chat_completion(
        [{"role": message.role, "content": message.text} for message in messages], max_tokens=tokens,
        temperature=0.0, response_format={"type": "json_object", "schema": SCHEMA},
    )  # fmt: skip


def _decoding(path: Path) -> list[Row]:
    """The budget is for one sequence: what is decoded is then the only difference. Several answers that end at
    different times do not fill their steps, which free-running ones of equal length do; both rates are told."""
    rows = []
    for sequences in (1, Settings().sequences):
        rates = _rates(path, sequences)
        of = f"{sequences} sequence{'s' * (sequences > 1)}"
        rows += [Row(f"{TOKENS}, {way}, {of}", rate, "", "tokens/s", None) for way, rate in rates.items()]
        ratios = {way: rates["programs"] / rates[way] for way in ("unconstrained", "our own grammar")}
        budgets = (1.0, 1.25)
        for (way, ratio), budget in zip(ratios.items(), budgets, strict=True):
            name = f"programs, against {way}, {of}"
            rows.append(_at_least(name, ratio, budget) if sequences == 1 else Row(name, ratio, "", "x", None))
    python = _python(path)
    return [*rows, Row("Python's share of a step, programs in four sequences", python, "≤ 3", "%", python <= 3)]


def _rates(path: Path, sequences: int) -> dict[str, float]:
    """Answer tokens a CPU second, behind prompts that are evaluated before."""
    inside = Inside(path, context=CONTEXT, cells=4608, sequences=sequences, prefix_bytes=0)
    for unit in units()[:DECODED]:
        inside.answer((Write("text", 1),), unit)
    spent, tokens = _answers(inside, program())
    rates = {"programs": tokens / spent}
    each = round(tokens / DECODED)
    for way, answer in {
        "unconstrained": (Write("text", each),), "our own grammar": (Write("text", 2 * each, grammar=GBNF),),
    }.items():  # fmt: skip
        spent, tokens = _answers(inside, answer)
        rates[way] = tokens / spent
    return rates


def _answers(inside: Inside, answer: Program) -> tuple[float, int]:
    began = time.process_time()
    numbers = [inside.ask(answer, unit) for unit in units()[:DECODED]]
    inside.work()
    spent = time.process_time() - began
    return spent, sum(usage(inside.frames[number])["completion_tokens"] for number in numbers)


def _python(path: Path) -> float:
    inside = Inside(path, context=CONTEXT, cells=4608)
    inside.send({"op": "warm", "messages": [RULES], "adapter": None})
    inside.work()
    for unit in units()[:DECODED]:
        inside.ask(program(), unit, shared=1)
    began, before = time.perf_counter(), inside.slots.computing
    inside.work()
    return 100 * (1 - (inside.slots.computing - before) / (time.perf_counter() - began))
