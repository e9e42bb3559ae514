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
from tests.engine.inside import Inside, usage

UNITS = 16
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
    cleared = _library(path, round(tokens), clear=True)
    kept = _library(path, round(tokens), clear=False)
    return [
        Row("16 units as programs, prefix cold", cold, "", "CPU s", None),
        Row("16 units as programs, prefix warm", warm, "", "CPU s", None),
        Row("16 units by the library's chat call, memory cleared before each", cleared, "", "CPU s", None),
        Row("16 units by the library's chat call, prefix kept", kept, "", "CPU s", None),
        _at_least("memory cleared, against programs with the prefix warm", cleared / warm, 5),
        _at_least("memory cleared, against programs with the prefix cold", cleared / cold, 4),
        _at_least("prefix kept, against programs with the prefix warm", kept / warm, 1.1),
        *_decoding(path),
    ]


def _at_least(name: str, measured: float, budget: float) -> Row:
    return Row(name, measured, f"≥ {budget:g}", "x", measured >= budget)


def _ours(path: Path, *, sequences: int, warm: bool, answer: Program | None = None) -> tuple[float, list[int]]:
    """CPU seconds of all units, and the tokens of each answer."""
    inside = Inside(path, context=CONTEXT, cells=4608, sequences=sequences)
    if warm:
        inside.send({"op": "warm", "messages": [RULES], "adapter": None})
        inside.work()
    began = time.process_time()
    numbers = [inside.ask(program() if answer is None else answer, unit, shared=1) for unit in units()]
    inside.work()
    spent = time.process_time() - began
    return spent, [usage(inside.frames[number])["completion_tokens"] for number in numbers]


def _library(path: Path, tokens: int, *, clear: bool) -> float:
    """CPU seconds of all units by create_chat_completion; with the prefix kept, what it costs first is left out."""
    library = Llama(
        str(path), n_ctx=CONTEXT, n_batch=256, n_ubatch=256, n_threads=1, n_threads_batch=1, flash_attn=False,
        verbose=False,
    )  # fmt: skip
    if not clear:
        _chat(library, [RULES, Message("user", "x")], 1)
    began = time.process_time()
    for unit in units():
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
    """Answer tokens a CPU second of decoding, in one sequence: what all units cost, less what their prompts do."""
    prompts, _ = _ours(path, sequences=1, warm=True, answer=(Write("text", 1),))
    rates = {}
    structured = None
    for name in ("program", "free", "grammar"):
        tokens = structured or 1
        answer = {
            "program": program(),
            "free": (Write("text", tokens, grammar=None),),
            "grammar": (Write("text", 2 * tokens, grammar=GBNF),),
        }[name]
        spent, found = _ours(path, sequences=1, warm=True, answer=answer)
        structured = structured or round(statistics.mean(found))
        rates[name] = sum(found) / (spent - prompts)
    python = _python(path)
    return [
        Row("tokens a CPU second of decoding, as programs", rates["program"], "", "tokens/s", None),
        Row("tokens a CPU second of decoding, unconstrained", rates["free"], "", "tokens/s", None),
        Row("tokens a CPU second of decoding, under our own grammar", rates["grammar"], "", "tokens/s", None),
        _at_least("programs, against unconstrained", rates["program"] / rates["free"], 1.0),
        _at_least("programs, against our own grammar", rates["program"] / rates["grammar"], 1.25),
        Row("Python's share of a step, programs in four sequences", python, "≤ 3", "%", python <= 3),
    ]


def _python(path: Path) -> float:
    inside = Inside(path, context=CONTEXT, cells=4608)
    inside.send({"op": "warm", "messages": [RULES], "adapter": None})
    inside.work()
    for unit in units():
        inside.ask(program(), unit, shared=1)
    began, before = time.perf_counter(), inside.slots.computing
    inside.work()
    return 100 * (1 - (inside.slots.computing - before) / (time.perf_counter() - began))
