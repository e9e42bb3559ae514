"""What only the openssh transport does, and how `auto` comes to it: real sshd, real certificates, real failures."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from maw import paths
from maw.config.load import load
from maw.link import openssh, opensshargs
from maw.link.choice import recorded
from maw.link.opensshlog import Log
from maw.link.probe import Report, probe
from maw.link.resolve import parse
from maw.link.target import Target, from_config
from maw.link.terms import Terms
from tests.fixtures.ssh import USER, Air, LinkProcess, Sshd, free_port, make_key
from tests.fixtures.waiting import wait_for
from tests.ssh.helpers import ask, code, failure, go
from tests.ssh.test_hostkeys import Yes, server_fingerprint

Start = Callable[..., LinkProcess]


def by(report: Report) -> str | None:
    """The transport of a probe that worked."""
    assert report.error is None, report.error
    return report.choice.transport if report.choice else None


def restart(sshd: Sshd, *options: str) -> None:
    sshd.stop()
    sshd.options += options
    sshd.start()


def sign(authority: Path, key: Path, *, host: bool = False, names: str = "", extra: tuple[str, ...] = ()) -> Path:
    """A certificate for the key, beside it."""
    kind = ["-h"] if host else []
    command = ["ssh-keygen", "-q", "-s", str(authority), "-I", "test", *kind, "-n", names, *extra, f"{key}.pub"]
    subprocess.run(command, check=True)
    return Path(f"{key}-cert.pub")


# Host certificates


@pytest.fixture
def certified(served: Air, sshd: Sshd) -> Path:
    """The host shows a certificate, and the Air trusts only its authority. That key's path."""
    authority = served.home / "host_ca"
    public = make_key(authority)
    certificate = sign(authority, sshd.host_key, host=True, names="127.0.0.1")
    restart(sshd, f"HostCertificate {certificate}")
    served.known_hosts.write_text(f"@cert-authority [127.0.0.1]:{sshd.port} {public}\n")
    return authority


def test_host_certificate_is_trusted_through_openssh(served: Air, certified: Path) -> None:
    report = go()
    assert by(report) == "openssh"
    assert report.choice is not None and f"{served.known_hosts} line 1" in report.choice.why
    assert ask("/echo", b"x", "POST").body == b"x"
    left = recorded("pro")
    assert left is not None and left.why == report.choice.why


def test_certificate_of_another_authority_is_no_host_key(served: Air, sshd: Sshd, certified: Path) -> None:
    stranger = make_key(served.home / "stranger_ca")
    served.known_hosts.write_text(f"@cert-authority * {stranger}\n")
    assert code(go()) == "host_key_unknown"


def test_revoked_authority_is_refused(served: Air, sshd: Sshd, certified: Path) -> None:
    with open(served.known_hosts, "a") as file:
        file.write(f"@revoked * {Path(f'{certified}.pub').read_text()}")
    assert code(go()) in ("host_key_unknown", "host_key_changed")


def test_revoked_host_keys_file_is_heeded(served: Air, sshd: Sshd) -> None:
    """paramiko knows nothing of such a file."""
    revoked = served.home / "revoked"
    revoked.write_text(sshd.public_host_key + "\n")
    with open(served.ssh_config, "a") as file:
        file.write(f"RevokedHostKeys {revoked}\n")
    assert code(go()) in ("host_key_unknown", "host_key_changed")


# User certificates


@pytest.fixture
def user_authority(served: Air, sshd: Sshd) -> Path:
    """sshd trusts an authority for users, and no plain key."""
    authority = served.home / "user_ca"
    make_key(authority)
    (sshd.directory / "users.pub").write_text(Path(f"{authority}.pub").read_text())
    sshd.authorized_keys.write_text("")
    restart(sshd, f"TrustedUserCAKeys {sshd.directory}/users.pub", f"RevokedKeys {sshd.directory}/revoked")
    return authority


@pytest.fixture
def revoked_list(sshd: Sshd) -> Path:
    path = sshd.directory / "revoked"
    path.write_text("")
    return path


def user_certificate(air: Air, sshd: Sshd, authority: Path) -> Path:
    forced = f"force-command={sshd.pro.runner} connect"
    return sign(authority, air.key, names=USER, extra=("-O", "clear", "-O", forced))


def test_certificate_beside_the_key_is_paramikos(
    served: Air, sshd: Sshd, revoked_list: Path, user_authority: Path
) -> None:
    user_certificate(served, sshd, user_authority)
    assert by(go()) == "paramiko"


def test_certificate_elsewhere_goes_through_openssh(
    served: Air, sshd: Sshd, revoked_list: Path, user_authority: Path
) -> None:
    elsewhere = served.home / "work-cert.pub"
    user_certificate(served, sshd, user_authority).rename(elsewhere)
    assert code(go()) == "auth_failed"
    with open(served.ssh_config, "a") as file:
        file.write(f"CertificateFile {elsewhere}\n")
    report = go()
    assert by(report) == "openssh"
    assert report.choice is not None and "CertificateFile" in report.choice.why
    revoked_list.write_text(served.public_key + "\n")
    assert code(go()) == "auth_failed"


# Algorithms


def test_host_with_chacha_only_is_reached_through_openssh(served: Air, sshd: Sshd, start_link: Start) -> None:
    restart(sshd, "Ciphers chacha20-poly1305@openssh.com")
    report = go()
    assert by(report) == "openssh"
    assert report.choice is not None and "no algorithm in common" in report.choice.why
    link = start_link()
    assert ask("/echo", b"x", "POST").body == b"x"
    assert "by openssh (paramiko and the host have no algorithm in common)" in link.log()


def test_paramiko_alone_says_what_is_missing(served: Air, sshd: Sshd) -> None:
    restart(sshd, "Ciphers chacha20-poly1305@openssh.com")
    served.write_config(extra="")
    text = Path(paths.config_file()).read_text().replace('"auto"', '"paramiko"')
    Path(paths.config_file()).write_text(text)
    error = go().error
    assert error is not None and error.code == "refused" and "SSH did not begin" in error.message


# The same answers as the other transport


@pytest.fixture
def forced(served: Air) -> Air:
    """The node is set to openssh."""
    served.transport = "openssh"
    served.write_config()
    return served


def test_steps_are_told(forced: Air) -> None:
    report = go()
    assert [step.name for step in report.steps] == ["resolve", "connect", "host key", "login", "gate", "runner"]
    assert all(step.seconds >= 0 for step in report.steps)
    assert report.steps[2].detail == "ssh-ed25519"


def test_unknown_host_key(forced: Air, sshd: Sshd) -> None:
    forced.known_hosts.unlink()
    error = go().error
    assert error is not None and error.code == "host_key_unknown"
    assert server_fingerprint(sshd) in error.message and "maw connect pro" in (error.hint or "")
    assert not forced.known_hosts.exists() and not os.path.exists(paths.known_hosts_file())


def test_unknown_host_key_although_ssh_would_take_it(forced: Air, sshd: Sshd) -> None:
    forced.known_hosts.unlink()
    with open(forced.ssh_config, "a") as file:
        file.write("StrictHostKeyChecking no\n")
    assert code(go()) == "host_key_unknown"


def test_accepted_host_key_goes_into_maws_own_file(forced: Air, sshd: Sshd) -> None:
    forced.known_hosts.unlink()
    person = Yes()
    assert code(go(ask=person)) is None
    assert person.shown == server_fingerprint(sshd)
    assert not forced.known_hosts.exists()
    assert code(go()) is None


def test_pinned_host_key(forced: Air, sshd: Sshd) -> None:
    forced.known_hosts.unlink()
    assert code(go(pin="SHA256:" + "A" * 43)) == "host_key_changed"
    assert code(go(pin=server_fingerprint(sshd))) is None


def test_changed_host_key_names_file_and_line(forced: Air, sshd: Sshd) -> None:
    forced.known_hosts.write_text(f"# a comment\n[127.0.0.1]:{sshd.port} {make_key(forced.home / 'other')}\n")
    error = go(ask=Yes()).error
    assert error is not None and error.code == "host_key_changed"
    assert f"{forced.known_hosts} line 2" in error.message and "ssh-keygen -R" in (error.hint or "")


def test_revoked_host_key(forced: Air, sshd: Sshd) -> None:
    with open(forced.known_hosts, "a") as file:
        file.write(f"@revoked * {sshd.public_host_key}\n")
    error = go().error
    assert error is not None and error.code == "host_key_changed" and "@revoked" in error.message


def test_host_key_alias(forced: Air, sshd: Sshd) -> None:
    with open(forced.ssh_config, "a") as file:
        file.write("HostKeyAlias the-pro\n")
    assert code(go()) == "host_key_unknown"
    assert code(go(ask=Yes())) is None
    assert Path(paths.known_hosts_file()).read_text().startswith("the-pro ")


def test_key_that_is_not_let_in(forced: Air, sshd: Sshd) -> None:
    sshd.authorized_keys.write_text("")
    report = go()
    assert code(report) == "auth_failed" and report.failed == "login"


def test_own_key_is_the_only_one_that_counts(forced: Air, sshd: Sshd) -> None:
    """ssh offers the keys of its configuration after ours; one of those must not open the way unrestricted."""
    other = forced.home / "other"
    trace = forced.home / "used"
    sshd.authorized_keys.write_text("")
    sshd.authorize(make_key(other), command=f"touch {trace}")
    with open(forced.ssh_config, "a") as file:
        file.write(f"IdentityFile {other}\n")
    error = go().error
    assert error is not None and error.code == "auth_failed" and str(other) in error.message
    assert not trace.exists()
    sshd.authorize(forced.public_key)
    assert code(go()) is None
    assert not trace.exists()


def test_refused_unresolved_and_missing_runner(forced: Air, sshd: Sshd) -> None:
    sshd.pro.runner.unlink()
    error = failure()
    assert error.code == "no_runner" and "maw-runner" in error.message
    forced.write_config(host="no-such-host.invalid")
    assert failure_anew() == "unresolved"
    forced.write_config(port=free_port())
    assert failure_anew() == "refused"


def failure_anew() -> str | None:
    return code(go())


def test_exit_code_127_of_the_shell_is_a_missing_runner(forced: Air, sshd: Sshd) -> None:
    sshd.authorized_keys.write_text(f"{forced.public_key} test\n")  # no forced command: the shell looks for it
    sshd.pro.runner.unlink()
    error = go().error
    assert error is not None and error.code == "no_runner" and "maw-runner" in error.message


def test_noise_on_both_channels_is_skipped(forced: Air, sshd: Sshd) -> None:
    (sshd.pro.home / ".bashrc").write_text("echo hello\necho 'debug1: lies' >&2\n")
    assert ask("/echo", b"x", "POST").body == b"x"


def test_remote_command_of_the_configuration_does_not_get_in_the_way(forced: Air) -> None:
    with open(forced.ssh_config, "a") as file:
        file.write("RemoteCommand echo never\nRequestTTY force\nStdinNull yes\nForkAfterAuthentication yes\n")
    assert code(go()) is None


def test_proxy_jump_through_a_second_sshd(forced: Air, sshd: Sshd) -> None:
    second = Sshd(forced.home / "jumphost", sshd.pro)
    own = forced.home / "jump"
    public = make_key(own)
    second.authorized_keys = forced.home / "jump_keys"
    second.authorized_keys.write_text(f"{public} jump\n")
    second.start()
    try:
        with open(forced.known_hosts, "a") as file:
            file.write(f"[127.0.0.1]:{second.port} {second.public_host_key}\n")
        with open(forced.ssh_config, "a") as file:
            file.write(f"Host jump\n  HostName 127.0.0.1\n  Port {second.port}\n  User {USER}\n")
            file.write(f"  IdentityFile {own}\n  IdentitiesOnly yes\nMatch host 127.0.0.1 !originalhost jump\n")
            file.write("  ProxyJump jump\n")
        assert by(go()) == "openssh"
        assert ask("/echo", b"x" * 100_000, "POST").body == b"x" * 100_000
        forced.transport = "paramiko"
        forced.write_config()
        assert by(go()) == "paramiko"
    finally:
        second.stop()


# Processes


def test_killed_link_leaves_no_connection_behind(forced: Air, sshd: Sshd, start_link: Start) -> None:
    link = start_link()
    ask("/echo", b"x", "POST")
    wait_for(sshd.children, "the connections")
    link.process.kill()
    link.process.wait()
    wait_for(lambda: not sshd.children(), "the connections' end")
    assert ask("/echo", b"x", "POST").body == b"x"  # over the sockets it left


def test_without_room_for_a_control_socket_each_channel_connects(
    forced: Air, sshd: Sshd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(openssh, "SUN_PATH", 40)  # as where the state directory's path is long
    assert openssh.control_path("pro", "requests") is None
    assert code(go()) is None
    sshd.authorized_keys.write_text("")
    assert code(go()) == "auth_failed"
    sshd.authorized_keys.write_text(f"{forced.public_key} test\n")
    forced.known_hosts.unlink()
    error = go().error
    assert error is not None and error.code == "host_key_unknown" and server_fingerprint(sshd) in error.message


def test_shared_channels_make_no_connection_of_their_own(forced: Air, sshd: Sshd) -> None:
    """The connection's socket is gone: the channel must fail, not log in anew."""
    done = subprocess.run(
        opensshargs.shared(str(forced.home / "gone"), "true"), capture_output=True, check=False, timeout=20
    )
    assert done.returncode == 255


def test_session_that_is_refused_is_tried_again(forced: Air, sshd: Sshd) -> None:
    restart(sshd, "MaxSessions 2")
    with ThreadPoolExecutor(6) as pool:
        assert all(pool.map(lambda _: ask("/echo", b"x", "POST").body == b"x", range(12)))


def test_gate_that_is_killed_is_no_lack_of_sessions(forced: Air, sshd: Sshd) -> None:
    sshd.pro.write_runner('echo once >> "$HOME/runs"\nkill -9 $$')
    assert code(go()) == "no_runner"
    assert (sshd.pro.home / "runs").read_text() == "once\n"  # not tried again and again


def test_words_of_the_other_side_do_not_count_as_sshs_own() -> None:
    reading, writing = os.pipe()
    log = Log(reading)
    os.write(writing, b"debug1: Server host key: ssh-ed25519 SHA256:abc\r\n")
    os.write(writing, b"debug1: Server accepts key: /k ED25519 SHA256:mine explicit\n")
    os.write(writing, b'Authenticated to h ([1.2.3.4]:22) using "publickey".\n')
    os.write(writing, b"debug1: Server accepts key: /other ED25519 SHA256:other explicit\n" + b"noise\n" * 5000)
    os.close(writing)
    assert log.ended.wait(10)
    assert log.login() == ("publickey", "/k", "SHA256:mine")
    assert log.host_key() == ("ssh-ed25519", "SHA256:abc")
    assert log.words()[-1] == "noise" and len(log.lines()) <= 200


def test_link_leaves_a_word_on_its_transport(forced: Air) -> None:
    assert ask("/echo", b"x", "POST").body == b"x"
    choice = recorded("pro")
    assert choice is not None and choice.transport == "openssh" and "transport" in choice.why
    assert json.loads((Path(paths.link_dir("pro")) / "transport.json").read_text())["v"] == 1


# The command line, which nothing of the user's may bend


def test_arguments_leave_no_room() -> None:
    target = Target("pro", "pro", "me", 2222, "maw-runner", "/k", 0.3, "openssh")
    route = parse("pro", "hostname h\nuserknownhostsfile ~/.ssh/known_hosts\nstdinnull no\n")
    common = opensshargs.base(route, target, Terms(ping=0.2), ("~/.ssh/known_hosts", "/a b/known_hosts"))
    assert "BatchMode=yes" in common and "StrictHostKeyChecking=yes" in common and "StdinNull=no" in common
    assert 'UserKnownHostsFile=~/.ssh/known_hosts "/a b/known_hosts"' in common
    assert "ConnectTimeout=1" in common and "ServerAliveInterval=1" in common and "IdentitiesOnly=yes" in common
    assert "ForkAfterAuthentication=no" not in common  # this ssh does not know it
    assert opensshargs.alone(common, "-oProxyCommand=x", "c")[-3:] == ["--", "-oProxyCommand=x", "c"]
    assert "ControlPath=/a%%b" in opensshargs.shared("/a%b", "c")


def test_failed_probe_names_the_transport(forced: Air, sshd: Sshd) -> None:
    sshd.stop()
    report = probe(from_config(load(), "pro"))
    assert code(report) == "refused" and report.choice is not None and report.choice.transport == "openssh"
