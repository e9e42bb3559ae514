"""Which addresses count as one's own."""

from __future__ import annotations

import pytest

from maw.network import host, is_private


@pytest.mark.parametrize(
    ("name", "private"),
    [
        ("localhost", True), ("127.0.0.1", True), ("::1", True), ("192.168.1.5", True), ("10.0.0.1", True),
        ("172.16.0.9", True), ("169.254.3.4", True), ("100.64.1.1", True), ("fe80::1", True), ("fd00::1", True),
        ("8.8.8.8", False), ("2606:4700::1111", False), ("::ffff:8.8.8.8", False), ("100.128.0.1", False),
        ("0.0.0.0", False), ("172.32.0.1", False), ("name.invalid", True),
    ],
)  # fmt: skip
def test_addresses(name: str, private: bool) -> None:
    assert is_private(name) is private


@pytest.mark.parametrize(
    ("url", "name"),
    [("http://127.0.0.1:11434/v1", "127.0.0.1"), ("https://[::1]:8/v1", "::1"), ("http://gpu.lan/v1", "gpu.lan")],
)
def test_hosts(url: str, name: str) -> None:
    assert host(url) == name
