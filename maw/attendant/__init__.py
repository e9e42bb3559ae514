"""What must not delay a hook: the attendant writes notes from the spool and keeps the index fresh.

`pending`, `spool` and `client` are standard library only, for hooks; `writer` and `process` are the attendant's side.
"""
