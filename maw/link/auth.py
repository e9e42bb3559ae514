"""Prove who we are: maw's own key offered first and alone, else what ssh would offer.

An unrestricted key of the agent would win over the restricted one, so with a key of its own maw offers no other.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from maw.errors import NodeError
from maw.link.hostkeys import fingerprint
from maw.link.lib import paramiko
from maw.link.resolve import Route
from maw.link.target import Target
from maw.link.terms import AUTH_TIMEOUT, Ask, Beyond, Terms

_ENVIRONMENT = threading.Lock()  # two lanes log in at once, and the environment is the process's


def authenticate(transport: Any, route: Route, *, target: Target, terms: Terms) -> Any:
    """Log in by public key; the key that was taken. Raises NodeError `auth_failed`, Beyond where ssh may know a way."""
    tried: list[str] = []
    for name, key in _candidates(route, target.identity, terms, tried):
        try:
            left = transport.auth_publickey(route.user, key)
        except paramiko.AuthenticationException as exc:
            if "timeout" in str(exc).lower():  # the one way paramiko tells it
                raise _silent(route) from exc
            tried.append(f"{name} ({fingerprint(key.asbytes())[:19]}…): refused")
            continue
        except (paramiko.SSHException, EOFError, OSError) as exc:
            raise _failed(route, target, [*tried, f"{name}: {exc or 'the host hung up'}"]) from exc
        if not left:
            return key
        tried.append(f"{name}: taken, but the host also wants {', '.join(left)}")
    error = _failed(route, target, tried)
    why = _why_openssh(transport, route, target, terms)
    raise Beyond(error, why) if why else error


def _why_openssh(transport: Any, route: Route, target: Target, terms: Terms) -> str | None:
    if terms.keys is not None:
        return None
    if _lets_anyone_in(transport, route.user):
        return "the host lets in without a key, which paramiko's login by key does not ask for"
    return "paramiko had no key that the host takes, and ssh may know other ways" if target.identity is None else None


def _lets_anyone_in(transport: Any, user: str) -> bool:
    """Whether `none` is a way to log in, as with Tailscale SSH."""
    try:
        return not transport.auth_none(user)
    except (paramiko.SSHException, EOFError, OSError):
        return False


def load(path: str, ask: Ask | None) -> Any:
    """The private key in `path`. Raises NodeError `auth_failed` when it cannot be used."""
    try:
        return paramiko.PKey.from_path(path)
    except (paramiko.PasswordRequiredException, TypeError):  # TypeError: cryptography's word for a missing passphrase
        return _unlock(path, ask)
    except (OSError, ValueError, paramiko.SSHException, paramiko.pkey.UnknownKeyType) as exc:
        raise NodeError(
            "auth_failed",
            f"cannot read the key {path}: {exc}",
            hint="`maw node add` makes a new one; `nodes.NAME.identity` names another",
        ) from exc


def _unlock(path: str, ask: Ask | None) -> Any:
    secret = ask.passphrase(path) if ask is not None else None
    if not secret:
        raise NodeError("auth_failed", f"the key {path} has a passphrase", hint=f"`ssh-add {path}` unlocks it")
    try:
        return paramiko.PKey.from_path(path, secret.encode())
    except (ValueError, paramiko.SSHException) as exc:
        raise NodeError(
            "auth_failed",
            f"that passphrase does not open {path}",
            hint=f"`ssh-keygen -y -f {path}` tells whether one does",
        ) from exc


def _candidates(route: Route, identity: str | None, terms: Terms, tried: list[str]) -> Iterator[tuple[str, Any]]:
    """Keys to offer, one after the other; those that cannot be read are told in `tried`."""
    if terms.keys is not None:
        yield from (("the unlocked key", key) for key in terms.keys)
        return
    if identity is not None:
        yield from _from_file_or_agent(route, identity, terms.ask, tried)
        return
    yield from _agent_keys(route, _public_blobs(route.identity_files) if route.identities_only else None)
    for path in route.identity_files:
        if os.path.exists(path):  # ssh's defaults list files that few people have
            yield from _from_file(path, terms.ask, tried)


def _from_file(path: str, ask: Ask | None, tried: list[str]) -> Iterator[tuple[str, Any]]:
    try:
        yield path, load(path, ask)
    except NodeError as exc:
        tried.append(exc.message)


def _from_file_or_agent(route: Route, path: str, ask: Ask | None, tried: list[str]) -> Iterator[tuple[str, Any]]:
    """One key: from its file, from the agent where the file is locked, and then with a person's help."""
    try:
        yield path, load(path, None)
        return
    except NodeError:
        held = False
    for pair in _agent_keys(route, _public_blobs((path,))):
        held = True
        yield pair
    if not held:
        yield from _from_file(path, ask, tried)


def _agent_keys(route: Route, only: set[bytes] | None) -> Iterator[tuple[str, Any]]:
    """The agent's keys, or those of `only`."""
    if route.agent is None:
        return
    with _agent_socket(route.agent):
        try:
            agent = paramiko.Agent()
            found = [key for key in agent.get_keys() if only is None or key.asbytes() in only]
        except (paramiko.SSHException, OSError):
            return
    try:
        for key in found:
            yield f"ssh-agent's {key.get_name()}", key
    finally:
        agent.close()


def _public_blobs(private_files: tuple[str, ...]) -> set[bytes]:
    blobs = set()
    for path in private_files:
        try:
            blobs.add(paramiko.pkey.PublicBlob.from_file(path + ".pub").key_blob)
        except (OSError, ValueError):
            continue
    return blobs


@contextmanager
def _agent_socket(path: str) -> Iterator[None]:
    """paramiko looks for the agent in the environment only; one thread at a time has it there."""
    with _ENVIRONMENT:
        before = os.environ.get("SSH_AUTH_SOCK")
        os.environ["SSH_AUTH_SOCK"] = path
        try:
            yield
        finally:
            if before is None:
                del os.environ["SSH_AUTH_SOCK"]
            else:
                os.environ["SSH_AUTH_SOCK"] = before


def _silent(route: Route) -> NodeError:
    return NodeError(
        "timeout",
        f"{route.where} did not answer within {AUTH_TIMEOUT:g} s whether our key is let in",
        hint=f"is it overloaded? Try `ssh {route.host}`",
    )


def _failed(route: Route, target: Target, tried: list[str]) -> NodeError:
    node = target.node
    what = "; ".join(tried) or "no key to offer"
    locked = any("passphrase" in part for part in tried)
    if locked:
        hint = f"load it into ssh-agent with `ssh-add`, or run `maw connect {node}`, which asks for the passphrase"
    elif target.endpoint:
        hint = f"`maw-runner keys add` on {route.host} lets maw's key in; `maw node add {node} {route.host} "
        hint += "--endpoint` prints the whole line"
    elif target.identity is not None:
        hint = f"`maw node add {node} {route.host}` installs maw's key there again"
    else:
        hint = f"does `ssh {route.host}` work? `maw node add {node} {route.host}` makes and installs a key for maw"
    return NodeError("auth_failed", f"{route.user}@{route.where} let none of our keys in: {what}", hint=hint)
