"""Is this value a secret? What hashes, ids, placeholders, names and paths look like, and how random a text is."""

from __future__ import annotations

import importlib.resources
import math
import re
from collections import Counter

from maw.secrets import MARK

VALUE_MIN = 6  # characters; what is shorter is hardly worth a guess
BLOB = 300  # characters; a longer text without a name that gives it away is data: an image, a font, a fixture

# Names whose value is a secret, and what makes them the name of something else: token_url, password_hash.
NAME = (
    r"passw(?:or)?d|passphrase|passwort|contrase(?:n|\xc3\xb1)a|pwd|secret|token|credential|auth(?:orization)?\b|bearer|"
    r"(?:api|access|account|auth|client|db|database|encryption|license|master|private|priv|service|shared|signing|ssh|"
    r"storage|webhook)[_-]?key"
)
_OTHER = re.compile(
    r"(?:file|path|dir|url|uri|endpoint|host|name|id|ids|field|type|kind|header|prefix|suffix|env|var|len|length|size|"
    r"count|limit|max|min|regex|pattern|hash|digest|sum|ttl|expir\w*|at|param\w*|label|placeholder|hint|error|message|"
    r"text|title|help|policy|class|column|table|index|version|format|scheme|method|mode|alg\w*|public\w*|tokenizer|"
    r"tokens|fingerprint|thumbprint|input|button|provider|service|rule|prompt)\Z"
)
_PUBLIC = re.compile(
    r"sha-?\d|md5|integrity|checksum|digest|hash|fingerprint|thumbprint|etag|uuid|commit|revision|\brev\b|public|"
    r"cert|base64,|nonce|image|icon|font|sprite|fixture|golden|snapshot|expected|cache[_-]?key|h1:|spki|vector",
    re.IGNORECASE,
)
_PLACEHOLDERS = frozenset(
    importlib.resources.files(__package__).joinpath("placeholders.txt").read_text("ascii").split()
)
_TEMPLATE = re.compile(
    r"\$\{|\$\(|\{\{|\}\}|%\(|<[^>]*>|\{[\w.]*\}|%[sdvr]|\*{3}|\.{3}|\A\$(?:[A-Z_][A-Z0-9_]*|[a-z_]+)\Z|\xe2\x80\xa6|[xX]{4}|\w\(\)|"
    r"\(\?|\[\^?\w-\w|\\[wdsbWDS]"  # a regular expression
)
_REFERENCE = re.compile(r"[$@&]?[A-Za-z_]\w*(?:(?:\.|->|::)[A-Za-z_]\w*)*\s*[(\[]|[$@%&<{(\[]|[A-Za-z_][\w.]*\Z")
_NUMBER = re.compile(r"0[xX][0-9a-fA-F]+\Z")
_WORDS = re.compile(r"(?:[A-Z]?[a-z]{2,}|[A-Z]{2,})\d{0,3}\Z")
_URL = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_FILE = re.compile(r"[\w-]+(?:\.[a-z]{1,5}){1,2}\Z")
# How PNG, JPEG, GIF, WebP, SVG, ICO, WOFF and PDF begin in base64.
_FILES = ("iVBORw0KGgo", "/9j/", "R0lGOD", "UklGR", "PHN2Zy", "AAABAA", "d09G", "JVBERi0", "T1RUTw", "H4sI", "UEsDB")


def entropy(text: str) -> float:
    """Shannon's, in bits a character."""
    counts = Counter(text).values()
    return -sum(count / len(text) * math.log2(count / len(text)) for count in counts)


def is_placeholder(value: str) -> bool:
    """A text that stands for a value: `changeme`, `<token>`, `${TOKEN}`, `test-password-1`, `xxxxxxxx`."""
    if MARK in value or len(set(value)) <= 2 or _TEMPLATE.search(value):
        return True
    words = re.findall(r"[a-z]+", value.lower())
    if not words:
        return len(value) < 8 or "0123456789".startswith(value[:8])
    return all(word in _PLACEHOLDERS for word in words) or "example" in value.lower()


def is_named_secret(name: str, value: str, *, quoted: bool) -> bool:
    """Whether a value that `name` is given is one to hide. `name` has one of the words of NAME. What is not `quoted` is
    mostly the name of something else."""
    value = value[:BLOB]  # enough to tell
    if len(value) < VALUE_MIN or _NUMBER.match(value) or is_placeholder(value) or _OTHER.search(_last_word(name)):
        return False
    if _URL.match(value) or _is_path(value) or value.count(" ") > 1 or value[0] in "#.,;:=!?|-{(<[@":
        return False
    if value[0] == "/" and not is_random(value, ""):  # base64 begins so now and then
        return False
    if not quoted and (len(value) < 8 or _REFERENCE.match(value)):
        # An identifier can be as long as it likes; a key of letters and digits alone has both, and mixes them.
        return value.isalnum() and len(value) >= 16 and entropy(value) > 3.0 and _mixed(value)
    if " " in value or _is_identifier(value):
        return False
    return _mixed(value) or (len(value) >= 16 and entropy(value) > 3.5)


def is_random(value: str, line: str) -> bool:
    """Whether a base64 text without a name that gives it away is random enough, and no hash, image or the like."""
    if not 24 <= len(value) <= BLOB or value.startswith(_FILES) or _PUBLIC.search(line):
        return False
    random = [part for part in re.split(r"[-_/]", value) if not _is_identifier(part)]
    if all(re.fullmatch(r"[0-9a-fA-F]+", part) for part in random) or sum(char.isdigit() for char in value) < 3:
        return False
    wordy = sum(len(run) for run in re.findall(r"[a-z]{5,}|[A-Z]{5,}", value))
    return not value.islower() and not value.isupper() and wordy < 0.4 * len(value) and entropy(value) > 4.4


def is_mixed_token(value: str) -> bool:
    """Letters and digits, and no word: for patterns that alone would also fit a name in capitals."""
    return _mixed(value) and not is_placeholder(value) and not _is_identifier(value) and any(map(str.isdigit, value))


def _mixed(value: str) -> bool:
    letters = any(char.isalpha() for char in value)
    return letters and any(not char.isalpha() and char not in "_- ." for char in value)


def _last_word(name: str) -> str:
    words = re.findall(r"[A-Z]?[a-z0-9]+|[A-Z0-9]+", name)
    return words[-1].lower() if words else ""


def _is_path(value: str) -> bool:
    """Folders and files with names of words; base64 has slashes, too."""
    if _FILE.match(value) and not re.search(r"\d{3}", value):
        return True
    return "/" in value and all(_is_identifier(part) for part in value.strip("~./").split("/"))


def _is_identifier(value: str) -> bool:
    """snake_case, kebab-case, dotted.names and CamelCase of words, with a few digits at their ends."""
    parts = re.split(r"[_.:/-]|(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", value)
    return all(not part or _WORDS.match(part) or part.isdigit() for part in parts) and not (
        len(parts) == 1 and re.search(r"\d", value)
    )
