"""The runner at work: tasks claimed, executed, followed and given up, and what it says of itself."""
