"""Everything maw asks of git. `run` and `repo` are standard library only (hook path); `store`, `notes` need pygit2."""
