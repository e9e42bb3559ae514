"""Every setting of maw, once: its type, default, who may set it, and the comment that explains it.

`maw config list`, the commented file that `maw init` writes and docs/configuration.md are made from this table.
Standard library only (hook path).
"""

from __future__ import annotations

import re
from collections.abc import Callable

from maw.finding import SEVERITIES
from maw.light import Any, NamedTuple

_DURATION = r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)?\Z"
_SECONDS_MAX = 3650 * 86400.0  # TOML has infinity and integers without end; no clock and no socket takes them
_INTEGER_MAX = 10**15
_PROSE_MAX = 20_000  # characters
_AMOUNT = r"(\d+(?:\.\d+)?)\s*([kmgt]i?b|b)?\Z"
_BYTES = {
    "": 1, "b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12,
    "kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30, "tib": 1 << 40,
}  # fmt: skip
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, None: 1.0}


class Setting(NamedTuple):
    """`read` turns a TOML value or the text of an environment variable into the value, or raises ValueError.
    `repo` tells whether a repository's .maw.toml, which may be a stranger's, is trusted with it."""

    key: str
    default: Any
    read: Callable[[object], Any]
    help: str
    repo: bool = False

    @property
    def of_runner(self) -> bool:
        """Whether a runner goes by it, the one whose file it stands in: people are told so by its help."""
        return self.help.endswith("(runner).")


def seconds(value: object) -> float:
    """A duration: a number of seconds, or text such as '500ms', '30s', '5m', '12h', '14d'."""
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= _SECONDS_MAX:
        return float(value)
    match = re.match(_DURATION, value.strip()) if isinstance(value, str) else None
    found = float(match[1]) * _UNITS[match[2]] if match else None
    if found is None or found > _SECONDS_MAX:
        raise ValueError("expected a duration such as '30s' or '5m'")
    return found


def integer(value: object) -> int:
    if isinstance(value, str) and value.strip().isdecimal() and len(value) < 20:
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _INTEGER_MAX:
        return value
    raise ValueError("expected a whole number, 0 or more")


def amount(value: object) -> int:
    """A number of bytes, or text such as '500MB', '20GB', '20GiB'."""
    match = re.match(_AMOUNT, value.strip(), re.IGNORECASE) if isinstance(value, str) else None
    found = float(match[1]) * _BYTES[(match[2] or "").lower()] if match else value
    if isinstance(found, int | float) and not isinstance(found, bool) and 0 <= found <= _INTEGER_MAX:
        return int(found)
    raise ValueError("expected an amount such as '20GB' or '512MB'")


def amount_or_auto(value: object) -> int:
    """An amount, or 'auto', which is 0."""
    return 0 if value == "auto" else amount(value)


def yes_or_no(value: object) -> bool:
    if isinstance(value, bool):
        return value
    if value in ("true", "false"):
        return value == "true"
    raise ValueError("expected true or false")


def text(value: object) -> str:
    if isinstance(value, str) and value and "\0" not in value and "\n" not in value:
        return value
    raise ValueError("expected text")


def prose(value: object) -> str:
    """Text of any number of lines, empty too."""
    if isinstance(value, str) and "\0" not in value and len(value) <= _PROSE_MAX:
        return value
    raise ValueError(f"expected text of {_PROSE_MAX:,} characters at most")


def web_address(value: object) -> str:
    """`http://host:port/path` or https, without a user or a password: those would be shown with it."""
    found = text(value)
    if not re.match(r"https?://[^/?#@\s]+[^?#@\s]*\Z", found):
        raise ValueError("expected an address such as 'http://127.0.0.1:8080/v1', without user, query or fragment")
    return found.rstrip("/")


class OneOf:
    """Reads one of these words."""

    def __init__(self, *words: str) -> None:
        self.words = words

    def __call__(self, value: object) -> str:
        if isinstance(value, str) and value in self.words:
            return value
        raise ValueError("expected " + ", ".join(self.words[:-1]) + f" or {self.words[-1]}")


def text_list(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    if isinstance(value, list) and all(isinstance(part, str) for part in value):
        return tuple(value)
    raise ValueError("expected a list of texts")


def yes_no_or_list(value: object) -> bool | tuple[str, ...]:
    if isinstance(value, bool) or value in ("true", "false"):
        return yes_or_no(value)
    try:
        return text_list(value)
    except ValueError:
        raise ValueError("expected true, false or a list of texts") from None


def rules(value: object) -> tuple[dict[str, str], ...]:
    """`[[review.rules]]` tables: `text`, and optionally `glob` (default: every file)."""
    if not isinstance(value, list):
        raise ValueError("expected [[review.rules]] tables with `text` and, optionally, `glob`")
    found = []
    for rule in value:
        if not isinstance(rule, dict) or not isinstance(rule.get("text"), str) or set(rule) - {"text", "glob"}:
            raise ValueError("a rule has `text` and, optionally, `glob`")
        glob = rule.get("glob", "**")
        if not isinstance(glob, str):
            raise ValueError("a rule's glob is text")
        found.append({"glob": glob, "text": rule["text"]})
    return tuple(found)


SETTINGS: tuple[Setting, ...] = (
    Setting("node", "local", text, "The node that does the work: 'local' (a runner on this machine) or a name from [nodes]."),
    Setting("connect_timeout", 2.0, seconds, "How long a node may take to accept a connection before it counts as unreachable."),
    Setting("notify", False, yes_or_no, "Whether a desktop notification tells a review that ended after its commit."),
    Setting("review.mode", "block", OneOf("block", "background"), "'block': a commit waits for its review, at most review.deadline. 'background': it never waits; the outcome is noted on it, and told at the next one."),
    Setting("review.deadline", 30.0, seconds, "How long a commit waits for its review."),
    Setting("review.on_timeout", "allow", OneOf("allow", "block"), "What happens to the commit when the deadline has passed; with 'allow' the review goes on and is noted later."),
    Setting("review.block_at", "error", OneOf(*SEVERITIES), "The lowest severity that blocks a commit: info, warning, error or critical.", True),
    Setting("review.on_unreachable", "allow", OneOf("allow", "block"), "What happens to the commit when the node cannot be reached; with 'allow' the review waits in the outbox."),
    Setting("review.on_incomplete", "allow", OneOf("allow", "block"), "What happens to the commit when a part of it could not be reviewed, or the node has no model for that; with 'allow' the latter waits in the outbox."),
    Setting("review.rules", (), rules, "What the reviewer should look for: [[review.rules]] tables with text and glob.", True),
    Setting("review.exclude", ("/.maw.toml",), text_list, "Globs of paths that are never reviewed; where you name none, maw's own settings.", True),
    Setting("review.max_file_bytes", 1_000_000, integer, "A file whose diff is larger than this is skipped, with the reason."),
    Setting("review.verify", True, yes_no_or_list, "Whether the model is asked about each finding again, whether it holds: true, false, or a list of the models that are (runner)."),
    Setting("message.suggest", True, yes_or_no, "Whether the editor of `git commit` opens with a message to begin with."),
    Setting("message.deadline", 5.0, seconds, "How long the editor waits for it, and commit-msg for git to tell the change."),
    Setting("message.late", "drop", OneOf("drop", "comment"), "What becomes of a message that is not ready by then: nothing, or a comment with what was written so far."),
    Setting("message.check", "suggest", OneOf("off", "suggest", "enforce"), "Whether messages are held against the change and the repository's habits: 'suggest' says what is wrong, 'enforce' blocks.", True),
    Setting("generate.instructions", "", prose, "What the project asks of code that is generated, in its own words.", True),
    Setting("generate.verify", "", prose, "A command that `maw generate` runs on what it was given, in a worktree of its own, before it is offered."),
    Setting("generate.tries", 3, integer, "How many proposals are tried with that command before it is given up."),
    Setting("generate.timeout", 600.0, seconds, "How long the command may take."),
    Setting("secrets.allow", (), text_list, "Values that are no secrets: globs over the value, 'sha256:' and its hash; 'path:' and a glob: no findings there."),
    Setting("outbox.max_bytes", 64_000_000, integer, "How much may wait in a repository's outbox; what has no room is not kept, and said so."),
    Setting("outbox.max_age", 14 * 86400.0, seconds, "How long a review waits in the outbox before it is given up."),
    Setting("push.require", "off", OneOf("off", "reviewed", "passed"), "What `git push` insists on: 'reviewed' (each commit has a review) or 'passed' (which does not block).", True),
    Setting("sync.timeout", 30.0, seconds, "How long `maw sync` may take: fetching, joining and pushing notes."),
    Setting("sync.on_push", False, yes_or_no, "Whether a push brings the notes to the remote as well, afterwards and in the background."),
    Setting("tui.glyphs", "auto", OneOf("auto", "utf-8", "ascii"), "What `maw tui` draws with: 'ascii' where the terminal has no more, 'auto': as the locale says."),
    Setting("roles.manager", "mistral-7b-instruct-v0.3", text, "The model that reviews, verifies and writes messages (runner)."),
    Setting("roles.generator", "phi-4-mini-instruct", text, "The model that writes code (runner)."),
    Setting("runner.context", 4096, integer, "Context length in tokens of a loaded model (runner)."),
    Setting("runner.kv", "f16", OneOf("f16", "q8_0"), "Type of the KV cache: 'f16', or 'q8_0', which takes half the memory (runner)."),
    Setting("runner.sequences", 4, integer, "How many requests a model works on at once (runner)."),
    Setting("runner.threads", 0, integer, "CPU threads of a model; 0: physical cores less one (runner)."),
    Setting("runner.gpu_layers", -1, lambda value: -1 if value in (-1, "-1") else integer(value), "Layers on the GPU; -1: all that fit (runner)."),
    Setting("runner.keep_alive", 1800.0, seconds, "How long an idle model stays loaded (runner)."),
    Setting("runner.max_wait", 60.0, seconds, "How long requests for a model that is not loaded wait at most while others keep the memory busy (runner)."),
    Setting("runner.queue_max", 64, integer, "Tasks and requests that may wait; further ones are refused with 503 and Retry-After (runner)."),
    Setting("runner.prefix_memory", 268_435_456, amount, "Memory of a model for the beginnings that prompts share (runner)."),
    Setting("runner.prefix_disk", 2_000_000_000, amount, "Disk for the same; 0: none (runner)."),
    Setting("runner.unit_tokens", 1200, integer, "Token budget of one review unit, the lines of the change in it (runner)."),
    Setting("runner.idle_exit", 0.0, seconds, "The runner leaves after this long without work; 0: never (runner)."),
    Setting("runner.retention", 14 * 86400.0, seconds, "How long finished tasks and their events are kept (runner)."),
    Setting("runner.synchronous", "normal", OneOf("normal", "full"), "SQLite's durability: 'full' also survives a power cut, and is slower (runner)."),
    Setting("budget.total", 0, amount_or_auto, "Memory for models, all together; 'auto': what the machine grants (runner)."),
    Setting("budget.models", 0, amount_or_auto, "Of that, at most for weights and buffers; 'auto': no bound of its own (runner)."),
    Setting("budget.context", 0, amount_or_auto, "Of that, at most for contexts and prefixes; 'auto': no bound of its own (runner)."),
    Setting("budget.buffer", 0, amount_or_auto, "Of that, kept free of models, for background jobs; 'auto': nothing (runner)."),
)  # fmt: skip

BY_KEY = {setting.key: setting for setting in SETTINGS}

NODE_SETTINGS: tuple[Setting, ...] = (
    Setting("host", "", text, "Host as `ssh HOST` takes it: a name, or a Host of ~/.ssh/config."),
    Setting("user", None, text, "User on that host, where ssh's configuration does not say."),
    Setting("port", None, integer, "Port, where ssh's configuration does not say."),
    Setting("command", None, text, "Absolute command of the runner there, as `maw node add` recorded it."),
    Setting("identity", None, text, "Private key; the one maw made for this node by default."),
    Setting(
        "transport",
        "auto",
        OneOf("auto", "paramiko", "openssh"),
        "How SSH is spoken: by paramiko in the link, by the ssh command, or 'auto': paramiko where it can.",
    ),
    Setting(
        "endpoint", False, yes_or_no, "Whether `maw-runner serve --listen` answers there, not sshd; for what hints say."
    ),
)
NODE_BY_KEY = {setting.key: setting for setting in NODE_SETTINGS}

BACKEND_SETTINGS: tuple[Setting, ...] = (
    Setting("url", "", web_address, "Address of a server that speaks OpenAI's API, with its /v1."),
    Setting("model", None, text, "What is asked for there when it stands in for another server (failover)."),
    Setting("key_env", None, text, "Environment variable of the runner that holds the server's key."),
    Setting("keyring", None, text, "Name of the key in the system's keyring, service 'maw' (extra keyring)."),
    Setting("failover", None, text, "Another backend, asked when this one cannot be reached."),
    Setting("public", False, yes_or_no, "Allow an address outside of this machine and its private networks: your code goes there."),
    Setting("shape", "auto", OneOf("auto", "grammar", "json", "plain"), "How the shape of an answer is asked for; 'auto' tries what the server takes."),
    Setting("context", 0, integer, "Context length in tokens; 0: what the server says, else 4096."),
    Setting("parallel", 4, integer, "Requests at once."),
    Setting("timeout", 120.0, seconds, "How long the server may be silent, a long prompt included."),
)  # fmt: skip
BACKEND_BY_KEY = {setting.key: setting for setting in BACKEND_SETTINGS}

# Tables of the user's file that have a name each: [nodes.NAME], [backends.NAME].
NAMED = {"nodes": NODE_BY_KEY, "backends": BACKEND_BY_KEY}

# Names of MAW_ variables that are no settings.
RESERVED_ENV = frozenset({"MAW_SKIP", "MAW_STATE_DIR", "MAW_CONFIG", "MAW_COMPLETE"})


def words_of(setting: Setting) -> tuple[str, ...]:
    """The values that a setting may have, where they are counted; none where they are not."""
    if isinstance(setting.read, OneOf):
        return setting.read.words
    return ("true", "false") if setting.read in (yes_or_no, yes_no_or_list) else ()


def env_name(key: str) -> str:
    """The environment variable of a setting: review.block_at is MAW_REVIEW_BLOCK_AT."""
    return "MAW_" + key.replace(".", "_").upper()
