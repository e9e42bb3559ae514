"""Who this runner is: a node id for good, a boot id for each start, a profile for each kind of task."""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Mapping

from maw import __version__, files, protocol
from maw_remote.engine.interface import Engine
from maw_remote.jobs.interface import Job, Json

FEATURES = ["tasks", "events", "models", "warm"]


def node_id(directory: str) -> str:
    """This state directory's id, made at its first use: 16 hex digits."""
    path = os.path.join(directory, "node_id")
    known = (files.read_optional(path) or b"").decode("ascii", "replace").strip()
    if len(known) == 16:
        return known
    made = secrets.token_hex(8)
    files.write_atomic(path, made.encode("ascii") + b"\n", durable=True)
    return made


def profile(job: Job, engine: Engine, models: Mapping[str, str]) -> str:
    """16 hex digits over what determines a kind's answers besides the payload: the model as it is, and the recipe."""
    identity = engine.identity(models[job.ROLE]).encode()
    return hashlib.sha256(b"%d:%b%b" % (len(identity), identity, job.recipe())).hexdigest()[:16]


def key(kind: str, profile_hash: str, job: Job, payload: Json) -> str:
    """What makes two submits the same work."""
    digest = hashlib.sha256(f"{kind}\0{profile_hash}\0".encode())
    digest.update(job.fingerprint(payload))
    return digest.hexdigest()


class Hello:
    """The runner's introduction, and the file in which `maw-runner connect` finds it without importing a thing."""

    def __init__(self, directory: str, jobs: Mapping[str, Job], engine: Engine, models: Mapping[str, str]) -> None:
        self._path = os.path.join(directory, "hello.json")
        self._jobs, self._engine, self.models = jobs, engine, models
        self._node_id = node_id(directory)
        self.boot_id = secrets.token_hex(8)
        self.message: protocol.Json = {}

    def refresh(self) -> None:
        """Compute the profiles anew; write the file when they changed (models come and go)."""
        profiles = {kind: profile(job, self._engine, self.models) for kind, job in self._jobs.items()}
        message = protocol.hello(__version__, self._node_id, self.boot_id, FEATURES, profiles)
        if message != self.message:
            files.write_atomic(self._path, protocol.line(message))
            self.message = message

    def remove(self) -> None:
        """The runner leaves."""
        if files.read_optional(self._path) == protocol.line(self.message):
            os.unlink(self._path)
