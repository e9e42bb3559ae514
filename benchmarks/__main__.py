"""Run the benchmarks and write benchmarks/RESULTS.md: `python -m benchmarks [NAME…]`.

A benchmark is a module bench_NAME.py beside this one with `run() -> list[Row]`. Each runs in a process of its own,
with a home of its own below /tmp, so that none disturbs another or touches the user's maw. Naming some prints
their figures and leaves the file alone.
"""

from __future__ import annotations

import importlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.report import markdown, table
from benchmarks.rows import Row

HERE = Path(__file__).parent
TIMEOUT = 1800  # seconds one module may take


def main(arguments: list[str]) -> int:
    """Measure; 1 when a budget was missed or a benchmark broke."""
    if arguments[:1] == ["--one"]:
        return _child(arguments[1])
    known = sorted(path.stem.removeprefix("bench_") for path in HERE.glob("bench_*.py"))
    unknown = set(arguments) - set(known)
    if unknown:
        print(f"no benchmark {', '.join(sorted(unknown))}; there are: {', '.join(known)}", file=sys.stderr)
        return 2
    results = {name: _measure(name) for name in arguments or known}
    if not arguments:
        (HERE / "RESULTS.md").write_text(markdown(results), encoding="utf-8")
        print(f"\nwritten to {HERE / 'RESULTS.md'}")
    return int(any(row.ok is False for rows in results.values() for row in rows))


def _measure(name: str) -> list[Row]:
    print(f"\n{name}", flush=True)
    home = tempfile.mkdtemp(prefix="maw-bench-", dir="/tmp")
    try:
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks", "--one", name], env=_environment(home), cwd=HERE.parent,
            stdout=subprocess.PIPE, check=False, timeout=TIMEOUT,
        )  # fmt: skip
    finally:
        shutil.rmtree(home, ignore_errors=True)
    lines = done.stdout.decode("utf-8", "replace").splitlines()
    rows = [Row(*json.loads(line)[1:]) for line in lines if line.startswith('["row",')]
    if done.returncode != 0:
        rows.append(Row(f"{name} broke with exit code {done.returncode}", 0, "", "", False))
    print(table(rows), flush=True)
    return rows


def _environment(home: str) -> dict[str, str]:
    env = {name: value for name, value in os.environ.items() if not name.startswith(("MAW_", "GIT_", "CI"))}
    (Path(home) / "config.toml").touch()
    config = Path(home) / ".gitconfig"
    config.write_text(
        "[user]\n\tname = A Benchmark\n\temail = benchmark@example.invalid\n"
        "[init]\n\tdefaultBranch = main\n[gc]\n\tauto = 0\n[commit]\n\tgpgsign = false\n"
    )
    return env | {
        "HOME": home,
        "MAW_STATE_DIR": f"{home}/state",
        "MAW_CONFIG": f"{home}/config.toml",
        "MAW_RUNNER_QUEUE_MAX": "1000000",  # what floods the queue is to be measured, not refused
        "REAL_HOME": os.path.expanduser("~"),  # whose caches may be used; a MAW_ name would count as a setting
        "GIT_CONFIG_GLOBAL": str(config),
        "GIT_CONFIG_NOSYSTEM": "1",
    }


def _child(name: str) -> int:
    for row in importlib.import_module(f"benchmarks.bench_{name}").run():
        print(json.dumps(["row", *row]), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
