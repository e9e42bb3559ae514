"""How secrets look: the regular expressions of detect-secrets' plugins, and ours where those do not give the value.

Only their patterns are used: what a plugin would ask a network (`verify`) is never called.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, NamedTuple

from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class
from detect_secrets.plugins.base import RegexBasedDetector
from detect_secrets.plugins.keyword import REGEX_BY_FILETYPE, KeywordDetector
from detect_secrets.util.filetype import FileType, determine_file_type

from maw.secrets import judge


class Found(NamedTuple):
    """Where in a line a value stands, and of what kind it is."""

    start: int
    end: int
    kind: str


class Pattern(NamedTuple):
    """`needs`: one of these is in the lower-cased line, or nothing is looked for. `group` is the value's. `judged` has
    the last word."""

    kind: str
    needs: tuple[str, ...]
    regex: re.Pattern[str]
    group: int = 0
    judged: Callable[[str], bool] = lambda _value: True


# Plugins that are not used: addresses are no secrets, and these give too little, or too much, for the value.
_NOT_USED = {
    "IPPublicDetector",
    "JwtTokenDetector",
    "ArtifactoryDetector",
    "AzureStorageKeyDetector",
    "PrivateKeyDetector",
}
# Plugins whose first group is the value; of the others it is the whole match.
_GROUPED = {
    "AWSKeyDetector", "BasicAuthDetector", "CloudantDetector", "IbmCloudIamDetector", "IbmCosHmacDetector",
    "NpmDetector", "SoftlayerDetector",
}  # fmt: skip
_NEEDS: dict[str, tuple[str, ...]] = {
    "AWSKeyDetector": ("akia", "asia", "abia", "acca", "a3t", "aws"),
    "BasicAuthDetector": ("://",),
    "CloudantDetector": ("cl",),
    "DiscordBotTokenDetector": (".",),
    "GitHubTokenDetector": ("gh",),
    "GitLabTokenDetector": ("gl", "gr1348941"),
    "IbmCloudIamDetector": ("key", "pwd", "pass", "token"),
    "IbmCosHmacDetector": ("secret",),
    "MailchimpDetector": ("-us",),
    "NpmDetector": ("_authtoken",),
    "OpenAIDetector": ("sk-",),
    "PypiTokenDetector": ("pypi-",),
    "SendGridDetector": ("sg.",),
    "SlackDetector": ("xox", "hooks.slack"),
    "SoftlayerDetector": ("sl", "softlayer"),
    "SquareOAuthDetector": ("sq0",),
    "StripeDetector": ("k_live",),
    "TelegramBotTokenDetector": (":",),
    "TwilioKeyDetector": ("ac", "sk"),
}
_ARTIFACTORY = re.compile(r"\b(?:AKC|AP[\dA-F])[a-zA-Z0-9]{10,}\b")
_STRIPE = re.compile(r"\b(?:[rs]k_(?:live|test)_|whsec_)[A-Za-z0-9]{24,}")
# How "-----BEGIN [RSA |EC |OPENSSH |ENCRYPTED ]PRIVATE KEY" begins in base64, as in kubeconfigs.
_ENCODED_KEY = re.compile(
    r"\bLS0tLS1CRUdJTiB(?:QUklWQVRF|SU0EgUFJJVkFURS|FQyBQUklWQVRF|PUEVOU1NIIFBSSVZBVEUg|FTkNSWVBURUQgUFJJVkFURS)"
    r"(?:[A-Za-z0-9+/=]|\\[nr])*"
)
_HEADER = re.compile(r"\b(?:bearer|basic)\s+([\w.~+/-]{16,}={0,2})", re.IGNORECASE)
_OWN = (
    Pattern("private key in base64", ("ls0tls1crudjtib",), _ENCODED_KEY),
    Pattern("JSON Web Token", ("eyj",), re.compile(r"\beyJ[\w-]{8,}\.[\w=-]{8,}(?:\.[\w=-]*)?")),
    Pattern("Azure key", ("key=",), re.compile(r"(?:Account|SharedAccess)Key=([A-Za-z0-9+/]{40,}={0,2})"), 1),
    Pattern("Artifactory credentials", ("akc", "ap"), _ARTIFACTORY, 0, judge.is_mixed_token),
    Pattern("GitHub token", ("github_pat_",), re.compile(r"\bgithub_pat_\w{22,}")),
    Pattern("Google API key", ("aiza",), re.compile(r"\bAIza[\w-]{35}")),
    Pattern("Google OAuth token", ("ya29.",), re.compile(r"\bya29\.[\w-]{20,}")),
    Pattern("API key", ("sk-",), re.compile(r"\bsk-(?:ant|proj|svcacct|or)-[\w-]{20,}")),
    Pattern("API key", ("sk-",), re.compile(r"\bsk-[\w-]{20,}"), 0, judge.is_mixed_token),
    Pattern("Hugging Face token", ("hf_",), re.compile(r"\bhf_[A-Za-z0-9]{30,}")),
    Pattern("npm token", ("npm_",), re.compile(r"\bnpm_[A-Za-z0-9]{36}")),
    Pattern("DigitalOcean token", ("_v1_",), re.compile(r"\bdo[por]_v1_[a-f0-9]{64}")),
    Pattern("Shopify token", ("shp",), re.compile(r"\bshp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}")),
    Pattern("Stripe key", ("k_test_", "k_live_", "whsec_"), _STRIPE),
    Pattern("Docker token", ("dckr_pat_",), re.compile(r"\bdckr_pat_[\w-]{20,}")),
    Pattern("Vault token", ("hvs.", "hvb."), re.compile(r"\bhv[sb]\.[\w-]{20,}")),
    Pattern("Slack token", ("xapp-", "xoxe"), re.compile(r"\bx(?:app|oxe(?:\.xox[bp])?)-[\w-]{20,}")),
    Pattern("age key", ("age-secret-key-",), re.compile(r"\bAGE-SECRET-KEY-1[A-Z0-9]{50,}", re.IGNORECASE)),
    Pattern("password in a URL", ("://",), re.compile(r"://[^\s:/@\"'<>]*:([^\s@/\"'<>]{3,4000})@"), 1),
    Pattern("authorization header", ("bearer", "basic"), _HEADER, 1, judge.is_mixed_token),
)  # fmt: skip

# NAME = VALUE in code, settings, shells, URLs, XML and connection strings; the name may be an index or have a type.
_CODE = re.compile(
    r"\.(?:[jt]sx?|[ch](?:pp|xx|\+\+)?|[hc]c|cs|dart|ex|go|java|kt|lua|m|php|pyi?|rb|rs|scala|swift|vue)\Z"
)
_NAME = re.compile(judge.NAME, re.IGNORECASE)
_NAME_BEFORE = 60  # characters of the name before one of its words
# What a value goes on with, escaped ends of lines included. A long one is data: what follows its run is another matter,
# and so is whether its closing quote can be seen from here.
_PIECE = r"(?:[^\s\"'`,;&<>()\[\]{}\\]|\\[nr])"
_ON = re.compile(f"{_PIECE}*")
_GIVEN = re.compile(
    r"[\w.-]{0,40}(?:[\"'\])]{1,3})?[ \t]{0,20}"
    r"(?:(?::[ ]?[\w.\[\]| ]{1,40}?)?(?::=|=>|={1,3}|!==?)|:|>|(?<=[\"']),(?=[ ]?[\"'])|(?=[ \t][\"']))[ \t]{0,20}"
    rf"(?:(?:[bBuUrRfF@]{{0,2}}[\"'`])?(?P<long>{_PIECE}{{401,}})|"
    r"[bBuUrRfF@]{0,2}(?P<quote>[\"'`])(?P<quoted>(?:\\.|(?!(?P=quote))[^\\]){1,400}?)(?P=quote)|"
    r"(?P<bare>[^\s\"'`,;&<>)\]}]{6,400}))"
)
_NAMES = ("pass", "contrase", "pwd", "secret", "token", "credential", "auth", "bearer", "key")
# Words of a name in one run of letters: detect-secrets' expressions take seconds for a line of nothing else.
_RUN = re.compile(r"\w{200,}")
_NAMES_MAX = 8
_CALL = re.compile(r"\([\"'][\w.-]*\Z")
_ARGUMENT = re.compile(
    r"(?:--?)(?:password|token|secret|api-?key)[ =](?P<value>[^\s\"'`,;&<>)\]}]{8,4000})", re.IGNORECASE
)
_QUOTED = re.compile(r"([\"'`])([A-Za-z0-9+/_=-]{24,})\1")


def in_line(line: str, path: str, *, generated: bool) -> Iterator[Found]:
    """The secrets of one line of the file `path`. A `generated` file is full of random texts that mean nothing."""
    lowered = line.lower()
    for need, pattern in _by_need():
        if need in lowered:
            yield from _matches(pattern, line)
    if any(word in lowered for word in _NAMES):
        yield from _assigned(line, path)
        if not any(sum(map(run.count, _NAMES)) > _NAMES_MAX for run in _RUN.findall(lowered)):
            yield from _keywords(line, path)
    if not generated:
        for match in _QUOTED.finditer(line):
            if judge.is_random(match[2], line):
                yield Found(*match.span(2), "high-entropy text")


def end_of(line: str, end: int) -> int:
    """Where a value ends of which only the part up to `end` was looked at."""
    match = _ON.match(line, end)
    return match.end() if match is not None else end


def _matches(pattern: Pattern, line: str) -> Iterator[Found]:
    for match in pattern.regex.finditer(line):
        start, end = match.span(pattern.group)
        if not pattern.group and start and line[start - 1].isalnum() and line[start].isalnum():
            continue  # the middle of a longer text that only looks like one
        while not pattern.group and end < len(line) and (line[end].isalnum() or line[end] in "_-"):
            end += 1  # a token that grew since the pattern was written leaves no rest
        if not judge.is_placeholder(line[start:end]) and pattern.judged(line[start:end]):
            yield Found(start, end, pattern.kind)


def _assigned(line: str, path: str) -> Iterator[Found]:
    for word in _NAME.finditer(line):
        match = _GIVEN.match(line, word.end())
        if match is None:
            continue
        group = next(name for name in ("long", "quoted", "bare") if match[name] is not None)
        if "," in line[word.end() : match.start(group)] and not _CALL.search(line, 0, word.start()):
            continue  # a list of texts
        start = match.start(group)
        # Where values need no quotes, in settings and within a string, a bare one is no name of another.
        literal = group != "bare" or not _CODE.search(path) or line.count('"', 0, start) % 2 == 1
        if judge.is_named_secret(_name_around(line, *word.span()), match[group], quoted=literal):
            yield Found(*match.span(group), word[0].lower().replace("_", " ").replace("-", " "))
    for match in _ARGUMENT.finditer(line):
        if judge.is_named_secret("token", match["value"], quoted=True):
            yield Found(*match.span("value"), "command line argument")


def _name_around(line: str, start: int, end: int) -> str:
    """The whole name that has a word of judge.NAME at this place."""
    before = re.search(r"[\w.-]*\Z", line[max(start - _NAME_BEFORE, 0) : start])
    after = re.match(r"[\w.-]{0,40}", line[end : end + 40])
    return (before[0] if before else "") + line[start:end] + (after[0] if after else "")


def _keywords(line: str, path: str) -> Iterator[Found]:
    """What detect-secrets finds by the name before or after it."""
    expressions = REGEX_BY_FILETYPE.get(determine_file_type(path)) or REGEX_BY_FILETYPE[FileType.PYTHON]
    for regex, group in expressions.items():
        match = regex.search(line)
        if match is None:
            continue
        start, end = match.span(group)
        names = re.findall(r"[\w.-]+", line[max(start - _NAME_BEFORE, 0) : start])
        quoted = start > 0 and line[start - 1] in "\"'`" and line[end : end + 1] == line[start - 1]
        if judge.is_named_secret(names[-1] if names else "", match[group], quoted=quoted):
            yield Found(start, end, KeywordDetector.secret_type)


@cache
def _by_need() -> tuple[tuple[str, Pattern], ...]:
    """A pattern with several needs may match twice, which does no harm; this loop is what a change costs most."""
    return tuple((need, pattern) for pattern in _patterns() for need in pattern.needs)


def _patterns() -> tuple[Pattern, ...]:
    """Ours, and those of the plugins. One that is new to us is asked about every line that comes here."""
    found = list(_OWN)
    plugins: dict[str, Any] = get_mapping_from_secret_type_to_class()
    for kind, plugin in plugins.items():
        name = plugin.__name__
        if name in _NOT_USED or not issubclass(plugin, RegexBasedDetector):
            continue
        regexes: Any = plugin.denylist
        for regex in regexes:
            group = min(regex.groups, 1) if name in _GROUPED else 0
            judged = judge.is_mixed_token if name == "TwilioKeyDetector" else (lambda _value: True)
            found.append(Pattern(kind, _NEEDS.get(name, ("",)), regex, group, judged))
    return tuple(found)
