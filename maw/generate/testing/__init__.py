"""Where a project has its tests, what they are written for, and what is asked to write more of them."""
