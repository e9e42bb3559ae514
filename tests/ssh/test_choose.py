"""Which transport a node needs, and why."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from maw.link.choose import SPOKEN, why_openssh
from maw.link.dial import choose, is_hardware_key
from maw.link.lib import paramiko
from maw.link.resolve import parse, resolve
from maw.link.target import Target
from tests.fixtures.ssh import make_key

OWN = "/state/keys/pro"


def why(text: str, identity: str | None = OWN, authority: str | None = None, hardware: str = "") -> str | None:
    options = parse("h", text).options
    return why_openssh(options, identity=identity, authority=authority, is_hardware_key=lambda path: path == hardware)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("proxyusefdpass yes", "ProxyUseFdpass"),
        ("knownhostscommand /usr/bin/keys %H", "KnownHostsCommand"),
        ("revokedhostkeys /etc/ssh/revoked", "RevokedHostKeys"),
        ("verifyhostkeydns true", "VerifyHostKeyDNS"),
        ("addressfamily inet6", "AddressFamily"),
        ("bindaddress 10.0.0.2", "BindAddress"),
        ("bindinterface wg0", "BindInterface"),
        ("certificatefile ~/.ssh/work-cert.pub", "CertificateFile"),
        ("ciphers chacha20-poly1305@openssh.com", "ciphers"),
        ("kexalgorithms sntrup761x25519-sha512@openssh.com", "kexalgorithms"),
        ("hostkeyalgorithms sk-ssh-ed25519@openssh.com,ssh-ed25519-cert-v01@openssh.com", "hostkeyalgorithms"),
    ],
)
def test_what_paramiko_cannot_do(text: str, word: str) -> None:
    assert word in (why(f"hostname h\n{text}\n") or "")


@pytest.mark.parametrize(
    "text",
    [
        "proxyusefdpass no", "addressfamily any", "verifyhostkeydns false", "knownhostscommand none",
        "gssapiauthentication yes",  # Debian's default: no reason before paramiko has failed
        "ciphers chacha20-poly1305@openssh.com,aes256-gcm@openssh.com", "proxyjump jump", "identityagent /run/agent",
        f"certificatefile {OWN}-cert.pub",  # paramiko finds it beside the key
        "pkcs11provider /usr/lib/opensc.so", "hostbasedauthentication yes",  # maw's own key needs neither
        "identityfile ~/.ssh/id_ed25519_sk", "controlpath /tmp/%C", "hostkeyalias pro",
    ],
)  # fmt: skip
def test_what_paramiko_can_do(text: str) -> None:
    assert why(f"hostname h\n{text}\n", hardware="~/.ssh/id_ed25519_sk") is None


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("pkcs11provider /usr/lib/opensc.so", "PKCS11Provider"),
        ("hostbasedauthentication yes", "HostbasedAuthentication"),
        ("identityfile ~/.ssh/id_rsa\nidentityfile ~/.ssh/id_ed25519_sk", "hardware key"),
        ("identityfile none\ncertificatefile none", None),
    ],
)
def test_users_own_ways_to_log_in_count_without_a_key_of_maws(text: str, word: str | None) -> None:
    found = why(f"hostname h\n{text}\n", identity=None, hardware="~/.ssh/id_ed25519_sk")
    assert found is None if word is None else word in (found or "")


def test_certificate_authority_names_its_line() -> None:
    found = why("hostname h\n", authority="/home/me/.ssh/known_hosts line 3")
    assert found == "/home/me/.ssh/known_hosts line 3 trusts host certificates"


def test_paramiko_speaks_what_the_table_says() -> None:
    transport = paramiko.Transport
    assert SPOKEN["ciphers"] <= set(transport._preferred_ciphers)
    assert SPOKEN["kexalgorithms"] <= set(transport._preferred_kex)
    assert SPOKEN["hostkeyalgorithms"] <= set(transport._preferred_keys)


def test_plain_configuration_of_this_machine_needs_no_more(ssh_config: Path) -> None:
    ssh_config.write_text("")
    assert choose(resolve("h.invalid"), Target("pro", "h.invalid", None, None, "x", OWN, 1.0)).transport == "paramiko"


@pytest.mark.parametrize("word", ["paramiko", "openssh"])
def test_setting_wins(word: str) -> None:
    route = parse("h", "hostname h\nbindaddress 10.0.0.2\n")
    assert choose(route, Target("pro", "h", None, None, "x", OWN, 1.0, word)).transport == word


def test_hardware_keys_are_told_apart(home: Path) -> None:
    make_key(home / "plain")
    assert not is_hardware_key(str(home / "plain"))
    (home / "plain.pub").unlink()
    assert not is_hardware_key(str(home / "plain"))
    (home / "sk").write_text("-----BEGIN OPENSSH PRIVATE KEY-----\nnot base64\n")
    assert not is_hardware_key(str(home / "sk"))
    (home / "sk.pub").write_text("sk-ssh-ed25519@openssh.com AAAA me\n")
    assert is_hardware_key(str(home / "sk"))
    assert not is_hardware_key(str(home / "absent"))


def test_locked_key_is_no_hardware_key(home: Path) -> None:
    make_key(home / "locked", passphrase="secret")
    subprocess.run(["rm", str(home / "locked.pub")], check=True)
    assert not is_hardware_key(str(home / "locked"))
