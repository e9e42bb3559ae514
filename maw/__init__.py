"""maw: git-native AI review by your own machines. What both sides share, and the CLI."""

__version__ = "0.1.0"
