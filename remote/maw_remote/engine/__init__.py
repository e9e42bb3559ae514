"""Models: where they come from, what they need, and the worker processes that run them."""
