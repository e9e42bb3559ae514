"""What commits tell: a branch for its reviewers, and a project's users in its change log."""
