"""From a model's answer to the working tree: parse, match, diff, check, verify, apply, take back (docs/edits.md).

What a model wrote is data from a stranger. Each step either gives what was asked or raises Refused, and only
`apply` writes below the user's working tree. Standard library and the git command line only.
"""
