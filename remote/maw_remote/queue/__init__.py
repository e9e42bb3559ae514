"""The durable queue: one SQLite file in WAL mode, opened by the runner alone.

`schema` has the tables and their migrations, `database` opens the file, and the class `store.Queue` is put together
from one file a concern: `intake` (submit, join, cancel), `leases` (claim, heartbeat, finish), `eventlog`,
`reading`, `upkeep` (reap, retention). Everything is synchronous and belongs to one thread.
"""
