"""The job `changelog`."""
