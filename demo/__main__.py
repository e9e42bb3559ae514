"""Play the demo: `python -m demo`."""

from __future__ import annotations

import signal
import sys
import time
from pathlib import Path

from demo import sample
from demo.stage import HERE, Failed, Role, read_json, say, stage, wait_for

MODEL = "smollm2-135m-instruct"
INTRO = f"""\
maw on one machine that plays two: `air` commits, `pro` reviews, and they talk over SSH on loopback.
All of it is real: hook, link, SSH, gate, queue, model, note. The model is a toy: {MODEL} has 135 million
parameters, fits into 100 MB and proves that the pipe works. What it finds is not worth reading.
Your own configuration, keys and known_hosts are not touched; state lies below /tmp and goes at the end."""
OUTRO = """\
That was the whole way. The repository is in {sample}, its notes with it; the model is in .demo/models.
Now for real, on the machine with the memory, in a clone:
  pipx install '.[runner]'
  maw model recommend    what fits its memory, and the commands that get it there
and on the one you type on, in a clone:
  pipx install .
  maw node add pro HOST && maw init --node pro
README.md says more."""


def main() -> int:
    """Play it; 0 when every step did what it should, 130 after Ctrl-C."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    began = time.monotonic()
    print(INTRO)
    try:
        with stage() as (air, pro):
            _play(air, pro)
            say("A clean stop of everything")
            _stop(air, pro)
    except Failed as exc:
        print(f"\nmake demo: {exc}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nmake demo: interrupted; everything it had started has ended", file=sys.stderr)
        return 130
    print("\n" + OUTRO.format(sample=HERE / "sample"))
    print(f"\n({time.monotonic() - began:.0f} s)")
    return 0


def _play(air: Role, pro: Role) -> None:
    say("The environment")
    air.run("maw", "--version")
    air.run("git", "--version")
    _serve(air, pro)
    _review(air)


def _serve(air: Role, pro: Role) -> None:
    say("The pro: a runner, and an SSH endpoint for it on loopback (a machine with sshd needs none)")
    pro.run("maw", "config", "set", "roles.manager", MODEL)
    pro.run("maw", "config", "set", "review.verify", "false")  # so small a model would take back whatever it had said
    pro.run("maw-runner", "start")
    pro.start("maw-runner", "serve", "--listen", "127.0.0.1:0")
    endpoint = wait_for("the SSH endpoint", lambda: read_json(pro.state / "runner" / "endpoint.json"))
    say("The air: a throw-away key for this node, whose host key is pinned; then the pro lets the key in")
    told = air.read(
        "maw", "node", "add", "demo", "127.0.0.1", "--port", str(endpoint["port"]), "--endpoint",
        "--host-key", endpoint["fingerprint"],
    )  # fmt: skip
    key = next(line for line in told.splitlines() if line.startswith("maw-runner keys add")).split("'")[1]
    pro.run("maw-runner", "keys", "add", key)
    air.run("maw", "node", "test", "demo")
    say("The model, asked for from the air, pulled and kept by the pro (the first time: 100 MB)")
    air.run("maw", "model", "pull", MODEL, "--node", "demo")


def _review(air: Role) -> None:
    say("A repository, and maw in it")
    path = sample.make(air)
    air.run("maw", "config", "set", "review.deadline", "120s")
    air.run("maw", "init", "--yes", "--node", "demo", cwd=path)
    say(
        "A change with a bug (no prices: division by zero), committed: the hook reviews it over SSH.\n"
        "# What the toy model says proves the pipe, not a reviewer"
    )
    sample.plant_bug(path)
    air.run("git", "diff", "--stat", cwd=path)
    if air.run("git", "commit", "-a", "-m", "Average price", cwd=path, may_fail=True):
        say(
            "The gate blocked it (review.block_at is error). Committed all the same; the review is recorded as bypassed"
        )
        air.run("git", "commit", "-a", "-n", "-m", "Average price", cwd=path)
    _remember(air, path)


def _remember(air: Role, path: Path) -> None:
    say("What is remembered: a git note on the commit, one line of JSON")
    wait_for("the note", lambda: air.quietly("git", "notes", "--ref=maw/review", "list", "HEAD", cwd=path).stdout)
    note = air.read("git", "notes", "--ref=maw/review", "show", "HEAD", cwd=path)
    if '"status":"reviewed"' not in note and '"status":"incomplete"' not in note:
        raise Failed("the commit was not reviewed; the lines above say why")
    say("The same for people")
    air.run("maw", "history", cwd=path)
    air.run("maw", "show", cwd=path)
    air.run("maw", "status", "--node", "demo", cwd=path)


def _stop(air: Role, pro: Role) -> None:
    air.run("maw", "uninstall", "--yes", "--state", cwd=HERE / "sample")
    pro.end()
    pro.run("maw-runner", "stop")


if __name__ == "__main__":
    sys.exit(main())
