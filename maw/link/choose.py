"""Which transport a node needs: paramiko unless ssh's configuration asks for what paramiko cannot do.

Pure: what `ssh -G` printed and what is known of the host go in, the reason for OpenSSH's client comes out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

Options = Mapping[str, tuple[str, ...]]

# What paramiko 4 and 5 speak; a test compares. A host or a configuration without any of these is out of its reach.
SPOKEN = {
    "ciphers": frozenset(
        {"aes128-ctr", "aes192-ctr", "aes256-ctr", "aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "3des-cbc"}
        | {"aes128-cbc", "aes192-cbc", "aes256-cbc"}
    ),
    "kexalgorithms": frozenset(
        {"curve25519-sha256@libssh.org", "ecdh-sha2-nistp256", "ecdh-sha2-nistp384", "ecdh-sha2-nistp521"}
        | {"diffie-hellman-group16-sha512", "diffie-hellman-group-exchange-sha256", "diffie-hellman-group14-sha256"}
    ),
    "hostkeyalgorithms": frozenset(
        {"ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521"}
        | {"rsa-sha2-512", "rsa-sha2-256"}
    ),
}
# Set to anything but these words, an option asks for something of its own.
_UNSET = frozenset({"", "none", "no", "false", "any"})
# For every connection: option, and what to say of it.
_HOST_OPTIONS = {
    "proxyusefdpass": "ProxyUseFdpass",
    "knownhostscommand": "KnownHostsCommand",
    "revokedhostkeys": "RevokedHostKeys",
    "verifyhostkeydns": "VerifyHostKeyDNS",
    "addressfamily": "AddressFamily",
    "bindaddress": "BindAddress",
    "bindinterface": "BindInterface",
}
# Only where the user's own ways to log in are tried, since maw's key needs none of them. (GSSAPIAuthentication is on
# by default on Debian: it is no reason before paramiko has failed.)
_LOGIN_OPTIONS = {
    "pkcs11provider": "PKCS11Provider",
    "hostbasedauthentication": "HostbasedAuthentication",
}


def why_openssh(
    options: Options, *, identity: str | None, authority: str | None, is_hardware_key: Callable[[str], bool]
) -> str | None:
    """The reason for OpenSSH's client in a few words, None where paramiko does.

    `identity` is the one key to offer, None for whatever ssh would offer; `authority` names the file and line of an
    @cert-authority for the host; `is_hardware_key` tells of a private key's path whether it lives in hardware.
    """
    if authority is not None:
        return f"{authority} trusts host certificates"
    for option, name in _HOST_OPTIONS.items():
        if _is_set(options, option):
            return f"ssh's configuration sets {name}"
    for option, ours in SPOKEN.items():
        theirs = {name for value in options.get(option, ()) for name in value.split(",")}
        if theirs and not theirs & ours:
            return f"ssh's configuration allows none of paramiko's {option}"
    return _of_login(options, identity, is_hardware_key)


def _of_login(options: Options, identity: str | None, is_hardware_key: Callable[[str], bool]) -> str | None:
    identities = (identity,) if identity is not None else options.get("identityfile", ())
    beside = {f"{path}-cert.pub" for path in identities}  # paramiko finds these by itself
    if any(_word(path) and path not in beside for path in options.get("certificatefile", ())):
        return "ssh's configuration sets CertificateFile"
    for path in identities:
        if is_hardware_key(path):
            return f"{path} is a hardware key"
    for option, name in _LOGIN_OPTIONS.items():
        if identity is None and _is_set(options, option):
            return f"ssh's configuration sets {name}"
    return None


def _is_set(options: Options, option: str) -> bool:
    return any(_word(value) for value in options.get(option, ()))


def _word(value: str) -> bool:
    return value.lower() not in _UNSET
