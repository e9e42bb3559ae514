"""The commands of `maw-runner`."""

from __future__ import annotations

import contextlib
import importlib
import os
from collections.abc import Iterator

import click

from maw import __version__, client, errors, paths, reach
from maw.cli.options import duration
from maw.cli.output import print_json, say
from maw.errors import FatalError, NodeError
from maw.extras import how_to_add
from maw_remote import control, logs

_ELSEWHERE = {
    "keys": ("maw_remote.endpoint.keys", "keys"),
    "install-service": ("maw_remote.service.commands", "install_service"),
    "uninstall-service": ("maw_remote.service.commands", "uninstall_service"),
}


class Runner(click.Group):
    """A group some of whose commands are imported only when they are asked for: starting needs nothing of theirs."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _ELSEWHERE:
            return super().get_command(ctx, cmd_name)
        module, command = _ELSEWHERE[cmd_name]
        found = getattr(importlib.import_module(module), command)
        assert isinstance(found, click.Command)
        return found

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*super().list_commands(ctx), *_ELSEWHERE]


@click.group(cls=Runner, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option(
    "--state-dir", metavar="DIR", help="Where the runner's state lies; must come first. [default: ~/.local/state/maw]"
)
@click.version_option(__version__, "--version", "-V", prog_name="maw-runner", message="%(prog)s %(version)s")
def runner(state_dir: str | None) -> None:
    """The runner: does the work that clients send, with models on this machine.

    \b
      maw-runner start                     start it in the background
      maw-runner status                    what it does right now
      maw-runner logs -f                   follow its log
      maw-runner restart                   stop it and start it again, e.g. after an upgrade
      maw-runner install-service           have systemd or launchd start it
      maw-runner serve --listen 127.0.0.1:7722    offer it over SSH without an sshd
    """
    if state_dir is not None:
        raise click.UsageError("--state-dir must come first and once: maw-runner --state-dir DIR COMMAND")


@runner.command()
@click.option("--foreground", is_flag=True, help="Stay in the foreground, and log to the terminal too.")
@click.option(
    "--idle-exit", callback=duration, metavar="DURATION", help="Leave after this long without work, e.g. 30m."
)
@click.option("--ready-fd", type=int, hidden=True)
@click.option("--quiet", is_flag=True, hidden=True, help="With --foreground: log into the file only.")
@click.option("--existing", is_flag=True, hidden=True, help="Only where the state directory is there (still).")
def start(foreground: bool, idle_exit: float | None, ready_fd: int | None, quiet: bool, existing: bool) -> int:
    """Start the runner; returns once it listens, also when one runs already.

    \b
      maw-runner start
      maw-runner start --foreground --idle-exit 30m
    """
    if foreground:
        return _be_the_runner(idle_exit, ready_fd, quiet=quiet, existing=existing)
    if existing:
        _must_exist()
    running = control.holder()
    if running is None or not control.listening():
        return _start(idle_exit)
    say(f"the runner runs already (pid {running})")
    return _tell_settings()


@runner.command()
def stop() -> int:
    """Stop the runner. What it was working on goes back into the queue."""
    say("the runner has stopped" if control.stop() else "no runner was running")
    return errors.PASS


@runner.command()
@click.option(
    "--idle-exit", callback=duration, metavar="DURATION", help="Leave after this long without work, e.g. 30m."
)
def restart(idle_exit: float | None) -> int:
    """Stop the runner, if one runs, and start it: after an upgrade, or when `maw-runner status` asks for it.

    What it was working on goes back into the queue. Other settings need no restart: they are read when the file
    changes.

    \b
      maw-runner restart
    """
    control.stop()
    return _start(idle_exit)


@runner.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object (`maw docs protocol`, Status).")
def status(as_json: bool) -> int:
    """Tell what the runner does right now; 4 when none runs."""
    if control.holder() is None or not control.listening():
        if as_json:
            print_json({"v": 1, "running": False})
        raise NodeError("no_runner", "no runner is running", hint="start it with `maw-runner start`")
    answer = client.request(reach.LOCAL, "GET", "/api/v1/status")
    if as_json:
        print_json({**answer, "running": True})
    else:
        from maw.statuslines import lines

        click.echo("\n".join(lines(answer)))
    return errors.PASS


@runner.command(hidden=True)
@click.option("--recommended", is_flag=True, help="Those that suit this machine: `GET /api/v1/models/recommended`.")
@click.option("--memory", type=click.FloatRange(0, 10_000, min_open=True), help="Or so much memory, in GB.")
def models(recommended: bool, memory: float | None) -> int:
    """Print what `GET /api/v1/models` would tell, without a runner: for `maw model list`."""
    import msgspec

    from maw import api
    from maw.config.load import load

    with _of_the_extra():
        from maw_remote.engine.choice import ChosenEngine
        from maw_remote.engine.local import make_engine
        from maw_remote.engine.openai.backend import ServerEngine
        from maw_remote.http.advice import recommendation
    config = load(strict=False)
    local = make_engine(config)
    if recommended:
        print_json(recommendation(local, memory))
        return errors.PASS
    found = ChosenEngine(local, ServerEngine(config)).models()
    click.echo(msgspec.json.encode(api.ModelList(models=found, problem=local.problem)).decode())
    return errors.PASS


@runner.command(name="logs")
@click.option("-f", "--follow", is_flag=True, help="Go on with new lines as they are written.")
@click.option("-n", "--lines", "count", type=click.IntRange(0), default=50, show_default=True, help="How many lines.")
def show_logs(follow: bool, count: int) -> int:
    """Print the runner's log (JSON Lines; it never holds code or model text)."""
    path = f"{paths.runner_dir()}/runner.log"
    for line in logs.tail(path, count):
        click.echo(line)
    if follow:
        for line in logs.follow(path):
            click.echo(line)
    return errors.PASS


@runner.command()
def connect() -> int:
    """Join standard input and output to the runner's socket; what SSH keys are restricted to."""
    from maw_remote import gate

    return gate.main()


@runner.command()
@click.option("--listen", metavar="HOST:PORT", required=True, help="Address to listen on; port 0 takes a free one.")
def serve(listen: str) -> int:
    """Offer the runner from an SSH endpoint of its own, where there is no sshd (keys: `maw-runner keys`).

    \b
      maw-runner serve --listen 127.0.0.1:7722
    """
    from maw_remote.endpoint.serve import serve as offer

    host, _, port = listen.rpartition(":")
    # An empty host would mean every interface: that has to be said, as 0.0.0.0.
    if not host or not port.isdigit() or int(port) > 65535:
        raise FatalError(f"not an address: {listen}", hint="give HOST:PORT, such as 127.0.0.1:7722")
    return offer(host.strip("[]"), int(port))


def _start(idle_exit: float | None) -> int:
    control.start([] if idle_exit is None else ["--idle-exit", str(idle_exit)])
    say(f"the runner listens on {paths.runner_socket()} (pid {control.holder()})")
    return _tell_settings()


def _tell_settings() -> int:
    """Say what the runner that runs could not take of its settings."""
    from maw.statuslines import settings_lines

    for line in settings_lines(client.request(reach.LOCAL, "GET", "/api/v1/status")):
        say(f"warning: {line}")
    return errors.PASS


def _must_exist() -> None:
    """Whoever started us had a state directory. Removed meanwhile, it shall stay gone."""
    if not os.path.isdir(paths.state_dir()):
        raise FatalError(f"the state directory was removed: {paths.state_dir()}", hint="start the runner again")


@contextlib.contextmanager
def _of_the_extra() -> Iterator[None]:
    """Around imports that a base install cannot do. Raises FatalError that names the extra."""
    try:
        yield
    except ModuleNotFoundError as exc:
        if (exc.name or "").partition(".")[0].startswith("maw"):
            raise
        raise FatalError(f"the runner needs {exc.name}, which is not installed", hint=how_to_add("runner")) from exc


def _be_the_runner(idle_exit: float | None, ready_fd: int | None, *, quiet: bool, existing: bool) -> int:
    with _of_the_extra():
        from maw_remote import daemon
    if existing:
        _must_exist()  # now: the imports took a second
    to_stderr = ready_fd is None and not quiet
    return daemon.run(daemon.main_program, idle_exit=idle_exit, ready_fd=ready_fd, to_stderr=to_stderr)
