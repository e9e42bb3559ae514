"""A map of a repository: what it defines, who refers to it, and what of that matters, within a budget of tokens."""
