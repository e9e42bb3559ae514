"""The link: a small process that owns the SSH connections to one node and makes its runner's socket local.

`python -m maw.link NODE` is started by maw.reach when somebody needs the node. It copies bytes, knows no HTTP and
keeps no state, so it can be killed at any time: the next client starts a new one.
"""
