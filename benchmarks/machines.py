"""An Air and a Pro on this machine: a real sshd and the gate on one side, a node `pro` on the other.

Both use one state directory, so that `pro` and `local` are the same runner: by the link, and on its socket.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from maw import paths
from maw.link import control
from tests.fixtures.ssh import Air, Pro, Sshd

MODEL = "smollm2-135m-instruct"


@contextmanager
def air_and_pro(settings: str = "") -> Iterator[None]:
    """They run for a block, below the benchmark's home; the runner is the caller's. Needs OpenSSH's sshd.

    `settings` goes into the user's file.
    """
    home = Path(os.environ["HOME"])
    _wrap_ssh(home)
    pro = Pro(home / "pro")
    pro.state = Path(paths.make_private_dir(paths.state_dir()))
    pro.env["MAW_STATE_DIR"] = str(pro.state)
    sshd = Sshd(home / "sshd", pro)
    sshd.start()
    try:
        air = Air(home, sshd)
        sshd.authorize(air.public_key)
        air.trust()
        air.write_config(top=settings)
        yield
    finally:
        control.stop("pro")
        sshd.stop()


def _wrap_ssh(home: Path) -> None:
    """ssh reads the configuration of the password file's home; this one's is put in its way."""
    wrapper = home / "bin" / "ssh"
    wrapper.parent.mkdir(parents=True)
    wrapper.write_text(f'#!/bin/sh\nexec {shutil.which("ssh")} -F {home}/.ssh/config "$@"\n')
    wrapper.chmod(0o755)
    (home / ".ssh").mkdir(mode=0o700)
    os.environ["PATH"] = f"{wrapper.parent}:{os.environ['PATH']}"


def install_model() -> str:
    """Install the embedded model by reference; its file, from the cache that the tests use, too."""
    from maw_remote.engine.store import Store

    cache = Store(os.path.join(os.environ["REAL_HOME"], ".cache", "maw-tests", "models"))
    found = cache.installed(MODEL)
    if found is None or not Path(found.path).exists():
        found = cache.pull(MODEL, None, lambda *_: None)
    Store().pull(MODEL, f"path:{found.path}", lambda *_: None)
    return found.path
