"""The embedded SSH endpoint, for machines without sshd: who may enter, through which door, to the gate only."""
