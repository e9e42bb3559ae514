"""Read the layers of configuration into one Config. Standard library only (hook path).

Unknown and untrusted keys are collected as problems: commands make them an error (`strict`), hooks a warning.
"""

from __future__ import annotations

import os

from maw import files, paths
from maw.config import toml
from maw.config.schema import BY_KEY, NODE_BY_KEY, NODE_SETTINGS, RESERVED_ENV, SETTINGS, Setting, env_name
from maw.errors import FatalError
from maw.light import Any, NamedTuple

REPO_FILE = ".maw.toml"
PROBLEMS_MAX = 20  # of one configuration that are told; a hostile file could hold thousands
_PROBLEM_MAX = 400  # characters of one


class NodeSettings(NamedTuple):
    """`[nodes.NAME]` of the user's file. None: what ssh's own configuration says (or, for `command`, not installed)."""

    name: str
    host: str
    user: str | None
    port: int | None
    command: str | None
    identity: str | None
    transport: str
    endpoint: bool = False


class Config:
    """`values` has every setting's value by key, `origins` the layer it came from: default, user, repository,
    environment or flag. `problems` has a line for each key that was not taken.

    No NamedTuple: a tuple's own indexing would be what type checkers see in config["review.mode"]."""

    __slots__ = ("nodes", "origins", "problems", "values")

    def __init__(
        self,
        values: dict[str, Any],
        origins: dict[str, str],
        nodes: dict[str, NodeSettings],
        problems: tuple[str, ...],
    ) -> None:
        self.values = values
        self.origins = origins
        self.nodes = nodes
        self.problems = problems

    def __getitem__(self, key: str) -> Any:
        return self.values[key]

    def node(self, name: str) -> NodeSettings:
        """A node's settings. Raises FatalError that names the known ones."""
        if name not in self.nodes:
            known = ", ".join(sorted(self.nodes)) or "none yet"
            raise FatalError(
                f"no node called {name!r} (known: {known})", hint=f"add it with `maw node add {name} HOST`"
            )
        return self.nodes[name]


def load(
    *,
    worktree: str | None = None,
    flags: dict[str, object] | None = None,
    environ: dict[str, str] | None = None,
    strict: bool = True,
) -> Config:
    """The configuration in force. `worktree` is where .maw.toml may lie; `flags` maps keys to values.

    Raises FatalError for a file that is not TOML, a value of the wrong type and, with `strict`, an unknown key.
    Without `strict` (hooks) whatever cannot be used is left out and told in `problems`.
    """
    layers = _Layers(strict)
    layers.add_file(paths.config_file(), "user")
    if worktree is not None:
        layers.add_file(os.path.join(worktree, REPO_FILE), "repository")
    layers.add_environment(dict(os.environ) if environ is None else environ)
    for key, value in (flags or {}).items():
        if value is not None:
            layers.set(key, value, "flag", "the command line")
    return layers.config()


class _Layers:
    def __init__(self, strict: bool) -> None:
        self._strict = strict
        self._values = {setting.key: setting.default for setting in SETTINGS}
        self._origins = {setting.key: "default" for setting in SETTINGS}
        self._nodes: dict[str, NodeSettings] = {}
        self._problems: list[str] = []
        self._repository_file: str | None = None

    def config(self) -> Config:
        return Config(self._values, self._origins, self._nodes, tuple(self._problems))

    def add_file(self, path: str, origin: str) -> None:
        if origin == "repository":
            self._repository_file = path
        try:
            # The user's own file may be a link into a dotfiles repository; a cloned one's leads anywhere.
            raw = files.read_bounded(path, follow=origin == "user")
        except OSError as exc:
            self._problem(f"{path}: cannot be read: {exc.strerror}")
            return
        if raw is None:
            return
        try:
            data = toml.loads(raw.decode("utf-8"))
            nodes = data.pop("nodes", None)
            settings = _flatten(data)
        except (ValueError, RecursionError) as exc:
            self._problem(f"{path}: not TOML: {exc}")
            return
        if nodes is not None:
            self._add_nodes(nodes, origin, path)
        for key, value in settings:
            self.set(key, value, origin, path)
            if len(self._problems) > PROBLEMS_MAX:
                self._problems[PROBLEMS_MAX:] = [f"{path}: and more that cannot be used"]
                return

    def add_environment(self, environ: dict[str, str]) -> None:
        by_name = {env_name(setting.key): setting.key for setting in SETTINGS}
        for name, value in environ.items():
            if name in by_name:
                self.set(by_name[name], value, "environment", name)
            elif name.startswith("MAW_") and name not in RESERVED_ENV:
                self._problem(f"unknown variable {name}{_nearest(name, list(by_name) + sorted(RESERVED_ENV))}")

    def set(self, key: str, value: object, origin: str, where: str) -> None:
        setting = BY_KEY.get(key)
        if setting is None:
            self._problem(f"{where}: unknown key {key!r}{_nearest(key, list(BY_KEY))}")
        elif origin == "repository" and not setting.repo:
            self._problem(
                f"{where}: {key!r} may not be set by a repository; put it into {paths.config_file()} if you want it"
            )
        else:
            try:
                self._values[key] = setting.read(value)
                self._origins[key] = origin
            except ValueError as exc:
                self._problem(f"{where}: {key}: {exc}, not {value!r}")

    def _add_nodes(self, nodes: object, origin: str, where: str) -> None:
        if origin == "repository":
            self._problem(f"{where}: a repository may not name nodes")
            return
        if not isinstance(nodes, dict) or not all(isinstance(node, dict) for node in nodes.values()):
            self._problem(f"{where}: nodes are tables: [nodes.NAME]")
            return
        for name, table in nodes.items():
            try:
                paths.checked_node_name(name)
            except FatalError as exc:
                self._problem(f"{where}: {exc.message}")
                continue
            self._add_node(name, table, where)

    def _add_node(self, name: str, table: dict[str, object], where: str) -> None:
        values: dict[str, Any] = {setting.key: setting.default for setting in NODE_SETTINGS}
        for key, value in table.items():
            setting: Setting | None = NODE_BY_KEY.get(key)
            if setting is None:
                self._problem(f"{where}: unknown key 'nodes.{name}.{key}'{_nearest(key, list(NODE_BY_KEY))}")
                continue
            try:
                values[key] = setting.read(value)
            except ValueError as exc:
                self._problem(f"{where}: nodes.{name}.{key}: {exc}, not {value!r}")
        if not values["host"] or values["host"].startswith("-"):
            self._problem(f"{where}: nodes.{name} needs a host, which may not start with a dash")
            return
        self._nodes[name] = NodeSettings(name, **values)

    def _problem(self, text: str) -> None:
        if self._strict:
            theirs = self._repository_file is not None and text.startswith(f"{self._repository_file}: ")
            edit = "`maw config edit --repo` opens the file" if theirs else "`maw config edit` opens your file"
            raise FatalError(text[:_PROBLEM_MAX], hint=f"`maw config list` shows every key; {edit}")
        self._problems.append(text[:_PROBLEM_MAX])


def _flatten(table: dict[str, Any], prefix: str = "") -> list[tuple[str, object]]:
    """Dotted keys and values of nested tables, as far down as settings go."""
    found: list[tuple[str, object]] = []
    for name, value in table.items():
        key = prefix + name
        if isinstance(value, dict) and key not in BY_KEY:
            found += _flatten(value, key + ".")
        else:
            found.append((key, value))
    return found


def _nearest(word: str, known: list[str]) -> str:
    from difflib import get_close_matches  # only when something is wrong already

    close = get_close_matches(word, known, n=1, cutoff=0.6)
    return f"; did you mean {close[0]!r}?" if close else ""
