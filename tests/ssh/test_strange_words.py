"""What somebody with a key asks for, and what stands in the list of keys: a verb and a key, or a refusal."""

from __future__ import annotations

import base64
import struct

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from maw import paths
from maw.errors import FatalError
from maw_remote import gate
from maw_remote.endpoint import authorized

shared_home = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
WORDS = st.sampled_from(
    ["connect", "maw-runner", "'connect'", "connect;", "$(connect)", "\x1b[2J", "\n", "-c", "ü", "\udcff", "\0"]
)


@given(st.lists(WORDS | st.text(max_size=4), max_size=5).map(" ".join))
@example("touch x; connect")
@example("connect\nsh")
@example("")
def test_a_command_is_a_verb_or_refused_in_one_plain_line(command: str) -> None:
    """What goes before the verb is never run, so it does not matter."""
    if gate.allowed(command):
        assert not command.split() or command.rsplit(maxsplit=1)[-1] == "connect"
    refusal = gate.refusal(command)
    assert refusal.isascii() and refusal.removesuffix("\n").isprintable() and len(refusal) < 3000


def key(blob_type: bytes = b"ssh-ed25519", rest: bytes = b"\0" * 36) -> str:
    return base64.b64encode(struct.pack(">I", len(blob_type)) + blob_type + rest).decode()


GOOD = f"ssh-ed25519 {key()} maw:pro@air"
PARTS = st.sampled_from(
    [
        "ssh-ed25519", "ssh-rsa", "ssh-dss", key(), key(b"ssh-rsa"), key(rest=b""), "AAAA", "====", 'command="sh"',
        "restrict", "me", "maw:pro@air", "#", "x" * 200, "é", "\x1b", "\0", "\u2028", "\t",
    ]
)  # fmt: skip


@given(st.lists(PARTS | st.text(max_size=6), max_size=5).map(" ".join))
@example(GOOD)
@example(f'command="sh",restrict {GOOD}')
@example(f"ssh-rsa {key()} me")
@example(f"ssh-ed25519 {key(b'ssh-ed25519' * 99, b'')} me")
def test_a_line_is_a_key_or_refused(line: str) -> None:
    try:
        found = authorized.parse(line)
    except FatalError:
        return
    assert authorized.parse(found.line) == found
    assert found.line.isascii() and found.line.isprintable()
    assert 'command="' not in found.line


@given(st.binary(max_size=40))
def test_a_blob_that_lies_about_its_types_length_is_refused(blob: bytes) -> None:
    line = f"ssh-ed25519 {base64.b64encode(blob).decode()} me"
    if blob[:15] != b"\0\0\0\x0bssh-ed25519":
        with pytest.raises(FatalError):
            authorized.parse(line)


@shared_home
@given(st.lists(PARTS | st.text(max_size=4), max_size=6), st.binary(max_size=10))
def test_a_list_is_whole_or_lets_nobody_in(home: object, parts: list[str], noise: bytes) -> None:
    paths.make_private_dir(paths.runner_dir())
    content = GOOD.encode() + b"\n" + " ".join(parts).encode("utf-8", "replace") + noise
    with open(authorized.path(), "wb") as file:
        file.write(content)
    try:
        keys = authorized.load()
    except FatalError as exc:
        assert authorized.path() in exc.message
    else:
        assert authorized.parse(GOOD) in keys
