"""The job `pr`."""
