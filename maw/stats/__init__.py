"""Statistics of what is recorded: `gather` counts them, `export` and `chart` put them into other programs' forms."""

GROUPS = ("week", "category", "severity", "author", "model", "path")  # by which everything is told, too
