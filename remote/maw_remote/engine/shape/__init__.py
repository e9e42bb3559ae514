"""A program (engine/program.py) for servers that can only be asked: as a grammar or a JSON schema on the way out, and
through strict parsers on the way back. `jsonschema` and `gbnf` also serve the runner's own /v1. Pure: no I/O."""
