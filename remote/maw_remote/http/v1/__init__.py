"""`/v1`: the node's models as OpenAI's clients expect them, for editors and scripts.

`requests` reads what clients send and refuses by name what cannot be done, `answers` makes what they get, `work` runs
an engine for one client, `routes` are the handlers, `errors` have OpenAI's form. Formats: OpenAI's API reference.
"""
