"""Commit messages: how a repository writes them, what is asked of a model, and the file that git's editor opens."""
