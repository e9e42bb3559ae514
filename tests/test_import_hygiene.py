"""What a fresh interpreter imports: heavy libraries stay out of where they are not needed.

A test in this process would see what other tests imported, so each module is imported in an interpreter of its own.
"""

from __future__ import annotations

import ast
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
HEAVY = (
    "textual",
    "paramiko",
    "pygit2",
    "litestar",
    "uvicorn",
    "llama_cpp",
    "click",
    "rich",
    "msgspec",
    "tomli_w",
    "detect_secrets",
    "tree_sitter",
)


def _claims_to_be_light() -> list[str]:
    """The modules of the kernel whose docstring says that they need the standard library only."""
    found = []
    for path in sorted((ROOT / "maw").rglob("*.py")):
        docstring = ast.get_docstring(ast.parse(path.read_bytes())) or ""
        if "standard library only" in " ".join(docstring.lower().split()):
            found.append(".".join(path.relative_to(ROOT).with_suffix("").parts))
    return found


KERNEL = sorted({*_claims_to_be_light(), "maw.wire"})
EDGES = {
    "maw_hooks.main": HEAVY,
    "maw_hooks.precommit": HEAVY,
    "maw_hooks.postcommit": HEAVY,
    "maw_hooks.prepush": HEAVY,
    "maw_hooks.preparemsg": HEAVY,
    "maw_hooks.commitmsg": HEAVY,
    "maw_remote.gate": HEAVY,
    "maw.api": tuple(name for name in HEAVY if name != "msgspec"),
    "maw.setup.hooks": HEAVY,
    "maw.config.edit": tuple(name for name in HEAVY if name != "tomli_w"),
    "maw.cli.main": tuple(name for name in HEAVY if name != "click"),
    "maw.cli.review": tuple(name for name in HEAVY if name != "click"),
    "maw.cli.history": tuple(name for name in HEAVY if name != "click"),
    "maw.cli.map": tuple(name for name in HEAVY if name != "click"),
    "maw.cli.show": tuple(name for name in HEAVY if name != "click"),
    "maw.cli.doctor": tuple(name for name in HEAVY if name not in ("click", "msgspec")),
    "maw.cli.init": tuple(name for name in HEAVY if name not in ("click", "msgspec", "tomli_w")),
    "maw.link.process": ("textual", "pygit2", "litestar", "uvicorn", "llama_cpp"),
    "maw_remote.daemon": ("textual", "paramiko", "pygit2", "llama_cpp"),
}


def imported(program: str) -> set[str]:
    """Top-level names in sys.modules after `program` ran in a fresh interpreter."""
    done = subprocess.run(
        [sys.executable, "-c", f"{program}\nimport sys\nprint('\\n'.join(sys.modules), file=sys.stderr)"],
        capture_output=True, text=True, check=False, cwd="/", env=os.environ,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return {line.partition(".")[0] for line in done.stderr.splitlines()}


@pytest.mark.parametrize("module", KERNEL)
def test_the_kernel_needs_the_standard_library_only(module: str) -> None:
    foreign = imported(f"import {module}") - set(sys.stdlib_module_names) - {"maw", "__main__", "sitecustomize"}
    # An editable install puts finders of its own into every interpreter.
    assert {name for name in foreign if not name.startswith(("_", "a1_coverage", "distutils"))} == set()


@pytest.mark.parametrize("module", EDGES)
def test_heavy_libraries_stay_out(module: str) -> None:
    if module == "maw_remote.daemon" and importlib.util.find_spec("litestar") is None:
        pytest.skip("needs the runner extra")
    assert imported(f"import {module}") & set(EDGES[module]) == set()


def test_help_imports_little(home: Path) -> None:
    program = (
        "import maw.cli.main as m\ntry:\n    m.sys.argv = ['maw', '--help']\n    m.main()\nexcept SystemExit:\n    pass"
    )
    assert imported(program) & set(HEAVY) == {"click"}


def test_what_the_hooks_share_is_among_them() -> None:
    assert {"maw.client", "maw.config.load", "maw.git.repo", "maw.reach", "maw.record", "maw.wire"} <= set(KERNEL)
