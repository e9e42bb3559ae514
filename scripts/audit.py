"""Look for known weaknesses in the tested set (constraints.txt) with pip-audit: `make audit`.

pip-audit lives in an environment of its own that is thrown away: it brings some 30 packages, none of which maw's tests
need, and all of which constraints.txt would have to name. A weakness fails; where its data cannot be reached, which is
no fault of a change, a line says why nothing was looked at.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PATIENCE = 300  # seconds


def main() -> int:
    """0: nothing known, or nothing could be looked at; 1: something is known."""
    with tempfile.TemporaryDirectory(prefix="maw-audit-") as place:
        python = Path(place) / "bin" / "python"
        try:
            venv.create(place, with_pip=True)
            _run([str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "pip-audit>=2.7"])
            said = _run([str(python), "-m", "pip_audit", "--requirement", str(ROOT / "constraints.txt"), "--no-deps",
                         "--disable-pip", "--format", "json", "--progress-spinner", "off"])  # fmt: skip
        except (OSError, subprocess.SubprocessError) as exc:
            return _skipped(f"pip-audit cannot be had or run: {exc}")
    return _judged(said)


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE)
    if done.returncode and "pip_audit" not in command:
        raise subprocess.SubprocessError((done.stderr.strip().splitlines() or ["no reason was given"])[-1])
    return done


def _judged(done: subprocess.CompletedProcess[str]) -> int:
    """What pip-audit found, as lines and an exit code."""
    try:
        found = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError, TypeError):
        said = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        return _skipped(said[-1])
    looked_at = [package for package in found if "skip_reason" not in package]
    if not looked_at:
        return _skipped(found[0]["skip_reason"] if found else "constraints.txt names nothing")
    weak = [package for package in looked_at if package["vulns"]]
    for package in weak:
        for weakness in package["vulns"]:
            mended = ", ".join(weakness["fix_versions"]) or "none yet"
            print(f"{package['name']} {package['version']}: {weakness['id']}, mended in: {mended}")
    print(f"audit: {len(looked_at)} of {len(found)} packages looked at, {len(weak)} with known weaknesses")
    return 1 if weak else 0


def _skipped(reason: str) -> int:
    print(f"audit: skipped, nothing was looked at: {reason}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
