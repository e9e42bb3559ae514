"""Where the tests of a file belong: the file that has them, else one where the project would put it. Pure, standard
library only.

How a project places its tests is read off the pairs of source and test that it has; the framework's custom counts only
where there are none.
"""

from __future__ import annotations

import os.path
from collections import Counter
from collections.abc import Collection, Sequence
from typing import NamedTuple

from maw.generate.alike import in_common, near
from maw.generate.testing.frameworks import Framework, is_test, language_in, stem_of, tests_of

_SOURCE_ROOTS = frozenset({"src", "lib", "app", "source", "main"})  # that a folder of tests leaves out
_MIRRORED = frozenset({"RSpec", "Minitest", "PHPUnit", "Pest"})  # whose folder of tests has the code's folders again
_IMPLEMENTED = {".h": ".c", ".hh": ".cc", ".hpp": ".cpp", ".hxx": ".cxx", ".pyi": ".py"}  # of what only declares
BESIDE, BELOW, MIRROR, FLAT = "beside", "below", "mirror", "flat"


class Destination(NamedTuple):
    """`exists`: the file is there, and the tests go into it. `why` is for the person who looks at it."""

    path: str
    exists: bool
    why: str


class _Custom(NamedTuple):
    """How the folder of a test follows from that of its source: the same; `root` below it; `root` and what is below
    `base` there (the source's folders mirrored); `root` for all that is below `base`."""

    kind: str
    root: str = ""
    base: str = ""


class _Pair(NamedTuple):
    """The folders of a source and of its test, and the form of the test's name."""

    source: str
    test: str
    form: str


def place(path: str, files: Collection[str], framework: Framework, users: Sequence[str] = ()) -> Destination:
    """`users`: tests that use what the file defines, those that use most of it first."""
    if is_test(path):
        return Destination(path, path in files, "it is a file of tests")
    if framework.name == "cargo test":
        return Destination(path, path in files, "Rust has unit tests in the file itself")
    tests = tests_of(language_in(path), files)
    sources = [file for file in files if stem_of(file) == stem_of(path) and not is_test(file)]
    named = [test for test in tests if any(stem_under(form, test) == stem_of(path) for form in framework.names)]
    # Of several files of one name, a test belongs to the one whose folders are most like its own.
    matching = [test for test in named if _likeness(test, path) == max(_likeness(test, each) for each in sources)]
    if matching:
        return Destination(_most_alike(path, matching), True, "it has the tests of that file, by its name")
    pairs = _pairs(files, tests, framework)
    if users and 2 * len(pairs) <= len(tests):  # else each file has tests of its own here
        return Destination(users[0], True, "its tests use that file")
    folder = _folder_by(pairs, path)
    why = "the project places its tests so" if folder is not None else f"{framework.name} is used so"
    folder = _usual_folder(path, files, framework) if folder is None else folder
    return Destination(_join(folder, _name(path, tests, pairs, framework)), False, why)


def stem_under(form: str, test: str) -> str | None:
    """The stem that a test's name has in it, where the name has this form."""
    before, found, after = form.partition("{stem}")
    name = stem_of(test)
    fits = found and name.startswith(before) and name.endswith(after) and len(name) > len(before) + len(after)
    return name[len(before) : len(name) - len(after)] if fits else None


def _likeness(one: str, other: str) -> float:
    """How many folders' names the two have in common, but for those that all have; then how near they are."""
    here, there = (frozenset(path.split("/")[:-1]) - _SOURCE_ROOTS for path in (one, other))
    return len(here & there) + near(one, other) / 100


def _pairs(files: Collection[str], tests: Sequence[str], framework: Framework) -> list[_Pair]:
    sources: dict[str, list[str]] = {}
    for file in files:
        if language_in(file) in framework.languages and not is_test(file):
            sources.setdefault(stem_of(file), []).append(file)
    found = []
    for test in tests:
        for form in framework.names:
            stem = stem_under(form, test)
            if stem is not None and stem in sources:
                source = _most_alike(test, sources[stem])
                found.append(_Pair(os.path.dirname(source), os.path.dirname(test), form))
    return found


def _most_alike(path: str, others: Sequence[str]) -> str:
    return min(others, key=lambda other: (-_likeness(path, other), len(other), other))


def _folder_by(pairs: Sequence[_Pair], path: str) -> str | None:
    """The folder by the custom that explains most of the pairs, and can be followed for this path."""
    source = os.path.dirname(path)
    customs = {custom for pair in pairs for custom in _customs(pair) if _folder(source, custom) is not None}
    order = (MIRROR, BESIDE, BELOW, FLAT)

    def worth(custom: _Custom) -> tuple[int, int, _Custom]:
        explained = sum(_folder(pair.source, custom) == pair.test for pair in pairs)
        return explained, -order.index(custom.kind), custom

    return _folder(source, max(customs, key=worth)) if customs else None


def _customs(pair: _Pair) -> list[_Custom]:
    """The customs that one pair speaks for."""
    if pair.source == pair.test:
        return [_Custom(BESIDE)]
    source, test = (path.split("/") if path else [] for path in pair[:2])
    if source and test[:-1] == source:
        return [_Custom(BELOW, test[-1])]
    top, same = in_common(source, test), in_common(source[::-1], test[::-1])
    mirror = _Custom(MIRROR, "/".join(test[: len(test) - same]), "/".join(source[: len(source) - same]))
    return [mirror, _Custom(FLAT, pair.test, "/".join(source[:top]))]


def _folder(source: str, custom: _Custom) -> str | None:
    """The folder of the tests of what is in `source`; None where the custom says nothing of it."""
    if custom.kind == BESIDE:
        return source
    if custom.kind == BELOW:
        return _join(source, custom.root)
    if custom.base and source != custom.base and not source.startswith(custom.base + "/"):
        return None
    if custom.kind == FLAT:
        return custom.root
    return _join(custom.root, source.removeprefix(custom.base).strip("/"))


def _usual_folder(path: str, files: Collection[str], framework: Framework) -> str:
    """Where tests are by the framework's custom, in a folder that is there, if possible."""
    source = os.path.dirname(path)
    parts = source.split("/") if source else []
    if framework.name == "go test":
        return source
    if "main" in parts:  # of Maven and Gradle
        return "/".join("test" if part == "main" else part for part in parts)
    names = ("spec", "test") if framework.name in ("RSpec", "jasmine") else ("tests", "test", "__tests__")
    there = _near_folders(path, files, names)
    if not there and "javascript" in framework.languages:
        return source
    below = parts[parts[0] in _SOURCE_ROOTS :] if parts and framework.name in _MIRRORED else []
    return "/".join([there[0] if there else names[0], *below])


def _near_folders(path: str, files: Collection[str], names: Sequence[str]) -> list[str]:
    """The folders of such names that are beside the path, or beside one that it is in; the nearest first."""
    folders = {file[:at] for file in files for at, char in enumerate(file) if char == "/"}
    there = [folder for folder in folders if os.path.basename(folder) in names]
    fit = [folder for folder in there if path.startswith(folder.removesuffix(os.path.basename(folder)))]
    return sorted(fit, key=lambda folder: (-folder.count("/"), names.index(os.path.basename(folder))))


def _name(path: str, tests: Sequence[str], pairs: Sequence[_Pair], framework: Framework) -> str:
    """As most tests here are called."""
    named = [pair.form for pair in pairs]
    named += [form for test in tests for form in framework.names if form != "{stem}" and stem_under(form, test)]
    form = Counter(named).most_common(1)[0][0] if named else framework.names[0]
    stem, extension = stem_of(path), os.path.splitext(path)[1]
    stem = os.path.basename(os.path.dirname(path)) or stem if stem in ("__init__", "index", "mod") else stem
    return form.replace("{stem}", stem) + _IMPLEMENTED.get(extension, extension)


def _join(folder: str, name: str) -> str:
    return "/".join(filter(None, (folder, name)))
