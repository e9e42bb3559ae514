"""Everything maw asks of git. `run` and `repo` are standard library only (hook path); `notes` needs pygit2."""
