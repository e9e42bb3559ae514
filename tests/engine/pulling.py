"""A model on a hub, and pulls of it that fail."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from maw import paths
from maw_remote.engine.sources import StoreError
from maw_remote.engine.store import Store
from tests.engine.ggufs import gguf
from tests.fixtures.hub import REPOSITORY

MODEL = gguf(size=1 << 20)


SHA256 = hashlib.sha256(MODEL).hexdigest()


HUB = f"hf:{REPOSITORY}"


COMMIT = "c0ffee" * 6 + "c0ff"


def quiet(*_: object) -> None:
    """A progress nobody looks at."""


def folder(name: str = "tiny") -> Path:
    return Path(paths.model_dir()) / ".pulls" / name


def half() -> int:
    """Bytes of an interrupted pull that wait for the rest."""
    return Store().partials().get("tiny", 0)


def refused(source: str, **entry: str | int) -> StoreError:
    """The error of a pull that has to fail; nothing counts as a model afterwards."""
    if entry:
        lines = "".join(f"{key} = {json.dumps(value)}\n" for key, value in entry.items())
        Path(paths.catalogue_file()).write_text(f"[models.tiny]\nsource = {json.dumps(source)}\n{lines}")
    with pytest.raises(StoreError) as caught:
        Store().pull("tiny", source, quiet)
    assert Store().all_installed() == {}
    assert not list(Path(paths.model_dir()).glob("*.gguf"))
    assert "\n" not in caught.value.message
    assert caught.value.hint, "no next step"
    return caught.value
