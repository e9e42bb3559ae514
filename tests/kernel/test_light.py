"""What stands in for typing on the hook path, and for tomllib."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from maw import light, paths
from maw.config import toml
from maw.light import NamedTuple


class Point(NamedTuple):
    """A point."""

    x: int
    y: int = 2

    @property
    def sum(self) -> int:
        return self.x + self.y


def test_a_named_tuple_is_one() -> None:
    point = Point(1)
    assert (point, point.y, point.sum, Point._fields) == ((1, 2), 2, 3, ("x", "y"))
    assert (point._replace(x=5), point._asdict()) == (Point(5, 2), {"x": 1, "y": 2})
    assert (repr(point), Point.__doc__) == ("Point(x=1, y=2)", "A point.")
    assert pickle.loads(pickle.dumps(point)) == point
    with pytest.raises(TypeError):
        Point()  # type: ignore[call-arg]
    with pytest.raises(AttributeError):
        point.z = 1  # type: ignore[attr-defined]


def test_the_hook_imports_no_typing() -> None:
    code = "import sys; import maw.client, maw.config.load, maw.review.follow; sys.exit('typing' in sys.modules)"
    root = str(Path(light.__file__).parents[1])
    done = subprocess.run([sys.executable, "-I", "-S", "-c", f"import sys; sys.path.insert(0, {root!r}); {code}"])
    assert done.returncode == 0


@pytest.fixture
def kept(home: Path) -> Path:
    return Path(paths.make_private_dir(paths.state_dir())) / "toml.json"


def test_toml_is_read_once(kept: Path) -> None:
    assert toml.loads("a = 1\n[b]\nc = [2]\n") == {"a": 1, "b": {"c": [2]}}
    assert kept.stat().st_mode & 0o777 == 0o600
    kept.write_text(kept.read_text().replace('"a": 1', '"a": 5'))
    assert toml.loads("a = 1\n[b]\nc = [2]\n") == {"a": 5, "b": {"c": [2]}}  # from there, not read again
    assert toml.loads("a = 1\n[b]\nc = [2] \n") == {"a": 1, "b": {"c": [2]}}  # another text


@pytest.mark.parametrize("damage", ["", "nonsense", "1", '{"a": 1}', "[1]", "[[1, 2]]", '[["a = 1", 3]]', "\x80"])
def test_a_damaged_file_is_as_none(kept: Path, damage: str) -> None:
    kept.write_text(damage, encoding="latin-1")
    assert toml.loads("a = 1") == {"a": 1}
    assert toml._known(str(kept))[0] == ("a = 1", {"a": 1})


def test_what_json_cannot_say_is_not_kept(kept: Path) -> None:
    for text in ("a = 1979-05-27", "a = nan", "a" * toml.TEXT_MAX + " = 1"):
        assert list(toml.loads(text)) == [text.split(" ")[0]]
        assert not kept.exists()
    with pytest.raises(ValueError, match="Invalid"):
        toml.loads("a = = 1")


def test_few_are_kept_and_only_where_there_is_a_state_directory(kept: Path) -> None:
    for number in range(toml.KEPT + 3):
        toml.loads(f"a = {number}")
    assert len(toml._known(str(kept))) == toml.KEPT
    kept.unlink()
    kept.parent.rmdir()
    toml.loads("a = 1")
    assert not kept.parent.exists()
