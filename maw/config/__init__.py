"""Configuration: defaults < user's file < repository's .maw.toml (trusted keys only) < MAW_* < flags.

`schema` lists every setting once; `load` reads the layers (standard library only: the hook path uses it);
`edit` writes files and needs tomli-w.
"""
