"""The terminal UI: one more client of the runner's API and of the notes' index."""
