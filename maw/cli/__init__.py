"""The `maw` command line: one file a command group, imported when its command runs."""
