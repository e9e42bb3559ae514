"""Values of secrets do not leave; all else of a diff stays as it is."""

from __future__ import annotations

import base64
import hashlib
import random
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maw.change import parse
from maw.secrets import MARK
from maw.secrets.redact import redact
from tests.secrets import corpus
from tests.secrets.corpus import KINDS, diff_of

SEED = 20260131
TOKEN = "gh" + "p_" + corpus.text(random.Random(1), corpus.ALNUM, 36)
PASSWORD = "v3ry" + "!Unlikely42"
LONG = base64.b64encode(random.Random(3).randbytes(1700)).decode()


@pytest.mark.parametrize("kind", KINDS)
def test_planted_secrets_do_not_leave_and_are_found(kind: str) -> None:
    rng = random.Random(f"{SEED} {kind}")
    for _ in range(10):
        planted = KINDS[kind](rng)
        redacted = redact(diff_of(planted.path, planted.lines))
        assert not [value for value in planted.values if value.encode() in redacted.diff], planted.lines
        assert redacted.findings, planted.lines
        first = redacted.findings[0]
        assert (first.severity, first.category, first.path) == ("critical", "security", planted.path)


def test_all_of_them_in_one_change() -> None:
    planted = [one for _, one in corpus.planted(SEED)]
    assert len(planted) >= 200
    redacted = redact(b"".join(diff_of(one.path, one.lines) for one in planted))
    leaked = [value for one in planted for value in one.values if value.encode() in redacted.diff]
    assert leaked == []


def test_look_alikes_stay() -> None:
    lines = corpus.look_alikes(SEED)
    assert len(lines) == 200
    hidden = [line for path, line in lines if redact(diff_of(path, [line])).hidden]
    assert len(hidden) <= 10, hidden


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("sign", ["-", " "])
def test_on_removed_and_context_lines_they_are_hidden_and_no_finding(kind: str, sign: str) -> None:
    planted = KINDS[kind](random.Random(SEED))
    redacted = redact(diff_of(planted.path, planted.lines, sign))
    assert not [value for value in planted.values if value.encode() in redacted.diff]
    assert redacted.findings == ()


@pytest.mark.parametrize("kind", KINDS)
def test_lines_and_structure_are_kept_and_once_is_enough(kind: str) -> None:
    planted = KINDS[kind](random.Random(SEED))
    diff = diff_of("x/" + planted.path, planted.lines) + diff_of(planted.path, ["plain = 1"])
    redacted = redact(diff)
    before, after = parse(diff), parse(redacted.diff)
    assert len(diff.split(b"\n")) == len(redacted.diff.split(b"\n"))
    assert [(file.path, file.status, len(file.hunks)) for file in before] == [
        (file.path, file.status, len(file.hunks)) for file in after
    ]
    for old, new in zip(before[0].hunks[0].lines, after[0].hunks[0].lines, strict=True):
        assert (old.kind, old.old, old.new) == (new.kind, new.old, new.new)
    lines = {line.new: line.text for line in after[0].added()}
    for found in redacted.findings:
        assert lines[found.line].decode() == found.quote
    again = redact(redacted.diff)
    assert (again.diff, again.hidden) == (redacted.diff, 0)


def test_names_stay() -> None:
    redacted = redact(diff_of("a.py", [f'db_password = "{PASSWORD}"  # for the shop']))
    assert f'+db_password = "{MARK}"  # for the shop\n'.encode() in redacted.diff


def test_the_quote_of_a_finding_has_no_secret() -> None:
    redacted = redact(diff_of("a.py", [f'login("{TOKEN}", "{TOKEN}")']))
    assert len(redacted.findings) == 1
    assert TOKEN not in str(redacted.findings[0].to_json())


def test_a_value_is_hidden_wherever_else_it_stands() -> None:
    lines = [f'password = "{PASSWORD}"', f"# the old one was {PASSWORD}", f"see {PASSWORD}, please"]
    redacted = redact(diff_of("a.py", lines) + diff_of("notes.txt", [f"{PASSWORD} is used in a.py"], "-"))
    assert PASSWORD.encode() not in redacted.diff


def test_the_heading_of_a_hunk_is_redacted_too() -> None:
    diff = diff_of("a.py", ["x = 1"]).replace(b"def f():", f"def f(password='{PASSWORD}'):".encode())
    redacted = redact(diff)
    assert PASSWORD.encode() not in redacted.diff
    assert redacted.findings == ()
    assert parse(redacted.diff)[0].hunks[0].section == f"def f(password='{MARK}'):".encode()


def test_a_mail_around_the_patch_is_redacted() -> None:
    mail = f"Subject: [PATCH] rotate\n\nThe old token was {TOKEN}.\n---\n a.py | 1 +\n\n".encode()
    assert TOKEN.encode() not in redact(mail + diff_of("a.py", ["x = 1"])).diff


def _key(count: int = 8) -> list[str]:
    rows = base64.b64encode(random.Random(2).randbytes(48 * count)).decode()
    return [rows[at : at + 64] for at in range(0, len(rows), 64)]


END = "-----END " + "PRIVATE KEY-----"
BEGIN = "-----BEGIN " + "PRIVATE KEY-----"


def test_a_private_key_whose_first_line_is_not_shown() -> None:
    rows = _key()
    redacted = redact(diff_of("notes.txt", [*rows, END]))
    assert not [row for row in rows if row.encode() in redacted.diff]


def test_a_private_key_whose_middle_alone_is_shown_in_a_file_of_keys() -> None:
    rows = _key()
    redacted = redact(diff_of("deploy/server.key", rows))
    assert not [row for row in rows if row.encode() in redacted.diff]


@pytest.mark.parametrize("before", ["> ", "-- ", "; ", "% ", "# ", "    // ", " * ", "|"])
def test_a_private_key_in_a_quotation_or_a_comment(before: str) -> None:
    lines = [LONG[at : at + 64] for at in range(0, 640, 64)]
    redacted = redact(diff_of("notes.txt", [before + line for line in (BEGIN, *lines, END)])).diff.decode()
    assert not [line for line in lines if line[8:40] in redacted]


def test_a_private_key_that_replaces_another() -> None:
    old, new = _key(4), [row[::-1] for row in _key(4)]
    body = [f" {BEGIN}", *(f"-{row}" for row in old), *(f"+{row}" for row in new), f" {END}"]
    head = f"--- a/k.txt\n+++ b/k.txt\n@@ -1,{len(old) + 2} +1,{len(new) + 2} @@\n"
    redacted = redact((head + "\n".join(body) + "\n").encode())
    assert not [row for row in old + new if row.encode() in redacted.diff]
    assert [(found.line, found.title) for found in redacted.findings] == [(2, "A secret is added (private key)")]


def test_code_that_only_speaks_of_private_keys_stays() -> None:
    diff = diff_of("a.py", [f'if "{BEGIN}" in text:', "    return loads(text)", f'    assert text.endswith("{END}")'])
    assert redact(diff).hidden == 0


def test_a_certificate_stays() -> None:
    diff = diff_of("ca.crt", ["-----BEGIN CERTIFICATE-----", *_key(), "-----END CERTIFICATE-----"])
    assert redact(diff).hidden == 0


@pytest.mark.parametrize("comment", ["pragma: allowlist secret", "pragma: whitelist secret"])
def test_a_pragma_takes_the_finding_away_and_not_the_redaction(comment: str) -> None:
    redacted = redact(diff_of("a.py", [f'password = "{PASSWORD}"  # {comment}']))
    assert redacted.findings == ()
    assert PASSWORD.encode() not in redacted.diff


def test_a_pragma_for_the_next_line() -> None:
    lines = ["# pragma: allowlist nextline secret", f'a_password = "{PASSWORD}"', f'b_password = "{PASSWORD}x"']
    assert [found.line for found in redact(diff_of("a.py", lines)).findings] == [13]


def test_allowed_by_hash_by_glob_and_by_path() -> None:
    diff = diff_of("tests/a.py", [f'password = "{PASSWORD}"'])
    digest = hashlib.sha256(PASSWORD.encode()).hexdigest()
    assert redact(diff, [f"sha256:{digest}"]).hidden == 0
    assert redact(diff, [f"sha256:{digest[:12]}"]).hidden == 0
    assert redact(diff, [f"sha256:{digest[:4]}"]).hidden == 1  # too short to mean this one
    assert redact(diff, ["v3ry*"]).hidden == 0
    by_path = redact(diff, ["path:tests/**"])
    assert (by_path.hidden, by_path.findings) == (1, ())


def test_names_that_are_not_utf_8_and_bytes_that_are_no_text() -> None:
    diff = diff_of("x", [f'password = "{PASSWORD}"']).replace(b"/x", b'/caf\\351.py"').replace(b" b/", b' "b/')
    diff = diff.replace(b'return 1"', b"\xff\xfe\x85\xa0 return 1")
    redacted = redact(diff)
    assert PASSWORD.encode() not in redacted.diff
    assert b"\xff" not in diff or redacted.diff.count(b"\xff") == diff.count(b"\xff")


def test_carriage_returns_stay() -> None:
    redacted = redact(diff_of("a.ini", [f"password={PASSWORD}\r"]))
    assert f"+password={MARK}\r\n".encode() in redacted.diff


def test_one_very_long_line() -> None:
    filler = "var a1=function(b){return b.c+'d'};" * 3000
    redacted = redact(diff_of("app.js", [f'{filler}k="{TOKEN}";{filler}']))
    assert TOKEN.encode() not in redacted.diff
    assert redacted.hidden == 1


ENCODED = base64.b64encode(f"-----BEGIN RSA {'PRIVATE'} KEY-----\n{LONG}".encode()).decode()
FILLER = "x" * 3000  # so that it is looked at in two parts


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("kubeconfig", f"    client-key-data: {LONG}"),
        ("kubeconfig.json", f'"client-key-data": "{LONG}"'),
        ("one-line.json", f'{{"a":"{FILLER}","client-key-data":"{LONG}","b":"{FILLER}"}}'),
        ("app.py", f'API_TOKEN = "{LONG[:800]}"'),
        (".env", f"GOOGLE_CREDENTIALS={LONG}"),
        ("run.sh", f"tool --token {LONG}"),
        ("pip.conf", f"index-url = https://aws:{LONG[:900].replace('/', '-')}@example.org/simple/"),
        ("secret.yaml", f"  tls.key: {ENCODED}"),
        ("one-line.json", f'{{"a":"{FILLER}","tls.key":"{ENCODED}"}}'),
    ],
)
def test_a_long_value_is_hidden_to_its_end(path: str, line: str) -> None:
    """A key in base64 has thousands of characters, a token of a cloud hundreds."""
    redacted = redact(diff_of(path, [line]))
    shown = redacted.diff.decode()
    value = max(re.findall(r"[A-Za-z0-9+/=-]{500,}", line.replace(FILLER, "")), key=len)
    assert not [value[at : at + 20] for at in range(0, len(value) - 20, 20) if value[at : at + 20] in shown]
    assert (redacted.hidden, len(redacted.findings)) == (1, 1)
    assert shown.count(FILLER) == line.count(FILLER)


@pytest.mark.timeout(30)
def test_a_line_of_nothing_but_names() -> None:
    """It would take detect-secrets' own expressions minutes, and the attendant with them."""
    redact(diff_of("app.py", ["secret" * 20_000, f'password = "{PASSWORD}"']))


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=400))
def test_whatever_it_is_lines_stay_and_once_is_enough(data: bytes) -> None:
    diff = diff_of("a.py", ["x"]) + data
    redacted = redact(diff)
    assert redacted.diff.count(b"\n") == diff.count(b"\n")
    assert redact(redacted.diff).diff == redacted.diff


def test_nothing_of_a_network_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """detect-secrets' plugins can ask the services whether a secret works; nobody does here."""
    import socket

    def refuse(*_: object) -> None:
        raise AssertionError("a connection was tried")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    redact(b"".join(diff_of(one.path, one.lines) for _, one in corpus.planted(3, each=1)))


def test_the_corpus_holds_twenty_kinds() -> None:
    assert len(KINDS) >= 20
    source = Path(corpus.__file__).read_text(encoding="utf-8")
    assert not re.search(r"ghp_|glpat-|AKIA|xoxb-|sk_live_", source)  # nothing that looks like a real one is committed
