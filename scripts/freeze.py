"""Write constraints.txt: names and versions of what maw depends on, with all extras, as installed here.

Run it in the environment that passed the tests: `.venv/bin/python scripts/freeze.py > constraints.txt`.
Only names and versions: where packages come from is each machine's own business.
"""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError, requires, version

ROOT = "git-maw"
EXTRAS = ("all", "dev", "runner", "tui", "pre-commit", "keyring", "generate")
_NAME = re.compile(r"[A-Za-z0-9._-]+")
_EXTRA = re.compile(r"""extra\s*==\s*["']([^"']+)["']""")


def main() -> None:
    found: dict[str, str] = {}
    for extra in ("", *EXTRAS):
        _collect(ROOT, extra, found, set())
    found.pop(ROOT, None)
    print("# The set of versions that maw's tests ran with. Written by scripts/freeze.py; not needed to use maw.")
    for name in sorted(found):
        print(f"{name}=={found[name]}")


def _collect(package: str, extra: str, found: dict[str, str], seen: set[tuple[str, str]]) -> None:
    """Add what `package` needs for `extra` ('': always), and what that needs."""
    for requirement in requires(package) or []:
        marker = _EXTRA.search(requirement)
        if (marker[1] if marker else "") != extra:
            continue
        match = _NAME.match(requirement)
        assert match
        name = re.sub(r"[-_.]+", "-", match[0]).lower()
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue  # of another platform or Python
        rest = requirement[match.end() :]
        wanted = rest[1:].partition("]")[0].split(",") if rest.startswith("[") else []
        for below in [(name, ""), *((name, part.strip()) for part in wanted)]:
            if below not in seen:
                seen.add(below)
                _collect(*below, found, seen)


if __name__ == "__main__":
    main()
