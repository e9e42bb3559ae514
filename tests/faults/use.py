"""maw as it is used on a day, a bad one: two machines, a commit, bad requests, a killed worker and a killed runner.

What must not turn up in a log carries SECRET: changes, a path, a message, a rule, a token, requests that are refused.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

from maw import client, files, paths, reach, wire
from maw.attendant import client as attendant
from maw.errors import ApiError, FatalError, NodeError
from maw.git.repo import discover
from maw.link import control
from maw_hooks import install
from tests.engine.ggufs import KEYS, gguf, write
from tests.fixtures.git import make_repository
from tests.fixtures.model import EmbeddedModel
from tests.fixtures.ssh import USER, Air, Endpoint, Pro, make_key
from tests.fixtures.waiting import eventually

SECRET = "zqsecret7"
TOKEN = f"hf_{SECRET}token"
CODE = f'def key():\n    return "AKIA{SECRET}"  # {SECRET}\n'
SETTINGS = f"""
node = "pro"
[review]
deadline = "60s"
block_at = "critical"
[[review.rules]]
text = "No {SECRET} in code."
"""


class Day:
    """A user of the node `pro`, whose runner is the real one with the tests' model."""

    def __init__(self, air: Air, pro: Pro, model: EmbeddedModel) -> None:
        self.air, self.pro, self.model = air, pro, model
        self.air_state = Path(paths.state_dir())
        self.path = air.home / "work"

    def go(self) -> None:
        self._set_up()
        self._commit()
        self._look()
        self._bad_requests()
        self._worker_is_killed()
        self._runner_is_killed()
        self._broken_model()
        self._defect()
        self._endpoint()

    def leave(self) -> None:
        """End what runs."""
        attendant.ask({"v": 1, "op": "stop"})
        control.stop("pro")
        self._runner("stop")

    def maw(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "maw", *arguments], cwd=self.path, env=os.environ | environment, text=True,
            stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=120,
        )  # fmt: skip

    def _runner(self, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        command = [sys.executable, "-m", "maw_remote", *arguments]
        return subprocess.run(command, env=self.pro.env, capture_output=True, check=False, timeout=60)

    def _set_up(self) -> None:
        """A node with a model; a user who can log in to it, adds it, and has hooks in a repository."""
        self.pro.env |= {"HF_TOKEN": TOKEN, "MAW_CONFIG": ""}
        self.pro.write_runner(f"export HF_TOKEN={TOKEN}\nexec {sys.executable} -m maw_remote connect")
        config = self.pro.home / ".config" / "maw" / "config.toml"
        config.parent.mkdir(parents=True)
        config.write_text(f'roles.manager = "{self.model.name}"\nrunner.threads = 1\n')
        pull = "import sys; from maw_remote.engine.store import Store; Store().pull(sys.argv[1], sys.argv[2], print)"
        words = [sys.executable, "-c", pull, self.model.name, f"path:{self.model.path}"]
        subprocess.run(words, env=self.pro.env, check=True, capture_output=True)
        own, sshd = self.air.home / "id_user", self.air.sshd
        sshd.authorized_keys.write_text(f"{make_key(own)} me@air\n")
        with open(self.air.ssh_config, "a") as file:
            file.write(f"Host pro\n  HostName 127.0.0.1\n  Port {sshd.port}\n  User {USER}\n  IdentityFile {own}\n")
        Path(paths.config_file()).write_text(SETTINGS)
        repository = make_repository(self.path)
        repository.commit("first", readme__md="hello\n")
        added = self.maw("node", "add", "pro", "pro", "--yes")
        assert added.returncode == 0, added
        install.install(discover(str(self.path)))
        spool = self.path / ".git" / "maw" / "spool"
        spool.mkdir(parents=True, mode=0o700)
        (spool / "odd.json").write_text(json.dumps({"v": 1, "commit": "0" * 40, "kind": SECRET, "record": {SECRET: 1}}))
        (spool / "noise.json").write_text(SECRET)

    def _git(self, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(["git", *arguments], cwd=self.path, capture_output=True, check=False, timeout=120)

    def _commit(self) -> None:
        (self.path / f"{SECRET}.py").write_text(CODE)
        self._git("add", "-A")
        done = self._git("commit", "-m", f"about {SECRET}")
        if done.returncode:  # the tiny model may well say critical
            self._git("commit", "-n", "-m", f"about {SECRET}")
        notes = ["notes", "--ref=maw/review", "show", "HEAD"]
        record = eventually(lambda: self._git(*notes).stdout, bool, 60)
        assert json.loads(record)["status"] in ("reviewed", "unreviewed"), done

    def _look(self) -> None:
        for words in ("history", "show HEAD", "status", "queue list", "doctor", "model list", "node test pro"):
            done = self.maw(*words.split())
            assert "defect" not in done.stderr, done

    def _bad_requests(self) -> None:
        """One of each kind that is refused, over the link."""
        bodies = [
            {"kind": SECRET, "payload": {}}, {"kind": "review", "payload": {"v": 1, "diff": SECRET + "!"}},
            {"kind": "review", "payload": {"v": 1, "rules": SECRET}}, {"kind": "review", "payload": SECRET},
        ]  # fmt: skip
        for body in bodies:
            with contextlib.suppress(ApiError):
                client.request("pro", "POST", "/api/v1/tasks", body)
        for method, path, raw in (
            ("GET", f"/api/v1/{SECRET}", b""), ("POST", "/api/v1/tasks", b'{"kind": "' + SECRET.encode()),
            ("POST", "/api/v1/tasks", SECRET.encode() + b"\xff"), ("POST", f"/api/v1/models/{SECRET}/load", b"{}"),
        ):  # fmt: skip
            connection = reach.connect("pro")
            with connection.sock as sock:
                wire.send_request(sock, method, path, raw)
                assert wire.read_response(connection.reader).status in (400, 404)
        no_patch = self._submit(f"+{SECRET}\n")
        assert self._ended(no_patch)["state"] == "failed"

    def _submit(self, diff: str, **more: Any) -> str:
        encoded = base64.b64encode(diff.encode()).decode()
        payload = {"v": 1, "title": "a change", "diff": encoded, "rules": [{"text": f"no {SECRET}"}], **more}
        return str(client.submit("pro", {"kind": "review", "payload": payload, "keep": True})["id"])

    def _task(self, task: str) -> dict[str, Any]:
        answer: dict[str, Any] = client.request("pro", "GET", f"/api/v1/tasks/{task}", timeout=60)
        return answer

    def _ended(self, task: str) -> dict[str, Any]:
        return eventually(lambda: self._task(task), lambda found: found["state"] in client.TERMINAL, 120)

    def _long(self, number: int) -> str:
        lines = "".join(f"+value_{number}_{line} = '{SECRET} {line}'\n" for line in range(40))
        return f"diff --git a/l.py b/l.py\nnew file mode 100644\n--- /dev/null\n+++ b/l.py\n@@ -0,0 +1,40 @@\n{lines}"

    def _pid(self) -> int:
        pid = files.lock_holder(str(self.pro.state / "runner" / "lock"))
        assert pid is not None
        return pid

    def _worker_is_killed(self) -> None:
        """The task is begun again, which is enough: its end is not waited for."""
        task = self._submit(self._long(1))
        os.kill(eventually(lambda: self._busy_worker(task)), signal.SIGKILL)
        eventually(lambda: self._task(task), lambda found: found["attempt"] > 1, 60)
        self._call_off(task)

    def _call_off(self, task: str) -> None:
        client.request("pro", "DELETE", f"/api/v1/tasks/{task}?force=true", timeout=60)
        self._ended(task)

    def _busy_worker(self, task: str) -> int | None:
        """The worker's pid while the task runs."""
        if self._task(task)["state"] != "running":
            return None
        children = [child for child in psutil.Process(self._pid()).children() if "worker" in " ".join(child.cmdline())]
        return children[0].pid if children else None

    def _runner_is_killed(self) -> None:
        task = self._submit(self._long(2))
        eventually(lambda: self._busy_worker(task))
        os.kill(self._pid(), signal.SIGKILL)

        def known() -> bool:
            try:
                return bool(self._task(task))
            except FatalError:  # until the gate has started another one
                return False

        eventually(known, timeout=60)
        self._call_off(task)

    def _broken_model(self) -> None:
        """Its header is whole; llama.cpp tells at length why it cannot load it."""
        broken = write(self.pro.home / "broken.gguf", gguf(KEYS | {"tokenizer.chat_template": SECRET}))
        self.maw("model", "pull", "broken", "--from", f"path:{broken}")
        with pytest.raises(ApiError, match="cannot be loaded"):
            client.request("pro", "POST", "/api/v1/models/broken/load", {}, timeout=60)

    def _defect(self) -> None:
        """A mistake of maw's own, whose message quotes what it worked on."""
        command = (
            "import sys, click; from maw.cli.failure import run\n"
            "def act(word): {'a': 1}[word]\n"
            "sys.exit(run(click.command('thing')(click.argument('word')(act)), sys.argv[1:]))\n"
        )
        done = subprocess.run([sys.executable, "-c", command, SECRET], capture_output=True, check=False, timeout=60)
        assert done.returncode == 70, done

    def _endpoint(self) -> None:
        """A machine without sshd: the embedded endpoint, before a key is let in and afterwards."""
        control.stop("pro")
        home = self.air.home / "other"
        home.mkdir()
        server = Endpoint(home, self.pro)
        try:
            server.write_config()
            server.trust()
            with pytest.raises(NodeError):
                reach.connect("pro", timeout=20)
            server.authorize()
            control.stop("pro")
            reach.connect("pro", timeout=20).sock.close()
        finally:
            server.stop()
