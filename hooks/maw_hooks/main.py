"""`maw-hook HOOK`: what the installed stubs and the hook frameworks start."""

from __future__ import annotations

import gc
import os
import signal
import sys

from maw_hooks import environment

BLOCKED = 91  # stub.sh knows it

HELP = """usage: maw-hook pre-commit | prepare-commit-msg FILE [SOURCE] | commit-msg FILE | post-commit | pre-push

Called by git, through the stubs that `maw hooks install` makes or through pre-commit and prek (.pre-commit-hooks.yaml).
  pre-commit   review what is about to be committed; exits 1 to block the commit
  prepare-commit-msg  put a message to begin with into FILE, where there is none yet; always exits 0
  commit-msg   hold the message in FILE against the change; exits 1 to block the commit (message.check)
  post-commit  record the outcome on the new commit; always exits 0
  pre-push     see that what leaves was reviewed, as push.require says; exits 1 to stop the push
MAW_SKIP=1 skips maw for one command. The settings are listed by `maw config list`; `maw docs hooks` tells the rest.
"""

# What a mistake of maw's own means for whoever called git.
_CONSEQUENCES = {
    "pre-commit": "; the commit goes unreviewed",
    "prepare-commit-msg": "; no message is suggested",
    "commit-msg": "; the message is not checked",
    "post-commit": "; no note was written for this commit",
    "pre-push": "; the push goes on",
}


def main(arguments: list[str] | None = None) -> int:
    """Run one hook; its exit code. A hook never fails because of maw's own mistakes."""
    arguments = sys.argv[1:] if arguments is None else arguments
    hook = arguments[0] if arguments else ""
    if hook in ("-h", "--help"):
        sys.stdout.write(HELP)
        return 0
    if hook not in _CONSEQUENCES:
        sys.stderr.write(HELP)
        return 2
    if hook != "post-commit" and _leave(hook):
        return 0
    for number in (signal.SIGTERM, signal.SIGHUP):  # a GUI's "cancel" and a closed terminal are a Ctrl-C
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler)
    return _run(hook, arguments[1:])


def from_stub(arguments: list[str]) -> None:
    """Run one hook and end the process, with BLOCKED where main says 1: a Python that cannot start says 1 as well.

    No collection of cycles and no tidying up at the end: that is 8 of some 45 ms for a process this short.
    """
    gc.disable()
    code = main(arguments)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (AttributeError, OSError):
            pass  # a GUI started us without it, or nobody listens
    os._exit(BLOCKED if code == 1 else code)


def _leave(hook: str) -> bool:
    if environment.in_ci() and not environment.skipped() and hook in ("pre-commit", "pre-push"):
        sys.stderr.write("maw: CI is set, so nothing is reviewed here\n")
    return environment.skipped() or environment.in_ci()


def _run(hook: str, arguments: list[str]) -> int:
    from maw.errors import INTERRUPTED, FatalError
    from maw_hooks.talk import Talk

    talk = Talk()
    try:
        if hook == "pre-commit":
            from maw_hooks import precommit

            return precommit.run(talk)
        if hook == "pre-push":
            from maw_hooks import prepush

            return prepush.run(talk, arguments)
        if hook == "prepare-commit-msg":
            from maw_hooks import preparemsg

            return preparemsg.run(arguments)
        if hook == "commit-msg":
            from maw_hooks import commitmsg

            return commitmsg.run(talk, arguments)
        from maw_hooks import postcommit

        return postcommit.run()
    except KeyboardInterrupt:
        talk.say("interrupted")
        return INTERRUPTED if hook != "post-commit" else 0
    except FatalError as exc:
        talk.say(exc.whole + _CONSEQUENCES[hook])
    except OSError as exc:
        talk.say(f"{exc.strerror or exc}: {exc.filename}{_CONSEQUENCES[hook]}")
    except Exception:  # noqa: BLE001 - a defect of maw must not keep anybody from committing
        talk.say(f"this is a defect in maw; please report it with {_report(hook)}{_CONSEQUENCES[hook]}")
    return 0


def _report(hook: str) -> str:
    """Where the report of the defect lies; its text where it cannot be written, which must block no commit either."""
    from maw import defect

    command = ["maw-hook", hook]
    try:
        return defect.write_report(command)
    except OSError as exc:
        return f"what follows ({exc.filename}: {exc.strerror})\n{defect.report(command)}"
