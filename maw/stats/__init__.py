"""Statistics of what is recorded: `gather` counts them, `export` and `chart` put them into other programs' forms."""
