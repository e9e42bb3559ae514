"""The job `message`: by an engine that plays, and with the real embedded model."""
