"""Files are edited key by key: what the user wrote around the key stays, byte for byte."""

from __future__ import annotations

import stat
import threading
import tomllib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from maw.config import edit
from maw.config.lines import drop, put
from maw.config.load import load
from maw.config.schema import SETTINGS
from maw.config.text import literal
from maw.errors import FatalError

MINE = """\
# my settings
node = "pro"   # the mini under the desk

[review]
# it is slow
deadline = "45s"
exclude = [
  "vendor/**",  # not ours
  "*.min.js",
]

[[review.rules]]
text = "no = sign # in names"

[nodes.pro]
host = "pro.local"
"""


def test_a_value_is_replaced_and_nothing_else(home: Path) -> None:
    path = home / "config.toml"
    path.write_text(MINE)
    edit.set_value(str(path), "review.deadline", "60s")
    assert path.read_text() == MINE.replace('"45s"', '"60s"')


def test_a_comment_behind_the_value_stays(home: Path) -> None:
    path = home / "config.toml"
    path.write_text(MINE)
    edit.set_value(str(path), "node", "local")
    assert path.read_text() == MINE.replace('"pro"   #', '"local"   #')


def test_a_value_over_several_lines_is_replaced_whole(home: Path) -> None:
    path = home / "config.toml"
    path.write_text(MINE)
    edit.set_value(str(path), "review.exclude", ["a"])
    text = path.read_text()
    assert 'exclude = ["a"]' in text
    assert "vendor" not in text
    assert tomllib.loads(text)["review"]["rules"] == [{"text": "no = sign # in names"}]


def test_a_new_key_goes_into_its_table_before_the_next_one(home: Path) -> None:
    path = home / "config.toml"
    path.write_text(MINE)
    edit.set_value(str(path), "review.block_at", "critical")
    assert path.read_text() == MINE.replace("]\n\n[[review", ']\nblock_at = "critical"\n\n[[review')


def test_a_new_key_goes_below_its_commented_default(home: Path) -> None:
    path = home / "config.toml"
    path.write_text(edit.initial_text())
    edit.set_value(str(path), "review.deadline", "1m")
    assert '#deadline = "30s"\ndeadline = "1m"\n' in path.read_text()


def test_a_new_node_gets_a_table(home: Path) -> None:
    path = home / "config.toml"
    edit.set_value(str(path), "nodes.gpu.host", "gpu.local")
    edit.set_value(str(path), "nodes.gpu.port", "2222")
    assert tomllib.loads(path.read_text()) == {"nodes": {"gpu": {"host": "gpu.local", "port": 2222}}}


def test_a_form_that_cannot_be_edited_in_place_loses_no_key(home: Path) -> None:
    path = home / "config.toml"
    path.write_text('nodes = { pro = { host = "h" } }\nnode = "pro"\n')
    edit.set_value(str(path), "nodes.pro.port", 22)
    assert tomllib.loads(path.read_text()) == {"nodes": {"pro": {"host": "h", "port": 22}}, "node": "pro"}


def test_text_that_looks_like_toml_inside_a_string_is_left_alone(home: Path) -> None:
    path = home / "config.toml"
    text = '[review]\nrules = [{ text = """\n[review]\ndeadline = 1\n""" }]\n'
    path.write_text(text)
    edit.set_value(str(path), "review.deadline", 5)
    assert path.read_text() == text + "deadline = 5\n"


def test_crlf_and_a_missing_last_newline_are_kept(home: Path) -> None:
    path = home / "config.toml"
    path.write_bytes(b'[review]\r\ndeadline = "1s"')
    edit.set_value(str(path), "review.block_at", "info")
    assert path.read_bytes() == b'[review]\r\ndeadline = "1s"\r\nblock_at = "info"\r\n'


def test_removing_a_key_and_a_table(home: Path) -> None:
    path = home / "config.toml"
    path.write_text(MINE)
    assert edit.remove(str(path), "review.deadline")
    assert path.read_text() == MINE.replace('deadline = "45s"\n', "")
    assert edit.remove(str(path), "nodes.pro")
    assert "nodes" not in tomllib.loads(path.read_text())
    assert not edit.remove(str(path), "nodes.pro")


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("review.deadlin", "1s", "review.deadline"),
        ("nodes.pro.hots", "h", "nodes.pro.host"),
        ("review.deadline", "soon", "duration"),
        ("review.block_at", "fatal", "critical"),
        ("nodes.Pro!.host", "h", "node name"),
    ],
)
def test_what_the_schema_refuses_is_not_written(home: Path, key: str, value: str, says: str) -> None:
    path = home / "config.toml"
    path.write_text(MINE)
    with pytest.raises(FatalError, match=says):
        edit.set_value(str(path), key, value)
    assert path.read_text() == MINE


def test_a_repository_is_trusted_with_some_keys_only(home: Path) -> None:
    path = home / ".maw.toml"
    edit.set_value(str(path), "review.block_at", "critical", repository=True)
    with pytest.raises(FatalError, match="may not be set by a repository"):
        edit.set_value(str(path), "node", "theirs", repository=True)
    assert tomllib.loads(path.read_text()) == {"review": {"block_at": "critical"}}


def test_a_new_file_is_private_and_an_old_one_keeps_its_mode(home: Path) -> None:
    path = home / "new" / "config.toml"
    edit.set_value(str(path), "node", "local")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.chmod(0o640)
    edit.set_value(str(path), "node", "local")
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_a_symlink_into_dotfiles_stays_one(home: Path) -> None:
    target = home / "dotfiles" / "maw.toml"
    target.parent.mkdir()
    target.write_text(MINE)
    link = home / "config.toml"
    link.symlink_to(target)
    edit.set_value(str(link), "node", "local")
    assert link.is_symlink()
    assert 'node = "local"' in target.read_text()


def test_a_broken_file_is_named_and_left_alone(home: Path) -> None:
    path = home / "config.toml"
    path.write_text("node = ")
    with pytest.raises(FatalError, match="not TOML"):
        edit.set_value(str(path), "node", "local")
    assert path.read_text() == "node = "


def test_writers_at_once_lose_nothing(home: Path) -> None:
    path = home / "config.toml"
    names = [f"n{number}" for number in range(20)]
    threads = [threading.Thread(target=edit.set_value, args=(str(path), f"nodes.{name}.host", name)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(tomllib.loads(path.read_text())["nodes"]) == sorted(names)


def test_the_initial_files_are_toml_that_sets_nothing_and_names_every_setting(home: Path) -> None:
    (home / "config.toml").write_text(edit.initial_text())
    (home / ".maw.toml").write_text(edit.initial_repository_text())
    found = load(worktree=str(home))
    assert set(found.origins.values()) == {"default"}
    for setting in SETTINGS:
        assert f"#{setting.key.rpartition('.')[2]} = " in edit.initial_text(), setting.key


def test_the_initial_files_with_every_default_uncommented_mean_the_defaults(home: Path) -> None:
    text = edit.initial_text().partition("# Machines that do")[0].replace("\n#", "\n")
    plain = "\n".join(
        line for line in text.splitlines() if (not line.startswith(" ") and " = " in line) or line[:1] == "["
    )
    (home / "config.toml").write_text(plain)
    found = load()
    assert {key: found.origins[key] for key in found.origins} == dict.fromkeys(found.origins, "user")
    assert found.values == {setting.key: setting.default for setting in SETTINGS}


_KEYS = st.sampled_from(["a", "b c", "d.e", "é", '"'])
_VALUES = st.one_of(
    st.booleans(), st.integers(-9, 99), st.text(max_size=8), st.lists(st.text(max_size=4), max_size=3)
)  # fmt: skip
_TABLES = st.dictionaries(_KEYS, st.one_of(_VALUES, st.dictionaries(_KEYS, _VALUES, max_size=3)), max_size=4)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(_TABLES, _KEYS, _KEYS, _VALUES)
def test_put_then_drop_means_what_a_dictionary_would_do(table: dict, outer: str, inner: str, value: object) -> None:
    import tomli_w

    table = {name: part for name, part in table.items() if name != outer or isinstance(part, dict)}
    text = put(tomli_w.dumps(table), (outer, inner), literal(value))
    wanted = {**table, outer: {**table.get(outer, {}), inner: value}}
    assert tomllib.loads(text) == wanted
    del wanted[outer][inner]
    assert {name: part for name, part in tomllib.loads(drop(text, (outer, inner))).items() if part != {}} == {
        name: part for name, part in wanted.items() if part != {}
    }
