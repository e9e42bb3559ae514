"""The Textual app: browses queue and history."""
