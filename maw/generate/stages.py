"""What goes on while somebody waits, in words, by the kind of what a node and a round's steps tell."""

from __future__ import annotations

STAGES = {
    "waiting": "waiting for the node", "loading": "loading the model", "plan": "reading what goes along",
    "asking": "asking the node", "verifying": "trying the change", "checking": "running the command as it is",
    "restarted": "starting over",
}  # fmt: skip
