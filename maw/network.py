"""Whether an address is one's own: this machine, or a private network."""

from __future__ import annotations

import ipaddress
import socket
from urllib.parse import urlsplit

_LOCAL_NAMES = ("localhost", "localhost.localdomain")
# What Tailscale and carriers give out; it is not routed on the internet.
_SHARED = ipaddress.ip_network("100.64.0.0/10")


def host(url: str) -> str:
    return urlsplit(url).hostname or ""


def is_private(name: str) -> bool:
    """Whether all addresses of a host are loopback, private or link-local. Blocks while a name is resolved; one that
    has no address counts as private: nothing can be sent there."""
    if name in _LOCAL_NAMES:
        return True
    try:
        return _private(name)
    except ValueError:
        pass
    try:
        found = {str(info[4][0]) for info in socket.getaddrinfo(name, None)}
    except (OSError, UnicodeError):
        return True
    return all(_private(address.partition("%")[0]) for address in found)


def _private(text: str) -> bool:
    """Raises ValueError for what is no address."""
    address = ipaddress.ip_address(text)
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    shared = isinstance(address, ipaddress.IPv4Address) and address in _SHARED
    return (address.is_private or address.is_link_local or shared) and not address.is_unspecified
