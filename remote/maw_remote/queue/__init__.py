"""The durable queue: one SQLite file in WAL mode, opened by the runner alone.

`schema` has the tables and their migrations, `database` opens the file, `records` says what goes in and comes out.
The class `store.Queue` (retention, closing) stands on `base` and is put together from one file a concern: `intake`
(submit, join, cancel), `leases` (claim, heartbeat, finish, reap) and `reading`. Everything is synchronous and belongs
to one thread.
"""
