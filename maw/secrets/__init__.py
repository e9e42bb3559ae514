"""Secrets in a change: their values are redacted before anything leaves this machine, and an added one is a finding.

`redact` walks a diff, `patterns` knows how secrets look (detect-secrets' plugins and some of ours), `judge` tells them
from hashes, placeholders and names, `blocks` finds private keys of many lines. The attendant and `maw review` use
them; hooks ask the attendant (maw.attendant.client.redact).
"""

MARK = "[redacted]"  # what stands in the place of a value
UNIT = "secrets"  # what findings about them give as the unit they were found in
