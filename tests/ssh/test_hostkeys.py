"""Host keys are always verified, and never added without a person's word."""

from __future__ import annotations

import base64
import os
import stat
import subprocess
from pathlib import Path

import pytest

from maw import paths
from maw.errors import NodeError
from maw.link import hostkeys
from maw.link.resolve import Route
from tests.fixtures.ssh import Air, Sshd, make_key
from tests.ssh.helpers import code, go


class Yes:
    """A person who accepts any host key, and remembers what was shown."""

    shown = ""

    def host_key(self, where: str, key_type: str, key_fingerprint: str) -> bool:
        self.shown = key_fingerprint
        return True

    def passphrase(self, path: str) -> str | None:
        return None


def server_fingerprint(sshd: Sshd) -> str:
    """As OpenSSH prints it."""
    out = subprocess.run(["ssh-keygen", "-lf", f"{sshd.host_key}.pub"], capture_output=True, text=True, check=True)
    return out.stdout.split()[1]


def test_unknown_key_is_shown_and_not_added(served: Air, sshd: Sshd) -> None:
    served.known_hosts.unlink()
    error = go().error
    assert error is not None and error.code == "host_key_unknown"
    assert server_fingerprint(sshd) in error.message
    assert "maw connect pro" in (error.hint or "")
    assert not served.known_hosts.exists() and not os.path.exists(paths.known_hosts_file())


def test_accepted_key_goes_into_maws_own_file(served: Air, sshd: Sshd) -> None:
    served.known_hosts.unlink()
    person = Yes()
    assert code(go(ask=person)) is None
    assert person.shown == server_fingerprint(sshd)
    assert not served.known_hosts.exists()
    assert stat.S_IMODE(os.stat(paths.known_hosts_file()).st_mode) == 0o600
    assert code(go()) is None


def test_pinned_key_is_accepted_without_asking(served: Air, sshd: Sshd) -> None:
    served.known_hosts.unlink()
    assert code(go(pin=server_fingerprint(sshd))) is None
    assert code(go()) is None


def test_another_pin_is_refused(served: Air) -> None:
    served.known_hosts.unlink()
    assert code(go(pin="SHA256:" + "A" * 43, ask=Yes())) == "host_key_changed"
    assert not os.path.exists(paths.known_hosts_file())


def test_changed_key_names_file_line_and_remedy(served: Air, sshd: Sshd) -> None:
    other = make_key(served.home / "other")
    served.known_hosts.write_text(f"# a comment\n[127.0.0.1]:{sshd.port} {other}\n")
    error = go(ask=Yes()).error
    assert error is not None and error.code == "host_key_changed"
    assert f"{served.known_hosts} line 2" in error.message
    assert "ssh-keygen -R '[127.0.0.1]:" in (error.hint or "")


def test_remedy_works(served: Air, sshd: Sshd) -> None:
    """The command of the hint, run as it stands."""
    served.known_hosts.write_text(f"[127.0.0.1]:{sshd.port} {make_key(served.home / 'other')}\n")
    error = go().error
    assert error is not None and error.hint is not None
    subprocess.run(error.hint.split("`")[1], shell=True, check=True, capture_output=True)
    assert code(go()) == "host_key_unknown"


def test_hashed_names_are_known(served: Air, sshd: Sshd) -> None:
    subprocess.run(["ssh-keygen", "-q", "-H", "-f", str(served.known_hosts)], check=True, capture_output=True)
    assert "|1|" in served.known_hosts.read_text() and "127.0.0.1" not in served.known_hosts.read_text()
    assert code(go()) is None


def test_changed_hashed_key_is_noticed(served: Air, sshd: Sshd) -> None:
    served.known_hosts.write_text(f"[127.0.0.1]:{sshd.port} {make_key(served.home / 'other')}\n")
    subprocess.run(["ssh-keygen", "-q", "-H", "-f", str(served.known_hosts)], check=True, capture_output=True)
    assert code(go()) == "host_key_changed"


def test_revoked_key_is_refused_though_also_known(served: Air, sshd: Sshd) -> None:
    with open(served.known_hosts, "a") as file:
        file.write(f"@revoked * {sshd.public_host_key}\n")
    error = go(ask=Yes(), pin=server_fingerprint(sshd)).error
    assert error is not None and error.code == "host_key_changed" and "@revoked" in error.message


def test_cert_authority_line_does_not_break_the_file(served: Air, sshd: Sshd) -> None:
    """paramiko's own reader refuses the whole file."""
    lines = (
        f"@cert-authority *.example.org {make_key(served.home / 'ca')}\n@revoked * {make_key(served.home / 'gone')}\n"
    )
    served.known_hosts.write_text(lines + "broken line\nalso | broken x\n" + served.known_hosts.read_text())
    assert code(go()) is None


def test_cert_authority_alone_does_not_make_a_host_known(served: Air, sshd: Sshd) -> None:
    served.known_hosts.write_text(f"@cert-authority * {sshd.public_host_key}\n")
    error = go().error
    assert error is not None and error.code == "host_key_unknown" and "certificate" in error.message


def test_key_of_the_known_type_is_asked_for(served: Air, sshd: Sshd) -> None:
    """A server with two keys, known by the one that is not preferred: it must not look unknown."""
    ecdsa = served.home / "sshd" / "ecdsa"
    public = make_key(ecdsa, kind="ecdsa")
    sshd.stop()
    sshd.options.append(f"HostKey {ecdsa}")
    sshd.start()
    served.known_hosts.write_text(f"[127.0.0.1]:{sshd.port} {public}\n")
    assert code(go()) is None


def test_host_key_alias_is_honoured(served: Air, sshd: Sshd) -> None:
    with open(served.ssh_config, "a") as file:
        file.write("HostKeyAlias the-pro\n")
    assert code(go()) == "host_key_unknown"
    served.known_hosts.write_text(f"the-pro {sshd.public_host_key}\n")
    assert code(go()) is None


BLOB = base64.b64decode("AAAAC3NzaC1lZDI1NTE5AAAAIGq8")


@pytest.mark.parametrize(
    ("patterns", "host", "found"),
    [
        ("pro", "pro", True),
        ("PRO", "pro", True),
        ("pro,other", "other", True),
        ("*.local", "pro.local", True),
        ("*.local,!pro.local", "pro.local", False),
        ("!pro.local,*.local", "pro.local", False),
        ("[pro]:2222", "[pro]:2222", True),
        ("[pro]:2222", "p", False),
        ("[pr?]:2222", "[pro]:2222", True),
        ("pro", "[pro]:2222", False),
        ("|1|bad|bad", "pro", False),
        ("|1|", "pro", False),
    ],
)
def test_patterns(home: Path, patterns: str, host: str, found: bool) -> None:
    file = home / "known"
    file.write_text(f"{patterns} ssh-ed25519 {base64.b64encode(BLOB).decode()}\n")
    route = Route(host, host, 22, "u", (), False, None, (str(file),), host, None)
    assert bool(hostkeys.known(route)) is found


def test_unreadable_file_knows_nothing(home: Path) -> None:
    route = Route("pro", "pro", 22, "u", (), False, None, (str(home),), None, None)  # a directory
    assert hostkeys.known(route) == []


def test_key_of_another_type_is_unknown_not_changed(home: Path) -> None:
    file = home / "known"
    file.write_text(f"pro ssh-rsa {base64.b64encode(BLOB).decode()}\n")
    route = Route("pro", "pro", 22, "u", (), False, None, (str(file),), None, None)
    with pytest.raises(NodeError) as caught:
        hostkeys.check(route, "ssh-ed25519", b"new", hostkeys.known(route))
    assert caught.value.code == "host_key_unknown" and "another type" in caught.value.message


def test_key_of_the_host_counts_at_another_port_too(home: Path) -> None:
    """As ssh has it: what is listed without a port is taken where nothing is listed with it."""
    file = home / "known"
    route = Route("pro", "pro", 2222, "u", (), False, None, (str(file),), None, None)
    key = base64.b64encode(BLOB).decode()

    def refused(known: str, route: Route = route) -> str | None:
        file.write_text(known)
        try:
            hostkeys.check(route, "ssh-ed25519", BLOB, hostkeys.known(route))
        except NodeError as exc:
            return exc.code
        return None

    assert refused(f"pro ssh-ed25519 {key}\n") is None
    assert refused(f"pro ssh-ed25519 {key}\n@revoked pro ssh-ed25519 {key}\n") == "host_key_unknown"
    other = base64.b64encode(b"other").decode()
    assert refused(f"pro ssh-ed25519 {key}\n[pro]:2222 ssh-ed25519 {other}\n") == "host_key_changed"
    assert refused(f"pro ssh-ed25519 {other}\n") == "host_key_unknown"
    assert refused(f"pro ssh-ed25519 {key}\n", route._replace(host_key_alias="alias")) == "host_key_unknown"
