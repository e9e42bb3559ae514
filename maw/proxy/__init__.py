"""`maw proxy`: the node's /v1 on a loopback port, for editors that know no unix sockets and no SSH.

`head` decides what may pass (pure), `token` keeps the secret, `serve` listens and copies."""
