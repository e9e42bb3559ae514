"""The seam between the link and SSH: what a connection and its channels offer, whoever speaks SSH for us.

Two do: paramiko inside this process (transport.py) and OpenSSH's client as child processes (openssh.py). Pool, Lane,
Splice and the probe know these three and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any, Protocol

from maw.link.resolve import Route


class Flow(Protocol):
    """A channel as an event loop sees it. Made in that loop, and used there only."""

    async def receive(self) -> bytes:
        """The next bytes, b'' at the end."""

    async def send(self, data: bytes) -> None:
        """Send it all. Raises OSError when nobody takes it."""

    async def finish(self) -> None:
        """Tell the other side that no more will come."""

    async def abandon(self) -> None:
        """Hang up: nobody wants the answer any more."""


class Channel(Protocol):
    """One duplex byte stream to a command on the node. All of it blocks, but for `ended`."""

    def settimeout(self, seconds: float | None) -> None:
        """How long `recv` and `sendall` may take before they raise TimeoutError."""

    def recv(self, size: int) -> bytes:
        """Up to `size` bytes, b'' at the end. Raises OSError."""

    def sendall(self, data: bytes) -> None:
        """Raises OSError."""

    def ended(self) -> bool:
        """Whether the other side has hung up; bytes it sent before may still wait."""

    def complaint(self) -> str:
        """The last line the command wrote to stderr, once it has ended; '' when it said nothing."""

    def flow(self, executor: Executor) -> Flow:
        """The same channel for the running event loop; what has to block goes to `executor`."""

    def close(self) -> None: ...


class Connection(Protocol):
    """A logged-in connection to a node. `key` is the paramiko key that was let in, if paramiko knows; `note` what a
    person should know of this connection, or ''."""

    @property
    def route(self) -> Route: ...

    @property
    def key(self) -> Any: ...

    @property
    def note(self) -> str: ...

    @property
    def host_key_type(self) -> str: ...

    def open(self, command: str, give_up: float) -> Channel:
        """Run `command` there, trying again until `give_up` (monotonic) while sessions are short. Raises NodeError."""

    def alive(self) -> bool: ...

    def watch(self, lost: Callable[[], None]) -> None:
        """Have `lost` called once, from some thread, when the connection has ended or fell silent."""

    def close(self) -> None: ...
