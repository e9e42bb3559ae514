"""Read the layers of configuration into one Config. Standard library only (hook path).

Unknown and untrusted keys are collected as problems: commands make them an error (`strict`), hooks a warning.
"""

from __future__ import annotations

import os

from maw import files, paths
from maw.config import toml
from maw.config.schema import BY_KEY, NAMED, RESERVED_ENV, SETTINGS, Setting, env_name
from maw.errors import FatalError
from maw.light import Any, NamedTuple

REPO_FILE = ".maw.toml"
PROBLEMS_MAX = 20  # of one configuration that are told; a hostile file could hold thousands
_LOCAL = "local"  # reach.LOCAL, without what reaches it
_PROBLEM_MAX = 400  # characters of one
MAKE_IT = "correct or unset MAW_CONFIG, or make the file: `maw init`, `maw config set KEY VALUE`"


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


class BackendSettings(NamedTuple):
    """`[backends.NAME]` of the user's file: a server that speaks OpenAI's API. None: not set."""

    name: str
    url: str
    model: str | None = None
    key_env: str | None = None
    keyring: str | None = None
    failover: str | None = None
    public: bool = False
    shape: str = "auto"
    context: int = 0
    parallel: int = 4
    timeout: float = 120.0


class Config:
    """`values` has every setting's value by key, `origins` the layer it came from: default, user, repository,
    environment or flag. `problems` has a line for each key that was not taken.

    No NamedTuple: a tuple's own indexing would be what type checkers see in config["review.mode"]."""

    __slots__ = ("backends", "nodes", "origins", "problems", "values")

    def __init__(
        self,
        values: dict[str, Any],
        origins: dict[str, str],
        nodes: dict[str, NodeSettings],
        problems: tuple[str, ...],
        backends: dict[str, BackendSettings] | None = None,
    ) -> None:
        self.values = values
        self.origins = origins
        self.nodes = nodes
        self.backends = backends or {}
        self.problems = problems

    def __getitem__(self, key: str) -> Any:
        return self.values[key]

    def but(self, key: str, value: Any) -> Config:
        """The same, but for a value that somebody gave by hand."""
        return Config(
            self.values | {key: value}, self.origins | {key: "flag"}, self.nodes, self.problems, self.backends
        )

    def node(self, name: str) -> NodeSettings:
        """A node's settings. Raises FatalError that names the known ones."""
        if name not in self.nodes:
            raise _no_table("node", name, list(self.nodes), f"add it with `maw node add {name} HOST`")
        return self.nodes[name]

    def at_work(self) -> str:
        """The node that does the work. Raises FatalError for one that nobody has added: no link is started for it."""
        name: str = self.values["node"]
        return name if name == _LOCAL else self.node(name).name

    def backend(self, name: str) -> BackendSettings:
        """A server's settings. Raises FatalError that names the known ones."""
        if name not in self.backends:
            raise _no_table("backend", name, list(self.backends), f"`maw config set backends.{name}.url http://…`")
        return self.backends[name]


def _no_table(kind: str, name: str, known: list[str], hint: str) -> FatalError:
    return FatalError(f"no {kind} called {name!r} (known: {', '.join(sorted(known)) or 'none yet'})", hint=hint)


def load(
    *,
    worktree: str | None = None,
    flags: dict[str, object] | None = None,
    environ: dict[str, str] | None = None,
    strict: bool = True,
    making: bool = False,
) -> Config:
    """The configuration in force. `worktree` is where .maw.toml may lie; `flags` maps keys to values; `making`: the
    user's file is about to be made, whatever names it.

    Raises FatalError for a file that is not TOML, a value of the wrong type and, with `strict`, an unknown key, and
    where there is no file though MAW_CONFIG names one. Without `strict` (hooks) whatever cannot be used is left out and
    told in `problems`.
    """
    layers = _Layers(strict, making)
    layers.add_file(paths.config_file(), "user")
    if worktree is not None:
        layers.add_file(os.path.join(worktree, REPO_FILE), "repository")
    layers.add_environment(dict(os.environ) if environ is None else environ)
    for key, value in (flags or {}).items():
        if value is not None:
            layers.set(key, value, "flag", "the command line")
    return layers.config()


class _Layers:
    def __init__(self, strict: bool, making: bool) -> None:
        self._strict = strict
        self._making = making
        self._values = {setting.key: setting.default for setting in SETTINGS}
        self._origins = {setting.key: "default" for setting in SETTINGS}
        self._nodes: dict[str, NodeSettings] = {}
        self._backends: dict[str, BackendSettings] = {}
        self._problems: list[str] = []
        self._repository_file: str | None = None

    def config(self) -> Config:
        return Config(self._values, self._origins, self._nodes, tuple(self._problems), self._backends)

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
            if origin == "user" and paths.config_is_named() and not self._making:
                self._problem(f"{path}: is not there, though MAW_CONFIG names it", hint=MAKE_IT)
            return
        try:
            data = toml.loads(raw.decode("utf-8"))
            named = {kind: data.pop(kind) for kind in NAMED if kind in data}
            settings = _flatten(data)
        except (ValueError, RecursionError) as exc:
            self._problem(f"{path}: not TOML: {exc}")
            return
        for kind, tables in named.items():
            self._add_named(kind, tables, origin, path)
        for key, value in settings:
            # Beyond as many problems, what may be said is still heeded; looking for what else was meant takes its time.
            if len(self._problems) <= PROBLEMS_MAX or _may_be_set(key, origin):
                self.set(key, value, origin, path)
        if len(self._problems) > PROBLEMS_MAX:
            self._problems[PROBLEMS_MAX:] = [f"{path}: and more that cannot be used"]

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
        elif not _may_be_set(key, origin):
            self._problem(
                f"{where}: {key!r} may not be set by a repository; put it into {paths.config_file()} if you want it"
            )
        else:
            try:
                self._values[key] = setting.read(value)
                self._origins[key] = origin
            except ValueError as exc:
                self._problem(f"{where}: {key}: {exc}, not {value!r}")

    def _add_named(self, kind: str, tables: object, origin: str, where: str) -> None:
        if origin == "repository":
            self._problem(f"{where}: a repository may not name {kind}")
            return
        if not isinstance(tables, dict) or not all(isinstance(table, dict) for table in tables.values()):
            self._problem(f"{where}: {kind} are tables: [{kind}.NAME]")
            return
        for name, table in tables.items():
            try:
                paths.checked_node_name(name)
            except FatalError as exc:
                self._problem(f"{where}: {exc.message}")
                continue
            values = self._named_values(kind, name, table, where)
            if kind == "backends":
                self._add_backend(name, values, where)
            else:
                self._add_node(name, values, where)

    def _named_values(self, kind: str, name: str, table: dict[str, object], where: str) -> dict[str, Any]:
        known = NAMED[kind]
        values: dict[str, Any] = {key: setting.default for key, setting in known.items()}
        for key, value in table.items():
            setting: Setting | None = known.get(key)
            if setting is None:
                self._problem(f"{where}: unknown key '{kind}.{name}.{key}'{_nearest(key, list(known))}")
                continue
            try:
                values[key] = setting.read(value)
            except ValueError as exc:
                self._problem(f"{where}: {kind}.{name}.{key}: {exc}, not {value!r}")
        return values

    def _add_node(self, name: str, values: dict[str, Any], where: str) -> None:
        if not values["host"] or values["host"].startswith("-"):
            self._problem(f"{where}: nodes.{name} needs a host, which may not start with a dash")
            return
        self._nodes[name] = NodeSettings(name, **values)

    def _add_backend(self, name: str, values: dict[str, Any], where: str) -> None:
        if not values["url"]:
            self._problem(f"{where}: backends.{name} needs a url")
            return
        self._backends[name] = BackendSettings(name, **values)

    def _problem(self, text: str, *, hint: str | None = None) -> None:
        if self._strict:
            theirs = self._repository_file is not None and text.startswith(f"{self._repository_file}: ")
            edit = "`maw config edit --repo` opens the file" if theirs else "`maw config edit` opens your file"
            raise FatalError(text[:_PROBLEM_MAX], hint=hint or f"`maw config list` shows every key; {edit}")
        self._problems.append(text[:_PROBLEM_MAX])


def _may_be_set(key: str, origin: str) -> bool:
    """Whether there is such a setting, and it is for that layer to set."""
    return key in BY_KEY and (origin != "repository" or BY_KEY[key].repo)


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
