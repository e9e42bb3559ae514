"""Code that a model writes, from what is asked to a diff that was checked (docs/generate.md).

`context` gathers what goes along, `request` is what leaves this machine, `redaction` takes secrets out of it, `ask`
sends it, `rounds` decides what follows from an answer, `trial` runs the user's command, `generation` ties these
together for whoever shows it: the CLI and the TUI.
"""
